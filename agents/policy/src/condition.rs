//! When a resource is part of a path, or a parameter of it is needed.

use std::fmt;

use serde_json::Value;

/// Terms joined by `and`, each over one parameter: `name` (has a value other than `false`),
/// `not name`, `name == value`, `name != value`. There is no `or`: a second resource says that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) parameter: String,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    Set,
    NotSet,
    Equals(String),
    Differs(String),
}

impl Condition {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split(" and ").map(Term::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(terms))
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.0
    }

    /// Whether every term holds, given how to find a parameter's value.
    pub fn holds<'v>(&self, value_of: impl Fn(&str) -> Option<&'v Value>) -> bool {
        self.0.iter().all(|term| {
            let value = value_of(&term.parameter);
            match &term.test {
                Test::Set => is_set(value),
                Test::NotSet => !is_set(value),
                Test::Equals(wanted) => value.is_some_and(|value| written(value) == *wanted),
                Test::Differs(other) => value.is_none_or(|value| written(value) != *other),
            }
        })
    }
}

impl Term {
    fn parse(term: &str) -> Result<Self, String> {
        let words: Vec<&str> = term.split_whitespace().collect();
        let (parameter, test) = match words.as_slice() {
            [name] => (*name, Test::Set),
            ["not", name] => (*name, Test::NotSet),
            [name, "==", value] => (*name, Test::Equals((*value).to_owned())),
            [name, "!=", value] => (*name, Test::Differs((*value).to_owned())),
            _ => {
                return Err(format!(
                    "`{term}` is not a condition: `name`, `not name`, `name == value` or \
                     `name != value`, joined by `and`"
                ));
            }
        };
        Ok(Self { parameter: parameter.to_owned(), test })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Term { parameter, test }) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" and ")?;
            }
            match test {
                Test::Set => f.write_str(parameter)?,
                Test::NotSet => write!(f, "not {parameter}")?,
                Test::Equals(value) => write!(f, "{parameter} == {value}")?,
                Test::Differs(value) => write!(f, "{parameter} != {value}")?,
            }
        }
        Ok(())
    }
}

fn is_set(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
}

/// A value as it stands within a text.
pub(crate) fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(condition: &str) -> bool {
        let values = json!({"template": "headers", "record": true, "objects": false});
        Condition::parse(condition).unwrap().holds(|name| values.get(name))
    }

    #[test]
    fn every_term_must_hold() {
        assert!(holds("record and template == headers"));
        assert!(!holds("record and template == objects"));
        assert!(holds("not objects and not unheard_of and template != objects"));
        assert!(!holds("objects"));
        assert!(holds("record == true"));
        assert!(holds("unheard_of != x"));
    }

    #[test]
    fn what_is_no_condition_is_refused_and_the_rest_prints_as_written() {
        assert!(Condition::parse("a or b").is_err());
        assert!(Condition::parse("").is_err());
        let text = "a and not b and c == d and e != f";
        assert_eq!(Condition::parse(text).unwrap().to_string(), text);
    }
}
