//! The world's records by entity, whichever table they are in.

use crate::query::run::{self, Begin};
use crate::query::{Query, render};
use crate::route::Parent;
use crate::schema::Entity;
use crate::switches::{Order, Switches};
use crate::world::World;
use crate::world::row::Record;
use crate::world::table::Table;
use crate::world::units::LineKind;

/// The units table behind an entity, if it has one.
pub(crate) fn unit_kind(entity: Entity) -> Option<LineKind> {
    [LineKind::Service, LineKind::Bundle]
        .into_iter()
        .find(|k| k.units() == entity)
}

/// One page of ids.
pub(crate) fn page(
    world: &World,
    entity: Entity,
    query: &Query,
    order: Order,
    begin: Begin,
) -> run::Found {
    match unit_kind(entity) {
        Some(kind) => run::page(world.units(kind), query, order, begin),
        None => run::page(world.rows(entity), query, order, begin),
    }
}

/// How many records match.
pub(crate) fn count(world: &World, entity: Entity, query: &Query) -> usize {
    match unit_kind(entity) {
        Some(kind) => run::count(world.units(kind), query),
        None => run::count(world.rows(entity), query),
    }
}

/// Whether a record is a child of this parent.
pub(crate) fn belongs(world: &World, parent: Parent, id: i64) -> bool {
    let Some(field) = parent.child.fields().get(parent.field) else {
        return false;
    };
    let value = match unit_kind(parent.child) {
        Some(kind) => world.units(kind).get(id).map(|r| r.cell(field).int()),
        None => world
            .rows(parent.child)
            .get(id)
            .map(|r| r.cell(field).int()),
    };
    value == Some(Some(parent.id))
}

/// Appends records as a JSON list without its brackets.
pub(crate) fn write(
    body: &mut Vec<u8>,
    world: &World,
    entity: Entity,
    ids: &[i64],
    query: &Query,
    switches: &Switches,
) {
    match unit_kind(entity) {
        Some(kind) => write_from(body, world.units(kind), entity, ids, query, switches),
        None => write_from(body, world.rows(entity), entity, ids, query, switches),
    }
}

fn write_from<R: Record>(
    body: &mut Vec<u8>,
    table: &Table<R>,
    entity: Entity,
    ids: &[i64],
    query: &Query,
    switches: &Switches,
) {
    for (n, row) in ids.iter().filter_map(|id| table.get(*id)).enumerate() {
        if n > 0 {
            body.push(b',');
        }
        render::record(
            body,
            row,
            entity,
            query.include.as_deref(),
            switches.date_format,
        );
    }
}
