//! What a PSA says of its rate: how long nothing is to be sent.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Where a PSA refuses for rate without saying for how long.
pub(super) const DEFAULT_PAUSE: Duration = Duration::from_secs(10);

/// The same, where it refuses a write: longer, because each one that is refused so is in
/// doubt.
pub(super) const PAUSE_OF_A_WRITE: Duration = Duration::from_secs(60);

/// The pause that an answer asks for; `unsaid` where it does not say how long.
pub(super) fn asked_pause(
    status: u16,
    headers: &HeaderMap,
    now: Timestamp,
    unsaid: Duration,
) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A date is the PSA's: against its own clock, where it tells that too, because ours
    // may be off.
    let its_now = text(DATE)
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map_or(now, |date| date.timestamp());
    let asked = text(RETRY_AFTER).and_then(|text| retry_after(text, its_now));
    match (status, asked) {
        (429, asked) => Some(asked.unwrap_or(unsaid)),
        (503, asked) => asked,
        _ => None,
    }
}

/// `Retry-After`: seconds, or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(date.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:00 GMT"), None);
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-5"), None);
    }
}
