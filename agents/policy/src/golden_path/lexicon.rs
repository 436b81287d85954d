//! What people say that no path is for: paths that are yet to come, platforms nothing reaches, and
//! the words of infrastructure in general. Without these it would be misread as something else.

use std::collections::BTreeMap;

use bus_schema::PathName;

use super::{Concept, read};
use crate::Words;
use crate::yaml::{Fields, Node, Reader};

/// The file it is in, beside the paths.
pub(super) const FILE: &str = "lexicon.yaml";
/// Taken where the folder of the paths has none.
pub(super) const SHIPPED: &str = include_str!("../../../../deploy/golden-paths/lexicon.yaml");

/// What people say that is for no installed path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lexicon {
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
    /// What is asked of infrastructure without saying what should be.
    pub wishes: Words,
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
    lexicon.chatter = words(reader, &mut fields, "chatter");
    fields.end(
        reader,
        &["planned", "elsewhere", "topics", "wishes", "acts", "environments", "chatter"],
    );
    lexicon
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
