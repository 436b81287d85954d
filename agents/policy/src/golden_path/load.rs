//! Loading golden paths: every mistake of every file, at once.

use std::collections::BTreeMap;

use super::{CheckKind, GoldenPath, GoldenPaths, examples, lexicon, read};
use crate::template::Attachments;
use crate::yaml::{At, Reader};
use crate::{Environments, Problem, Problems, shipped_environment_files};

impl GoldenPaths {
    /// Reads every file, `(name, text)`. Files ending in `.yaml` are golden paths; the others are
    /// what these take in as `{{file:<name>}}`.
    ///
    /// Each path is rendered with each of its examples, and with every value of its choices and
    /// truth values, and `check` sees every resource that comes of it.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn load<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        check: &CheckKind<'_>,
    ) -> Result<Self, Problems> {
        let (paths, attachments): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(name, _)| is_yaml(name));
        let attachments: Attachments<'_> = attachments.into_iter().collect();
        let (lexicon, paths): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|(name, _)| *name == lexicon::FILE);
        // Examples speak of the shipped environments, so that they hold in every installation.
        let environments = Environments::load(shipped_environment_files().iter().copied())?;
        let mut problems = Vec::new();
        let (file, text) = lexicon.first().copied().unwrap_or((lexicon::FILE, lexicon::SHIPPED));
        let mut reader = Reader::new(file);
        let mut lexicon = lexicon::read(&mut reader, text);
        problems.extend(reader.into_problems());
        let mut loaded: Vec<(String, At, GoldenPath)> = Vec::new();
        for (file, text) in paths {
            let mut reader = Reader::new(file);
            reader.with_classes(lexicon.classes.keys());
            if let Some((at, path)) = read::read(&mut reader, text, &attachments) {
                if reader.is_clean() {
                    examples::check(&mut reader, &path, environments.default_environment(), check);
                }
                loaded.push((file.to_owned(), at, path));
            }
            problems.extend(reader.into_problems());
        }
        let mut paths: BTreeMap<_, GoldenPath> = BTreeMap::new();
        let mut files: BTreeMap<_, String> = BTreeMap::new();
        for (file, at, path) in loaded {
            if let Some(other) = files.insert(path.name.clone(), file.clone()) {
                problems.push(Problem {
                    file,
                    line: at.line,
                    column: at.column,
                    field: "name".to_owned(),
                    message: format!("{other} is golden path `{}` too", path.name),
                });
            }
            paths.insert(path.name.clone(), path);
        }
        Problems::none_or(problems)?;
        // What is installed is not planned any more.
        lexicon.planned.retain(|planned| !paths.contains_key(&planned.name));
        Ok(Self { paths, lexicon })
    }
}

/// Whether a file is one of ours to read, by its name.
pub(crate) fn is_yaml(name: &str) -> bool {
    std::path::Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}
