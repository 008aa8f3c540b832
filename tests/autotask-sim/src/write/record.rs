//! Creates and updates of ordinary records: as much of them as the entities' own
//! rules need, which a billing connector must not use and an administrator does.

use hyper::Method;
use serde_json::{Map, Value as Json, json};

use crate::answer::Answer;
use crate::dispatch::Refusal;
use crate::exchange::Parsed;
use crate::query::parse;
use crate::route::Parent;
use crate::schema::{Entity, Field};
use crate::state::State;
use crate::world::World;
use crate::world::cell::{self, Value};
use crate::world::contracts::reference;
use crate::world::row::Record;
use crate::world::units::LineKind;

/// Carries out a POST, PATCH or PUT of one record.
pub(crate) fn write(
    state: &State,
    request: &Parsed,
    entity: Entity,
    parent: Option<Parent>,
    body: &Json,
) -> Result<Answer, Refusal> {
    let mut object = body
        .as_object()
        .ok_or("The request body is not a JSON object.")?
        .clone();
    if let Some(parent) = parent {
        let given = parse::get(&object, parent.field).filter(|v| !v.is_null());
        if given.is_some_and(|v| v.as_i64() != Some(parent.id)) {
            return Err(reference(parent.field, parent.parent.singular()).into());
        }
    }
    let mut world = state.world();
    check_references(&world, entity, &object, request.method == Method::POST)?;
    let id = if request.method == Method::POST {
        if let Some(parent) = parent {
            object.insert(parent.field.to_owned(), json!(parent.id));
            if world.rows(parent.parent).get(parent.id).is_none() {
                return Err(parse::no_parent(parent.parent).into());
            }
        }
        create(&mut world, entity, &mut object)?
    } else {
        update(&mut world, entity, &object, request.method == Method::PUT)?
    };
    Ok(Answer::json(200, &json!({ "itemId": id })))
}

fn create(
    world: &mut World,
    entity: Entity,
    object: &mut Map<String, Json>,
) -> Result<i64, Refusal> {
    for field in entity.fields().all().iter().filter(|f| f.required) {
        if parse::get(object, field.name).is_none_or(Json::is_null) {
            return Err(format!("Missing Required Field: {}", field.name).into());
        }
    }
    // Contracts of type 7 need a period type [ecitsolutions/Autotask 39].
    if entity == Entity::Contracts
        && parse::get(object, "contractType").and_then(Json::as_i64) == Some(7)
        && parse::get(object, "contractPeriodType").is_none_or(Json::is_null)
    {
        return Err("Contracts of type 7 (Recurring Services) require a ContractPeriodType".into());
    }
    object.retain(|name, _| !name.eq_ignore_ascii_case("id"));
    let kind = [LineKind::Service, LineKind::Bundle]
        .into_iter()
        .find(|k| k.lines() == entity);
    if let Some(kind) = kind {
        let number = |field| {
            parse::get(object, field)
                .and_then(Json::as_i64)
                .unwrap_or_default()
        };
        let (contract, sold) = (number("contractID"), number(kind.sold_field()));
        return Ok(world.add_line(kind, contract, sold, 0)?);
    }
    Ok(world.insert(entity, &Json::Object(object.clone()))?)
}

/// PATCH leaves what is not named, PUT nulls it [DERIVED; W6W].
fn update(
    world: &mut World,
    entity: Entity,
    object: &Map<String, Json>,
    put: bool,
) -> Result<i64, Refusal> {
    let id = parse::get(object, "id").and_then(Json::as_i64);
    let id = id.ok_or("The id of the record to update is missing.")?;
    let missing = || {
        format!(
            "No matching records found. {} {id} does not exist.",
            entity.singular()
        )
    };
    let row = world.rows(entity).get(id).ok_or_else(missing)?;
    let mut end = None;
    let mut fresh = row.clone();
    let named = |field: &Field| object.keys().any(|k| k.eq_ignore_ascii_case(field.name));
    for (name, value) in object.iter().filter(|(n, _)| !n.eq_ignore_ascii_case("id")) {
        let Some(field) = entity.fields().get(name) else {
            continue;
        };
        let same = Value::read(field, value)?
            .as_ref()
            .map(Value::cell)
            .unwrap_or(cell::Cell::Null)
            == row.cell(field);
        if same {
            continue;
        }
        let locked_start = entity == Entity::Contracts
            && field.name == "startDate"
            && world
                .rows(Entity::ContractServices)
                .by("contractID", id)
                .next()
                .is_some();
        if field.read_only || locked_start {
            return Err(format!("{} is read-only.", field.name).into());
        }
        if entity == Entity::Contracts && field.name == "endDate" {
            let day = value.as_str().and_then(cell::date);
            end = Some(day.ok_or("endDate is required.")?);
        }
    }
    fresh.merge(entity, &without_id(object))?;
    if put {
        for field in entity
            .fields()
            .all()
            .iter()
            .filter(|f| !f.read_only && f.name != "id")
        {
            if named(field) {
                continue;
            }
            if field.required {
                return Err(format!("Missing Required Field: {}", field.name).into());
            }
            fresh.set(field, None);
        }
    }
    if let Some(field) = entity
        .fields()
        .get("adjustedPrice")
        .filter(|f| f.write_only && named(f))
    {
        let price = fresh.cell(field).number().map(Value::Dec);
        if let Some(kept) = entity.fields().get("internalCurrencyAdjustedPrice") {
            fresh.set(kept, price);
        }
    }
    if let (Some(end), Some(field)) = (end, entity.fields().get("endDate")) {
        world.move_contract_end(id, end)?;
        fresh.set(field, Some(Value::Time(end.into())));
    }
    world.rows_mut(entity).insert(fresh);
    Ok(id)
}

fn without_id(object: &Map<String, Json>) -> Map<String, Json> {
    let rest = object.iter().filter(|(n, _)| !n.eq_ignore_ascii_case("id"));
    rest.map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn check_references(
    world: &World,
    entity: Entity,
    object: &Map<String, Json>,
    creating: bool,
) -> Result<(), Refusal> {
    for (name, value) in object {
        let Some(field) = entity.fields().get(name) else {
            continue;
        };
        let target = field.reference.and_then(Entity::from_singular);
        let (Some(target), Some(id)) = (target, value.as_i64()) else {
            continue;
        };
        let there = world.rows(target).get(id).is_some();
        if !there || (creating && !world.is_active(target, id)) {
            return Err(reference(field.name, target.singular()).into());
        }
    }
    Ok(())
}
