//! Texts that a person answers with, for the history and for every report.

use psa_host_billing::ErrorCode;

use crate::Result;
use crate::error::rule;

/// The longest owner or reason, in characters: a sentence, not a letter.
const MOST_CHARACTERS: usize = 300;

/// The text of an option, if it is one.
///
/// # Errors
/// Empty, too long, or with control characters.
pub(crate) fn sentence(what: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    let wrong = if text.is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > MOST_CHARACTERS {
        format!("is longer than {MOST_CHARACTERS} characters")
    } else if text.chars().any(char::is_control) {
        "has control characters".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    Err(rule(
        ErrorCode::BadText,
        format!("--{what} {wrong}"),
        "Say in a sentence who answers for it and why.",
    ))
}
