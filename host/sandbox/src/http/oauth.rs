//! A token got with client credentials: kept for the session, renewed before it runs
//! out, and once after a 401.

use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::auth::header_value;

/// A token is renewed this long before it runs out, so that it does not do so on the way.
const MARGIN: Duration = Duration::from_secs(30);
/// Where a server does not say how long a token holds.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);

/// 16 KiB: servers refuse longer headers, and what is kept of each token is bounded by it.
const LONGEST_TOKEN: usize = 16 << 10;
/// An answer with three tokens of that length, and room.
pub(super) const LONGEST_ANSWER: usize = 256 << 10;
/// Access, refresh and id token, and whatever one server adds.
const MOST_AT_ONCE: usize = 8;

/// The session's token.
#[derive(Debug, Default)]
pub(super) struct TokenKeeper(pub Mutex<Option<Token>>);

impl TokenKeeper {
    /// Forget a token that was refused, unless another call has renewed it already.
    pub(super) async fn forget(&self, refused: &HeaderValue) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|token| token.header == *refused) {
            *kept = None;
        }
    }
}

pub(super) struct Token {
    pub header: HeaderValue,
    good_until: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.good_until
    }

    /// Read a token endpoint's answer.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
            expires_in: Option<serde_json::Value>,
            token_type: Option<String>,
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|error| {
            format!(
                "the token endpoint's answer is no token ({})",
                kind_of(&error)
            )
        })?;
        let value = Zeroizing::new(answer.access_token);
        let bearer = answer
            .token_type
            .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !bearer || value.is_empty() {
            return Err("the token endpoint's answer is no bearer token".to_owned());
        }
        // Some servers write the number as text.
        let seconds = answer.expires_in.and_then(|value| match value {
            serde_json::Value::Number(number) => number.as_u64(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let life = seconds.map_or(DEFAULT_LIFE, Duration::from_secs);
        let life = life.min(Duration::from_secs(86_400)).saturating_sub(MARGIN);
        let text = Zeroizing::new(format!("Bearer {}", *value));
        let header = header_value("authorization", &text)
            .map_err(|_| "the token cannot be sent".to_owned())?;
        Ok(Self {
            header,
            good_until: Instant::now() + life,
        })
    }
}

/// Everything in an answer that could be used as a token: whatever else becomes of it, the
/// guest must never see one.
///
/// # Errors
/// More or longer ones than can be kept to be masked.
pub(super) fn tokens_in(body: &[u8]) -> Result<Vec<Zeroizing<String>>, String> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) else {
        return Ok(Vec::new());
    };
    let token = |(name, value): (String, serde_json::Value)| match value {
        serde_json::Value::String(text) if name.ends_with("token") => Some(Zeroizing::new(text)),
        _ => None,
    };
    let tokens: Vec<_> = fields.into_iter().filter_map(token).collect();
    if tokens.len() > MOST_AT_ONCE {
        return Err(format!(
            "the token endpoint gave {} tokens at once; at most {MOST_AT_ONCE} are taken",
            tokens.len()
        ));
    }
    match tokens.iter().map(|token| token.len()).max() {
        Some(longest) if longest > LONGEST_TOKEN => Err(format!(
            "the token endpoint gave a token of {longest} bytes; at most {LONGEST_TOKEN} are taken"
        )),
        _ => Ok(tokens),
    }
}

/// Why credentials were refused, in the fields that OAuth has for it, or the whole answer.
pub(super) fn refusal_words(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refused {
        error: Option<String>,
        error_description: Option<String>,
    }
    match serde_json::from_slice::<Refused>(body) {
        Ok(refused) => {
            let parts = [refused.error, refused.error_description];
            parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// What kind of error, without the text, which may hold the token.
fn kind_of(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "fields missing or of another type",
        serde_json::error::Category::Eof => "cut off",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => "not JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_its_life() {
        let token =
            Token::read(br#"{"access_token":"t0ken","expires_in":3600,"token_type":"Bearer"}"#);
        let token = token.unwrap();
        assert_eq!(token.header, "Bearer t0ken");
        assert!(token.is_good());
        let short = Token::read(br#"{"access_token":"t","expires_in":"10"}"#).unwrap();
        assert!(!short.is_good());
    }

    #[test]
    fn what_is_no_token_is_an_error_that_does_not_show_it() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"t","token_type":"mac"}"#,
            r#"{"access_token":"s3cret\r\n"}"#,
        ] {
            let error = Token::read(body.as_bytes()).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
