//! The types of Autotask's fields, read liberally: other versions of Autotask and other
//! gateways write the same value in more than one form.

use std::fmt;

use psa_connector_sdk::{Date, Decimal};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::value::RawValue;

/// An id: 64 bits [OAS int64], as a number or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(pub i64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_i64<E: serde::de::Error>(self, id: i64) -> Result<Id, E> {
                Ok(Id(id))
            }

            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<Id, E> {
                i64::try_from(id).map(Id).map_err(E::custom)
            }

            fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<Id, E> {
                id.trim().parse().map(Id).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A picklist value: an integer in records and text in metadata [LIVE], a letter in old
/// data (`"m"`). Compared as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pick(pub String);

impl<'de> Deserialize<'de> for Pick {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Pick;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a picklist value")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Pick, E> {
                Ok(Pick(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Pick, E> {
                Ok(Pick(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Pick, E> {
                Ok(Pick(value.trim().to_owned()))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// A field of one row that may be null or senseless without the whole page being so:
/// what depends on it is then not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loose<T>(pub Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Plain> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer).map_err(D::Error::custom)?;
        let value = T::plain(raw.get()).or_else(|| {
            (raw.get() != "null")
                .then(|| serde_json::from_str(raw.get()).ok())
                .flatten()
        });
        Ok(Self(value.filter(T::means_something)))
    }
}

/// What can mostly be read from the JSON text as it stands: some hundred thousand fields
/// come in a run, and few are written in an unusual way.
pub(crate) trait Plain: DeserializeOwned {
    /// None where it is not in its plain form.
    fn plain(json: &str) -> Option<Self>;

    /// False for what databases put where there is no value.
    fn means_something(&self) -> bool {
        true
    }
}

/// The years of dates that stand for none: the first that .NET (0001), SQL Server (1753,
/// 1900) and OLE (1899) know, and the last (9999). Nothing was posted or ended in them.
const FILLER_YEARS: [u16; 5] = [1, 1753, 1899, 1900, 9999];

impl Plain for Date {
    fn plain(json: &str) -> Option<Self> {
        let text = json.strip_prefix('"')?.strip_suffix('"')?;
        Self::parse(text)
    }

    fn means_something(&self) -> bool {
        !FILLER_YEARS.contains(&psa_connector_sdk::CivilDate::from(*self).year)
    }
}

impl Plain for Decimal {
    fn plain(json: &str) -> Option<Self> {
        Self::parse(json)
    }
}

impl Plain for String {
    fn plain(json: &str) -> Option<Self> {
        let text = json.strip_prefix('"')?.strip_suffix('"')?;
        (!text.contains('\\')).then(|| text.to_owned())
    }
}

impl Plain for bool {
    fn plain(json: &str) -> Option<Self> {
        json.parse().ok()
    }
}

/// `errors` of an answer: strings [LIVE]; anything else is kept as its JSON text, so
/// that it is never taken for "no error".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Errors(pub Vec<String>);

impl<'de> Deserialize<'de> for Errors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
        let text = |value: Value| match value {
            Value::String(words) => words,
            other => other.to_string(),
        };
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Null => Vec::new(),
            Value::Array(errors) => errors.into_iter().map(text).collect(),
            Value::String(words) if words.is_empty() => Vec::new(),
            Value::Object(map) if map.is_empty() => Vec::new(),
            other => vec![text(other)],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn ids_come_as_numbers_or_text_and_beyond_32_bits() {
        assert_eq!(read::<Id>("4294967297"), Id(4_294_967_297));
        assert_eq!(
            read::<Id>("\"9007199254740993\""),
            Id(9_007_199_254_740_993)
        );
        assert!(serde_json::from_str::<Id>("1.5").is_err());
        assert!(serde_json::from_str::<Id>("\"abc\"").is_err());
        assert!(serde_json::from_str::<Id>("99999999999999999999").is_err());
    }

    #[test]
    fn picklist_values_are_the_same_as_number_and_as_text() {
        assert_eq!(read::<Pick>("7"), read::<Pick>("\"7\""));
        assert_eq!(read::<Pick>("\"m\""), Pick("m".to_owned()));
    }

    #[test]
    fn one_senseless_field_does_not_spoil_the_page() {
        assert_eq!(read::<Loose<Date>>("\"soon\""), Loose(None));
        assert_eq!(read::<Loose<Date>>("null"), Loose(None));
        assert_eq!(
            read::<Loose<Date>>("\"2026-11-01T00:00:00.000Z\""),
            Loose(Date::new(2026, 11, 1))
        );
        assert_eq!(
            read::<Loose<Decimal>>("12.10"),
            Loose(Decimal::parse("12.10"))
        );
        assert_eq!(
            read::<Loose<Date>>("\"2026\\u002d11-01\""),
            Loose(Date::new(2026, 11, 1))
        );
        assert_eq!(read::<Loose<bool>>("true"), Loose(Some(true)));
        assert_eq!(read::<Loose<bool>>("1"), Loose(None));
        assert_eq!(read::<Loose<Decimal>>("{}"), Loose(None));
        let text = |text: &str| Loose(Some(text.to_owned()));
        assert_eq!(read::<Loose<String>>("\"Acme\""), text("Acme"));
        assert_eq!(
            read::<Loose<String>>("\"a \\\"b\\\" \\u0063\""),
            text("a \"b\" c")
        );
        assert_eq!(read::<Loose<String>>("42"), Loose(None));
    }

    #[test]
    fn dates_that_stand_for_none_are_none() {
        for filler in [
            "0001-01-01T00:00:00",
            "1753-01-01T00:00:00Z",
            "1899-12-30T00:00:00.000Z",
            "1900-01-01",
            "9999-12-31T23:59:59.997Z",
            "\\u0031900-01-01",
        ] {
            let json = format!("\"{filler}\"");
            assert_eq!(read::<Loose<Date>>(&json), Loose(None), "{filler}");
        }
        for date in ["1901-01-01", "2099-12-31"] {
            let json = format!("\"{date}\"");
            assert_eq!(read::<Loose<Date>>(&json), Loose(Date::parse(date)));
        }
    }

    #[test]
    fn errors_of_any_shape_are_errors() {
        assert_eq!(read::<Errors>("[\"a\",\"b\"]").0, ["a", "b"]);
        assert_eq!(
            read::<Errors>("[{\"message\":\"a\"}]").0,
            ["{\"message\":\"a\"}"]
        );
        assert_eq!(read::<Errors>("\"a\"").0, ["a"]);
        for none in ["[]", "null", "\"\"", "{}"] {
            assert!(read::<Errors>(none).0.is_empty(), "{none}");
        }
    }
}
