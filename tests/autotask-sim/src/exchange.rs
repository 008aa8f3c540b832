//! One request on its way through the gates: path, zone, credentials, hourly
//! threshold, threads, latency, rights; with the fault it meets.
//!
//! A request that got past the gates is carried out even if the client hangs up
//! meanwhile, as on a real server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_io::Timer;
use hyper::{HeaderMap, Method};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use crate::access::{self, Caller};
use crate::answer::Answer;
use crate::fault::FaultKind;
use crate::journal::Entry;
use crate::limits::{SlotKey, usage_delay};
use crate::play::carry_out;
use crate::route::Route;
use crate::server::Listeners;
use crate::state::State;
use crate::switches::{RetryAfter, Switches};

/// Larger bodies are left out of the journal: a benchmark sends many queries with
/// hundreds of ids each.
const BODY_KEPT: usize = 4096;

/// A request read whole.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    /// Port it came in at.
    pub port: u16,
    /// Whether that port is the front's.
    pub front: bool,
    /// Verb.
    pub method: Method,
    /// What the path means; `None` is unknown.
    pub route: Option<Route>,
    /// Path and query.
    pub path: String,
    /// Query alone.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
    /// Who asks, once known.
    pub caller: Option<Caller>,
    /// Place in the journal.
    pub number: u64,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// An answer, sent at once.
    Whole(Answer),
    /// An answer whose body takes this long.
    Slow(Answer, Duration),
    /// An answer whose connection closes in the middle of the body.
    Cut(Answer),
    /// The connection closes without a byte.
    Drop,
    /// Nothing, until the client gives up.
    Hang,
}

/// Handles a request.
pub(crate) async fn exchange(
    state: Arc<State>,
    listeners: Arc<Listeners>,
    mut request: Parsed,
) -> Delivery {
    let endpoint = request.route.map_or("", Route::endpoint);
    let entry = Entry {
        number: 0,
        at: state.world().now,
        method: request.method.to_string(),
        path: request.path.clone(),
        endpoint,
        credentials: access::sent_credentials(&request.headers),
        authenticated: false,
        body: Some(&request.body)
            .filter(|b| b.len() <= BODY_KEPT)
            .and_then(|b| serde_json::from_slice(b).ok()),
        status: 0,
        fault: None,
    };
    request.number = state.journal().open(entry);
    let number = request.number;
    let begun = Instant::now();
    let delivery = gates(&state, &listeners, request, begun).await;
    if let Delivery::Whole(answer) | Delivery::Slow(answer, _) | Delivery::Cut(answer) = &delivery {
        state.journal().amend(number, |e| e.status = answer.status);
    }
    delivery
}

async fn gates(
    state: &Arc<State>,
    listeners: &Arc<Listeners>,
    mut request: Parsed,
    begun: Instant,
) -> Delivery {
    let settings = state.settings();
    let Some(route) = request.route else {
        return Delivery::Whole(Answer::html(404));
    };
    if request.method == Method::GET && request.path.len() + 24 > settings.limits.url_length {
        // Too long a URL is a 404, not a 414 [KelvinTegelaar/AutotaskAPI issue 66].
        return Delivery::Whole(Answer::html(404));
    }
    if !route.methods().contains(&request.method) {
        return Delivery::Whole(Answer::method_not_allowed(request.method.as_str()));
    }
    if route == Route::ZoneInformation {
        // No credentials needed, no thread limit; any host answers it [DOC; LIVE W6W].
        let fault = take_fault(state, &request);
        wait_until(begun, settings.latency).await;
        return carry_out(state, listeners, Arc::new(request), fault).await;
    }
    let realm = if request.front {
        "webservices"
    } else {
        "webservices2"
    };
    if request.port != state.zone_port() {
        return Delivery::Whole(Answer::unauthorized(realm));
    }
    let access = access::authenticate(
        &request.headers,
        &mut state.world(),
        &settings.limits,
        &settings.switches,
        realm,
    );
    match access {
        Ok(caller) => request.caller = Some(caller),
        Err(answer) => return Delivery::Whole(answer),
    }
    state
        .journal()
        .amend(request.number, |e| e.authenticated = true);
    if route == Route::Version && !settings.switches.version_endpoint {
        return Delivery::Whole(Answer::html(404));
    }
    if !request.body.is_empty() && !is_json(&request.headers) {
        let text = "The request entity's media type is not supported for this resource.";
        return Delivery::Whole(Answer::json(415, &json!({ "Message": text })));
    }
    let used = {
        let now = state.world().now;
        state.hour().count(now, 1)
    };
    let Some(delay) = usage_delay(used, &settings.limits) else {
        let text = format!(
            "The database has exceeded its external request threshold of {} requests per hour.",
            settings.limits.hourly
        );
        return Delivery::Whole(Answer::errors(settings.switches.suspended_status, &text));
    };
    let code = request
        .caller
        .as_ref()
        .map(|c| c.code.clone())
        .unwrap_or_default();
    let slot: SlotKey = (code, route.endpoint());
    if !state.threads().enter(&slot, &settings.limits) {
        return Delivery::Whole(thread_violation(
            &settings.switches,
            settings.limits.threads,
            None,
        ));
    }
    let guard = Slot {
        state: Arc::clone(state),
        key: slot,
        release: settings.limits.slot_release,
    };
    let fault = take_fault(state, &request);
    let (state, listeners) = (Arc::clone(state), Arc::clone(listeners));
    let work = tokio::spawn(async move {
        wait_until(begun, settings.latency + delay).await;
        let delivery = carry_out(&state, &listeners, Arc::new(request), fault).await;
        drop(guard);
        delivery
    });
    work.await.unwrap_or(Delivery::Drop)
}

/// Waits until `time` has passed since `begun`, to a fraction of a millisecond: the
/// runtime's own timer rounds up to the next one or two.
async fn wait_until(begun: Instant, time: Duration) {
    if begun.elapsed() < time {
        Timer::at(begun + time).await;
    }
}

/// Frees a thread slot a little after the answer is ready: the real server does so
/// slightly after the response.
struct Slot {
    state: Arc<State>,
    key: SlotKey,
    release: Duration,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (state, key, release) = (Arc::clone(&self.state), self.key.clone(), self.release);
        let number = state.threads().answered(&key);
        // None while the runtime shuts down.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            tokio::time::sleep(release).await;
            state.threads().free(&key, number);
        });
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    value.to_ascii_lowercase().starts_with("application/json")
}

fn take_fault(state: &State, request: &Parsed) -> Option<FaultKind> {
    let endpoint = request.route.map_or("", Route::endpoint);
    let fault = state
        .faults()
        .take(endpoint, request.method.as_str(), &request.path)?;
    state
        .journal()
        .amend(request.number, |e| e.fault = Some(fault.name()));
    Some(fault)
}

/// A thread violation in the vendor's words [LIVE].
pub(crate) fn thread_violation(
    switches: &Switches,
    threads: usize,
    retry_after: Option<u64>,
) -> Answer {
    let text = format!("The Autotask API thread threshold of {threads} threads has been exceeded");
    let mut answer = Answer::errors(switches.thread_status, &text);
    let seconds = retry_after.or(Some(1).filter(|_| switches.retry_after != RetryAfter::None));
    if let Some(seconds) = seconds {
        let value = match switches.retry_after {
            RetryAfter::Date => http_date(seconds),
            _ => seconds.to_string(),
        };
        answer.headers.push(("retry-after", value));
    }
    answer
}

/// An HTTP date so many seconds ahead; clients compare it with their own clock, so
/// this is the one place that looks at the real one.
fn http_date(seconds: u64) -> String {
    let ahead = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0));
    let at = jiff::Timestamp::now()
        .saturating_add(ahead)
        .unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The body as JSON, or the API's complaint.
pub(crate) fn body_json(request: &Parsed) -> Result<Json, String> {
    serde_json::from_slice(&request.body)
        .map_err(|_| "The request body is not valid JSON.".to_owned())
}
