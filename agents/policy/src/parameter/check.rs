//! Whether a value fits its parameter, and its one written form.

use std::net::IpAddr;

use bus_schema::StackName;
use serde_json::Value;

use super::{Choice, Parameter, ParameterType, Unit};
use crate::Environment;

/// A value that does not fit its parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// It is of another type, or not written as that type is.
    #[error("`{value}` is not {wanted}")]
    NotA {
        /// What was given.
        value: String,
        /// What was wanted, with its article.
        wanted: &'static str,
    },
    /// It is below the least.
    #[error("{value} is too little: at least {min}")]
    TooLittle {
        /// What was given.
        value: i64,
        /// The least.
        min: i64,
    },
    /// It is above the most.
    #[error("{value} is too much: at most {max}")]
    TooMuch {
        /// What was given.
        value: i64,
        /// The most.
        max: i64,
    },
    /// It is above what this environment allows.
    #[error("{value} is more than the environment `{environment}` allows, which is {max}")]
    OverLimit {
        /// What was given.
        value: i64,
        /// The most.
        max: i64,
        /// The environment that says so.
        environment: String,
    },
    /// It is none of the values or names there are.
    #[error("`{value}` is not one of {}", known.join(", "))]
    Unknown {
        /// What was given.
        value: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A hostname outside the environment's zones.
    #[error("`{hostname}` is in none of the zones of `{environment}`: {}", zones.join(", "))]
    OtherZone {
        /// What was given.
        hostname: String,
        /// The environment looked at.
        environment: String,
        /// Its zones.
        zones: Vec<String>,
    },
}

impl Parameter {
    /// The value in its one written form: host and domain names in lower case without the last dot,
    /// paths without the last slash, domains sorted, a time as seconds.
    ///
    /// # Errors
    /// When the value does not fit; the error says what would.
    pub fn check(&self, value: &Value, environment: &Environment) -> Result<Value, InvalidValue> {
        match &self.takes {
            ParameterType::Hostname => {
                let hostname = hostname_of(value, "a hostname, for example www.example.com")?;
                if environment.zone_of(&hostname).is_none() {
                    return Err(InvalidValue::OtherZone {
                        hostname,
                        environment: environment.name.to_string(),
                        zones: environment.cloudflare.zones.clone(),
                    });
                }
                Ok(hostname.into())
            }
            ParameterType::UrlPath => url_path(value),
            ParameterType::Address => address(value),
            ParameterType::Integer { min, max, unit } => {
                let number = integer(value, "a whole number", *min, *max)?;
                match (unit, environment.limits.requests_per_second) {
                    (Unit::RequestsPerSecond, Some(limit)) if number > limit => {
                        Err(InvalidValue::OverLimit {
                            value: number,
                            max: limit,
                            environment: environment.name.to_string(),
                        })
                    }
                    _ => Ok(number.into()),
                }
            }
            ParameterType::Duration { min, max } => {
                integer(value, "a time in whole seconds", *min, *max).map(Value::from)
            }
            ParameterType::Choice(choices) => choice(value, choices),
            ParameterType::Boolean { .. } if value.is_boolean() => Ok(value.clone()),
            ParameterType::Boolean { .. } => Err(not_a(value, "true or false")),
            ParameterType::Domains { max } => domains(value, *max),
            ParameterType::Zone => one_of(value, "a zone", &environment.cloudflare.zones),
            ParameterType::Service => {
                let names: Vec<String> = environment.services.keys().cloned().collect();
                one_of(value, "a service", &names)
            }
            ParameterType::Stack => {
                let name = text(value, "a stack's name")?;
                StackName::new(name)
                    .map(|stack| stack.as_str().into())
                    .map_err(|_| not_a(value, "a stack's name: a-z, 0-9 and inner hyphens"))
            }
            ParameterType::Text { max } => free_text(value, *max),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(80).collect()
}

fn not_a(value: &Value, wanted: &'static str) -> InvalidValue {
    InvalidValue::NotA { value: shown(value), wanted }
}

fn text<'a>(value: &'a Value, wanted: &'static str) -> Result<&'a str, InvalidValue> {
    value.as_str().map(str::trim).ok_or_else(|| not_a(value, wanted))
}

fn integer(value: &Value, wanted: &'static str, min: i64, max: i64) -> Result<i64, InvalidValue> {
    let number = value.as_i64().ok_or_else(|| not_a(value, wanted))?;
    if number < min {
        return Err(InvalidValue::TooLittle { value: number, min });
    }
    if number > max {
        return Err(InvalidValue::TooMuch { value: number, max });
    }
    Ok(number)
}

fn hostname_of(value: &Value, wanted: &'static str) -> Result<String, InvalidValue> {
    let given = text(value, wanted)?;
    let name = given.strip_suffix('.').unwrap_or(given).to_ascii_lowercase();
    if is_hostname(&name) { Ok(name) } else { Err(not_a(value, wanted)) }
}

/// At least two labels of letters, digits, underscores and inner hyphens; 253 bytes at most
/// (RFC 1035 section 2.3.4); the last label not a number, so that no address passes for a name.
/// International names are written in their ASCII form.
pub(crate) fn is_hostname(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
}

/// An IPv4 or IPv6 address or a hostname.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_hostname(&text.to_ascii_lowercase())
}

fn address(value: &Value) -> Result<Value, InvalidValue> {
    let wanted = "an address, for example 203.0.113.20, or a hostname";
    let given = text(value, wanted)?;
    if let Ok(ip) = given.parse::<IpAddr>() {
        // Written as the standard library does: an IPv6 address has many spellings.
        return Ok(ip.to_string().into());
    }
    hostname_of(value, wanted).map(Value::from)
}

fn url_path(value: &Value) -> Result<Value, InvalidValue> {
    let wanted = "a path of a URL, for example /objects";
    let given = text(value, wanted)?;
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~');
    if !given.starts_with('/')
        || given.contains("//")
        || given.len() > 256
        || !given.bytes().all(safe)
        || given.split('/').any(|part| part == "." || part == "..")
    {
        return Err(not_a(value, wanted));
    }
    let path = given.strip_suffix('/').unwrap_or(given);
    Ok(if path.is_empty() { "/" } else { path }.into())
}

fn choice(value: &Value, choices: &[Choice]) -> Result<Value, InvalidValue> {
    let given = value.as_str().unwrap_or_default();
    if choices.iter().any(|choice| choice.value == given) {
        return Ok(value.clone());
    }
    let known = choices.iter().map(|choice| choice.value.clone()).collect();
    Err(InvalidValue::Unknown { value: shown(value), known })
}

fn domains(value: &Value, max: usize) -> Result<Value, InvalidValue> {
    let wanted = "a list of domain names, for example [ads.example]";
    let items = value.as_array().ok_or_else(|| not_a(value, wanted))?;
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        names.push(hostname_of(item, "a domain name, for example ads.example")?);
    }
    names.sort();
    names.dedup();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    if names.is_empty() {
        return Err(InvalidValue::TooLittle { value: 0, min: 1 });
    }
    if names.len() > max {
        return Err(InvalidValue::TooMuch { value: count(names.len()), max: count(max) });
    }
    Ok(names.into())
}

fn one_of(value: &Value, wanted: &'static str, known: &[String]) -> Result<Value, InvalidValue> {
    let given = text(value, wanted)?.to_ascii_lowercase();
    if known.contains(&given) {
        return Ok(given.into());
    }
    Err(InvalidValue::Unknown { value: shown(value), known: known.to_vec() })
}

fn free_text(value: &Value, max: usize) -> Result<Value, InvalidValue> {
    let wanted = "plain text on one line, without quotes, backslashes, braces and dollar signs";
    let given = text(value, wanted)?;
    let unsafe_in_a_template =
        |c: char| c.is_control() || matches!(c, '"' | '\'' | '`' | '\\' | '{' | '}' | '$');
    if given.is_empty() || given.chars().any(unsafe_in_a_template) {
        return Err(not_a(value, wanted));
    }
    let length = given.chars().count();
    if length > max {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        return Err(InvalidValue::TooMuch { value: count(length), max: count(max) });
    }
    Ok(given.into())
}
