//! What people say that no path is for: paths that are yet to come, platforms nothing reaches, and
//! the words of infrastructure in general. Without these it would be misread as something else.

use std::collections::BTreeMap;

use bus_schema::PathName;

use super::{Concept, read};
use crate::words::read_together;
use crate::yaml::{Fields, Node, Reader};
use crate::{Together, Words};

/// The file it is in, beside the paths.
pub(super) const FILE: &str = "lexicon.yaml";
/// Taken where the folder of the paths has none.
pub(super) const SHIPPED: &str = include_str!("../../../../deploy/golden-paths/lexicon.yaml");

/// What people say that is for no installed path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lexicon {
    /// Kinds of words, for what is meant by several together.
    pub classes: BTreeMap<String, Words>,
    /// What does harm, and what is directed at the swarm itself.
    pub guards: Guards,
    /// Paths that are not installed here: who asks for one is told so, by name.
    pub planned: Vec<Planned>,
    /// Platforms and products that no path reaches.
    pub elsewhere: Words,
    /// What infrastructure is spoken of with: who uses none of these speaks of something else.
    pub topics: Words,
    /// What may be done, with the words that ask for it.
    pub acts: BTreeMap<String, Words>,
    /// What people call environments, beside those that are declared.
    pub environments: Words,
    /// What is spoken of besides work: nobody who does wants infrastructure.
    pub chatter: Words,
    /// English words that are no slip of the pen, however near they are to a declared one.
    pub spelled_right: Words,
    /// What is asked of infrastructure without saying what should be.
    pub wishes: Words,
}

/// What is refused whatever path it may fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guards {
    /// Instructions to the swarm instead of wishes for infrastructure.
    pub manipulation: Vec<Together>,
    /// A protection would be gone.
    pub protection_off: Vec<Together>,
    /// A protection is not wanted: harm where the path would give it.
    pub protection_unwanted: Vec<Together>,
    /// More than one named stack would be gone.
    pub delete_everything: Vec<Together>,
    /// Something would be open to everybody.
    pub open_to_all: Vec<Together>,
}

/// A path that is not installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its name.
    pub name: PathName,
    /// What it is for, in English and Korean: the object of "is not available here".
    pub title: Words,
    /// What an intent for it speaks of.
    pub concepts: BTreeMap<String, Concept>,
}

pub(super) fn read(reader: &mut Reader, text: &str) -> Lexicon {
    let mut lexicon = Lexicon::default();
    let Some(root) = reader.root(text) else { return lexicon };
    let Some(mut fields) = reader.map(&root, "") else { return lexicon };
    if let Some(node) = fields.take("classes")
        && let Some(mut classes) = reader.map(node, "classes")
    {
        for (name, node) in classes.rest() {
            let words = Words::read(reader, node, &format!("classes.{name}"));
            lexicon.classes.extend(words.map(|words| (name.to_owned(), words)));
        }
    }
    reader.with_classes(lexicon.classes.keys());
    if let Some(node) = fields.take("guards") {
        lexicon.guards = read_guards(reader, node).unwrap_or_default();
    }
    if let Some(node) = fields.take("planned")
        && let Some(mut planned) = reader.map(node, "planned")
    {
        for (name, node) in planned.rest() {
            lexicon.planned.extend(read_planned(reader, name, node));
        }
    }
    lexicon.elsewhere = words(reader, &mut fields, "elsewhere");
    lexicon.topics = words(reader, &mut fields, "topics");
    lexicon.wishes = words(reader, &mut fields, "wishes");
    if let Some(node) = fields.take("acts")
        && let Some(mut acts) = reader.map(node, "acts")
    {
        for (name, node) in acts.rest() {
            let words = Words::read(reader, node, &format!("acts.{name}"));
            lexicon.acts.extend(words.map(|words| (name.to_owned(), words)));
        }
    }
    lexicon.environments = words(reader, &mut fields, "environments");
    lexicon.spelled_right = words(reader, &mut fields, "spelled_right");
    lexicon.chatter = words(reader, &mut fields, "chatter");
    fields.end(
        reader,
        &[
            "classes",
            "guards",
            "planned",
            "elsewhere",
            "topics",
            "wishes",
            "acts",
            "environments",
            "chatter",
            "spelled_right",
        ],
    );
    lexicon
}

fn read_guards(reader: &mut Reader, node: &Node) -> Option<Guards> {
    let mut fields = reader.map(node, "guards")?;
    let mut guards = Guards::default();
    for (name, list) in [
        ("manipulation", &mut guards.manipulation),
        ("protection_off", &mut guards.protection_off),
        ("protection_unwanted", &mut guards.protection_unwanted),
        ("delete_everything", &mut guards.delete_everything),
        ("open_to_all", &mut guards.open_to_all),
    ] {
        let field = fields.path(name);
        if let Some(node) = fields.take(name) {
            *list = read_together(reader, node, &field);
        }
    }
    fields.end(
        reader,
        &[
            "manipulation",
            "protection_off",
            "protection_unwanted",
            "delete_everything",
            "open_to_all",
        ],
    );
    Some(guards)
}

fn words(reader: &mut Reader, fields: &mut Fields<'_>, name: &str) -> Words {
    let node = fields.take(name);
    node.and_then(|node| Words::read(reader, node, name)).unwrap_or_default()
}

fn read_planned(reader: &mut Reader, name: &str, node: &Node) -> Option<Planned> {
    let path = format!("planned.{name}");
    let named = name.parse().ok();
    if named.is_none() {
        reader.wrong(node.at, &path, "is not a golden path's name");
    }
    let mut fields = reader.map(node, &path)?;
    let title = words(reader, &mut fields, "title");
    let concepts = read::read_concepts(reader, &mut fields);
    fields.end(reader, &["title", "concepts"]);
    Some(Planned { name: named?, title, concepts })
}
