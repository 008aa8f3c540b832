//! In which form a PSA refuses: what a plugin declares of it, held against the host's own
//! record of an answer. A rejection in any other form is not believed, because a gateway, a
//! cache or a page for people may stand behind it.

use psa_host_billing::RejectionKind;

use crate::describe::{RefusalEvidence, RefusalForm};

/// What an answer can mean if it refuses: the kinds of the declared forms that it has. One
/// bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Refuses(u8);

impl Refuses {
    /// By the forms that an answer has.
    pub(crate) fn of(forms: &[RefusalForm], status: u16, body: &[u8]) -> Self {
        let matching = forms.iter().filter(|form| matches(form, status, body));
        let kinds = matching.flat_map(|form| &form.kinds);
        Self(kinds.fold(0, |bits, kind| bits | bit(*kind)))
    }

    /// Whether this kind of refusal is declared for an answer of this form.
    pub(crate) fn as_declared(self, kind: RejectionKind) -> bool {
        self.0 & bit(kind) != 0
    }

    #[cfg(test)]
    pub(crate) fn every_kind() -> Self {
        Self(u8::MAX)
    }
}

fn bit(kind: RejectionKind) -> u8 {
    let at = RejectionKind::ALL.iter().position(|known| *known == kind);
    at.map_or(0, |at| 1 << at)
}

/// Whether an answer has this form.
fn matches(form: &RefusalForm, status: u16, body: &[u8]) -> bool {
    form.status == status
        && match &form.evidence {
            RefusalEvidence::EmptyBody => body.trim_ascii().is_empty(),
            RefusalEvidence::JsonMember(pointer) => has_member(body, pointer),
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
        let form = |status, evidence, kinds: &[RejectionKind]| RefusalForm {
            status,
            evidence,
            kinds: kinds.to_vec(),
        };
        let errors = RefusalEvidence::JsonMember("/errors".to_owned());
        let (other, credentials) = (RejectionKind::Other, RejectionKind::Credentials);
        let forms = [
            form(500, errors, &[other, RejectionKind::PeriodPosted]),
            form(401, RefusalEvidence::EmptyBody, &[credentials]),
        ];
        for (status, body, kind, declared) in [
            (500, r#"{"errors":["no"]}"#, other, true),
            (500, r#"{"errors":["no"]}"#, credentials, false),
            (500, r#"{"errors":{"a":1}}"#, other, true),
            (500, r#"{"errors":"no"}"#, other, true),
            (500, r#"{"errors":[]}"#, other, false),
            (500, r#"{"errors":null}"#, other, false),
            (500, r#"{"errors":""}"#, other, false),
            (500, r#"{"error":["no"]}"#, other, false),
            (500, "<html>errors</html>", other, false),
            (500, "", other, false),
            (504, r#"{"errors":["no"]}"#, other, false),
            (200, r#"{"errors":["no"]}"#, other, false),
            (401, "", credentials, true),
            (401, " \r\n", credentials, true),
            (401, "{}", credentials, false),
            (401, "", other, false),
            (403, "", credentials, false),
        ] {
            let refuses = Refuses::of(&forms, status, body.as_bytes());
            assert_eq!(
                refuses.as_declared(kind),
                declared,
                "{status} {body} {kind}"
            );
        }
    }
}
