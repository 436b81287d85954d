//! Golden paths: reviewed recipes, typed parameters in, resources out.

mod examples;
mod lexicon;
mod load;
mod read;
mod resources;

pub use lexicon::{Guards, Lexicon, Planned};
pub(crate) use load::is_yaml;

use std::collections::BTreeMap;

use bus_schema::{KindName, PathName, Properties, ResourceName};
use serde_json::Value;

use crate::reference::Local;
use crate::template::Template;
use crate::yaml::At;
use crate::{Condition, Environment, Language, Parameter, Words};

/// Says whether declared properties fit their kind; the error says what would.
pub type CheckKind<'a> = dyn Fn(&KindName, &Properties) -> Result<(), String> + 'a;

/// Every golden path of an installation, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GoldenPaths {
    paths: BTreeMap<PathName, GoldenPath>,
    lexicon: Lexicon,
}

/// A reviewed recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenPath {
    /// Its name.
    pub name: PathName,
    /// Its name for people.
    pub title: String,
    /// What it is for, in a sentence or two.
    pub purpose: String,
    /// What an intent for it speaks of, by name.
    pub concepts: BTreeMap<String, Concept>,
    /// Paths whose work this one does as well: an intent that speaks of both is for this one.
    pub covers: Vec<PathName>,
    /// Intents it is for, at least one.
    pub examples: Vec<Example>,
    /// Its parameters, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// What it satisfies of what auditors ask for.
    pub controls: Vec<Control>,
    /// Names for its stack; the first whose parameters all have a value is taken.
    pub(crate) stack: Vec<Template>,
    pub(crate) resources: Vec<ResourceTemplate>,
}

/// Something an intent may speak of, with the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// How much it speaks for the path, from -10 to 10; below 0, against it.
    pub weight: i64,
    /// Whether it is what the path is about. An intent that speaks of none of these is not for the
    /// path; one that speaks of any may be.
    pub required: bool,
    /// The words.
    pub words: Words,
    /// Whether it is spoken of even where it is denied: `do not block` speaks of blocking.
    pub denied: bool,
    /// Whether a thing of this sort speaks of it as well as a word does.
    pub sort: Option<Sort>,
}

/// A sort of thing that a text may mention without any word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A hostname.
    Host,
    /// A hostname in a zone of any of the environments.
    Ours,
    /// A hostname in none.
    Theirs,
    /// A hostname with an open place in its path, as `go.example.com/<name>`.
    Blank,
    /// An IP address.
    Address,
    /// The address that stands for all: `0.0.0.0`, `::`.
    Anywhere,
    /// A number of requests in a time.
    Rate,
    /// A time.
    Duration,
    /// The path of a URL.
    Path,
    /// A hostname together with an IP address.
    Pair,
    /// The name of a stack.
    Stack,
}

impl Sort {
    const ALL: [(&'static str, Self); 11] = [
        ("host", Self::Host),
        ("ours", Self::Ours),
        ("theirs", Self::Theirs),
        ("address", Self::Address),
        ("blank", Self::Blank),
        ("anywhere", Self::Anywhere),
        ("rate", Self::Rate),
        ("duration", Self::Duration),
        ("path", Self::Path),
        ("pair", Self::Pair),
        ("stack", Self::Stack),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, sort)| *sort)
    }
}

/// An intent in both languages and what it says of the parameters; the rest is defaults. It speaks
/// of the reserved names of RFC 2606 and of the services of the shipped environment `prod`.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// In English.
    pub en: String,
    /// In Korean.
    pub ko: String,
    /// What its words say.
    pub parameters: BTreeMap<String, Value>,
    pub(crate) at: At,
}

/// A demand of a standard that the path satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Standard and number, for example `PCI-DSS-4.0.1:6.4.2`.
    pub id: String,
    /// How the path satisfies it.
    pub how: String,
}

/// A resource with placeholders.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResourceTemplate {
    pub(crate) at: At,
    pub(crate) kind: KindName,
    pub(crate) name: ResourceName,
    pub(crate) place: Template,
    pub(crate) when: Option<Condition>,
    pub(crate) properties: BTreeMap<String, Template>,
    pub(crate) depends_on: Vec<Local>,
}

impl GoldenPaths {
    /// One, by its name.
    pub fn get(&self, name: &PathName) -> Option<&GoldenPath> {
        self.paths.get(name)
    }

    /// All of them, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = &GoldenPath> {
        self.paths.values()
    }

    /// What people say that is for no path here.
    pub const fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }
}

impl GoldenPath {
    /// What the names of its stacks begin with: `edge-cache-`, `gateway-`.
    pub fn stack_beginnings(&self) -> impl Iterator<Item = &str> {
        self.stack.iter().map(Template::beginning)
    }

    /// Whether it makes nothing, as the path that removes a stack.
    pub const fn is_removal(&self) -> bool {
        self.resources.is_empty()
    }
}

impl Example {
    /// The intent in one language, speaking of the environment's main zone where the example's is
    /// not among its zones.
    pub fn text(&self, language: Language, environment: &Environment) -> String {
        const RESERVED: &str = "example.com";
        let text = match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        };
        match environment.cloudflare.zones.first() {
            Some(zone) if !environment.cloudflare.zones.iter().any(|it| it == RESERVED) => {
                text.replace(RESERVED, zone)
            }
            _ => text.clone(),
        }
    }
}
