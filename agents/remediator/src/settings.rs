//! The remediator's own configuration keys.

use std::path::PathBuf;

use runtime::{Key, Settings, Values};

use crate::damping::Damped;

/// What the remediator is told.
#[derive(Debug, Clone, Default)]
pub struct RemediatorSettings {
    /// Folder of environments; `None` takes the shipped ones.
    pub environments: Option<PathBuf>,
    /// How repairs that are taken back are damped.
    pub damped: Damped,
}

impl Settings for RemediatorSettings {
    const KEYS: &'static [Key] = &[
        Key::new("ENVIRONMENTS", "folder of environments; without it, those that are shipped"),
        Key::new(
            "BACKOFF_SECONDS",
            "How long a repair waits whose like was taken back once, 1 to 3600; twice as long each \
             time more",
        )
        .or("2"),
        Key::new("BACKOFF_LONGEST_SECONDS", "Longest that it waits, 1 to 86400").or("300"),
        Key::new(
            "REVERSALS",
            "Repairs of the same sort within the window after which a person is asked, 1 to 100",
        )
        .or("5"),
        Key::new("WINDOW_SECONDS", "How long a repair is remembered for that, 1 to 604800")
            .or("600"),
        Key::new(
            "QUIET_SECONDS",
            "How long after that it is tried again by itself, 1 to 604800; no shorter than the window",
        )
        .or("1800"),
    ];

    fn read(values: &mut Values<'_>) -> Self {
        let environments = values.path("ENVIRONMENTS").filter(|path| !path.as_os_str().is_empty());
        if let Some(folder) = environments.as_ref().filter(|folder| !folder.is_dir()) {
            values.mistake(format!(
                "ZERODRIFT_ENVIRONMENTS: there is no folder {}",
                folder.display()
            ));
        }
        let damped = Damped {
            first: values.seconds("BACKOFF_SECONDS", 1..=3_600),
            longest: values.seconds("BACKOFF_LONGEST_SECONDS", 1..=86_400),
            reversals: usize::try_from(values.number("REVERSALS", 1..=100)).unwrap_or(5),
            window: values.seconds("WINDOW_SECONDS", 1..=604_800),
            quiet: values.seconds("QUIET_SECONDS", 1..=604_800),
        };
        if damped.quiet < damped.window {
            values.mistake(
                "ZERODRIFT_QUIET_SECONDS: must not be less than ZERODRIFT_WINDOW_SECONDS"
                    .to_owned(),
            );
        }
        Self { environments, damped }
    }
}
