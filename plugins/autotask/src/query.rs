//! Queries: `POST {zone}/V1.0/{Entity}/query` [OAS], page by page in order of id.
//!
//! The next page is asked for as "id greater than the last": Autotask's `nextPageUrl`
//! is never called, only taken as a sign that there is more. So no answer can send the
//! secrets elsewhere, no URL grows too long (a known 404), and a page can be asked for
//! again at any time.

use psa_connector_sdk::paging::{IdWalk, More};
use psa_connector_sdk::{Date, Error, Fault, Host, Request, invalid};
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{Api, parse};
use crate::describe::PAGE;
use crate::errors;
use crate::fields::Errors;

/// One condition; all of a query must hold. Ids are sent as numbers: text against a
/// number field finds nothing, without an error [LIVE].
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Condition<'a> {
    op: &'static str,
    field: &'static str,
    value: Value<'a>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Number(i64),
    Numbers(&'a [i64]),
    Text(String),
}

impl<'a> Condition<'a> {
    pub(crate) fn equal(field: &'static str, value: i64) -> Self {
        Self {
            op: "eq",
            field,
            value: Value::Number(value),
        }
    }

    fn greater(field: &'static str, value: i64) -> Self {
        Self {
            op: "gt",
            field,
            value: Value::Number(value),
        }
    }

    pub(crate) fn any_of(field: &'static str, values: &'a [i64]) -> Self {
        Self {
            op: "in",
            field,
            value: Value::Numbers(values),
        }
    }

    /// Dates are sent bare: Autotask takes the date part and applies no zone [DOC].
    pub(crate) fn not_before(field: &'static str, date: Date) -> Self {
        Self {
            op: "gte",
            field,
            value: Value::Text(date.to_string()),
        }
    }

    /// Asked as "before the day after": a date that comes with a time of day counts as
    /// that day too.
    pub(crate) fn not_after(field: &'static str, date: Date) -> Self {
        Self {
            op: "lt",
            field,
            value: Value::Text(date.next().to_string()),
        }
    }
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entity {
    pub name: &'static str,
    /// With `id`, which paging needs [DOC REST_Advanced_Query_Features]. Without one of
    /// these nothing can be billed right.
    pub fields: &'static [&'static str],
    /// Only shown, or able to be unknown: left out where the tenant has no such field.
    pub details: &'static [&'static str],
}

/// The body, spelled as in the Swagger [OAS QueryModel].
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query<'a> {
    max_records: u32,
    include_fields: &'a [&'a str],
    filter: &'a [Condition<'a>],
}

pub(crate) trait Row: DeserializeOwned {
    fn id(&self) -> i64;
}

#[derive(Deserialize)]
struct Page<R> {
    #[serde(default = "none", alias = "Items")]
    items: Option<Vec<R>>,
    #[serde(default, rename = "pageDetails", alias = "PageDetails")]
    page_details: Option<PageDetails>,
    #[serde(default, alias = "Errors")]
    errors: Errors,
}

fn none<R>() -> Option<Vec<R>> {
    None
}

#[derive(Deserialize)]
struct PageDetails {
    #[serde(default, rename = "nextPageUrl", alias = "NextPageUrl")]
    next_page_url: Next,
}

/// Whether there is a next page: told by the field's value, not told where it is absent.
struct Next(More);

impl Default for Next {
    fn default() -> Self {
        Self(More::Unsaid)
    }
}

impl<'de> Deserialize<'de> for Next {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let more = match <&RawValue>::deserialize(deserializer)?.get() {
            "null" | "\"\"" => More::No,
            _ => More::Yes,
        };
        Ok(Self(more))
    }
}

/// Rows of one request, and whether there are more.
pub(crate) struct Rows<R> {
    pub rows: Vec<R>,
    /// The id to go on after; none: these were the last.
    pub next: Option<i64>,
}

impl Api {
    /// One page of the rows that meet all conditions, with ids greater than `after`.
    pub(crate) fn query_page<R: Row>(
        &mut self,
        host: &dyn Host,
        entity: Entity,
        conditions: &[Condition<'_>],
        after: i64,
        most: u32,
    ) -> Result<Rows<R>, Error> {
        // Each turn asks for fewer details than the one before.
        loop {
            match self.query_once(host, entity, conditions, after, most) {
                Err(error) if self.can_do_without(host, &entity, &error)? => {}
                answer => return answer,
            }
        }
    }

    fn query_once<R: Row>(
        &mut self,
        host: &dyn Host,
        entity: Entity,
        conditions: &[Condition<'_>],
        after: i64,
        most: u32,
    ) -> Result<Rows<R>, Error> {
        let what = format!("reading {}", entity.name);
        let mut filter = Vec::with_capacity(conditions.len() + 1);
        // Never without a filter: that is refused [LIVE].
        filter.push(Condition::greater("id", after));
        filter.extend_from_slice(conditions);
        let body = serde_json::to_vec(&Query {
            max_records: most,
            include_fields: &self.details.asked(&entity),
            filter: &filter,
        })
        .map_err(|error| invalid(format!("{what}: {error}")))?;
        let response = self.read(host, &what, &|zone| {
            Request::post_json(format!("{zone}V1.0/{}/query", entity.name), body.clone())
        })?;
        let page: Page<R> = parse(&what, &response)?;
        if !page.errors.0.is_empty() {
            return Err(self.remembered(errors::for_errors(&what, &page.errors.0)));
        }
        // Also the shape of an answer to something else (`{"item":null}`): what could
        // not be read must never pass for "there is none".
        let mut rows = page.items.ok_or_else(|| {
            Error::Invalid(Fault {
                message: format!("{what}: Autotask's answer has no items"),
                psa_words: None,
                fix: None,
            })
        })?;
        let ids: Vec<i64> = rows.iter().map(Row::id).collect();
        let mut walk = IdWalk::new(after, usize::try_from(most).unwrap_or(usize::MAX));
        let more = page
            .page_details
            .map_or(More::Unsaid, |details| details.next_page_url.0);
        let go_on = walk
            .seen(&ids, more)
            .map_err(|error| within(&what, error))?;
        rows.shrink_to_fit();
        Ok(Rows {
            rows,
            next: go_on.then_some(walk.after),
        })
    }

    /// All rows that meet all conditions, one after the other; says how many there were.
    pub(crate) fn query_all<R: Row>(
        &mut self,
        host: &dyn Host,
        entity: Entity,
        conditions: &[Condition<'_>],
        mut each: impl FnMut(R) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        // Ids begin at 1; only the tenant's own company has 0, and it is not billed.
        let mut after = 0;
        let mut count = 0;
        loop {
            let page = self.query_page::<R>(host, entity, conditions, after, PAGE)?;
            count += page.rows.len();
            page.rows.into_iter().try_for_each(&mut each)?;
            match page.next {
                Some(next) => after = next,
                None => return Ok(count),
            }
        }
    }
}

fn within(what: &str, error: Error) -> Error {
    match error {
        Error::Invalid(told) => Error::Invalid(Fault {
            message: format!("{what}: {}", told.message),
            ..told
        }),
        other => other,
    }
}
