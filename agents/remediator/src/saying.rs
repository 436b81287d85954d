//! What is said of findings: a plan proposed, a person asked.

use bus_schema::{
    Escalated, Generation, IntentState, Origin, Plan, PlanProposed, Remedy, StackState,
};
use runtime::{HandleError, Outbox};
use tracing::Instrument;

use crate::agent::Remediator;
use crate::course::Course;
use crate::evaluation::{Open, origin_of};
use crate::repair::{self, Case, Seen};

impl Remediator {
    /// Asks a person about a finding, once.
    pub(crate) async fn ask(
        &self,
        state: &StackState,
        seen: &Seen,
        open: &mut Open,
        outbox: &Outbox,
    ) -> Result<(), HandleError> {
        let mut plan = None;
        let reason = match &open.course {
            Course::Ask(reason) => reason.clone(),
            Course::Propose(course) => {
                let remedy = Remedy {
                    findings: vec![open.finding.id.clone()],
                    attempt: open.attempt,
                    reason: format!("proposed in environment {}", state.environment),
                };
                let case = Case { finding: &open.finding, course };
                let origin = origin_of(course).unwrap_or(Origin::Heal);
                let planned = repair::plan(state, seen, &[case], origin, remedy, self.catalogue);
                plan = planned.ok().flatten().map(Box::new);
                format!("environment {} only proposes repairs", state.environment)
            }
            Course::Revert { .. } | Course::Adopt | Course::Leave => return Ok(()),
        };
        if open.lesson.escalated.is_some() || open.lesson.closed {
            return Ok(());
        }
        let id = &open.finding.id;
        let asked = Escalated {
            stack: state.stack.clone(),
            finding: open.finding.clone(),
            reason: reason.clone(),
            next: format!(
                "find out who changes {} and why; then have it put back with `zerodrift heal {id}`, or \
                 declared as it is with `zerodrift adopt {id}`",
                open.finding.object
            ),
            plan,
        };
        runtime::failpoint!("remediator::before_asking");
        outbox.publish_as(&asked, id.as_str()).await?;
        runtime::failpoint!("remediator::after_asking");
        tracing::warn!(stack = %state.stack, finding = %id, reason, "a person is asked");
        self.meters.escalated(open.finding.scope.kind.as_str());
        open.lesson.escalated = Some(reason);
        open.changed = true;
        Ok(())
    }

    /// Publishes the plan, in a span that leads to the trace of the intent which declared what is put
    /// back, and from there.
    pub(crate) async fn propose(
        &self,
        state: &StackState,
        plan: Plan,
        outbox: &Outbox,
    ) -> Result<(), HandleError> {
        let name = match plan.origin {
            Origin::Intent => "intent",
            Origin::Heal => "heal",
            Origin::Adopt => "adopt",
        };
        let span = tracing::info_span!(
            "repair",
            otel.name = format!("{name} {}", state.stack),
            zerodrift.stack = %state.stack,
            zerodrift.generation = plan.to.0,
            zerodrift.findings = ?plan.remedy.as_ref().map(|it| &it.findings),
        );
        let intent = match state.intent {
            Some(intent) => self.bus.store::<IntentState>().get(&intent).await?,
            None => None,
        };
        if let Some(traceparent) = intent.and_then(|(intent, _)| intent.traceparent) {
            runtime::link(&span, &traceparent);
            let back = tracing::info_span!(
                "repaired",
                otel.name = format!("{name} {}", state.stack),
                zerodrift.stack = %state.stack,
            );
            runtime::join(&back, &traceparent);
            if let Some(here) = runtime::traceparent(&span) {
                runtime::link(&back, &here);
            }
            drop(back.entered());
        }
        let proposed = PlanProposed::new(plan);
        let Generation(generation) = proposed.plan.to;
        tracing::info!(stack = %state.stack, plan = proposed.id.short(), generation, origin = name, changes = proposed.plan.changes.len(), "repair proposed");
        runtime::failpoint!("remediator::before_proposing");
        outbox.publish_as(&proposed, proposed.id.as_str()).instrument(span).await?;
        runtime::failpoint!("remediator::after_proposing");
        self.meters.proposed(name);
        Ok(())
    }
}
