//! Reads a query's JSON the way the API does: names without regard to case, values
//! by their field's type, everything else an error.

use serde_json::{Map, Value as Json};

use super::Query;
use super::filter::{Expr, Op, Operand, Target};
use crate::schema::{Entity, Field, Kind};
use crate::switches::Switches;
use crate::world::cell::{self, Value};
use crate::world::contracts::reference;

/// [DOC SOAP_Thresholds_Limits]
pub(crate) const TOO_MANY_ORS: &str =
    "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions.";
/// [LIVE WYRE]
pub(crate) const MAX_RECORDS: &str = "maxCountOfRecordsToReturn must be between 1 and 500";
/// Refused without a filter [LIVE W6W finding 5]; the text is not recorded.
pub(crate) const NO_FILTER: &str = "The query must contain at least one filter.";

const LIMIT: usize = 500;

/// What the checks need to know besides the query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// The entity asked.
    pub entity: Entity,
    /// Names of its user-defined fields.
    pub udfs: &'a [String],
    /// Fields that this tenant does not have.
    pub lacking: &'a [String],
    /// The switches in force.
    pub switches: &'a Switches,
}

impl Rules<'_> {
    fn field(&self, name: &str) -> Option<&'static Field> {
        let lacks = self.lacking.iter().any(|l| l.eq_ignore_ascii_case(name));
        self.entity.fields().get(name).filter(|_| !lacks)
    }
}

/// Checks and compiles a query.
pub(crate) fn parse(json: &Json, rules: Rules<'_>) -> Result<Query, String> {
    let object = json.as_object().ok_or("Invalid query syntax.")?;
    let max = match get(object, "maxRecords") {
        None | Some(Json::Null) => LIMIT,
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (1..=LIMIT).contains(n))
            .ok_or(MAX_RECORDS)?,
    };
    let include = match get(object, "includeFields") {
        None | Some(Json::Null) => None,
        Some(Json::Array(names)) if names.is_empty() => None,
        Some(Json::Array(names)) => Some(
            names
                .iter()
                .map(|n| include(n, rules))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Some(_) => return Err("IncludeFields must be a list of field names.".to_owned()),
    };
    let Some(Json::Array(items)) = get(object, "filter") else {
        return Err(NO_FILTER.to_owned());
    };
    if items.is_empty() {
        return Err(NO_FILTER.to_owned());
    }
    let mut count = Count::default();
    let all = items
        .iter()
        .map(|i| expr(i, false, rules, &mut count))
        .collect::<Result<Vec<_>, _>>()?;
    if count.ors > LIMIT {
        return Err(TOO_MANY_ORS.to_owned());
    }
    if count.udfs > 1 && rules.switches.one_udf {
        // [DOC REST_Creating_Resources_POST note]; the text is not recorded.
        return Err("Only one user-defined field may be queried at a time.".to_owned());
    }
    Ok(Query { all, max, include })
}

/// A name in an object without regard to case.
pub(crate) fn get<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    object
        .iter()
        .find(|(k, _)| k.eq_ignore_ascii_case(name))
        .map(|(_, v)| v)
}

#[derive(Default)]
struct Count {
    ors: usize,
    udfs: usize,
}

fn include(name: &Json, rules: Rules<'_>) -> Result<&'static Field, String> {
    let name = name
        .as_str()
        .ok_or("IncludeFields must be a list of field names.")?;
    rules
        .field(name)
        .filter(|f| !f.write_only)
        .ok_or_else(|| unknown(name, rules.entity))
}

/// [LIVE WYRE PR 282]
fn unknown(name: &str, entity: Entity) -> String {
    format!("Unable to find {name} in the {} Entity.", entity.singular())
}

fn expr(json: &Json, in_or: bool, rules: Rules<'_>, count: &mut Count) -> Result<Expr, String> {
    let object = json.as_object().ok_or("Invalid query syntax.")?;
    let name = get(object, "op")
        .and_then(Json::as_str)
        .ok_or("A filter must have an operator (op).")?;
    if name.eq_ignore_ascii_case("and") || name.eq_ignore_ascii_case("or") {
        let is_or = name.eq_ignore_ascii_case("or");
        let items = get(object, "items")
            .and_then(Json::as_array)
            .filter(|i| !i.is_empty());
        let items = items.ok_or("A group of filters must have items.")?;
        let items = items
            .iter()
            .map(|i| expr(i, in_or || is_or, rules, count))
            .collect::<Result<Vec<_>, _>>()?;
        return Ok(if is_or {
            Expr::Or(items)
        } else {
            Expr::And(items)
        });
    }
    if in_or {
        count.ors += 1;
    }
    let op = Op::from_name(name).ok_or_else(|| format!("Unknown operator: {name}"))?;
    let field = get(object, "field")
        .and_then(Json::as_str)
        .ok_or("A filter must have a field.")?;
    let value = get(object, "value").filter(|v| !v.is_null());
    if get(object, "udf").and_then(Json::as_bool).unwrap_or(false) {
        count.udfs += 1;
        let known = rules.udfs.iter().any(|u| u.eq_ignore_ascii_case(field));
        if !known {
            return Err(unknown(field, rules.entity));
        }
        let operand = match value {
            None => Operand::None,
            Some(Json::Array(values)) => Operand::Many(
                values
                    .iter()
                    .filter_map(Json::as_str)
                    .map(|t| Value::Text(t.into()))
                    .collect(),
            ),
            Some(value) => value
                .as_str()
                .map_or(Operand::Never, |t| Operand::One(Value::Text(t.into()))),
        };
        return Ok(Expr::Test(Target::Udf(field.to_owned()), op, operand));
    }
    let field = rules
        .field(field)
        .ok_or_else(|| unknown(field, rules.entity))?;
    Ok(Expr::Test(
        Target::Field(field),
        op,
        operand(field, op, value, rules)?,
    ))
}

fn operand(
    field: &Field,
    op: Op,
    value: Option<&Json>,
    rules: Rules<'_>,
) -> Result<Operand, String> {
    if matches!(op, Op::Exist | Op::NotExist) {
        return Ok(Operand::None);
    }
    if op.is_textual() && field.kind != Kind::Text {
        return Err(format!(
            "The operator is not valid for the field {}.",
            field.name
        ));
    }
    let value = value.ok_or_else(|| format!("The filter on {} must have a value.", field.name))?;
    let many = matches!(op, Op::In | Op::NotIn);
    match (many, value) {
        (true, Json::Array(values)) => {
            if values.is_empty() {
                return Err(format!("The filter on {} must have a value.", field.name));
            }
            if values.len() > LIMIT && rules.switches.in_limit {
                return Err(TOO_MANY_ORS.to_owned());
            }
            let mut found = Vec::with_capacity(values.len());
            for value in values {
                found.extend(scalar(field, value)?);
            }
            Ok(Operand::many(found))
        }
        (true, _) | (false, Json::Array(_) | Json::Object(_)) => Err(format!(
            "The value of the filter on {} is not valid for its operator.",
            field.name
        )),
        (false, value) => Ok(scalar(field, value)?.map_or(Operand::Never, Operand::One)),
    }
}

/// A value as the field's type; `None` is a value that can match nothing.
fn scalar(field: &Field, json: &Json) -> Result<Option<Value>, String> {
    let refused = || {
        format!(
            "The value {json} is not valid for the field {}.",
            field.name
        )
    };
    match field.kind {
        // "null or other → error" [DOC REST_Basic_Query_Calls].
        Kind::Boolean => Ok(Some(Value::Bool(json.as_bool().ok_or_else(refused)?))),
        Kind::Long | Kind::Integer | Kind::Double => Ok(match json {
            Json::Number(n) => match n.as_i64() {
                Some(n) => Some(Value::Int(n)),
                None => cell::decimal(json).map(Value::Dec),
            },
            Json::String(_) => None,
            _ => return Err(refused()),
        }),
        Kind::Text => match json {
            Json::String(text) => Ok(Some(Value::Text(text.as_str().into()))),
            Json::Number(n) => Ok(Some(Value::Text(n.to_string().into()))),
            _ => Err(refused()),
        },
        Kind::Date | Kind::DateTime => {
            let text = json.as_str().ok_or_else(refused)?;
            let instant = cell::instant(text).or_else(|| cell::date(text).map(Into::into));
            Ok(Some(Value::Time(instant.ok_or_else(refused)?)))
        }
    }
}

/// The query that lists a parent's children.
pub(crate) fn children(field: &'static Field, parent: i64) -> Query {
    let test = Expr::Test(
        Target::Field(field),
        Op::Eq,
        Operand::One(Value::Int(parent)),
    );
    Query {
        all: vec![test],
        max: LIMIT,
        include: None,
    }
}

/// The text for a child asked of a parent that does not exist.
pub(crate) fn no_parent(entity: Entity) -> String {
    reference("parentId", entity.singular())
}
