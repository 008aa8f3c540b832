//! Templates of the declared authentication: `${key}` is a field's value, `$[` to `]` is
//! left out where a field named in it has no value, anything else stands for itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A parsed template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
    Optional(Vec<Part>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without its `}`.
    #[error("`${{` is not closed")]
    Open,
    /// `$[` without its `]`.
    #[error("`$[` is not closed")]
    OpenOptional,
    /// `$[` within `$[`.
    #[error("an optional part stands within another")]
    Nested,
    /// `$[` to `]` without `${`.
    #[error("an optional part names no field")]
    NothingOptional,
    /// A line break or the like.
    #[error("has a control character")]
    Control,
}

impl Part {
    fn fields(&self) -> Vec<&str> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::Field(key) => vec![key],
            Self::Optional(parts) => parts.iter().flat_map(Self::fields).collect(),
        }
    }

    fn render<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Field(key) => out.push_str(value(key).unwrap_or_default()),
            Self::Optional(parts) => {
                let filled = |key: &str| value(key).is_some_and(|value| !value.is_empty());
                if self.fields().into_iter().all(filled) {
                    for part in parts {
                        part.render(value, out);
                    }
                }
            }
        }
    }
}

impl Template {
    /// The keys of the fields in it.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(Part::fields)
    }

    /// Put the values in. A field without a value leaves nothing, and takes the optional
    /// part with it that it stands in.
    pub(crate) fn render<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(256));
        for part in &self.0 {
            part.render(&value, &mut out);
        }
        out
    }
}

impl FromStr for Template {
    type Err = TemplateError;
    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.chars().any(char::is_control) {
            return Err(TemplateError::Control);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("$[") {
            let (inner, after) = after.split_once(']').ok_or(TemplateError::OpenOptional)?;
            if inner.contains("$[") {
                return Err(TemplateError::Nested);
            }
            plain_parts(before, &mut parts)?;
            let optional = {
                let mut parts = Vec::new();
                plain_parts(inner, &mut parts)?;
                Part::Optional(parts)
            };
            if optional.fields().is_empty() {
                return Err(TemplateError::NothingOptional);
            }
            parts.push(optional);
            rest = after;
        }
        plain_parts(rest, &mut parts)?;
        Ok(Self(parts))
    }
}

/// Text and fields.
fn plain_parts(text: &str, parts: &mut Vec<Part>) -> Result<(), TemplateError> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (key, after) = after.split_once('}').ok_or(TemplateError::Open)?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Field(key.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(())
}

impl TryFrom<String> for Template {
    type Error = TemplateError;
    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.to_string()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| part.fmt(f))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Field(key) => write!(f, "${{{key}}}"),
            Self::Optional(parts) => {
                f.write_str("$[")?;
                parts.iter().try_for_each(|part| part.fmt(f))?;
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> String {
        let template: Template = template.parse().unwrap();
        template
            .render(|key| match key {
                "company" => Some("acme"),
                "key" => Some("s${company}"),
                _ => None,
            })
            .to_string()
    }

    #[test]
    fn values_are_put_in_once_and_never_read_as_templates() {
        assert_eq!(rendered("${company}+${key}"), "acme+s${company}");
        assert_eq!(rendered("Bearer ${missing}!"), "Bearer !");
        assert_eq!(rendered("$5 {x}"), "$5 {x}");
    }

    #[test]
    fn an_optional_part_goes_with_a_field_that_it_lacks() {
        let text = "https://x/${company}$[?tenant=${missing}]$[#${key}+${company}] [as it is]";
        assert_eq!(rendered(text), "https://x/acme#s${company}+acme [as it is]");
        assert_eq!(text.parse::<Template>().unwrap().to_string(), text);
        let wrong = [
            ("a$[b${c}", TemplateError::OpenOptional),
            ("$[a$[${b}]]", TemplateError::Nested),
            ("$[a]", TemplateError::NothingOptional),
        ];
        for (text, error) in wrong {
            assert_eq!(text.parse::<Template>(), Err(error), "{text}");
        }
    }

    #[test]
    fn an_open_bracket_and_line_breaks_are_refused() {
        assert_eq!("${key".parse::<Template>(), Err(TemplateError::Open));
        assert_eq!("a\r\nb".parse::<Template>(), Err(TemplateError::Control));
    }
}
