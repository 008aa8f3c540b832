//! In which form a PSA refuses: what a plugin declares of it, held against the host's own
//! record of an answer. A rejection in any other form is not believed, because a gateway, a
//! cache or a page for people may stand behind it.

use serde::{Deserialize, Serialize};

/// One form of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalForm {
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub body: RefusalBody,
}

/// The body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "pointer", rename_all = "snake_case")]
pub enum RefusalBody {
    /// Nothing at all.
    Empty,
    /// JSON with something in this member, named by a pointer (RFC 6901).
    Member(String),
}

impl RefusalForm {
    /// What counted before plugins declared it: an empty answer of those statuses with which
    /// web servers refuse what they have not looked at, and errors in JSON.
    pub(crate) fn of_release_0_1() -> Vec<Self> {
        let form = |status, body| Self { status, body };
        let errors = || RefusalBody::Member("/errors".to_owned());
        let empty = [401, 403, 404, 405, 413, 415].map(|status| form(status, RefusalBody::Empty));
        let told = [200, 400, 401, 403, 404, 405, 409, 413, 415, 422, 500];
        let told = told.map(|status| form(status, errors()));
        empty.into_iter().chain(told).collect()
    }

    /// Whether an answer has this form.
    pub fn matches(&self, status: u16, body: &[u8]) -> bool {
        self.status == status
            && match &self.body {
                RefusalBody::Empty => body.trim_ascii().is_empty(),
                RefusalBody::Member(pointer) => has_member(body, pointer),
            }
    }
}

/// Whether a body is JSON with something at this place: not nothing, no empty text, list or
/// object.
fn has_member(body: &[u8], pointer: &str) -> bool {
    use serde_json::Value;

    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    match body.pointer(pointer) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_in_the_declared_form_is_a_refusal() {
        let member = RefusalForm {
            status: 500,
            body: RefusalBody::Member("/errors".to_owned()),
        };
        for (status, body, matches) in [
            (500, r#"{"errors":["no"]}"#, true),
            (500, r#"{"errors":{"a":1}}"#, true),
            (500, r#"{"errors":"no"}"#, true),
            (500, r#"{"errors":[]}"#, false),
            (500, r#"{"errors":null}"#, false),
            (500, r#"{"errors":""}"#, false),
            (500, r#"{"error":["no"]}"#, false),
            (500, "<html>errors</html>", false),
            (500, "", false),
            (504, r#"{"errors":["no"]}"#, false),
            (200, r#"{"errors":["no"]}"#, false),
        ] {
            assert_eq!(
                member.matches(status, body.as_bytes()),
                matches,
                "{status} {body}"
            );
        }
        let empty = RefusalForm {
            status: 401,
            body: RefusalBody::Empty,
        };
        assert!(empty.matches(401, b""));
        assert!(empty.matches(401, b" \r\n"));
        assert!(!empty.matches(401, b"{}"));
        assert!(!empty.matches(403, b""));
    }
}
