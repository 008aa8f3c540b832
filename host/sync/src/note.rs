//! What a person should know of something that was done all the same.

use psa_host_billing::NoteCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A remark; never an error.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Note {
    /// Stable.
    pub code: NoteCode,
    /// One sentence.
    pub message: String,
}

impl Note {
    /// A remark.
    pub fn new(code: impl Into<NoteCode>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}
