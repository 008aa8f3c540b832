//! Carries a request out: the API behind the gates.

use hyper::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};

use crate::access;
use crate::answer::Answer;
use crate::exchange::{Parsed, body_json};
use crate::listing::{self, Listing};
use crate::query::Query;
use crate::query::run::Begin;
use crate::route::Route;
use crate::rows;
use crate::schema::{Entity, metadata};
use crate::state::State;
use crate::switches::Switches;
use crate::write;

/// Answers a request that passed the gates.
pub(crate) fn dispatch(state: &State, request: &Parsed) -> Answer {
    let Some(route) = request.route else {
        return Answer::html(404);
    };
    let settings = state.settings();
    match handle(state, request, route, &settings.switches) {
        Ok(answer) => answer,
        Err(Refusal::Text(text)) => Answer::errors(settings.switches.validation_status, &text),
        Err(Refusal::Answer(answer)) => answer,
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A validation error.
    Text(String),
    /// Another answer.
    Answer(Answer),
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Refusal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

fn handle(
    state: &State,
    request: &Parsed,
    route: Route,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let mut visible = true;
    if let (Some(entity), Some(caller)) = (route.entity(), &request.caller)
        && !matches!(
            route,
            Route::Information(_) | Route::Fields(_) | Route::UserDefinedFields(_)
        )
    {
        visible = access::permit(&state.world(), caller, entity)?;
    }
    if request.method == Method::DELETE {
        return write::delete(state, route);
    }
    match route {
        Route::ZoneInformation => zone(state, request),
        Route::VersionInformation => Ok(Answer::json(200, &json!({"apiVersions": ["1.0"]}))),
        Route::Version => Ok(Answer::json(
            200,
            &json!({"majorVersion": 2026, "minorVersion": 3, "build": 0, "customerType": "Customer"}),
        )),
        Route::ThresholdInformation => {
            let now = state.world().now;
            let used = state.hour().current(now);
            let limit = state.settings().limits.hourly;
            Ok(Answer::json(
                200,
                &json!({"externalRequestThreshold": limit, "requestThresholdTimeframe": 60,
                        "currentTimeframeRequestCount": used}),
            ))
        }
        Route::Query(entity) => {
            let post = request.method == Method::POST;
            let text = listing::query_text(request)?;
            listing::list(
                state,
                &text,
                Listing {
                    entity,
                    post,
                    begin: Begin::First,
                    number: None,
                    visible,
                },
                switches,
            )
        }
        Route::QueryNext(entity) => listing::next(state, request, entity, visible, switches),
        Route::Count(entity) => {
            let query = listing::compile(state, entity, &listing::query_text(request)?, switches)?;
            let world = state.world();
            let n = if visible {
                rows::count(&world, entity, &query)
            } else {
                0
            };
            Ok(Answer::json(200, &json!({ "queryCount": n })))
        }
        // A missing id is no error [LIVE W6W; DJA].
        Route::Item(entity, id) => Ok(item(state, entity, visible.then_some(id), switches)),
        Route::Child(parent, id) => {
            let belongs = rows::belongs(&state.world(), parent, id);
            Ok(item(
                state,
                parent.child,
                Some(id).filter(|_| visible && belongs),
                switches,
            ))
        }
        Route::Children(parent) if request.method == Method::GET => {
            listing::children(state, parent, visible, switches)
        }
        Route::Information(entity) => {
            let world = state.world();
            let user = request
                .caller
                .as_ref()
                .and_then(|c| world.users.get(c.user));
            Ok(Answer::json(
                200,
                &metadata::information(entity, user, &world),
            ))
        }
        Route::Fields(entity) => Ok(Answer::json(200, &metadata::fields(entity, &state.world()))),
        Route::UserDefinedFields(entity) => Ok(Answer::json(
            200,
            &metadata::user_defined(entity, &state.world()),
        )),
        Route::Collection(_) | Route::Children(_) if !visible => {
            Err(Answer::errors(500, access::NO_PERMISSION).into())
        }
        Route::Collection(_) | Route::Children(_) => write::write(state, request, route, switches),
    }
}

/// Any known user has a zone; anybody else gets a 500 [LIVE W6W; DJA].
fn zone(state: &State, request: &Parsed) -> Result<Answer, Refusal> {
    let user = parameter(&request.query, "user").unwrap_or_default();
    let world = state.world();
    if !world
        .users
        .iter()
        .any(|u| u.user_name.eq_ignore_ascii_case(&user))
    {
        return Err(Answer::errors(500, "Zone information could not be determined").into());
    }
    Ok(Answer::json(
        200,
        &json!({"zoneName": world.zone_name, "url": state.zone_url(),
                "webUrl": world.web_url, "ci": world.ci}),
    ))
}

fn item(state: &State, entity: Entity, id: Option<i64>, switches: &Switches) -> Answer {
    let world = state.world();
    let mut body = b"{\"item\":".to_vec();
    let whole = Query {
        all: Vec::new(),
        max: 1,
        include: None,
    };
    let before = body.len();
    if let Some(id) = id {
        rows::write(&mut body, &world, entity, &[id], &whole, switches);
    }
    if body.len() == before {
        body.extend_from_slice(b"null");
    }
    body.push(b'}');
    Answer::bytes(200, body)
}

/// A query parameter, decoded; names without regard to case.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').filter_map(|p| p.split_once('='));
    let (_, value) = pair
        .into_iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    let value = value.replace('+', " ");
    percent_decode_str(&value)
        .decode_utf8()
        .ok()
        .map(|v| v.into_owned())
}

/// The body as JSON, or a refusal.
pub(crate) fn json_body(request: &Parsed) -> Result<Json, Refusal> {
    Ok(body_json(request)?)
}
