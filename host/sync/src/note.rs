//! What a person should know of something that was done all the same.

use schemars::JsonSchema;
use serde::Serialize;

/// A remark; never an error.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Note {
    /// Stable.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

impl Note {
    /// A remark.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
