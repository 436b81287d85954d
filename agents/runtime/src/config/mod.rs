//! Configuration: read once, every mistake reported at once.
//!
//! A key `NATS_URL` is the environment variable `ZERODRIFT_NATS_URL` or `nats_url` in a TOML file;
//! the environment prevails. An agent adds keys of its own through [`Settings`].

mod runtime_settings;
mod source;
mod values;

pub use runtime_settings::{LogFormat, NatsSettings, RuntimeSettings};
pub(crate) use source::Source;
pub use values::Values;

use std::fmt;
use std::path::Path;

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name, upper case, without the prefix `ZERODRIFT_`.
    pub name: &'static str,
    /// Its value where none is given.
    pub default: Option<&'static str>,
    /// What it is, for `--help`; with its unit.
    pub about: &'static str,
}

impl Key {
    /// A key without a default.
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, default: None, about }
    }

    /// The same key with a default.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// A group of configuration keys.
pub trait Settings: Sized + Send {
    /// Every key, in the order `--help` shows.
    const KEYS: &'static [Key];

    /// Reads them. A mistake is kept in `values` and stands for itself; what is returned is used
    /// only when there was none.
    fn read(values: &mut Values<'_>) -> Self;
}

/// For an agent without keys of its own.
impl Settings for () {
    const KEYS: &'static [Key] = &[];
    fn read(_: &mut Values<'_>) -> Self {}
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// One sentence for each.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake(s):", self.0.len())?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

/// Reads the runtime's settings and an agent's own, from the environment and the file, if any.
///
/// # Errors
/// With every mistake in the file, the values, and the names.
pub fn load<S: Settings>(file: Option<&Path>) -> Result<(RuntimeSettings, S), Mistakes> {
    let source = Source::of_process(file);
    let settings = read(&source)?;
    #[cfg(debug_assertions)]
    sabotage(&source).map_err(|mistake| Mistakes(vec![mistake]))?;
    Ok(settings)
}

/// What tests do to a process; see [`crate::failpoint!`] and [`crate::now`]. Not listed by
/// `--help`, and not there at all in release builds.
#[cfg(debug_assertions)]
fn sabotage(source: &Source) -> Result<(), String> {
    if let Some((place, _)) = source.get("FAILPOINT") {
        crate::failpoint::arm(&place)?;
    }
    if let Some((farthest, _)) = source.get("CLOCK_JUMP_SECONDS") {
        let farthest = farthest.parse::<u32>();
        let farthest =
            farthest.map_err(|error| format!("ZERODRIFT_CLOCK_JUMP_SECONDS: {error}"))?;
        crate::clock::jump(farthest.into());
    }
    Ok(())
}

/// The same from given text instead of the process: `environment` as pairs, `file` as TOML.
///
/// # Errors
/// With every mistake.
pub fn load_from<S: Settings>(
    environment: &[(&str, &str)],
    file: Option<&str>,
) -> Result<(RuntimeSettings, S), Mistakes> {
    read(&Source::of_text(environment, file))
}

fn read<S: Settings>(source: &Source) -> Result<(RuntimeSettings, S), Mistakes> {
    let mut values = Values::new(source, &[RuntimeSettings::KEYS, S::KEYS]);
    let common = RuntimeSettings::read(&mut values);
    let own = S::read(&mut values);
    let mistakes = values.finish();
    if mistakes.is_empty() { Ok((common, own)) } else { Err(Mistakes(mistakes)) }
}

/// The list of keys for `--help`.
pub(crate) fn describe(groups: &[(&str, &[Key])]) -> String {
    const INTRODUCTION: &str = "Configuration (environment variable; in the TOML file the name in \
                                lower case without ZERODRIFT_):";
    let groups = groups.iter().filter(|(_, keys)| !keys.is_empty()).map(|(title, keys)| {
        let keys: Vec<String> = keys.iter().map(line).collect();
        format!("  {title}:\n{}", keys.join("\n"))
    });
    std::iter::once(INTRODUCTION.to_owned()).chain(groups).collect::<Vec<_>>().join("\n\n")
}

fn line(key: &Key) -> String {
    let default = key.default.map_or_else(String::new, |value| format!(" [default: {value}]"));
    format!("    ZERODRIFT_{}\n          {}{default}", key.name, key.about)
}
