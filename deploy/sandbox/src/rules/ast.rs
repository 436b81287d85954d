//! A parsed and type-checked expression.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use regex::Regex;

use super::field::Field;
use super::function::Function;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    Text,
    Address,
    Bools,
    Ints,
    Texts,
    /// Text to several texts, as headers are.
    Map,
}

impl Type {
    /// What an array holds.
    pub(super) const fn element(self) -> Option<Self> {
        match self {
            Self::Bools => Some(Self::Bool),
            Self::Ints => Some(Self::Int),
            Self::Texts => Some(Self::Text),
            Self::Bool | Self::Int | Self::Text | Self::Address | Self::Map => None,
        }
    }

    /// The array of it.
    pub(super) const fn array(self) -> Option<Self> {
        match self {
            Self::Bool => Some(Self::Bools),
            Self::Int => Some(Self::Ints),
            Self::Text => Some(Self::Texts),
            Self::Address | Self::Bools | Self::Ints | Self::Texts | Self::Map => None,
        }
    }

    /// For messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bool => "a boolean",
            Self::Int => "a number",
            Self::Text => "a string",
            Self::Address => "an IP address",
            Self::Bools => "an array of booleans",
            Self::Ints => "an array of numbers",
            Self::Texts => "an array of strings",
            Self::Map => "a map of strings",
        }
    }
}

/// What is true or false of a request. Chains are flat, so that neither evaluating nor dropping
/// one recurses over its length.
#[derive(Debug, Clone)]
pub(super) enum Logic {
    Constant(bool),
    /// A boolean value standing by itself, as `ssl`.
    Truth(Value),
    Test(Test),
    Not(Box<Logic>),
    All(Vec<Logic>),
    Any(Vec<Logic>),
    /// An odd number of them.
    Odd(Vec<Logic>),
}

/// A value compared.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) value: Value,
    /// Whether the value was spread by `[*]`: then the test answers an array.
    pub(super) spread: bool,
    pub(super) operator: Operator,
}

/// What a value is compared with.
#[derive(Debug, Clone)]
pub(super) enum Operator {
    Equal(Literal),
    NotEqual(Literal),
    Less(Literal),
    LessOrEqual(Literal),
    Greater(Literal),
    GreaterOrEqual(Literal),
    Contains(String),
    Matches(Regex),
    In(Set),
}

/// A value written in the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Int(i64),
    Text(String),
    Address(IpAddr),
}

/// What stands in braces.
#[derive(Debug, Clone)]
pub(super) enum Set {
    Ints(Vec<RangeInclusive<i64>>),
    Texts(BTreeSet<String>),
    /// From and to are of one family; addresses order by family first.
    Addresses(Vec<RangeInclusive<IpAddr>>),
    /// A Gateway list, by id; nothing here evaluates one.
    List,
}

/// What yields a value for a request.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Field(&'static Field),
    Literal(Literal),
    /// `map["key"]`.
    Key(Box<Value>, String),
    /// `array[0]`.
    Nth(Box<Value>, usize),
    /// `array[*]`: what is done with it is done with each.
    Each(Box<Value>),
    /// `spread`: the first argument is an array and the function is called for each.
    Call {
        function: Function,
        arguments: Vec<Value>,
        spread: bool,
    },
    /// A test as argument of `any` or `all`.
    Test(Box<Test>),
}
