//! Secrets out of answers: wherever a server echoes a value that the host added, the
//! guest sees `[secret]`.
//!
//! Looked for are the exact value and the forms it takes on the way: in base64, in
//! Basic credentials, percent-encoded, and escaped in JSON, HTML and forms. A server
//! inside the grant that encodes its echo otherwise (reversed, in a longer base64)
//! could still reflect it; that is the limit of this promise.

use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a secret's place.
const MASK: &[u8] = b"[secret]";

/// Values shorter than this are in any text by chance; masking them would damage
/// data and hide nothing that cannot be guessed.
const SHORTEST: usize = 4;

/// What RFC 3986 leaves as it is.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// What JavaScript's `encodeURIComponent` leaves as well.
const COMPONENT: &AsciiSet = &STRICT
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Finds one set of secrets.
pub struct Redactor(Option<AhoCorasick>);

impl Redactor {
    /// Look for these values and their forms.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut forms: Vec<Vec<u8>> = secrets.into_iter().flat_map(forms_of).collect();
        forms.sort_unstable();
        forms.dedup();
        if forms.is_empty() {
            return Self(None);
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&forms);
        // Building fails only beyond billions of states.
        Self(finder.ok())
    }

    /// Replace them; whether there were any. A text without any is not touched.
    pub fn redact(&self, text: &mut Vec<u8>) -> bool {
        let Some(finder) = &self.0 else { return false };
        let Some(first) = finder.find(&*text) else {
            return false;
        };
        let mut clean = Vec::with_capacity(text.len());
        clean.extend_from_slice(&text[..first.start()]);
        clean.extend_from_slice(MASK);
        let mut kept = first.end();
        for found in finder.find_iter(&text[first.end()..]) {
            clean.extend_from_slice(&text[kept..first.end() + found.start()]);
            clean.extend_from_slice(MASK);
            kept = first.end() + found.end();
        }
        clean.extend_from_slice(&text[kept..]);
        *text = clean;
        true
    }

    /// [`Redactor::redact`] for a header's value.
    pub fn redact_text(&self, text: &mut String) -> bool {
        let mut bytes = std::mem::take(text).into_bytes();
        let found = self.redact(&mut bytes);
        *text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        found
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let component = utf8_percent_encode(secret, COMPONENT).to_string();
    let strict = utf8_percent_encode(secret, STRICT).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json);
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let texts = [
        secret.to_owned(),
        small_escapes(&percent),
        small_escapes(&component),
        small_escapes(&strict),
        small_escapes(&form),
        percent,
        component,
        strict,
        form,
        json.replace('/', "\\/"),
        json.to_owned(),
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;"),
        html,
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        hex::encode(secret),
        hex::encode_upper(secret),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

/// `%2F` as `%2f`; everything else as it is.
fn small_escapes(text: &str) -> String {
    let mut left = 0_u8;
    text.chars()
        .map(|c| {
            if c == '%' {
                left = 2;
                return c;
            }
            let escaped = left > 0;
            left = left.saturating_sub(1);
            if escaped { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        let redactor = Redactor::new(["p@ss/w\"rd+1", "user:p@ss/w\"rd+1", "abc"]);
        let mut bytes = text.as_bytes().to_vec();
        redactor.redact(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_secret_is_masked_in_every_form_it_takes_on_the_way() {
        let basic = STANDARD.encode("user:p@ss/w\"rd+1");
        let base64 = STANDARD.encode("p@ss/w\"rd+1");
        for form in [
            "p@ss/w\"rd+1",
            "p@ss/w\\\"rd+1",
            "p@ss\\/w\\\"rd+1",
            "p%40ss%2Fw%22rd%2B1",
            "p%40ss%2fw%22rd%2b1",
            "p@ss/w&quot;rd+1",
            &base64,
            base64.trim_end_matches('='),
            &basic,
        ] {
            let text = format!("<{form}> and {form}{form}");
            assert_eq!(redacted(&text), "<[secret]> and [secret][secret]", "{form}");
        }
    }

    #[test]
    fn a_text_without_secrets_is_not_touched() {
        let text = "p@ss/w and abc and nothing else";
        assert_eq!(redacted(text), text);
        assert!(!Redactor::new([]).redact(&mut b"x".to_vec()));
    }

    #[test]
    fn a_secret_in_a_large_answer_is_found_wherever_it_stands() {
        let redactor = Redactor::new(["correct-horse"]);
        for at in [0, 1, 8_191, 8_192, 65_530, 100_000 - 13] {
            let mut body = vec![b'.'; 100_000];
            body[at..at + 13].copy_from_slice(b"correct-horse");
            assert!(redactor.redact(&mut body), "{at}");
            assert_eq!(&body[at..at + 8], b"[secret]");
            assert_eq!(body.len(), 100_000 - 5);
        }
    }
}
