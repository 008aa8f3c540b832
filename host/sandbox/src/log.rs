//! What a plugin says to the operator: counted, cut, and shown as hostile text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bindings::psa_host::guest::log::Level;
use crate::incident::Incidents;
use crate::{IncidentCode, Phase};

/// Longest message, in bytes.
const MAX_LINE: usize = 4 << 10;

/// Where a session's log lines go: the target `psa_host::plugin` of `tracing`.
#[derive(Debug)]
pub(crate) struct Log {
    /// The connection's name, or the plugin's hash while it describes itself.
    pub label: String,
    pub most: u32,
    pub written: AtomicU32,
    pub incidents: Arc<Incidents>,
}

impl Log {
    pub(crate) fn new(label: String, most: u32, incidents: Arc<Incidents>) -> Self {
        Self {
            label,
            most,
            written: AtomicU32::new(0),
            incidents,
        }
    }

    /// Write one line, or count it as flood.
    pub(crate) fn write(&self, level: Level, during: Phase, message: &str) {
        // Stops one past the cap, so that it cannot wrap round.
        let before = self
            .written
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n <= self.most).then_some(n + 1)
            });
        match before {
            Ok(n) if n < self.most => {}
            Ok(_) => {
                let text = format!(
                    "more than {} log lines in one run; the rest is dropped",
                    self.most
                );
                self.incidents
                    .record(IncidentCode::LogFlood, during, &text, None);
                return;
            }
            Err(_) => return,
        }
        let line = line(message);
        let connection = self.label.as_str();
        match level {
            Level::Debug => {
                tracing::debug!(target: "psa_host::plugin", connection, %during, "{line}")
            }
            Level::Info => {
                tracing::info!(target: "psa_host::plugin", connection, %during, "{line}")
            }
            Level::Warn => {
                tracing::warn!(target: "psa_host::plugin", connection, %during, "{line}")
            }
            Level::Error => {
                tracing::error!(target: "psa_host::plugin", connection, %during, "{line}")
            }
        }
    }
}

/// Cut before it is cleaned: nobody works on 100 MB of log line.
fn line(message: &str) -> String {
    let mut end = message.len().min(MAX_LINE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut line = crate::text::clean(&message[..end], MAX_LINE);
    if end < message.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_dropped_and_reported_once() {
        let incidents = Arc::new(Incidents::default());
        let log = Log::new("c".to_owned(), 3, Arc::clone(&incidents));
        for _ in 0..100 {
            log.write(Level::Info, Phase::Check, "x");
        }
        let all = incidents.all();
        assert_eq!(
            (all.len(), all[0].code, all[0].times),
            (1, IncidentCode::LogFlood, 1)
        );
    }

    #[test]
    fn a_long_line_is_cut_and_escapes_are_shown() {
        assert_eq!(line("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert!(line(&"é".repeat(4_000)).len() <= MAX_LINE + 3);
    }
}
