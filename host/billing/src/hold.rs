//! Why a pair is not posted. Every hold has a stable code, a plain cause and a fix; the
//! codes are what scripts and the documentation go by, so they never change meaning.

mod code;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Contract, ContractId, Line, LineId};

pub use code::HoldCode;

/// A pair that is not posted, and why.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Hold {
    /// The stable code.
    pub code: HoldCode,
    /// What happened, with the names of this case.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// https address of the record concerned, where one is known.
    pub link: Option<String>,
    /// The contract concerned, where it is one and the pair has no line on it.
    #[serde(default)]
    pub contract: Option<ContractId>,
    /// Its lines concerned.
    #[serde(default)]
    pub lines: Vec<LineId>,
}

impl Hold {
    /// A hold with the code's own fix.
    pub fn new(code: HoldCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fix: code.fix().to_owned(),
            link: None,
            contract: None,
            lines: Vec::new(),
        }
    }

    /// Point to a contract, and to lines of it.
    #[must_use]
    pub fn on<'a>(self, contract: &Contract, lines: impl Iterator<Item = &'a Line>) -> Self {
        Self {
            contract: Some(contract.id.clone()),
            lines: lines.map(|line| line.key.line.clone()).collect(),
            ..self.at(contract.link.as_ref())
        }
    }

    /// Point to a record.
    #[must_use]
    pub fn at(mut self, link: Option<&String>) -> Self {
        self.link = link.cloned();
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        let texts: BTreeSet<_> = HoldCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), HoldCode::ALL.len());
        for code in HoldCode::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<HoldCode>(&json).unwrap(), *code);
        }
    }
}
