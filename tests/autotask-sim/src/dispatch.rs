//! Carries a request out: the API behind the gates.

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::access;
use crate::answer::Answer;
use crate::exchange::{Parsed, body_json};
use crate::query::parse::{self, Rules};
use crate::query::run::Begin;
use crate::query::{Query, render, run};
use crate::route::{Parent, Route};
use crate::schema::{Entity, metadata};
use crate::state::State;
use crate::switches::{Order, Paging, Switches, Verdict};
use crate::world::World;
use crate::world::row::Record;
use crate::world::table::Table;
use crate::world::units::LineKind;
use crate::write;

/// Answers a request that passed the gates.
pub fn dispatch(state: &State, request: &Parsed) -> Answer {
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
pub enum Refusal {
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
            let text = query_text(request)?;
            list(
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
        Route::QueryNext(entity) => next(state, request, entity, visible, switches),
        Route::Count(entity) => {
            let query = compile(state, entity, &query_text(request)?, switches)?;
            let world = state.world();
            let n = if visible {
                count(&world, entity, &query)
            } else {
                0
            };
            Ok(Answer::json(200, &json!({ "queryCount": n })))
        }
        // A missing id is no error [LIVE W6W; DJA].
        Route::Item(entity, id) => Ok(item(state, entity, visible.then_some(id), switches)),
        Route::Child(parent, id) => {
            let belongs = field_is(&state.world(), parent, id);
            Ok(item(
                state,
                parent.child,
                Some(id).filter(|_| visible && belongs),
                switches,
            ))
        }
        Route::Children(parent) if request.method == Method::GET => {
            children(state, parent, visible, switches)
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
                "webUrl": "https://ww2.autotask.net/", "ci": world.ci}),
    ))
}

/// The query of a GET or POST as text.
fn query_text(request: &Parsed) -> Result<String, Refusal> {
    if request.method == Method::POST {
        return String::from_utf8(request.body.clone()).map_err(|_| "Invalid query syntax.".into());
    }
    parameter(&request.query, "search").ok_or_else(|| parse::NO_FILTER.into())
}

fn compile(
    state: &State,
    entity: Entity,
    text: &str,
    switches: &Switches,
) -> Result<Query, Refusal> {
    let json: Json = serde_json::from_str(text).map_err(|_| "Invalid query syntax.")?;
    let udfs = state.world().udfs.get(&entity).cloned().unwrap_or_default();
    Ok(parse::parse(
        &json,
        Rules {
            entity,
            udfs: &udfs,
            switches,
        },
    )?)
}

/// Which page of what.
struct Listing {
    entity: Entity,
    post: bool,
    begin: Begin,
    number: Option<u64>,
    visible: bool,
}

fn list(
    state: &State,
    text: &str,
    listing: Listing,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let query = compile(state, listing.entity, text, switches)?;
    answer_list(state, &query, text, &listing, switches)
}

fn answer_list(
    state: &State,
    query: &Query,
    text: &str,
    listing: &Listing,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let entity = listing.entity;
    let mut body = Vec::with_capacity(4096);
    body.extend_from_slice(b"{\"items\":[");
    let found = {
        let world = state.world();
        let found = if listing.visible {
            run_page(&world, entity, query, switches.order, listing.begin)
        } else {
            run::Found::default()
        };
        write_rows(&mut body, &world, entity, &found.ids, query, switches);
        found
    };
    // "IncludeFields must include id when paging beyond 500" [DOC].
    let has_id = query
        .include
        .as_ref()
        .is_none_or(|f| f.iter().any(|f| f.name == "id"));
    if found.more && !has_id && switches.include_id == Verdict::Refuse {
        return Err("The id field must be included in IncludeFields when paging.".into());
    }
    let mut pages = state.pages();
    let url = |number: u64| page_url(state, listing, query, text, number);
    let previous = listing.number.and_then(|n| pages.get(n)?.previous).map(url);
    let next = found.more.then(|| {
        let this = match listing.number {
            Some(number) => number,
            None => pages.keep(entity, listing.post, text, Begin::First, None),
        };
        let begin = match (switches.paging, listing.begin, found.ids.last()) {
            (Paging::ById, _, Some(last)) => Begin::After(*last),
            (_, Begin::At(row), _) => Begin::At(row + found.ids.len()),
            _ => Begin::At(found.ids.len()),
        };
        url(pages.keep(entity, listing.post, text, begin, Some(this)))
    });
    let details = json!({
        "count": found.ids.len(), "requestCount": query.max,
        "prevPageUrl": previous, "nextPageUrl": next,
    });
    body.extend_from_slice(b"],\"pageDetails\":");
    body.extend_from_slice(details.to_string().as_bytes());
    body.push(b'}');
    Ok(Answer::bytes(200, body))
}

/// A page's URL; that of a GET repeats the search, and so may grow too long.
fn page_url(state: &State, listing: &Listing, query: &Query, text: &str, number: u64) -> String {
    let token = json!({"pageSize": query.max, "page": number}).to_string();
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut url = format!(
        "{}V1.0/{}/query/next?paging={}",
        state.zone_url(),
        listing.entity,
        encode(&token)
    );
    if !listing.post {
        url.push_str("&search=");
        url.push_str(&encode(text));
    }
    url
}

fn next(
    state: &State,
    request: &Parsed,
    entity: Entity,
    visible: bool,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let token = parameter(&request.query, "paging").unwrap_or_default();
    let token: Json = serde_json::from_str(&token).map_err(|_| "The paging token is not valid.")?;
    let number = token["page"]
        .as_u64()
        .ok_or("The paging token is not valid.")?;
    let page = state
        .pages()
        .get(number)
        .filter(|p| p.entity == entity)
        .cloned();
    let page = page.ok_or("The requested page is no longer available.")?;
    let post = request.method == Method::POST;
    if page.post != post {
        // A page is fetched with its query's verb [LIVE WYRE].
        return Err(Answer::method_not_allowed(request.method.as_str()).into());
    }
    let text = query_text(request)?;
    let parsed = |text: &str| serde_json::from_str::<Json>(text).ok();
    if parsed(&text).is_none() || parsed(&text) != parsed(&page.query) {
        return Err("The query does not match the one the page belongs to.".into());
    }
    let listing = Listing {
        entity,
        post,
        begin: page.begin,
        number: Some(number),
        visible,
    };
    list(state, &page.query, listing, switches)
}

fn children(
    state: &State,
    parent: Parent,
    visible: bool,
    switches: &Switches,
) -> Result<Answer, Refusal> {
    let field = parent
        .child
        .fields()
        .get(parent.field)
        .ok_or("Invalid query syntax.")?;
    let query = parse::children(field, parent.id);
    let text =
        json!({"filter": [{"op": "eq", "field": parent.field, "value": parent.id}]}).to_string();
    let listing = Listing {
        entity: parent.child,
        post: false,
        begin: Begin::First,
        number: None,
        visible,
    };
    answer_list(state, &query, &text, &listing, switches)
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
        write_rows(&mut body, &world, entity, &[id], &whole, switches);
    }
    if body.len() == before {
        body.extend_from_slice(b"null");
    }
    body.push(b'}');
    Answer::bytes(200, body)
}

/// The units table behind an entity, if it has one.
pub fn unit_kind(entity: Entity) -> Option<LineKind> {
    [LineKind::Service, LineKind::Bundle]
        .into_iter()
        .find(|k| k.units() == entity)
}

fn run_page(
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

fn count(world: &World, entity: Entity, query: &Query) -> usize {
    match unit_kind(entity) {
        Some(kind) => run::count(world.units(kind), query),
        None => run::count(world.rows(entity), query),
    }
}

fn field_is(world: &World, parent: Parent, id: i64) -> bool {
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

fn write_rows(
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

/// A query parameter, decoded; names without regard to case.
pub fn parameter(query: &str, name: &str) -> Option<String> {
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
pub fn json_body(request: &Parsed) -> Result<Json, Refusal> {
    Ok(body_json(request)?)
}
