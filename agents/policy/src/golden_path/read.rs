//! Reading one golden path: its form, and that what it names it also declares.

use std::collections::BTreeMap;

use bus_schema::PathName;
use serde_json::Value;

use super::{Concept, Control, Example, GoldenPath, Sort, resources};
use crate::condition::Test;
use crate::parameter::Required;
use crate::template::{Attachments, Template, is_parameter_name};
use crate::yaml::{At, Content, Fields, Node, Reader};
use crate::{Condition, Parameter, ParameterType, Words};

const FIELDS: [&str; 10] = [
    "name",
    "title",
    "purpose",
    "stack",
    "concepts",
    "covers",
    "examples",
    "parameters",
    "resources",
    "controls",
];

/// Reads one file's path; nothing where it is too broken to look at further.
pub(super) fn read(
    reader: &mut Reader,
    text: &str,
    attachments: &Attachments<'_>,
) -> Option<(At, GoldenPath)> {
    let root = reader.root(text)?;
    let mut fields = reader.map(&root, "")?;
    let at = fields.at();
    let name = fields.need(reader, "name").and_then(|node| reader.name(node, "name"));
    let title = fields.need(reader, "title").and_then(|node| reader.text(node, "title"));
    let purpose = fields.need(reader, "purpose").and_then(|node| reader.text(node, "purpose"));
    let parameters = read_parameters(reader, fields.take("parameters"));
    let stack = read_stack(reader, &mut fields, &parameters);
    let concepts = read_concepts(reader, &mut fields);
    let covers = read_covers(reader, fields.take("covers"));
    let examples = read_examples(reader, &mut fields, &parameters);
    let resources = resources::read(reader, &mut fields, &parameters, attachments);
    let controls = read_controls(reader, fields.take("controls"));
    fields.end(reader, &FIELDS);
    let path = GoldenPath {
        name: name?,
        title: title?,
        purpose: purpose?,
        concepts,
        covers,
        examples,
        parameters: parameters
            .into_iter()
            .filter_map(|(name, parameter)| Some((name, parameter?)))
            .collect(),
        controls,
        stack,
        resources,
    };
    Some((at, path))
}

/// Parameters by name. One that is declared and not right is there without a value, so that what
/// names it is not blamed as well.
pub(super) type Declared = BTreeMap<String, Option<Parameter>>;

fn read_parameters(reader: &mut Reader, node: Option<&Node>) -> Declared {
    let mut declared = Declared::new();
    let Some(mut fields) = node.and_then(|node| reader.map(node, "parameters")) else {
        return declared;
    };
    for (name, node) in fields.rest() {
        let path = format!("parameters.{name}");
        if !is_parameter_name(name) {
            let message = "is not a parameter's name: a-z first, then a-z, 0-9 and _";
            reader.wrong(node.at, &path, message);
        }
        declared.insert(name.to_owned(), Parameter::read(reader, node, &path));
    }
    for (name, parameter) in &declared {
        let Some(parameter) = parameter else { continue };
        let path = format!("parameters.{name}");
        if let Some(default) = &parameter.default {
            for used in default.0.parameters() {
                must_declare(reader, parameter.at, &format!("{path}.default"), used, &declared);
            }
        }
        if let Required::When(condition) = &parameter.required {
            let field = format!("{path}.required");
            check_condition(reader, parameter.at, &field, condition, &declared);
        }
    }
    declared
}

pub(super) fn must_declare(
    reader: &mut Reader,
    at: At,
    field: &str,
    name: &str,
    declared: &Declared,
) {
    if !declared.contains_key(name) {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        let known = crate::yaml::listed(&known);
        reader.wrong(at, field, format!("there is no parameter `{name}`; there are {known}"));
    }
}

pub(super) fn check_condition(
    reader: &mut Reader,
    at: At,
    field: &str,
    condition: &Condition,
    declared: &Declared,
) {
    for term in condition.terms() {
        must_declare(reader, at, field, &term.parameter, declared);
        let (Test::Equals(value) | Test::Differs(value)) = &term.test else { continue };
        let known: Vec<&str> =
            match declared.get(&term.parameter).and_then(Option::as_ref).map(|it| &it.takes) {
                Some(ParameterType::Choice(choices)) => {
                    choices.iter().map(|choice| choice.value.as_str()).collect()
                }
                Some(ParameterType::Boolean { .. }) => vec!["true", "false"],
                _ => continue,
            };
        if !known.contains(&value.as_str()) {
            let message = format!(
                "`{}` is never `{value}`; it is one of {}",
                term.parameter,
                crate::yaml::listed(&known)
            );
            reader.wrong(at, field, message);
        }
    }
}

fn read_stack(reader: &mut Reader, fields: &mut Fields<'_>, declared: &Declared) -> Vec<Template> {
    let Some(node) = fields.need(reader, "stack") else { return Vec::new() };
    let one = std::slice::from_ref(node);
    let nodes = if let Content::List(items) = &node.content { items.as_slice() } else { one };
    if nodes.is_empty() {
        reader.wrong(node.at, "stack", "needs at least one name");
    }
    let mut templates = Vec::with_capacity(nodes.len());
    for node in nodes {
        if let Some(text) = reader.text(node, "stack") {
            templates.extend(template(reader, node, "stack", &text, declared));
        }
    }
    templates
}

/// Reads a text with placeholders, all of which must be declared.
pub(super) fn template(
    reader: &mut Reader,
    node: &Node,
    field: &str,
    text: &str,
    declared: &Declared,
) -> Option<Template> {
    match Template::parse(text, &Attachments::new()) {
        Ok(template) => {
            for name in template.parameters() {
                must_declare(reader, node.at, field, name, declared);
            }
            Some(template)
        }
        Err(message) => {
            reader.wrong(node.at, field, message);
            None
        }
    }
}

pub(super) fn read_concepts(
    reader: &mut Reader,
    fields: &mut Fields<'_>,
) -> BTreeMap<String, Concept> {
    let mut concepts = BTreeMap::new();
    let Some(node) = fields.need(reader, "concepts") else { return concepts };
    let Some(mut map) = reader.map(node, "concepts") else { return concepts };
    for (name, node) in map.rest() {
        let path = format!("concepts.{name}");
        let Some(mut fields) = reader.map(node, &path) else { continue };
        let weight = fields.need(reader, "weight").and_then(|node| {
            let weight = reader.integer(node, &fields.path("weight"))?;
            if weight == 0 || !(-10..=10).contains(&weight) {
                let message = format!("{weight} is not from -10 to 10, or is 0");
                reader.wrong(node.at, &fields.path("weight"), message);
            }
            Some(weight)
        });
        let required = fields
            .take("required")
            .and_then(|node| reader.boolean(node, &fields.path("required")))
            .unwrap_or_default();
        let words_path = format!("{path}.words");
        let words =
            fields.need(reader, "words").and_then(|node| Words::read(reader, node, &words_path));
        if words.as_ref().is_some_and(|words| {
            words.together.is_empty() && (words.en.is_empty() || words.ko.is_empty())
        }) {
            reader.wrong(node.at, &words_path, "needs words in both `en` and `ko`");
        }
        let sort = fields.take("sort").and_then(|node| read_sort(reader, node, &path));
        let denied = fields
            .take("denied")
            .and_then(|node| reader.boolean(node, &fields.path("denied")))
            .unwrap_or_default();
        fields.end(reader, &["weight", "required", "words", "sort", "denied"]);
        if let (Some(weight), Some(words)) = (weight, words) {
            concepts.insert(name.to_owned(), Concept { weight, required, words, denied, sort });
        }
    }
    concepts
}

fn read_covers(reader: &mut Reader, node: Option<&Node>) -> Vec<PathName> {
    let items = node.and_then(|node| reader.list(node, "covers")).unwrap_or_default();
    items.iter().filter_map(|item| reader.name(item, "covers")).collect()
}

fn read_sort(reader: &mut Reader, node: &Node, path: &str) -> Option<Sort> {
    let field = format!("{path}.sort");
    let name = reader.text(node, &field)?;
    let sort = Sort::named(&name);
    if sort.is_none() {
        let known = Sort::ALL.map(|(name, _)| name);
        let message = format!("`{name}` is not a sort; there are {}", crate::yaml::listed(&known));
        reader.wrong(node.at, &field, message);
    }
    sort
}

fn read_examples(
    reader: &mut Reader,
    fields: &mut Fields<'_>,
    declared: &Declared,
) -> Vec<Example> {
    let mut examples = Vec::new();
    let Some(node) = fields.need(reader, "examples") else { return examples };
    let Some(items) = reader.list(node, "examples") else { return examples };
    if items.is_empty() {
        reader.wrong(node.at, "examples", "needs at least one example");
    }
    for (i, item) in items.iter().enumerate() {
        let path = format!("examples[{i}]");
        let Some(mut fields) = reader.map(item, &path) else { continue };
        let [en, ko] = ["en", "ko"].map(|language| {
            fields
                .need(reader, language)
                .and_then(|node| reader.text(node, &format!("{path}.{language}")))
        });
        let mut parameters = BTreeMap::new();
        let given_path = format!("{path}.parameters");
        if let Some(mut given) =
            fields.take("parameters").and_then(|node| reader.map(node, &given_path))
        {
            for (name, node) in given.rest() {
                must_declare(reader, node.at, &format!("{given_path}.{name}"), name, declared);
                parameters.insert(name.to_owned(), node.to_value());
            }
        }
        fields.end(reader, &["en", "ko", "parameters"]);
        if let (Some(en), Some(ko)) = (en, ko) {
            examples.push(Example { en, ko, parameters, at: item.at });
        }
    }
    examples
}

fn read_controls(reader: &mut Reader, node: Option<&Node>) -> Vec<Control> {
    let mut controls = Vec::new();
    let items = node.and_then(|node| reader.list(node, "controls")).unwrap_or_default();
    for (i, item) in items.iter().enumerate() {
        let path = format!("controls[{i}]");
        let Some(mut fields) = reader.map(item, &path) else { continue };
        let [id, how] = ["id", "how"].map(|field| {
            fields
                .need(reader, field)
                .and_then(|node| reader.text(node, &format!("{path}.{field}")))
        });
        fields.end(reader, &["id", "how"]);
        if let (Some(id), Some(how)) = (id, how) {
            controls.push(Control { id, how });
        }
    }
    controls
}

/// What a literal default is, for the check against its own type.
pub(super) const fn literal(parameter: &Parameter) -> Option<&Value> {
    match &parameter.default {
        Some(default) => default.0.literal(),
        None => None,
    }
}
