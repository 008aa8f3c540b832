//! What an operator sets for the daemon: one TOML file, every setting with a default.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

/// The daemon's settings.
///
/// ```
/// let settings = psa_host_server::Settings::parse("[schedule]\nruns_at_once = 2")?;
/// assert_eq!(settings.schedule.runs_at_once.get(), 2);
/// assert_eq!(settings.listen.port(), 8620);
/// # Ok::<(), psa_host_server::SettingsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the API is served.
    pub listen: SocketAddr,
    /// The daily sync.
    pub schedule: ScheduleSettings,
    /// How long what is in flight may take at the end.
    #[serde(deserialize_with = "duration")]
    pub stop_limit: SignedDuration,
}

/// Settings of the daily sync.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Whether anything is synced by itself.
    pub enabled: bool,
    /// Connections that are synced side by side, at most.
    pub runs_at_once: NonZeroUsize,
    /// How late a date may be begun.
    #[serde(deserialize_with = "duration")]
    pub window: SignedDuration,
    /// Whether connections are spread over half an hour.
    pub spread: bool,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings {path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is not what is expected.
    #[error("{0}")]
    Wrong(#[from] toml::de::Error),
}

/// Every setting with its default and its meaning, as a file that changes nothing.
pub const EXAMPLE: &str = include_str!("settings.example.toml");

impl Settings {
    /// Read a file.
    ///
    /// # Errors
    /// It cannot be read, has an unknown setting or a value that is none.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&text)
    }

    /// Read a text.
    ///
    /// # Errors
    /// It has an unknown setting or a value that is none.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        Ok(toml::from_str(text)?)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8620)),
            schedule: ScheduleSettings::default(),
            stop_limit: SignedDuration::from_secs(60),
        }
    }
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            runs_at_once: NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN),
            window: psa_host_sync::WINDOW,
            spread: true,
        }
    }
}

/// `20h`, `90s`, `1h 30m`; not less than nothing.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed: Result<SignedDuration, _> = text.parse();
    match parsed {
        Ok(duration) if !duration.is_negative() => Ok(duration),
        Ok(_) => Err(serde::de::Error::custom(format!(
            "{text:?} is less than nothing"
        ))),
        Err(error) => Err(serde::de::Error::custom(format!(
            "{text:?} is not a time, such as 20h or 90s: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_every_setting_with_its_default() {
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .collect();
        assert_eq!(Settings::parse(&uncommented).unwrap(), Settings::default());
        for setting in [
            "listen",
            "stop_limit",
            "enabled",
            "runs_at_once",
            "window",
            "spread",
        ] {
            let given = uncommented
                .lines()
                .any(|l| l.starts_with(&format!("{setting} =")));
            assert!(given, "{setting}");
        }
        assert_eq!(Settings::parse(EXAMPLE).unwrap(), Settings::default());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, part) in [
            ("lsten = \"127.0.0.1:1\"", "lsten"),
            ("stop_limit = \"soon\"", "\"soon\" is not a time"),
            ("stop_limit = \"-5s\"", "less than nothing"),
            ("[schedule]\nruns_at_once = 0", "runs_at_once"),
        ] {
            let refused = Settings::parse(text).unwrap_err().to_string();
            assert!(refused.contains(part), "{text}: {refused}");
            assert!(refused.contains("line "), "{text}: {refused}");
        }
    }
}
