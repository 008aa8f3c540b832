//! The control API: what tests in other processes, demonstrations and people use in
//! place of the library. Plain JSON on a loopback port of its own, no credentials.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fault::{Change, Fault};
use crate::play::apply_change;
use crate::server::Listeners;
use crate::state::State;
use crate::world::World;
use crate::world::adjust::Adjustment;
use crate::world::units::LineKind;

#[derive(Clone)]
struct Control {
    state: Arc<State>,
    listeners: Arc<Listeners>,
}

/// A refusal of the control API.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

type Answer = Result<Json<Value>, Refused>;

/// Serves the control API until the simulator stops.
pub(crate) fn serve(listener: TcpListener, state: Arc<State>, listeners: Arc<Listeners>) {
    let stopped = Arc::clone(&listeners);
    let app = Router::new()
        .route("/", get(status))
        .route("/faults", post(arm))
        .route("/faults", delete(disarm))
        .route("/journal", get(journal))
        .route("/journal", delete(forget))
        .route("/applied", get(applied))
        .route("/units/{line}", get(units))
        .route("/foreign-edit", post(foreign_edit))
        .route("/world", get(world).post(load))
        .route("/world/changes", post(change))
        .route("/clock", post(clock))
        .route("/threshold", post(threshold))
        .route("/posted", post(posted))
        .route("/switches", get(switches).post(set_switches))
        .route("/settings", post(settings))
        .route("/zone/move", post(move_zone))
        .with_state(Control { state, listeners });
    tokio::spawn(async move {
        let serving = axum::serve(listener, app);
        tokio::select! {
            _ = serving.into_future() => {}
            () = stopped.stopped() => {}
        }
    });
}

async fn status(Shared(it): Shared<Control>) -> Json<Value> {
    let now = it.state.world().now;
    let used = it.state.hour().current(now);
    let peaks: Vec<Value> = it
        .state
        .threads()
        .peaks()
        .iter()
        .map(|((code, endpoint), n)| json!({"code": code, "endpoint": endpoint, "atOnce": n}))
        .collect();
    Json(json!({
        "zoneUrl": it.state.zone_url(), "now": now, "requestsThisHour": used,
        "faultsLeft": it.state.faults().len(), "lateLeft": it.state.late().len(),
        "requests": it.state.journal().counts(), "maxInFlight": peaks,
    }))
}

async fn arm(Shared(it): Shared<Control>, Json(fault): Json<Fault>) -> Json<Value> {
    it.state.faults().arm(fault);
    Json(json!({"faultsLeft": it.state.faults().len()}))
}

async fn disarm(Shared(it): Shared<Control>) -> Json<Value> {
    it.state.faults().clear();
    Json(json!({"faultsLeft": 0}))
}

async fn journal(Shared(it): Shared<Control>) -> Json<Value> {
    Json(json!({"requests": it.state.journal().entries(), "applied": it.state.world().applied}))
}

async fn forget(Shared(it): Shared<Control>) -> Json<Value> {
    it.state.journal().clear();
    Json(json!({}))
}

async fn applied(Shared(it): Shared<Control>) -> Json<Value> {
    Json(json!(it.state.world().applied))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnitsQuery {
    #[serde(default)]
    kind: Option<LineKind>,
}

async fn units(
    Shared(it): Shared<Control>,
    Path(line): Path<i64>,
    Query(query): Query<UnitsQuery>,
) -> Answer {
    let kind = query.kind.unwrap_or(LineKind::Service);
    let world = it.state.world();
    if world.rows(kind.lines()).get(line).is_none() {
        return Err(Refused(format!("no line has the id {line}")));
    }
    let rows: Vec<Value> = world
        .timeline(kind, line)
        .iter()
        .map(|r| {
            json!({"id": r.id, "startDate": r.start, "endDate": r.end, "units": r.units,
                   "unitPrice": r.unit_price.to_string(), "posted": r.posted})
        })
        .collect();
    Ok(Json(json!({"line": line, "rows": rows})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ForeignEdit {
    #[serde(default)]
    kind: Option<LineKind>,
    line: i64,
    effective_date: Date,
    unit_change: i32,
}

async fn foreign_edit(Shared(it): Shared<Control>, Json(edit): Json<ForeignEdit>) -> Answer {
    let ask = Adjustment {
        line: Some(edit.line),
        effective: edit.effective_date,
        change: edit.unit_change,
        ..Adjustment::default()
    };
    let switches = it.state.settings().switches.clone();
    let kind = edit.kind.unwrap_or(LineKind::Service);
    let done = it
        .state
        .world()
        .adjust(kind, &ask, &switches, true)
        .map_err(Refused)?;
    Ok(Json(json!(done)))
}

async fn world(Shared(it): Shared<Control>) -> Json<Value> {
    Json(it.state.world().to_json())
}

async fn load(Shared(it): Shared<Control>, text: String) -> Answer {
    let world = World::from_json(&text).map_err(Refused)?;
    *it.state.world() = world;
    Ok(Json(json!({})))
}

async fn change(Shared(it): Shared<Control>, Json(changes): Json<Vec<Change>>) -> Answer {
    let mut world = it.state.world();
    changes
        .iter()
        .try_for_each(|c| apply_change(&mut world, c))
        .map_err(Refused)?;
    Ok(Json(json!({"changed": changes.len()})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockChange {
    #[serde(default)]
    advance_seconds: Option<i64>,
    #[serde(default)]
    today: Option<Date>,
}

async fn clock(Shared(it): Shared<Control>, Json(change): Json<ClockChange>) -> Answer {
    if let Some(today) = change.today {
        let now = it.state.world().now;
        let then = today.to_datetime(now.time());
        it.state
            .advance(now.until(then).map_err(|e| Refused(e.to_string()))?);
    }
    if let Some(seconds) = change.advance_seconds {
        let span = jiff::Span::new()
            .try_seconds(seconds)
            .map_err(|e| Refused(e.to_string()))?;
        it.state.advance(span);
    }
    Ok(Json(json!({"now": it.state.world().now})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    requests: u32,
}

async fn threshold(Shared(it): Shared<Control>, Json(used): Json<Used>) -> Json<Value> {
    let now = it.state.world().now;
    Json(json!({"requestsThisHour": it.state.hour().count(now, used.requests)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Through {
    through: Date,
}

async fn posted(Shared(it): Shared<Control>, Json(day): Json<Through>) -> Json<Value> {
    it.state.world().post_through(day.through);
    Json(json!({}))
}

async fn switches(Shared(it): Shared<Control>) -> Json<Value> {
    Json(json!(it.state.settings().switches))
}

async fn set_switches(Shared(it): Shared<Control>, Json(names): Json<Value>) -> Answer {
    let object = names
        .as_object()
        .ok_or_else(|| Refused("expected an object".to_owned()))?;
    let mut switches = it.state.settings().switches.clone();
    for (name, value) in object {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned);
        switches.set(&format!("{name}={text}")).map_err(Refused)?;
    }
    it.state.change_settings(|s| s.switches = switches.clone());
    Ok(Json(json!(switches)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SettingsChange {
    #[serde(default)]
    latency_ms: Option<u64>,
    #[serde(default)]
    threads: Option<usize>,
    #[serde(default)]
    hourly: Option<u32>,
    #[serde(default)]
    half_delay_ms: Option<u64>,
}

async fn settings(Shared(it): Shared<Control>, Json(change): Json<SettingsChange>) -> Json<Value> {
    use std::time::Duration;
    it.state.change_settings(|s| {
        s.latency = change.latency_ms.map_or(s.latency, Duration::from_millis);
        s.limits.threads = change.threads.unwrap_or(s.limits.threads);
        s.limits.hourly = change.hourly.unwrap_or(s.limits.hourly);
        s.limits.half_delay = change
            .half_delay_ms
            .map_or(s.limits.half_delay, Duration::from_millis);
    });
    Json(json!({}))
}

/// What else a vendor's move changes.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Move {
    #[serde(default)]
    zone_name: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    ci: Option<i64>,
}

async fn move_zone(Shared(it): Shared<Control>, body: Option<Json<Move>>) -> Answer {
    let Json(to) = body.unwrap_or_default();
    {
        let mut world = it.state.world();
        world.zone_name = to.zone_name.unwrap_or_else(|| world.zone_name.clone());
        world.web_url = to.web_url.unwrap_or_else(|| world.web_url.clone());
        world.ci = to.ci.unwrap_or(world.ci);
    }
    it.listeners
        .move_zone(&it.state)
        .await
        .map_err(|e| Refused(e.to_string()))?;
    Ok(Json(json!({"zoneUrl": it.state.zone_url()})))
}
