//! What a text mentions that needs no dictionary: hosts, addresses, paths, quantities.

mod host;
mod quantity;
mod units;

use std::net::IpAddr;

pub(crate) use quantity::{Quantity, Unit};

use super::text::{Span, Text};

/// A value and the words it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// Everything found in one text, each sort in order of appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entities {
    /// Names with a dot, lower-case, as `docs.example.com`; also `*.example.com`.
    pub(crate) hosts: Vec<Found<String>>,
    pub(crate) addresses: Vec<Found<IpAddr>>,
    /// As `/assets/`, also that of a URL.
    pub(crate) paths: Vec<Found<String>>,
    pub(crate) quantities: Vec<Found<Quantity>>,
}

impl Entities {
    pub(crate) fn of(text: &Text<'_>) -> Self {
        let mut entities = Self { quantities: quantity::find(text), ..Self::default() };
        for token in &text.tokens {
            host::read(text, token, &mut entities);
        }
        entities
    }

    /// Where the names are: words inside them say nothing about what is wanted.
    pub(crate) fn names(&self) -> Vec<Span> {
        self.hosts
            .iter()
            .map(|host| host.span)
            .chain(self.addresses.iter().map(|address| address.span))
            .chain(self.paths.iter().map(|path| path.span))
            .collect()
    }
}
