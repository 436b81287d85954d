//! Reading and checking environment files.

use std::collections::BTreeMap;

use bus_schema::{EnvironmentName, KindName};

use super::{CloudflarePlaces, Environment, Environments, Limits, Remediation, Service};
use crate::parameter::{is_address, is_hostname};
use crate::yaml::{At, Content, Fields, Node, Reader};
use crate::{Problem, Problems, Words};

impl Environments {
    /// Reads every file, `(name, text)`; files that are not `.yaml` are passed over.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn load<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut loaded: Vec<(String, At, Environment)> = Vec::new();
        for (file, text) in files {
            if !crate::golden_path::is_yaml(file) {
                continue;
            }
            let mut reader = Reader::new(file);
            if let Some((at, environment)) = read(&mut reader, text) {
                loaded.push((file.to_owned(), at, environment));
            }
            problems.extend(reader.into_problems());
        }
        problems.extend(between(&loaded));
        let (mut defaults, others): (Vec<_>, Vec<_>) =
            loaded.into_iter().map(|(_, _, environment)| environment).partition(|it| it.default);
        if let Some(default) = defaults.pop() {
            Problems::none_or(problems)?;
            return Ok(Self { default, others });
        }
        if problems.is_empty() || !others.is_empty() {
            problems.push(Problem {
                file: "environments".to_owned(),
                line: 0,
                column: 0,
                field: "default".to_owned(),
                message: "no environment has `default: true`; exactly one must".to_owned(),
            });
        }
        Err(Problems::of(problems))
    }
}

/// What is wrong between files: names, words, zones and the default belong to one environment each.
fn between(loaded: &[(String, At, Environment)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for (file, at, environment) in loaded {
        let mut claims = vec![("name", environment.name.to_string())];
        claims.extend(environment.aliases.iter().map(|alias| ("name", alias.to_owned())));
        claims.extend(environment.cloudflare.zones.iter().map(|zone| ("zone", zone.clone())));
        if environment.default {
            claims.push(("default", "true".to_owned()));
        }
        claims.sort();
        claims.dedup();
        for (what, value) in claims {
            if let Some(other) = taken.insert((what, value.clone()), file) {
                let (field, message) = match what {
                    "zone" => ("cloudflare.zones", format!("zone `{value}` is in {other} too")),
                    "default" => ("default", format!("{other} is the default one already")),
                    _ => ("name", format!("{other} is called `{value}` too")),
                };
                problems.push(Problem {
                    file: file.clone(),
                    line: at.line,
                    column: at.column,
                    field: field.to_owned(),
                    message,
                });
            }
        }
    }
    problems
}

const FIELDS: [&str; 8] =
    ["name", "aliases", "default", "cloudflare", "services", "limits", "remediation", "defaults"];

fn read(reader: &mut Reader, text: &str) -> Option<(At, Environment)> {
    let root = reader.root(text)?;
    let mut fields = reader.map(&root, "")?;
    let at = fields.at();
    let name: Option<EnvironmentName> =
        fields.need(reader, "name").and_then(|node| reader.name(node, "name"));
    let aliases = fields.take("aliases").and_then(|node| Words::read(reader, node, "aliases"));
    let default = fields.take("default").and_then(|node| reader.boolean(node, "default"));
    let cloudflare = fields.need(reader, "cloudflare").and_then(|node| places(reader, node));
    let services = fields.take("services");
    let limits = fields.take("limits").and_then(|node| read_limits(reader, node));
    let remediation = fields.take("remediation").and_then(|node| Remediation::read(reader, node));
    let defaults = fields.take("defaults").and_then(|node| read_defaults(reader, node));
    fields.end(reader, &FIELDS);
    let mut environment = Environment {
        name: name?,
        aliases: aliases.unwrap_or_default(),
        default: default.unwrap_or_default(),
        cloudflare: cloudflare?,
        services: BTreeMap::new(),
        limits: limits.unwrap_or_default(),
        remediation: remediation.unwrap_or_default(),
        defaults: defaults.unwrap_or_default(),
    };
    if let Some(node) = services {
        environment.services = read_services(reader, node, &environment);
    }
    Some((at, environment))
}

fn places(reader: &mut Reader, node: &Node) -> Option<CloudflarePlaces> {
    let mut fields = reader.map(node, "cloudflare")?;
    let account = fields.need(reader, "account").and_then(|node| {
        let account = reader.text(node, "cloudflare.account")?;
        if account.len() == 32 && account.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(account.to_ascii_lowercase());
        }
        let message = format!("`{account}` is not an account id: 32 hexadecimal digits");
        reader.wrong(node.at, "cloudflare.account", message);
        None
    });
    let zones = fields.need(reader, "zones").and_then(|node| {
        let items = reader.list(node, "cloudflare.zones")?;
        let mut zones = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("cloudflare.zones[{i}]");
            zones.extend(hostname(reader, item, &path, "a zone's name"));
        }
        if items.is_empty() {
            reader.wrong(node.at, "cloudflare.zones", "needs at least one zone");
        }
        (!zones.is_empty()).then_some(zones)
    });
    fields.end(reader, &["account", "zones"]);
    Some(CloudflarePlaces { account: account?, zones: zones? })
}

fn hostname(reader: &mut Reader, node: &Node, path: &str, what: &str) -> Option<String> {
    let name = reader.text(node, path)?.trim_end_matches('.').to_ascii_lowercase();
    if is_hostname(&name) {
        return Some(name);
    }
    reader.wrong(node.at, path, format!("`{name}` is not {what}, for example www.example.com"));
    None
}

fn read_services(
    reader: &mut Reader,
    node: &Node,
    environment: &Environment,
) -> BTreeMap<String, Service> {
    let mut services = BTreeMap::new();
    let mut words_taken: BTreeMap<String, String> = BTreeMap::new();
    let Some(mut fields) = reader.map(node, "services") else { return services };
    for (name, node) in fields.rest() {
        let path = format!("services.{name}");
        if name.parse::<bus_schema::ResourceName>().is_err() || name.len() > 20 {
            let message = "a service's name is 1 to 20 of a-z, 0-9 and inner hyphens";
            reader.wrong(node.at, &path, message);
        }
        let Some(service) = read_service(reader, node, &path, environment) else { continue };
        for word in std::iter::once(name).chain(service.words.iter()) {
            if let Some(other) = words_taken.insert(word.to_lowercase(), name.to_owned())
                && other != name
            {
                let message = format!("`{word}` means service `{other}` too");
                reader.wrong(node.at, &format!("{path}.words"), message);
            }
        }
        services.insert(name.to_owned(), service);
    }
    services
}

fn read_service(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    environment: &Environment,
) -> Option<Service> {
    let mut fields: Fields<'_> = reader.map(node, path)?;
    let host = fields.need(reader, "hostname").and_then(|node| {
        let path = format!("{path}.hostname");
        let host = hostname(reader, node, &path, "a hostname")?;
        if environment.zone_of(&host).is_none() {
            let zones = environment.cloudflare.zones.join(", ");
            reader.wrong(node.at, &path, format!("`{host}` is in none of the zones {zones}"));
        }
        Some(host)
    });
    let origin = fields.take("origin").and_then(|node| {
        let path = format!("{path}.origin");
        let origin = reader.text(node, &path)?;
        if !is_address(&origin) {
            let message = format!("`{origin}` is neither an address nor a hostname");
            reader.wrong(node.at, &path, message);
        }
        Some(origin)
    });
    let words_path = format!("{path}.words");
    let words = fields.take("words").and_then(|node| Words::read(reader, node, &words_path));
    fields.end(reader, &["hostname", "origin", "words"]);
    Some(Service { hostname: host?, origin, words: words.unwrap_or_default() })
}

fn read_limits(reader: &mut Reader, node: &Node) -> Option<Limits> {
    let mut fields = reader.map(node, "limits")?;
    let mut limits = Limits::default();
    if let Some(node) = fields.take("requests_per_second") {
        let path = "limits.requests_per_second";
        limits.requests_per_second = reader.integer(node, path);
        if limits.requests_per_second.is_some_and(|limit| limit < 1) {
            reader.wrong(node.at, path, "must be at least 1");
        }
    }
    if let Some(mut kinds) =
        fields.take("resources").and_then(|n| reader.map(n, "limits.resources"))
    {
        for (name, node) in kinds.rest() {
            let path = format!("limits.resources.{name}");
            let max = reader.integer(node, &path).and_then(|max| usize::try_from(max).ok());
            match (name.parse::<KindName>(), max) {
                (Ok(kind), Some(max)) => {
                    limits.resources.insert(kind, max);
                }
                (Ok(_), None) => reader.wrong(node.at, &path, "must be a whole number from 0"),
                (Err(error), _) => reader.wrong(node.at, &path, error.to_string()),
            }
        }
    }
    fields.end(reader, &["requests_per_second", "resources"]);
    Some(limits)
}

fn read_defaults(reader: &mut Reader, node: &Node) -> Option<BTreeMap<String, serde_json::Value>> {
    let mut fields = reader.map(node, "defaults")?;
    let mut defaults = BTreeMap::new();
    for (name, node) in fields.rest() {
        let path = format!("defaults.{name}");
        match &node.content {
            Content::Scalar(value) if !value.is_null() => {
                if !crate::template::is_parameter_name(name) {
                    reader.wrong(node.at, &path, "is not a parameter's name: a-z, 0-9 and _");
                }
                defaults.insert(name.to_owned(), value.clone());
            }
            Content::Scalar(_) | Content::List(_) | Content::Map(_) => {
                let message =
                    format!("should be text, a number, true or false, not {}", node.what());
                reader.wrong(node.at, &path, message);
            }
        }
    }
    Some(defaults)
}
