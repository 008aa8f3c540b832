//! Writes, by the verbs the OpenAPI has and no others.

pub(crate) mod adjustment;
pub(crate) mod record;

use crate::answer::Answer;
use crate::dispatch::{Refusal, json_body};
use crate::exchange::Parsed;
use crate::route::Route;
use crate::schema::Entity;
use crate::state::State;
use crate::switches::Switches;
use crate::world::units::LineKind;

/// Carries out a POST, PATCH or PUT on a collection.
pub(crate) fn write(
    state: &State,
    request: &Parsed,
    route: Route,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let (entity, parent) = match route {
        Route::Collection(entity) => (entity, None),
        Route::Children(parent) => (parent.child, Some(parent)),
        _ => return Err(Answer::html(404).into()),
    };
    let html_404 =
        request.method == hyper::Method::PATCH && switches.patch_html_404 && parent.is_none();
    if html_404 {
        return Err(Answer::html(404).into()); // [WYRE issue 133]
    }
    let body = json_body(request)?;
    match entity {
        Entity::ContractServiceAdjustments => {
            adjustment::create(state, LineKind::Service, &body, parent, switches)
        }
        Entity::ContractServiceBundleAdjustments => {
            adjustment::create(state, LineKind::Bundle, &body, parent, switches)
        }
        _ => record::write(state, request, entity, parent, &body),
    }
}

/// Carries out a DELETE, which few entities have. A missing row is an error here
/// [CODE DJA].
pub(crate) fn delete(state: &State, route: Route) -> Result<Answer, Refusal> {
    let (entity, id) = match route {
        Route::Item(entity, id) => (entity, id),
        Route::Child(parent, id) => (parent.child, id),
        _ => return Err(Answer::html(404).into()),
    };
    if !state.world().delete(entity, id) {
        let text = "No message. No matching records found. The logged in Resource may not have the \
                    required permissions to delete the data.";
        return Err(text.into());
    }
    Ok(Answer::json(200, &serde_json::json!({ "itemId": id })))
}
