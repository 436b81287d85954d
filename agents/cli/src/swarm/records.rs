//! Intents and stacks by what a person types.

use bus_schema::{IntentId, IntentState, Plan, PlanProposed, StackName, StackState};
use runtime::Revision;

use crate::Failure;
use crate::failure::Explain as _;
use crate::output::table::cut;
use crate::swarm::Swarm;

impl Swarm {
    /// Every stack, by name.
    pub(crate) async fn stacks(&self) -> Result<Vec<StackState>, Failure> {
        let entries = self.bus.store::<StackState>().list().await.or_advise(
            "the stacks cannot be read",
            "has this NATS server been prepared? `zerodrift bootstrap` does it",
        )?;
        let mut stacks: Vec<StackState> = entries.into_iter().map(|entry| entry.record).collect();
        stacks.sort_by(|a, b| a.stack.cmp(&b.stack));
        Ok(stacks)
    }

    /// One stack, if anything was ever asked of it, and the revision of its record.
    pub(crate) async fn stack(
        &self,
        name: &StackName,
    ) -> Result<Option<(StackState, Revision)>, Failure> {
        let found = self.bus.store::<StackState>().get(name).await;
        found.or_fail(format!("stack {name} cannot be read"))
    }

    /// One stack that a person named: it must be there.
    pub(crate) async fn known_stack(
        &self,
        name: &StackName,
    ) -> Result<(StackState, Revision), Failure> {
        self.stack(name).await?.ok_or_else(|| {
            Failure::new(format!("there is no stack {name}"))
                .advise("`zerodrift status` lists those there are")
        })
    }

    /// Every intent, oldest first.
    pub(crate) async fn intents(&self) -> Result<Vec<IntentState>, Failure> {
        let entries = self.bus.store::<IntentState>().list().await.or_advise(
            "the intents cannot be read",
            "has this NATS server been prepared? `zerodrift bootstrap` does it",
        )?;
        let mut intents: Vec<IntentState> = entries.into_iter().map(|entry| entry.record).collect();
        intents.sort_by_key(|state| state.order);
        Ok(intents)
    }

    /// One intent, if the planner knows it.
    pub(crate) async fn intent(&self, id: IntentId) -> Result<Option<IntentState>, Failure> {
        let found = self.bus.store::<IntentState>().get(&id).await;
        Ok(found.or_fail(format!("intent {id} cannot be read"))?.map(|(state, _)| state))
    }

    /// The intent a person means: by its id or the beginning or end of it, by its stack's name (the
    /// newest for it), or `last`.
    pub(crate) async fn intent_meant(&self, said: &str) -> Result<IntentState, Failure> {
        if let Ok(id) = said.parse::<IntentId>()
            && let Some(state) = self.intent(id).await?
        {
            return Ok(state);
        }
        choose(self.intents().await?, said)
    }

    /// A plan, where the stream still has it.
    pub(crate) async fn plan(&self, state: &IntentState) -> Result<Option<Plan>, Failure> {
        let Some(reference) = &state.plan else { return Ok(None) };
        let found = self.bus.message_at::<PlanProposed>(reference.sequence).await;
        let received = found.or_fail(format!("plan {} cannot be read", reference.id.short()))?;
        Ok(received.map(|received| received.message.plan))
    }
}

fn choose(intents: Vec<IntentState>, said: &str) -> Result<IntentState, Failure> {
    let (newest, count) = (intents.last().cloned(), intents.len());
    if said == "last" {
        return newest.ok_or_else(|| {
            Failure::new("nothing has been submitted yet")
                .advise("try `zerodrift submit \"Secure edge cache for API with DDoS guardrails\"`")
        });
    }
    let stack: Option<StackName> = said.parse().ok();
    let of_stack = |state: &&IntentState| {
        state.understanding.as_ref().is_some_and(|it| Some(&it.stack) == stack.as_ref())
    };
    if let Some(state) = intents.iter().rfind(of_stack) {
        return Ok(state.clone());
    }
    let wanted = said.to_ascii_lowercase();
    let mut fitting = intents.into_iter().filter(|state| {
        let id = state.intent.to_string();
        said.len() >= 4 && (id.starts_with(&wanted) || id.ends_with(&wanted))
    });
    match (fitting.next(), fitting.next()) {
        (Some(state), None) => Ok(state),
        (Some(one), Some(other)) => {
            Err(Failure::new(format!("`{said}` is both {} and {}", one.intent, other.intent))
                .advise("type more of the id"))
        }
        (None, _) => Err(Failure::new(format!(
            "no intent and no stack is called `{}`",
            cut(said, 60)
        ))
        .advise(match newest {
            Some(newest) => format!(
                "of {count} the newest is {}; `last` means it, and `zerodrift status` lists \
                     the stacks",
                newest.intent
            ),
            None => "nothing has been submitted yet".to_owned(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn intent(id: &str, order: u64, stack: &str) -> IntentState {
        serde_json::from_value(json!({
            "intent": id, "order": order, "request": {"text": "…"}, "phase": "planned",
            "understanding": {
                "path": "edge-cache", "stack": stack, "environment": "prod", "parameters": {},
            },
            "submitted_at": "2026-11-22T16:00:00Z", "since": "2026-11-22T16:00:00Z",
        }))
        .unwrap()
    }

    const ONE: &str = "018f2f6e-1c5a-7cc0-a2d7-0d3b1c9a4e55";
    const TWO: &str = "018f2f6e-1c5b-7cc0-a2d7-0d3b1c9a9f00";

    fn chosen(said: &str) -> Result<u64, String> {
        let intents = vec![intent(ONE, 1, "edge-api"), intent(TWO, 5, "edge-api")];
        choose(intents, said).map(|state| state.order).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_intent_is_meant_by_stack_by_part_of_its_id_or_as_the_last() {
        assert_eq!(chosen("edge-api"), Ok(5));
        assert_eq!(chosen("4e55"), Ok(1));
        assert_eq!(chosen("018f2f6e-1c5b"), Ok(5));
        assert_eq!(chosen("last"), Ok(5));
    }

    #[test]
    fn what_means_none_or_several_is_said() {
        assert!(chosen("018f2f6e").unwrap_err().contains("both"));
        assert!(chosen("other").unwrap_err().contains("no intent and no stack"));
    }
}
