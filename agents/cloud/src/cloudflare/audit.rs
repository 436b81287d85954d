//! Who changed what: Cloudflare's audit log.
//!
//! It says which call changed something, not which object became what; which call a difference came
//! from is worked out here. Its entries can come late, so that nobody named is no proof.

use bus_schema::{KindName, Place, Scope};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::request::Request;
use super::{Cloudflare, kinds};
use crate::error::{Attempt, Error};

/// Entries asked for: the newest of the time in question.
const MOST: u32 = 1_000;
/// How our own client names itself.
const OWN_AGENT: &str = "zerodrift/";

/// A call that changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// When.
    pub at: Timestamp,
    /// Who, as people know them: an address, else a token's name, else its id.
    pub by: String,
    /// The call's method.
    method: String,
    /// The segments of its path after the API's base.
    path: Vec<String>,
    /// The id of what it changed, where the log says.
    object: Option<String>,
    /// Whether a client of ours made it.
    ours: bool,
}

impl Write {
    /// An entry of the log; `None` for one that changed nothing or says too little.
    fn of(entry: &Value) -> Option<Self> {
        let text = |pointer: &str| {
            entry.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
        };
        if text("/action/result") == Some("failure") {
            return None;
        }
        let uri = text("/raw/uri")?;
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let path = path.split_once("/client/v4/").map_or(path, |(_, path)| path);
        Some(Self {
            at: text("/action/time")?.parse().ok()?,
            by: ["/actor/email", "/actor/token_name", "/actor/token_id", "/actor/id"]
                .into_iter()
                .find_map(text)?
                .to_owned(),
            method: text("/raw/method")?.to_ascii_uppercase(),
            path: path.trim_matches('/').split('/').map(str::to_owned).collect(),
            object: text("/resource/id").map(str::to_owned),
            ours: text("/raw/user_agent").is_some_and(|agent| agent.starts_with(OWN_AGENT)),
        })
    }

    /// Whether it was a call about this object.
    fn names(&self, id: &str) -> bool {
        self.object.as_deref() == Some(id) || self.path.iter().any(|segment| segment == id)
    }

    /// Whether it was a call that wrote many objects of a kind at once. Of our own such calls are
    /// about others of our objects.
    fn sweeps(&self, collection: &[&str]) -> bool {
        if self.ours {
            return false;
        }
        let within = self.path.windows(collection.len()).any(|window| window == collection);
        let last = self.path.last().map(String::as_str).unwrap_or_default();
        let whole = Some(&last) == collection.last() && self.method != "POST"
            || matches!(last, "batch" | "bulk" | "entrypoint")
            || self.method == "PUT" && collection == ["rulesets"];
        within && whole
    }
}

/// The call that an object's difference came from: the newest about it, else, or where that one was
/// our own and this one came after it, the newest that wrote everything of its kind. `writes` are of the object's place, in any order.
pub fn author<'it>(writes: &'it [Write], kind: &KindName, id: Option<&str>) -> Option<&'it Write> {
    let newest = |fits: &dyn Fn(&Write) -> bool| {
        writes.iter().filter(|write| fits(write)).max_by_key(|write| write.at)
    };
    let named = id.and_then(|id| newest(&|write| write.names(id)));
    if named.is_some_and(|write| !write.ours) {
        return named;
    }
    let collection = kinds::operations(kind).map(kinds::Operations::collection);
    let swept = collection.and_then(|it| newest(&|write| write.sweeps(it)));
    match (named, swept) {
        (Some(named), Some(swept)) if swept.at < named.at => Some(named),
        (named, swept) => swept.or(named),
    }
}

impl Cloudflare {
    /// The calls that changed something in a scope's place between then and then, by anybody.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn writes(
        &self,
        scope: &Scope,
        since: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Write>, Error> {
        let attempt = Attempt::on_scope("read the audit log for", &scope.kind, &scope.place);
        let (account, zone) = match &scope.place {
            Place::Account(id) => (id.clone(), None),
            Place::Zone(name) => {
                let zone = self.zone(name, &attempt).await?;
                (zone.account, Some(zone.id))
            }
        };
        let path = ["accounts", &account, "logs", "audit"].map(str::to_owned).to_vec();
        let request = Request::new(Method::GET, path, attempt)
            .query("since", since.to_string())
            .query("before", before.to_string())
            .query("direction", "desc")
            .query("limit", MOST.to_string());
        let found = self.client.call(request).await?.result;
        let writes =
            found.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Write::of);
        Ok(match zone {
            Some(zone) => writes.filter(|write| write.path.contains(&zone)).collect(),
            None => writes.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn write(at: &str, by: &str, method: &str, uri: &str, object: &str, agent: &str) -> Write {
        Write::of(&json!({
            "action": { "type": "update", "result": "success", "time": at },
            "actor": { "token_name": by, "token_id": "1" },
            "raw": { "method": method, "uri": uri, "user_agent": agent },
            "resource": { "id": object },
        }))
        .unwrap()
    }

    fn kind(name: &str) -> KindName {
        format!("cloudflare.{name}").parse().unwrap()
    }

    fn by<'it>(writes: &'it [Write], name: &str, id: &str) -> Option<&'it str> {
        author(writes, &kind(name), Some(id)).map(|write| write.by.as_str())
    }

    #[test]
    fn every_kind_says_where_it_is_written() {
        for kind in kinds::KINDS {
            let name = kind.describe().name.parse().unwrap();
            assert!(!kinds::operations(&name).unwrap().collection().is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn the_newest_call_about_an_object_made_its_difference() {
        let records = "/client/v4/zones/z/dns_records";
        let writes = [
            write("2026-01-01T00:00:02Z", "kim", "PATCH", &format!("{records}/a"), "a", "curl"),
            write("2026-01-01T00:00:03Z", "lee", "PATCH", &format!("{records}/b"), "b", "curl"),
            write("2026-01-01T00:00:01Z", "ann", "POST", records, "a", "curl"),
        ];
        assert_eq!(by(&writes, "dns_record", "a"), Some("kim"));
        assert_eq!(by(&writes, "dns_record", "b"), Some("lee"));
        assert_eq!(by(&writes, "dns_record", "c"), None);
    }

    #[test]
    fn a_call_that_wrote_all_of_a_kind_is_the_next_best() {
        let writes = [
            write(
                "2026-01-01T00:00:02Z",
                "kim",
                "PUT",
                "/client/v4/zones/z/rulesets/phases/http_ratelimit/entrypoint",
                "r",
                "curl",
            ),
            write(
                "2026-01-01T00:00:03Z",
                "us",
                "PUT",
                "/client/v4/zones/z/rulesets/r",
                "r",
                "zerodrift/0.1.0",
            ),
            write(
                "2026-01-01T00:00:04Z",
                "lee",
                "POST",
                "/client/v4/zones/z/rulesets/r/rules",
                "r",
                "curl",
            ),
        ];
        assert_eq!(by(&writes, "waf_rule", "rule"), Some("kim"));
        assert_eq!(by(&writes, "dns_record", "rule"), None);
    }

    #[test]
    fn what_we_made_and_another_wrote_over_is_the_others() {
        let rules = "/client/v4/zones/z/rulesets/r/rules";
        let whole = "/client/v4/zones/z/rulesets/r";
        let made = write("2026-01-01T00:00:02Z", "us", "POST", rules, "rule", "zerodrift/0.1.0");
        let over = |at| write(at, "kim", "PUT", whole, "r", "curl");
        let after = [made.clone(), over("2026-01-01T00:00:03Z")];
        assert_eq!(by(&after, "waf_rule", "rule"), Some("kim"));
        let before = [made, over("2026-01-01T00:00:01Z")];
        assert_eq!(by(&before, "waf_rule", "rule"), Some("us"));
    }

    #[test]
    fn a_call_that_failed_changed_nothing() {
        let entry = json!({
            "action": { "result": "failure", "time": "2026-01-01T00:00:00Z" },
            "actor": { "token_id": "1" },
            "raw": { "method": "PUT", "uri": "/client/v4/zones/z/dns_records/a" },
        });
        assert_eq!(Write::of(&entry), None);
    }
}
