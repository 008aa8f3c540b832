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

/// The session's token.
#[derive(Debug, Default)]
pub struct TokenKeeper(pub Mutex<Option<Token>>);

pub struct Token {
    pub header: HeaderValue,
    pub value: Zeroizing<String>,
    good_until: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    pub fn is_good(&self) -> bool {
        Instant::now() < self.good_until
    }

    /// Read a token endpoint's answer.
    pub fn read(body: &[u8]) -> Result<Self, String> {
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
            value,
            good_until: Instant::now() + life,
        })
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
