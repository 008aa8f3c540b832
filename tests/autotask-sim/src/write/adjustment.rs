//! `POST …Adjustments`: reads the body strictly and has the world adjusted.

use serde_json::{Map, Value as Json, json};

use crate::answer::Answer;
use crate::dispatch::Refusal;
use crate::query::parse;
use crate::route::Parent;
use crate::schema::Entity;
use crate::state::State;
use crate::switches::Switches;
use crate::world::adjust::Adjustment;
use crate::world::cell::Value;
use crate::world::contracts::reference;
use crate::world::row::Row;
use crate::world::units::LineKind;

/// Creates an adjustment. The answer has no id [LIVE KAN].
pub(crate) fn create(
    state: &State,
    kind: LineKind,
    body: &Json,
    parent: Option<Parent>,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let object = body
        .as_object()
        .ok_or("The request body is not a JSON object.")?;
    let mut ask = read(kind, object)?;
    if let Some(parent) = parent {
        if ask.contract.is_some_and(|c| c != parent.id) {
            return Err(reference("contractID", "Contract").into());
        }
        ask.contract = Some(parent.id);
    }
    let mut world = state.world();
    world.adjust(kind, &ask, switches, false)?;
    let id = if switches.adjustment_item_id {
        json!(world.fresh_id())
    } else {
        Json::Null
    };
    Ok(Answer::json(200, &json!({ "itemId": id })))
}

fn read(kind: LineKind, object: &Map<String, Json>) -> Result<Adjustment, Refusal> {
    let entity = match kind {
        LineKind::Service => Entity::ContractServiceAdjustments,
        LineKind::Bundle => Entity::ContractServiceBundleAdjustments,
    };
    // Every field must exist and have its type: `id` on a child create is a number,
    // not "0" [N8N CHANGELOG].
    let mut row = Row::new(0);
    row.merge(entity, object)?;
    if let Some(id) = parse::get(object, "id")
        && !id.is_null()
        && id.as_i64().is_none()
    {
        return Err(format!("id: {id} is not a valid Long").into());
    }
    let effective = row.get(entity, "effectiveDate").date();
    let effective = effective.ok_or("Missing Required Field: effectiveDate")?;
    let change = row
        .get(entity, "unitChange")
        .int()
        .ok_or("Missing Required Field: unitChange")?;
    let repeat = match kind {
        LineKind::Service => "allowRepeatService",
        LineKind::Bundle => "allowRepeatServiceBundle",
    };
    let yes = Value::Bool(true);
    Ok(Adjustment {
        line: row.get(entity, kind.line_field()).int(),
        contract: row.get(entity, "contractID").int(),
        sold: row.get(entity, kind.sold_field()).int(),
        effective,
        change: i32::try_from(change)
            .map_err(|_| "unitChange: Value was either too large or too small for an Int32.")?,
        unit_price: row.get(entity, "adjustedUnitPrice").number(),
        unit_cost: row.get(entity, "adjustedUnitCost").number(),
        repeat: row.get(entity, repeat) == yes.cell(),
    })
}
