//! What a tree says of a request. Total: every tree has an answer for every request.

use std::cmp::Ordering;

use super::Request;
use super::ast::{Literal, Logic, Operator, Set, Test, Value};
use super::field::Datum;

impl Logic {
    /// Whether it holds.
    pub(super) fn holds(&self, request: &Request) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Truth(value) => value.read(request) == Datum::Bool(true),
            Self::Test(test) => test.read(request) == Datum::Bool(true),
            Self::Not(inner) => !inner.holds(request),
            Self::All(operands) => operands.iter().all(|operand| operand.holds(request)),
            Self::Any(operands) => operands.iter().any(|operand| operand.holds(request)),
            Self::Odd(operands) => {
                operands.iter().filter(|operand| operand.holds(request)).count() % 2 == 1
            }
        }
    }
}

impl Value {
    /// Its value; an array of values where it was spread by `[*]`.
    pub(super) fn read(&self, request: &Request) -> Datum {
        match self {
            Self::Field(field) => (field.read)(request),
            Self::Literal(Literal::Int(number)) => Datum::Int(*number),
            Self::Literal(Literal::Text(text)) => Datum::Text(text.clone()),
            Self::Literal(Literal::Address(address)) => Datum::Address(*address),
            Self::Key(map, key) => {
                let Datum::Map(mut map) = map.read(request) else { return Datum::Missing };
                map.remove(key).map_or(Datum::Missing, |values| {
                    Datum::Array(values.into_iter().map(Datum::Text).collect())
                })
            }
            Self::Nth(array, number) => {
                let Datum::Array(items) = array.read(request) else { return Datum::Missing };
                items.into_iter().nth(*number).unwrap_or(Datum::Missing)
            }
            // An absent header has no values.
            Self::Each(array) => {
                let items = array.read(request);
                if items == Datum::Missing { Datum::Array(Vec::new()) } else { items }
            }
            Self::Call { function, arguments, spread } => {
                let arguments: Vec<Datum> =
                    arguments.iter().map(|argument| argument.read(request)).collect();
                match (spread, arguments.split_first()) {
                    (true, Some((Datum::Array(items), rest))) => {
                        let call = |item: &Datum| {
                            let mut arguments = vec![item.clone()];
                            arguments.extend_from_slice(rest);
                            function.call(&arguments)
                        };
                        Datum::Array(items.iter().map(call).collect())
                    }
                    _ => function.call(&arguments),
                }
            }
            Self::Test(test) => test.read(request),
        }
    }
}

impl Test {
    fn read(&self, request: &Request) -> Datum {
        match (self.spread, self.value.read(request)) {
            (true, Datum::Array(items)) => Datum::Array(
                items.iter().map(|item| Datum::Bool(self.operator.holds(item))).collect(),
            ),
            (_, value) => Datum::Bool(self.operator.holds(&value)),
        }
    }
}

impl Operator {
    fn holds(&self, value: &Datum) -> bool {
        match self {
            Self::Equal(literal) => order(value, literal) == Some(Ordering::Equal),
            Self::NotEqual(literal) => order(value, literal) != Some(Ordering::Equal),
            Self::Less(literal) => order(value, literal).is_some_and(Ordering::is_lt),
            Self::LessOrEqual(literal) => order(value, literal).is_some_and(Ordering::is_le),
            Self::Greater(literal) => order(value, literal).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual(literal) => order(value, literal).is_some_and(Ordering::is_ge),
            Self::Contains(part) => {
                matches!(value, Datum::Text(text) if text.contains(part.as_str()))
            }
            Self::Matches(regex) => matches!(value, Datum::Text(text) if regex.is_match(text)),
            Self::In(set) => set.contains(value),
        }
    }
}

fn order(value: &Datum, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Datum::Int(value), Literal::Int(literal)) => Some(value.cmp(literal)),
        (Datum::Text(value), Literal::Text(literal)) => Some(value.cmp(literal)),
        (Datum::Address(value), Literal::Address(literal)) => Some(value.cmp(literal)),
        _ => None,
    }
}

impl Set {
    fn contains(&self, value: &Datum) -> bool {
        match (self, value) {
            (Self::Ints(ranges), Datum::Int(value)) => ranges.iter().any(|r| r.contains(value)),
            (Self::Texts(texts), Datum::Text(value)) => texts.contains(value),
            (Self::Addresses(ranges), Datum::Address(value)) => {
                ranges.iter().any(|range| range.contains(value))
            }
            _ => false,
        }
    }
}
