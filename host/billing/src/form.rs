//! How values look in JSON, for the schemas: numbers, days and instants, whose types come
//! from elsewhere or write themselves.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::brake::BrakeCode;
use crate::{ErrorCode, HoldCode, NoteCode, Timeline, Units, UnitsChange};

/// A civil day, as in `2026-10-01`.
#[derive(Debug)]
pub struct Day;

/// An instant in UTC, as in `2026-10-01T04:30:00Z`.
#[derive(Debug)]
pub struct Instant;

macro_rules! forms {
    ($($name:ident: $schema:expr;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }

            fn inline_schema() -> bool {
                true
            }
        }
    )*};
}

forms! {
    Day: json_schema!({ "type": "string", "format": "date" });
    Instant: json_schema!({ "type": "string", "format": "date-time" });
    Units: quantity();
    UnitsChange: quantity();
    HoldCode: json_schema!({ "type": "string", "enum": words(HoldCode::ALL, |code| code.as_str()) });
    BrakeCode: json_schema!({ "type": "string", "enum": words(BrakeCode::ALL, |code| code.as_str()) });
    ErrorCode: error_code();
    NoteCode: note_code();
    Timeline: json_schema!({ "type": "array", "items": { "type": "object" } });
}

/// A number; as text where a double would round it.
fn quantity() -> Schema {
    json_schema!({ "type": ["number", "string"] })
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|one| word(*one)).collect()
}

fn note_code() -> Schema {
    let mut codes = words(NoteCode::ALL, NoteCode::as_str);
    codes.extend(words(BrakeCode::ALL, BrakeCode::as_str));
    json_schema!({ "type": "string", "enum": codes })
}

/// What a call says before there is a run may also be a hold's code or a brake's.
fn error_code() -> Schema {
    let mut codes = words(ErrorCode::ALL, ErrorCode::as_str);
    codes.extend(words(HoldCode::ALL, HoldCode::as_str));
    codes.extend(words(BrakeCode::ALL, BrakeCode::as_str));
    json_schema!({ "type": "string", "enum": codes })
}
