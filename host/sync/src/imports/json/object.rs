//! The fields of an object, each once and each with its place.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use psa_host_billing::ErrorCode;

use super::{Checked, Node, Text};
use crate::imports::Unknown;

/// An object's fields, each once, in the order of the file.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    node: Node<'a>,
    fields: Vec<Field<'a>>,
}

#[derive(Debug)]
struct Field<'a> {
    key: Cow<'a, str>,
    raw: &'a str,
    used: bool,
}

impl<'a> Node<'a> {
    /// The fields of an object. The same field twice is refused: which one counts
    /// would be a guess.
    pub(crate) fn object(&self) -> Checked<Object<'a>> {
        if !self.raw.starts_with('{') {
            return Err(self.wrong_type("an object"));
        }
        let fields: Fields<'a> =
            serde_json::from_str(self.raw).map_err(|error| self.broken(&error))?;
        let mut object = Object {
            node: self.clone(),
            fields: Vec::with_capacity(fields.0.len()),
        };
        for (key, raw) in fields.0 {
            if object.fields.iter().any(|field| field.key == key) {
                let node = object.child(&key, raw.get());
                return Err(node.problem(
                    ErrorCode::DuplicateField,
                    "is there twice",
                    "Remove one.",
                ));
            }
            object.fields.push(Field {
                key,
                raw: raw.get(),
                used: false,
            });
        }
        Ok(object)
    }
}

impl<'a> Object<'a> {
    fn child(&self, key: &str, raw: &'a str) -> Node<'a> {
        let key: String = key.chars().take(60).collect();
        let path = match self.node.path.as_ref() {
            "" => key,
            path => format!("{path}.{key}"),
        };
        Node {
            document: self.node.document,
            raw,
            path: Cow::Owned(path),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A field that may be left out; null counts as left out.
    pub(crate) fn optional(&mut self, key: &str) -> Option<Node<'a>> {
        let field = self.fields.iter_mut().find(|field| field.key == key)?;
        field.used = true;
        let raw = field.raw;
        Some(self.child(key, raw)).filter(|node| !node.is_null())
    }

    /// A field that must be there.
    pub(crate) fn required(&mut self, key: &str) -> Checked<Node<'a>> {
        self.optional(key).ok_or_else(|| {
            let what = format!("has no {key:?}");
            self.node
                .problem(ErrorCode::MissingField, what, "Add the field.")
        })
    }

    /// Look at the fields that nobody asked for; those that `known` says it knows are not
    /// told of.
    pub(crate) fn look(&mut self, mut known: impl FnMut(&str, Node<'a>) -> bool) {
        for at in 0..self.fields.len() {
            let field = &self.fields[at];
            if !field.used && known(&field.key, self.child(&field.key, field.raw)) {
                self.fields[at].used = true;
            }
        }
    }

    /// Tell of the fields that nobody asked for.
    pub(crate) fn rest(self, unknown: &mut Unknown) {
        for field in self.fields.iter().filter(|field| !field.used) {
            unknown.see(&field.key);
        }
    }
}

/// An object's fields as they stand in the file, twice where they are there twice.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    fields.push((key.0, value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
