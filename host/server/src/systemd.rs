//! What systemd is told, where it started the daemon (`Type=notify-reload`).

use std::time::Duration;

use sd_notify::NotifyState;

/// Ready for requests.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// About to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tell the watchdog that the daemon is alive, as often as it wants; for ever. `alive` is
/// asked each time: a daemon whose scheduler hangs is to be started anew.
pub(crate) async fn feed_watchdog(alive: impl Fn() -> bool) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut every = tokio::time::interval((limit / 2).max(Duration::from_millis(100)));
    loop {
        every.tick().await;
        if alive() {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
