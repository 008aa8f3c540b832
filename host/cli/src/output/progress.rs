//! Progress on stderr, and only where that is a terminal.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use psa_host_sync::{Activity, Progress};

/// A bar that follows what is being done, one activity after the other.
#[derive(Debug)]
pub struct Bar {
    shown: Option<Mutex<Shown>>,
}

#[derive(Debug, Default)]
struct Shown {
    now: Option<(Activity, ProgressBar)>,
}

impl Bar {
    /// Hidden where stderr is no terminal, or nobody wants to look.
    pub fn new(wanted: bool) -> Self {
        let shown = (wanted && std::io::stderr().is_terminal()).then(Mutex::default);
        Self { shown }
    }

    /// To be called as a [`psa_host_sync::Watch`].
    pub fn show(&self, progress: Progress) {
        let Some(shown) = &self.shown else { return };
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let same = matches!(&shown.now, Some((activity, _)) if *activity == progress.activity);
        if !same {
            if let Some((_, bar)) = shown.now.take() {
                bar.finish_and_clear();
            }
            shown.now = Some((progress.activity, begin(progress)));
        }
        if let Some((_, bar)) = &shown.now {
            bar.set_position(progress.done as u64);
            if let Some(total) = progress.total {
                bar.set_length(total as u64);
            }
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let Some(shown) = &self.shown else { return };
        let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bar)) = &shown.now {
            bar.finish_and_clear();
        }
    }
}

fn begin(progress: Progress) -> ProgressBar {
    let (bar, template) = match progress.total {
        Some(total) => (
            ProgressBar::new(total as u64),
            "{spinner} {msg:28} {wide_bar} {pos}/{len}, {elapsed} gone, {eta} to go",
        ),
        // A number says nothing of a wait.
        None if matches!(progress.activity, Activity::Waiting(_)) => {
            (ProgressBar::new_spinner(), "{spinner} {msg}")
        }
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {msg:28} {pos}, {elapsed} gone",
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(match progress.activity {
        Activity::Waiting(until) => format!("{} until {until:.0}", progress.activity.label()),
        activity => activity.label().to_owned(),
    });
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
