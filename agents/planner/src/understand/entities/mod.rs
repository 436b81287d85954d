//! What a text mentions that needs no dictionary: hosts, addresses, paths, quantities.

mod host;
mod measure;
mod noise;
mod numeral;
mod quantity;
mod spelled;
mod units;

use std::net::IpAddr;

pub(crate) use noise::Noise;
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
    /// What looks like one of these and is none.
    pub(crate) noise: Vec<(Noise, Span)>,
}

impl Entities {
    pub(crate) fn of(text: &Text<'_>) -> Self {
        let noise = noise::find(text);
        let clear = |span: Span| !noise.iter().any(|(_, noise)| noise.overlaps(span));
        let mut quantities = quantity::find(text);
        quantities.retain(|quantity| clear(quantity.span));
        let mut entities = Self { quantities, ..Self::default() };
        for token in text.tokens.iter().filter(|token| clear(token.span)) {
            host::read(text, token, &mut entities);
        }
        entities.noise = noise;
        entities
    }

    /// Forgets what is elsewhere.
    pub(crate) fn retain(&mut self, within: impl Fn(Span) -> bool) {
        self.hosts.retain(|it| within(it.span));
        self.addresses.retain(|it| within(it.span));
        self.paths.retain(|it| within(it.span));
        self.quantities.retain(|it| within(it.span));
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
