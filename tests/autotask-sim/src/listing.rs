//! Lists: queries, their pages and a parent's children.

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::answer::Answer;
use crate::dispatch::{Refusal, parameter};
use crate::exchange::Parsed;
use crate::query::Query;
use crate::query::parse::{self, Rules};
use crate::query::run::{self, Begin};
use crate::route::Parent;
use crate::rows;
use crate::schema::Entity;
use crate::state::State;
use crate::switches::{Paging, Switches, Verdict};

/// The query of a GET or POST as text.
pub(crate) fn query_text(request: &Parsed) -> Result<String, Refusal> {
    if request.method == Method::POST {
        return String::from_utf8(request.body.clone()).map_err(|_| "Invalid query syntax.".into());
    }
    parameter(&request.query, "search").ok_or_else(|| parse::NO_FILTER.into())
}

/// Checks and compiles a query.
pub(crate) fn compile(
    state: &State,
    entity: Entity,
    text: &str,
    switches: &Switches,
) -> Result<Query, Refusal> {
    let json: Json = serde_json::from_str(text).map_err(|_| "Invalid query syntax.")?;
    let (udfs, lacking) = {
        let world = state.world();
        let of = |lists: &std::collections::BTreeMap<Entity, Vec<String>>| {
            lists.get(&entity).cloned().unwrap_or_default()
        };
        (of(&world.udfs), of(&world.lacking))
    };
    Ok(parse::parse(
        &json,
        Rules {
            entity,
            udfs: &udfs,
            lacking: &lacking,
            switches,
        },
    )?)
}

/// Which page of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    /// The entity asked.
    pub entity: Entity,
    /// Whether the query was a POST.
    pub post: bool,
    /// Where the page begins.
    pub begin: Begin,
    /// The page's number, if it is not the first.
    pub number: Option<u64>,
    /// Whether the caller sees anything at all.
    pub visible: bool,
}

/// Answers a query.
pub(crate) fn list(
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
            rows::page(&world, entity, query, switches.order, listing.begin)
        } else {
            run::Found::default()
        };
        rows::write(&mut body, &world, entity, &found.ids, query, switches);
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

/// Answers a request for a further page.
pub(crate) fn next(
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

/// Lists a parent's children.
pub(crate) fn children(
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
