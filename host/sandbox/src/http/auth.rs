//! The declared authentication with the values in it: what the host adds on the way
//! out. Made once per session; the guest never sees any of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

use crate::{Authentication, HeaderTemplate, Scheme, Template, TokenRequest};

/// Servers refuse longer headers.
const LONGEST_VALUE: usize = 16 << 10;

/// What is added to a request with `authenticate`.
#[derive(Debug)]
pub(crate) struct Credentials {
    headers: Vec<(HeaderName, HeaderValue)>,
    pub grant: Option<ClientCredentials>,
}

/// OAuth2 client credentials, ready to ask for a token with.
pub(crate) struct ClientCredentials {
    pub token_url: Url,
    /// The `Content-Type` of the body.
    pub content_type: &'static str,
    /// The form or object as it is sent.
    pub body: Zeroizing<String>,
}

impl std::fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientCredentials({})", self.token_url)
    }
}

/// A value that cannot be sent: which part of the authentication, and why.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub part: String,
    pub problem: String,
}

impl Credentials {
    /// Put the values in. Also gives the texts that are made of secrets and must not
    /// come back (the secrets themselves are the caller's).
    pub(crate) fn new<'v>(
        declared: &Authentication,
        value: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<(Self, Vec<Zeroizing<String>>), Unusable> {
        let mut headers = Vec::new();
        let mut derived = Vec::new();
        for HeaderTemplate {
            name,
            value: template,
        } in &declared.headers
        {
            let text = template.render(&value);
            if !text.is_empty() {
                headers.push((header_name(name)?, header_value(name, &text)?));
            }
        }
        let mut grant = None;
        match &declared.scheme {
            Scheme::None => {}
            Scheme::Basic { user, password } => {
                let pair = Zeroizing::new(format!(
                    "{}:{}",
                    *user.render(&value),
                    *password.render(&value)
                ));
                let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
                headers.push((AUTHORIZATION, header_value("authorization", &text)?));
                derived.push(pair);
            }
            Scheme::EncodedPair {
                header,
                user,
                password,
            } => {
                let pair = Zeroizing::new(format!(
                    "{}:{}",
                    *user.render(&value),
                    *password.render(&value)
                ));
                let text = Zeroizing::new(STANDARD.encode(&*pair));
                headers.push((header_name(header)?, header_value(header, &text)?));
                derived.push(pair);
            }
            Scheme::Oauth2ClientCredentials {
                token_url,
                request,
                client_id,
                client_secret,
                scope,
                extra,
            } => {
                let token_url =
                    Url::parse(&token_url.render(&value)).map_err(|error| Unusable {
                        part: "the token address".to_owned(),
                        problem: error.to_string(),
                    })?;
                let fill = |template: &Template| template.render(&value);
                let plain = |text: &str| Zeroizing::new(text.to_owned());
                let mut parts = vec![
                    ("grant_type", plain("client_credentials")),
                    ("client_id", fill(client_id)),
                    ("client_secret", fill(client_secret)),
                ];
                parts.extend(scope.as_ref().map(|scope| ("scope", plain(scope))));
                for extra in extra {
                    let text = fill(&extra.value);
                    if !text.is_empty() {
                        parts.push((&extra.name, text));
                    }
                }
                let (content_type, body) = match request {
                    TokenRequest::Form => ("application/x-www-form-urlencoded", form(&parts)),
                    TokenRequest::Json => ("application/json", json_object(&parts)),
                };
                grant = Some(ClientCredentials {
                    token_url,
                    content_type,
                    body,
                });
            }
        }
        Ok((Self { headers, grant }, derived))
    }

    /// The headers that only the host sets.
    pub(crate) fn declared_names(declared: &Authentication) -> Vec<HeaderName> {
        let of_scheme = match &declared.scheme {
            Scheme::EncodedPair { header, .. } => Some(header),
            _ => None,
        };
        let names = declared.headers.iter().map(|header| &header.name);
        names
            .chain(of_scheme)
            .filter_map(|name| header_name(name).ok())
            .collect()
    }

    /// What these credentials are known by; none: there are none. Never leaves this
    /// process.
    pub(crate) fn digest(&self) -> Option<[u8; 32]> {
        if self.headers.is_empty() && self.grant.is_none() {
            return None;
        }
        let mut digest = Sha256::new();
        let mut add = |part: &[u8]| {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        };
        for (name, value) in &self.headers {
            add(name.as_ref());
            add(value.as_bytes());
        }
        if let Some(grant) = &self.grant {
            add(grant.token_url.as_str().as_bytes());
            add(grant.body.as_bytes());
        }
        Some(digest.finalize().into())
    }

    /// Add everything but a token.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

type Parts<'p> = [(&'p str, Zeroizing<String>)];

fn form(parts: &Parts<'_>) -> Zeroizing<String> {
    let mut form = Zeroizing::new(String::with_capacity(256));
    for (name, text) in parts {
        if !form.is_empty() {
            form.push('&');
        }
        form.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
        form.push('=');
        form.extend(url::form_urlencoded::byte_serialize(text.as_bytes()));
    }
    form
}

fn json_object(parts: &Parts<'_>) -> Zeroizing<String> {
    let mut object = Zeroizing::new(String::with_capacity(256));
    for (name, text) in parts {
        let first = object.is_empty();
        object.push(if first { '{' } else { ',' });
        object.push_str(&serde_json::Value::from(*name).to_string());
        object.push(':');
        let text = Zeroizing::new(serde_json::Value::from(text.as_str()).to_string());
        object.push_str(&text);
    }
    object.push('}');
    object
}

fn header_name(name: &str) -> Result<HeaderName, Unusable> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unusable {
        part: format!("the header {name:?}"),
        problem: "is no header name".to_owned(),
    })
}

pub(super) fn header_value(name: &str, text: &str) -> Result<HeaderValue, Unusable> {
    let unusable = |problem: &str| Unusable {
        part: format!("the header `{name}`"),
        problem: problem.to_owned(),
    };
    if text.len() > LONGEST_VALUE {
        return Err(unusable("would be longer than 16 KiB"));
    }
    if text.chars().any(char::is_control) {
        return Err(unusable(
            "would have a line break or control character in it",
        ));
    }
    let mut value = HeaderValue::from_str(text).map_err(|_| unusable("cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: &str) -> Option<&'static str> {
        match key {
            "company" => Some("acme"),
            "public" => Some("pub"),
            "private" => Some("s&cret"),
            "broken" => Some("a\r\nx: y"),
            _ => None,
        }
    }

    fn template(text: &str) -> Template {
        text.parse().unwrap()
    }

    #[test]
    fn basic_credentials_are_concatenated_and_encoded() {
        let declared = Authentication {
            headers: vec![HeaderTemplate {
                name: "clientId".to_owned(),
                value: template("${company}"),
            }],
            scheme: Scheme::Basic {
                user: template("${company}+${public}"),
                password: template("${private}"),
            },
        };
        let (credentials, derived) = Credentials::new(&declared, value).unwrap();
        let mut headers = HeaderMap::new();
        credentials.add_to(&mut headers);
        assert_eq!(headers["clientid"], "acme");
        assert_eq!(
            headers["authorization"],
            format!("Basic {}", STANDARD.encode("acme+pub:s&cret"))
        );
        assert_eq!(*derived[0], "acme+pub:s&cret");
    }

    #[test]
    fn a_token_is_asked_for_with_an_encoded_form() {
        let declared = Authentication {
            headers: Vec::new(),
            scheme: Scheme::Oauth2ClientCredentials {
                token_url: template("https://${company}.example/token"),
                request: TokenRequest::Form,
                client_id: template("${public}"),
                client_secret: template("${private}"),
                scope: Some("all read".to_owned()),
                extra: vec![HeaderTemplate {
                    name: "audience".to_owned(),
                    value: template("x"),
                }],
            },
        };
        let (credentials, _) = Credentials::new(&declared, value).unwrap();
        let grant = credentials.grant.unwrap();
        assert_eq!(grant.token_url.as_str(), "https://acme.example/token");
        assert_eq!(
            *grant.body,
            "grant_type=client_credentials&client_id=pub&client_secret=s%26cret&scope=all+read&audience=x"
        );
    }

    #[test]
    fn a_token_is_asked_for_with_an_object_without_what_comes_to_nothing() {
        let extra = |name: &str, text: &str| HeaderTemplate {
            name: name.to_owned(),
            value: template(text),
        };
        let declared = Authentication {
            headers: Vec::new(),
            scheme: Scheme::Oauth2ClientCredentials {
                token_url: template("https://x.example/token$[?tenant=${tenant}]"),
                request: TokenRequest::Json,
                client_id: template("a\"b"),
                client_secret: template("${private}"),
                scope: None,
                extra: vec![extra("audience", "https://x"), extra("tenant", "${tenant}")],
            },
        };
        let (credentials, _) = Credentials::new(&declared, value).unwrap();
        let grant = credentials.grant.unwrap();
        assert_eq!(grant.content_type, "application/json");
        assert_eq!(grant.token_url.as_str(), "https://x.example/token");
        assert_eq!(
            *grant.body,
            r#"{"grant_type":"client_credentials","client_id":"a\"b","client_secret":"s&cret","audience":"https://x"}"#
        );
    }

    #[test]
    fn a_pair_is_encoded_into_a_header_of_its_own() {
        let declared = Authentication {
            headers: Vec::new(),
            scheme: Scheme::EncodedPair {
                header: "GRADIENT-TOKEN".to_owned(),
                user: template("${public}"),
                password: template("${private}"),
            },
        };
        let (credentials, derived) = Credentials::new(&declared, value).unwrap();
        let mut headers = HeaderMap::new();
        credentials.add_to(&mut headers);
        assert_eq!(headers["gradient-token"], STANDARD.encode("pub:s&cret"));
        assert_eq!(*derived[0], "pub:s&cret");
    }

    #[test]
    fn a_value_that_would_split_a_header_is_refused_without_showing_it() {
        let declared = Authentication {
            headers: vec![HeaderTemplate {
                name: "key".to_owned(),
                value: template("${broken}"),
            }],
            scheme: Scheme::None,
        };
        let unusable = Credentials::new(&declared, value).unwrap_err();
        assert!(!format!("{unusable:?}").contains("x: y"));
    }
}
