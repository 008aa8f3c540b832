//! Filter conditions and how they hold for a record.
//!
//! A text against a number field matches nothing and is no error [CODE N8N]: the
//! trap that makes a wrong connector see an empty tenant.

use std::cmp::Ordering;

use crate::schema::Field;
use crate::world::cell::{Cell, Value, fold};
use crate::world::row::Record;

/// Operators of the filter language [OAS; DERIVED SKILL].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the vendor's")]
pub(crate) enum Op {
    Eq,
    NotEq,
    Gt,
    Gte,
    Lt,
    Lte,
    BeginsWith,
    EndsWith,
    Contains,
    Exist,
    NotExist,
    In,
    NotIn,
}

impl Op {
    /// Operators are matched without regard to case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "noteq" => Self::NotEq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "beginswith" => Self::BeginsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            "exist" => Self::Exist,
            "notexist" => Self::NotExist,
            "in" => Self::In,
            "notin" => Self::NotIn,
            _ => return None,
        })
    }

    /// Whether the operator looks into a text.
    pub(crate) fn is_textual(self) -> bool {
        matches!(self, Self::BeginsWith | Self::EndsWith | Self::Contains)
    }
}

/// What a condition looks at.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A field of the entity.
    Field(&'static Field),
    /// A user-defined field.
    Udf(String),
}

/// What it is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// `exist` and `notExist` take no value.
    None,
    /// One value.
    One(Value),
    /// `in` and `notIn`.
    Many(Vec<Value>),
    /// `in` and `notIn` of whole numbers only, ascending: a client may ask for hundreds
    /// of ids among hundreds of thousands.
    Whole(Vec<i64>),
    /// A value of the wrong family: nothing matches.
    Never,
}

/// A condition or a group of them.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    /// All hold.
    And(Vec<Expr>),
    /// At least one holds.
    Or(Vec<Expr>),
    /// One comparison.
    Test(Target, Op, Operand),
}

impl Expr {
    /// Whether the condition holds for a record.
    pub(crate) fn holds(&self, row: &impl Record) -> bool {
        match self {
            Self::And(items) => items.iter().all(|e| e.holds(row)),
            Self::Or(items) => items.iter().any(|e| e.holds(row)),
            Self::Test(Target::Field(field), op, operand) => test(row.cell(field), *op, operand),
            Self::Test(Target::Udf(name), op, operand) => {
                test(row.udf(name).map_or(Cell::Null, Cell::Text), *op, operand)
            }
        }
    }
}

fn test(cell: Cell<'_>, op: Op, operand: &Operand) -> bool {
    match (op, operand) {
        (Op::Exist, _) => !cell.is_null(),
        (Op::NotExist, _) => cell.is_null(),
        (_, Operand::Never | Operand::None) => false,
        (Op::In, Operand::Many(values)) => values.iter().any(|v| equal(cell, v)),
        (Op::NotIn, Operand::Many(values)) => !values.iter().any(|v| equal(cell, v)),
        (Op::In, Operand::Whole(numbers)) => among(cell, numbers),
        (Op::NotIn, Operand::Whole(numbers)) => !among(cell, numbers),
        (_, Operand::Many(_) | Operand::Whole(_)) => false,
        (Op::NotEq, Operand::One(value)) => !equal(cell, value),
        (Op::BeginsWith | Op::EndsWith | Op::Contains, Operand::One(value)) => {
            let (Cell::Text(text), Value::Text(part)) = (cell, value) else {
                return false;
            };
            let (text, part) = (fold(text), fold(part));
            match op {
                Op::BeginsWith => text.starts_with(&part),
                Op::EndsWith => text.ends_with(&part),
                _ => text.contains(&part),
            }
        }
        (_, Operand::One(value)) => {
            let Some(order) = cell.order(value.cell()) else {
                return false;
            };
            match op {
                Op::Eq => order == Ordering::Equal,
                Op::Gt => order == Ordering::Greater,
                Op::Gte => order != Ordering::Less,
                Op::Lt => order == Ordering::Less,
                _ => order != Ordering::Greater,
            }
        }
    }
}

fn among(cell: Cell<'_>, numbers: &[i64]) -> bool {
    match cell {
        Cell::Int(number) => numbers.binary_search(&number).is_ok(),
        other => numbers
            .iter()
            .any(|number| other.order(Cell::Int(*number)) == Some(Ordering::Equal)),
    }
}

impl Operand {
    /// What `in` and `notIn` are given.
    pub(crate) fn many(values: Vec<Value>) -> Self {
        let whole = |value: &Value| match value {
            Value::Int(number) => Some(*number),
            _ => None,
        };
        match values.iter().map(whole).collect::<Option<Vec<i64>>>() {
            Some(mut numbers) => {
                numbers.sort_unstable();
                Self::Whole(numbers)
            }
            None => Self::Many(values),
        }
    }
}

fn equal(cell: Cell<'_>, value: &Value) -> bool {
    cell.order(value.cell()) == Some(Ordering::Equal)
}
