//! Findings and what is remembered of them, by what a person types.

use bus_schema::{
    Finding, IntentId, Lesson, MessageId, RemedyAsked, RemedyKind, StackName, StackObservation,
    Watch,
};

use crate::Failure;
use crate::failure::Explain as _;
use crate::output::finding;
use crate::output::table::cut;
use crate::swarm::{Swarm, taken};

/// What to do where records cannot be read.
const UNPREPARED: &str = "has this NATS server been prepared? `zerodrift bootstrap` does it";

/// A finding that a person means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meant {
    pub(crate) stack: StackName,
    pub(crate) finding: Finding,
}

impl Swarm {
    /// What was last seen of each stack that was ever seen not to be as declared, by name.
    pub(crate) async fn observations(&self) -> Result<Vec<StackObservation>, Failure> {
        let entries = self.bus.store::<StackObservation>().list().await;
        let entries = entries.or_advise("what was found cannot be read", UNPREPARED)?;
        Ok(entries.into_iter().map(|entry| entry.record).collect())
    }

    /// What is remembered of trouble, by stack and resource.
    pub(crate) async fn lessons(&self) -> Result<Vec<Lesson>, Failure> {
        let entries = self.bus.store::<Lesson>().list().await;
        let entries = entries.or_advise("the lessons cannot be read", UNPREPARED)?;
        let mut lessons: Vec<Lesson> = entries.into_iter().map(|entry| entry.record).collect();
        lessons.sort_by(|a, b| (&a.resource, &a.signature).cmp(&(&b.resource, &b.signature)));
        Ok(lessons)
    }

    /// Every scope that is watched, by name.
    pub(crate) async fn watches(&self) -> Result<Vec<Watch>, Failure> {
        let entries = self.bus.store::<Watch>().list().await;
        let entries = entries.or_advise("what is watched cannot be read", UNPREPARED)?;
        let mut watches: Vec<Watch> = entries.into_iter().map(|entry| entry.record).collect();
        watches.sort_by(|a, b| a.scope.cmp(&b.scope));
        Ok(watches)
    }

    /// The open finding a person means, by its id or the beginning of it.
    pub(crate) async fn finding_meant(&self, said: &str) -> Result<Meant, Failure> {
        let (observations, lessons, watches) =
            tokio::try_join!(self.observations(), self.lessons(), self.watches())?;
        let open = observations.iter().flat_map(|observation| {
            let stack = &observation.stack;
            observation
                .findings
                .values()
                .map(|it| Meant { stack: stack.clone(), finding: it.clone() })
        });
        let unmanaged: Vec<&Finding> =
            watches.iter().flat_map(|watch| watch.unmanaged.values()).collect();
        choose(open.collect(), &unmanaged, &lessons, said)
    }

    /// What is remembered of a finding's like.
    pub(crate) async fn lesson(&self, finding: &Finding) -> Result<Option<Lesson>, Failure> {
        let found = self.bus.store::<Lesson>().get(&finding.signature).await;
        Ok(found.or_fail("the lesson cannot be read")?.map(|(lesson, _)| lesson))
    }

    /// What was last seen of a stack.
    pub(crate) async fn observation(
        &self,
        stack: &StackName,
    ) -> Result<Option<StackObservation>, Failure> {
        let found = self.bus.store::<StackObservation>().get(stack).await;
        Ok(found.or_fail("what was found cannot be read")?.map(|(it, _)| it))
    }

    /// Has a finding dealt with as a person says.
    pub(crate) async fn decide(
        &self,
        meant: &Meant,
        remedy: RemedyKind,
        by: Option<String>,
    ) -> Result<(), Failure> {
        let (stack, finding) = (meant.stack.clone(), meant.finding.id.clone());
        let asked = RemedyAsked { stack, finding, remedy, by };
        // Each time it is asked is another: what came of the last may have been nothing.
        let id = MessageId::given(IntentId::fresh().to_string());
        self.bus.publish(&asked, &id).await.map(drop).map_err(|error| {
            let advice = taken::advice(&error);
            Failure::new("the decision was not taken by the server").because(error).advise(advice)
        })
    }
}

fn choose(
    open: Vec<Meant>,
    unmanaged: &[&Finding],
    lessons: &[Lesson],
    said: &str,
) -> Result<Meant, Failure> {
    let wanted = said.trim().to_ascii_lowercase();
    let begins = |id: &str| !wanted.is_empty() && id.starts_with(&wanted);
    let known = open.len();
    let mut fitting = open.into_iter().filter(|it| begins(it.finding.id.as_str()));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => return Ok(one),
        (Some(one), Some(other)) => {
            return Err(Failure::new(format!(
                "`{said}` begins two findings: {} of {} and {} of {}",
                one.finding.id,
                finding::called(&one.finding),
                other.finding.id,
                finding::called(&other.finding),
            ))
            .advise("type more of the id"));
        }
        (None, _) => {}
    }
    if let Some(finding) = unmanaged.iter().find(|it| begins(it.id.as_str())) {
        return Err(Failure::new(format!("{} belongs to no stack", finding::called(finding)))
            .advise(
                "nothing is done about what nobody owns; `zerodrift import` makes a stack of it",
            ));
    }
    if let Some(lesson) = lessons.iter().find(|it| begins(it.last.as_str())) {
        return Err(Failure::new(format!("finding {} is over", lesson.last)).advise(format!(
            "{} is as declared, or it went on as another finding: `zerodrift drift` lists what is \
             open",
            lesson.resource.local()
        )));
    }
    let advice = match known {
        0 => "nothing is open: everything is as declared".to_owned(),
        _ => "`zerodrift drift` lists what is open, each with its id".to_owned(),
    };
    Err(Failure::new(format!("no finding is called `{}`", cut(said, 40))).advise(advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn finding(id: &str) -> Finding {
        serde_json::from_value(json!({
            "id": id, "signature": id, "drift": "missing",
            "scope": "cloudflare.dns_record.zone.example.com",
            "resource": "edge-api/cloudflare.dns_record/api", "object": "api.example.com",
            "detected_at": "2026-11-22T16:00:00Z",
        }))
        .unwrap()
    }

    fn chosen(said: &str) -> Result<String, String> {
        let meant = |id| Meant { stack: "edge-api".parse().unwrap(), finding: finding(id) };
        let nobodys = finding("77770000");
        choose(vec![meant("4f2a0100"), meant("4f2a0200")], &[&nobodys], &[], said)
            .map(|it| it.finding.id.to_string())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_finding_is_meant_by_the_beginning_of_its_id() {
        assert_eq!(chosen("4f2a01"), Ok("4f2a0100".to_owned()));
        assert_eq!(chosen("4F2A0200"), Ok("4f2a0200".to_owned()));
    }

    #[test]
    fn what_means_none_or_several_is_said() {
        assert!(chosen("4f2a").unwrap_err().contains("two findings"));
        assert!(chosen("").unwrap_err().contains("no finding"));
        assert!(chosen("beef").unwrap_err().contains("no finding"));
        assert!(chosen("7777").unwrap_err().contains("belongs to no stack"));
    }
}
