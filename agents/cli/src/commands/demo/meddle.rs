//! Somebody else, who knows nothing of the swarm: with a token of their own they change by hand what
//! it has made, through the cloud's API as anybody would.

use std::net::SocketAddr;

use bus_schema::{Place, ResourceAddress, ResourceState, StackState};
use serde_json::{Value, json};

use crate::Failure;
use crate::failure::Explain as _;
use crate::http::{self, Answer};

/// How they are called in the audit log.
pub(super) const NAME: &str = "mallory";
/// What they put in a Worker's place.
const SCRIPT: &str = "export default { fetch() { return new Response('mallory was here\\n') } };\n";
/// What keeps the parts of an upload apart.
const BOUNDARY: &str = "zerodrift-demo-upload";

/// Somebody else.
pub(super) struct Meddler {
    api: SocketAddr,
    account: String,
    token: String,
}

/// What they did.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// To what.
    pub(super) resource: ResourceAddress,
    /// What, in a word or two.
    pub(super) did: &'static str,
}

/// An object of the swarm's.
struct Target<'it> {
    address: &'it ResourceAddress,
    resource: &'it ResourceState,
    id: &'it str,
}

impl<'it> Target<'it> {
    /// The first of a kind in a stack, of those that are so declared.
    fn of(
        stack: &'it StackState,
        kind: &str,
        fits: impl Fn(&ResourceState) -> bool,
    ) -> Result<Self, Failure> {
        let found = stack.resources.iter().find(|(address, resource)| {
            address.kind.local() == kind && resource.cloud_id.is_some() && fits(resource)
        });
        let (address, resource) =
            found.ok_or_else(|| Failure::new(format!("{} has no {kind}", stack.stack)))?;
        let id = resource.cloud_id.as_deref().unwrap_or_default();
        Ok(Self { address, resource, id })
    }
}

impl Meddler {
    /// Has a token made for them, as an administrator of the account would: `admin` is one.
    pub(super) async fn with_own_token(
        api: SocketAddr,
        account: &str,
        admin: &str,
    ) -> Result<Self, Failure> {
        let as_admin = Self { api, account: account.to_owned(), token: admin.to_owned() };
        let groups = as_admin.call("GET", "/user/tokens/permission_groups", None).await?;
        let wanted = ["Zone Read", "Zone WAF Write", "DNS Write", "Workers Scripts Write"];
        let groups: Vec<Value> = groups
            .as_array()
            .into_iter()
            .flatten()
            .filter(|group| {
                wanted.iter().any(|name| group.pointer("/name").is_some_and(|it| it == name))
            })
            .map(|group| json!({"id": group.pointer("/id")}))
            .collect();
        let resources = format!("com.cloudflare.api.account.{account}");
        let asked = json!({
            "name": NAME,
            "policies": [{
                "effect": "allow", "resources": {resources: "*"}, "permission_groups": groups,
            }],
        });
        let made = as_admin.call("POST", "/user/tokens", Some(&asked)).await?;
        let token = made.pointer("/value").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { token, ..as_admin })
    }

    /// Switches a WAF rule off.
    pub(super) async fn switch_rule_off(&self, stack: &StackState) -> Result<Deed, Failure> {
        let blocks = |it: &ResourceState| it.declared.text("action") == Some("block");
        let target = Target::of(stack, "waf_rule", blocks)?;
        let rules = format!(
            "/zones/{}/rulesets/phases/http_request_firewall_custom/entrypoint",
            self.zone(target.resource).await?
        );
        let mut ruleset = self.call("GET", &rules, None).await?;
        for rule in
            ruleset.pointer_mut("/rules").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let Some(rule) = rule.as_object_mut() else { continue };
            if ["id", "ref"].iter().any(|it| rule.get(*it).is_some_and(|it| it == target.id)) {
                rule.insert("enabled".to_owned(), false.into());
            }
            // Told by the server alone.
            rule.remove("version");
            rule.remove("last_updated");
        }
        let wanted = json!({"rules": ruleset.pointer("/rules")});
        self.call("PUT", &rules, Some(&wanted)).await?;
        Ok(Deed { resource: target.address.clone(), did: "turned off" })
    }

    /// Points a DNS record elsewhere.
    pub(super) async fn redirect_record(&self, stack: &StackState) -> Result<Deed, Failure> {
        let target = Target::of(stack, "dns_record", |_| true)?;
        let zone = self.zone(target.resource).await?;
        let is_v6 = target.resource.declared.text("type") == Some("AAAA");
        let content = if is_v6 { "2001:db8::bad" } else { "198.51.100.66" };
        let path = format!("/zones/{zone}/dns_records/{}", target.id);
        self.call("PATCH", &path, Some(&json!({"content": content}))).await?;
        Ok(Deed { resource: target.address.clone(), did: "redirected" })
    }

    /// Deletes a DNS record.
    pub(super) async fn delete_record(&self, stack: &StackState) -> Result<Deed, Failure> {
        let target = Target::of(stack, "dns_record", |_| true)?;
        let zone = self.zone(target.resource).await?;
        self.call("DELETE", &format!("/zones/{zone}/dns_records/{}", target.id), None).await?;
        Ok(Deed { resource: target.address.clone(), did: "deleted" })
    }

    /// Puts a script of their own in a Worker's place.
    pub(super) async fn replace_worker(&self, stack: &StackState) -> Result<Deed, Failure> {
        let target = Target::of(stack, "worker_script", |_| true)?;
        let metadata = json!({
            "main_module": "index.js", "compatibility_date": "2026-01-01",
            "keep_bindings": ["kv_namespace"],
        });
        let body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\
             Content-Type: application/json\r\n\r\n{metadata}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"index.js\"; \
             filename=\"index.js\"\r\nContent-Type: application/javascript+module\r\n\r\n{SCRIPT}\r\n\
             --{BOUNDARY}--\r\n"
        );
        let path = format!("/accounts/{}/workers/scripts/{}", self.account, target.id);
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send("PUT", &path, &media, body).await?;
        Ok(Deed { resource: target.address.clone(), did: "replaced" })
    }

    /// The id of the zone a resource is in.
    async fn zone(&self, resource: &ResourceState) -> Result<String, Failure> {
        let Place::Zone(name) = &resource.place else {
            return Err(Failure::new(format!("{} is no zone", resource.place)));
        };
        let zones = self.call("GET", &format!("/zones?name={name}"), None).await?;
        let id = zones.get(0).and_then(|zone| zone.pointer("/id")?.as_str()).map(str::to_owned);
        id.ok_or_else(|| Failure::new(format!("there is no zone {name}")))
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.send(method, path, "application/json", body).await
    }

    /// Sends it, and answers the result in Cloudflare's envelope.
    async fn send(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: String,
    ) -> Result<Value, Failure> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", media),
            ("user-agent", "curl/8.14"),
        ];
        let what = format!("{method} {path} by somebody else");
        let path = format!("/client/v4{path}");
        let method = method.parse().or_fail(what.clone())?;
        let Answer { status, body, .. } =
            http::send(self.api, method, &path, &headers, body.into())
                .await
                .or_fail(what.clone())?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body).into_owned();
            return Err(Failure::new(format!("{what} was refused ({status})")).because(said));
        }
        let answer: Value = serde_json::from_slice(&body).or_fail(what)?;
        Ok(answer.pointer("/result").cloned().unwrap_or_default())
    }
}
