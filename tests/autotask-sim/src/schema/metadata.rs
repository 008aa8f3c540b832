//! What `/entityInformation` and its relatives answer.

use hyper::Method;
use serde_json::{Value as Json, json};

use super::{Entity, Kind};
use crate::route::Route;
use crate::world::World;
use crate::world::users::{Right, User};

/// `/entityInformation`.
pub fn information(entity: Entity, user: Option<&User>, world: &World) -> Json {
    let allowed = user.is_none_or(|u| matches!(u.right(entity), Right::Allowed));
    let verbs = Route::verbs_of(entity);
    let can_create = verbs.contains(&Method::POST);
    let can_update = verbs.contains(&Method::PATCH);
    let can_delete = verbs.contains(&Method::DELETE);
    let access = |can: bool| if can && allowed { "All" } else { "None" };
    json!({"info": {
        "name": entity.singular(),
        "canCreate": can_create && allowed,
        "canDelete": can_delete && allowed,
        "canQuery": entity.can_query() && allowed,
        "canUpdate": can_update && allowed,
        "userAccessForCreate": access(can_create),
        "userAccessForDelete": access(can_delete),
        "userAccessForQuery": access(entity.can_query()),
        "userAccessForUpdate": access(can_update),
        "hasUserDefinedFields": world.udfs.contains_key(&entity),
        "supportsWebhookCallouts": matches!(entity, Entity::Companies),
    }})
}

/// `/entityInformation/fields`. A picklist's `value` is a text here and a number in
/// records [OAS; DJA fixtures].
pub fn fields(entity: Entity, world: &World) -> Json {
    let list: Vec<Json> = entity
        .fields()
        .all()
        .iter()
        .filter(|field| !world.lacks(entity, field.name))
        .map(|field| {
            let picks = world.picklists.get(&format!("{entity}.{}", field.name));
            let values: Option<Vec<Json>> = picks.filter(|_| field.pick).map(|choices| {
                let numbered = choices.iter().zip(1..);
                numbered
                    .map(|(c, order)| {
                        json!({"value": c.value.to_string(), "label": c.label, "isDefaultValue": false,
                               "sortOrder": order, "parentValue": "", "isActive": c.active,
                               "isSystem": c.system})
                    })
                    .collect()
            });
            let data_type = match field.kind {
                Kind::Long => "long",
                Kind::Integer => "integer",
                Kind::Double => "double",
                Kind::Boolean => "boolean",
                Kind::DateTime | Kind::Date => "datetime",
                Kind::Text => "string",
            };
            json!({
                "name": field.name, "dataType": data_type, "length": field.length,
                "isRequired": field.required, "isReadOnly": field.read_only,
                "isQueryable": !field.write_only && entity.can_query(),
                "isReference": field.reference.is_some(),
                "referenceEntityType": field.reference.unwrap_or_default(),
                "isPickList": field.pick, "picklistValues": values,
                "picklistParentValueField": "", "isSupportedWebhookField": false,
            })
        })
        .collect();
    json!({ "fields": list })
}

/// `/entityInformation/userDefinedFields`.
pub fn user_defined(entity: Entity, world: &World) -> Json {
    let names = world.udfs.get(&entity).map_or(&[][..], Vec::as_slice);
    let list: Vec<Json> = names
        .iter()
        .map(|name| {
            json!({
                "name": name, "label": name, "type": "string", "length": 255, "description": null,
                "isRequired": false, "isReadOnly": false, "isQueryable": true, "isReference": false,
                "referenceEntityType": "", "isPickList": false, "picklistValues": null,
                "picklistParentValueField": "", "defaultValue": null, "isSupportedWebhookField": false,
            })
        })
        .collect();
    json!({ "fields": list })
}
