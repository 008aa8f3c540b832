//! Answers a query from the cheapest set of candidates: an id, an indexed reference
//! or, last, every record past the cursor.

use std::cmp::Ordering;

use super::Query;
use super::filter::{Expr, Op, Operand, Target};
use crate::switches::Order;
use crate::world::cell::Value;
use crate::world::row::Record;
use crate::world::table::Table;

/// One page of ids, and whether more follow.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Ids in the order of the answer.
    pub ids: Vec<i64>,
    /// Whether another page follows.
    pub more: bool,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With the first match.
    First,
    /// After the last id of the page before: rows do not move between pages.
    After(i64),
    /// After so many matches: a row added or removed meanwhile moves the others.
    At(usize),
}

/// One page.
pub(crate) fn page<R: Record>(
    table: &Table<R>,
    query: &Query,
    order: Order,
    begin: Begin,
) -> Found {
    let (cursor, mut skip) = match begin {
        Begin::First => (None, 0),
        Begin::After(id) => (Some(id), 0),
        Begin::At(row) => (None, row),
    };
    let past = |id: i64| match (order, cursor) {
        (_, None) => true,
        (Order::Ascending, Some(last)) => id > last,
        (Order::Descending, Some(last)) => id < last,
    };
    let mut found = Found::default();
    visit(table, query, order, cursor, |row| {
        if skip > 0 {
            skip -= 1;
            return Ordering::Less;
        }
        if !past(row.id()) {
            return Ordering::Less;
        }
        if found.ids.len() == query.max {
            found.more = true;
            return Ordering::Greater;
        }
        found.ids.push(row.id());
        Ordering::Equal
    });
    found
}

/// How many records match.
pub(crate) fn count<R: Record>(table: &Table<R>, query: &Query) -> usize {
    let mut n = 0;
    visit(table, query, Order::Ascending, None, |_| {
        n += 1;
        Ordering::Equal
    });
    n
}

/// Shows `see` each matching record in order, until it says `Greater`.
fn visit<R: Record>(
    table: &Table<R>,
    query: &Query,
    order: Order,
    cursor: Option<i64>,
    mut see: impl FnMut(&R) -> Ordering,
) {
    let mut show = |row: &R| -> bool {
        let matches = query.all.iter().all(|e| e.holds(row));
        !matches || see(row) != Ordering::Greater
    };
    if let Some(mut ids) = candidates(table, query) {
        if order == Order::Descending {
            ids.reverse();
        }
        let mut rows = ids.into_iter().filter_map(|id| table.get(id));
        let _ = rows.try_for_each(|row| show(row).then_some(()));
        return;
    }
    match order {
        Order::Ascending => {
            let after = lower_bound(query).max(cursor.unwrap_or(i64::MIN));
            let _ = table
                .after(after)
                .try_for_each(|row| show(row).then_some(()));
        }
        Order::Descending => {
            let _ = table
                .iter()
                .rev()
                .try_for_each(|row| show(row).then_some(()));
        }
    }
}

/// Ids that could match, ascending, if a top-level condition names them.
fn candidates<R: Record>(table: &Table<R>, query: &Query) -> Option<Vec<i64>> {
    let mut best: Option<Vec<i64>> = None;
    for expr in &query.all {
        let Expr::Test(Target::Field(field), op, operand) = expr else {
            continue;
        };
        let keys: Vec<i64> = match (op, operand) {
            (_, Operand::Never) => Vec::new(),
            (Op::Eq, Operand::One(Value::Int(key))) => vec![*key],
            (Op::In, Operand::Whole(keys)) => keys.clone(),
            _ => continue,
        };
        let mut ids = if field.name == "id" || keys.is_empty() {
            keys
        } else if table.ids_by(field.name, 0).is_some() {
            keys.iter()
                .flat_map(|k| table.ids_by(field.name, *k).unwrap_or(&[]))
                .copied()
                .collect()
        } else {
            continue;
        };
        if best.as_ref().is_none_or(|b| ids.len() < b.len()) {
            ids.sort_unstable();
            ids.dedup();
            best = Some(ids);
        }
    }
    best
}

/// The id below which nothing can match (`id gt`, `id gte`).
fn lower_bound(query: &Query) -> i64 {
    let bound = |expr: &Expr| match expr {
        Expr::Test(Target::Field(field), op, Operand::One(Value::Int(n))) if field.name == "id" => {
            match op {
                Op::Gt => Some(*n),
                Op::Gte => Some(n.saturating_sub(1)),
                _ => None,
            }
        }
        _ => None,
    };
    query.all.iter().filter_map(bound).max().unwrap_or(i64::MIN)
}
