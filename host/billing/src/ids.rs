//! Names of things, one type each, so that an account cannot be put where a
//! workspace belongs. All are text as the other side gave it; the host never takes
//! one apart.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest id taken from outside, in bytes.
pub const MAX_ID_BYTES: usize = 200;

/// Why a text cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing but white space.
    #[error("an id cannot be empty")]
    Empty,
    /// Over [`MAX_ID_BYTES`].
    #[error("an id is at most {MAX_ID_BYTES} bytes, this one is {0}")]
    TooLong(usize),
    /// A line break, an escape or the like: it would break tables and logs.
    #[error("an id cannot hold control characters")]
    Control,
}

fn checked(text: &str) -> Result<Arc<str>, IdError> {
    if text.trim().is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong(text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::Control);
    }
    Ok(Arc::from(text))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// # Errors
            /// [`IdError`] for text that is empty, too long or has control characters.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                checked(text.as_ref()).map(Self)
            }

            /// The id as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

ids! {
    /// A Coro workspace (tenant): channel, child or regular.
    WorkspaceId;
    /// A Coro module, add-on or bundle.
    ModuleId;
    /// A customer company in the PSA.
    AccountId;
    /// What the PSA sells again and again.
    ServiceId;
    /// A recurring agreement of an account.
    ContractId;
    /// One service on a contract.
    LineId;
    /// The PSA instance behind a connection, as `check` reports it.
    TenantKey;
    /// A connection's name: what an operator types. Unique in one data directory.
    ConnectionName;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_as_it_came() {
        let id = AccountId::new("9223372036854775808").unwrap();
        assert_eq!(id.as_str(), "9223372036854775808");
        assert_eq!(
            serde_json::to_string(&id).unwrap(),
            "\"9223372036854775808\""
        );
    }

    #[test]
    fn empty_long_and_control_ids_are_refused() {
        assert_eq!(LineId::new("  "), Err(IdError::Empty));
        assert_eq!(LineId::new("x".repeat(201)), Err(IdError::TooLong(201)));
        assert_eq!(LineId::new("a\u{1b}[31m"), Err(IdError::Control));
        assert!(serde_json::from_str::<WorkspaceId>("\"a\\nb\"").is_err());
    }
}
