//! Templates of the declared authentication: `${key}` is a field's value, anything
//! else stands for itself.

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
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without its `}`.
    #[error("`${{` is not closed")]
    Open,
    /// A line break or the like.
    #[error("has a control character")]
    Control,
}

impl Template {
    /// The keys of the fields in it.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Field(key) => Some(key.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Put the values in. A field without a value leaves nothing.
    pub(crate) fn render<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(256));
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(key) => out.push_str(value(key).unwrap_or_default()),
            }
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
        Ok(Self(parts))
    }
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
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Field(key) => write!(f, "${{{key}}}")?,
            }
        }
        Ok(())
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
    fn an_open_bracket_and_line_breaks_are_refused() {
        assert_eq!("${key".parse::<Template>(), Err(TemplateError::Open));
        assert_eq!("a\r\nb".parse::<Template>(), Err(TemplateError::Control));
    }
}
