//! Plays a fault around the carrying out of a request: before it, instead of it,
//! after it, or on its answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::answer::Answer;
use crate::dispatch::dispatch;
use crate::exchange::{Delivery, Parsed, thread_violation};
use crate::fault::{Change, FaultKind, Lost};
use crate::mangle;
use crate::route::Route;
use crate::server::Listeners;
use crate::state::{Late, State};
use crate::world::World;
use crate::world::adjust::Adjustment;

/// Carries a request out with the fault it meets.
pub(crate) async fn carry_out(
    state: &Arc<State>,
    listeners: &Arc<Listeners>,
    request: Arc<Parsed>,
    fault: Option<FaultKind>,
) -> Delivery {
    let Some(fault) = fault else {
        return Delivery::Whole(dispatch(state, &request));
    };
    let settings = state.settings();
    match &fault {
        FaultKind::Lose { lost } => lose(*lost),
        FaultKind::ApplyThenLose { lost } => {
            dispatch(state, &request);
            lose(*lost)
        }
        FaultKind::ApplyLate {
            lost,
            after_ms,
            after_clock_seconds,
        } => {
            if let Some(seconds) = after_clock_seconds {
                let due = state
                    .world()
                    .now
                    .saturating_add(SignedDuration::from_secs(*seconds));
                state.late().push(Late { due, request });
            } else {
                let (state, wait) = (
                    Arc::clone(state),
                    Duration::from_millis(after_ms.unwrap_or(0)),
                );
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    dispatch(&state, &request);
                });
            }
            lose(*lost)
        }
        FaultKind::FailBefore { status, text } => {
            let text = text
                .as_deref()
                .unwrap_or("An error occurred while processing your request.");
            Delivery::Whole(Answer::errors(status.unwrap_or(500), text))
        }
        FaultKind::TooMany { retry_after } => {
            let threads = settings.limits.threads;
            Delivery::Whole(thread_violation(&settings.switches, threads, *retry_after))
        }
        FaultKind::Html { status } => Delivery::Whole(Answer::html(*status)),
        FaultKind::Respond {
            status,
            body,
            headers,
        } => {
            let mut answer = Answer::bytes(*status, body.clone().into_bytes());
            answer.headers.extend(
                headers
                    .iter()
                    .filter_map(|(n, v)| Some((known_header(n)?, v.clone()))),
            );
            Delivery::Whole(answer)
        }
        FaultKind::SlowBody { ms } => {
            Delivery::Slow(dispatch(state, &request), Duration::from_millis(*ms))
        }
        FaultKind::Truncated { close: true } => Delivery::Cut(dispatch(state, &request)),
        FaultKind::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            Delivery::Whole(dispatch(state, &request))
        }
        FaultKind::ZoneMoved => {
            if listeners.move_zone(state).await.is_err() {
                return Delivery::Drop;
            }
            let zone_lookup = request.route == Some(Route::ZoneInformation);
            Delivery::Whole(if zone_lookup {
                dispatch(state, &request)
            } else {
                Answer::unauthorized("webservices2")
            })
        }
        FaultKind::ForeignEdit {
            line_kind,
            line,
            effective_date,
            unit_change,
        } => {
            let ask = Adjustment {
                line: Some(*line),
                effective: *effective_date,
                change: *unit_change,
                ..Adjustment::default()
            };
            let edit = state
                .world()
                .adjust(*line_kind, &ask, &settings.switches, true);
            note(state, &request, edit.map(|_| ()));
            Delivery::Whole(dispatch(state, &request))
        }
        FaultKind::PeriodPosted { through } => {
            state.world().post_through(*through);
            Delivery::Whole(dispatch(state, &request))
        }
        FaultKind::WorldChange { changes } => {
            let done = changes
                .iter()
                .try_for_each(|c| apply_change(&mut state.world(), c));
            note(state, &request, done);
            Delivery::Whole(dispatch(state, &request))
        }
        _ => {
            let mut answer = dispatch(state, &request);
            let own_url = format!("http://127.0.0.1:{}{}", request.port, request.path);
            mangle::spoil(&mut answer, &fault, &own_url);
            Delivery::Whole(answer)
        }
    }
}

fn lose(lost: Lost) -> Delivery {
    match lost {
        Lost::Drop => Delivery::Drop,
        Lost::Gateway => Delivery::Whole(Answer::html(504)),
        Lost::Hang => Delivery::Hang,
    }
}

/// A fault that could not be played is a mistake of the test: the journal says so.
fn note(state: &State, request: &Parsed, done: Result<(), String>) {
    if let Err(reason) = done {
        let text = format!("could not be played: {reason}");
        state
            .journal()
            .amend(request.number, |e| e.fault = Some(text));
    }
}

/// Changes the world as a fault or the control API asks.
pub(crate) fn apply_change(world: &mut World, change: &Change) -> Result<(), String> {
    match change {
        Change::Insert { entity, record } => world.insert(*entity, record).map(|_| ()),
        Change::Set {
            entity,
            id,
            field,
            value,
        } => world.set(*entity, *id, field, value),
        Change::Delete { entity, id } => {
            let gone = world.delete(*entity, *id);
            gone.then_some(())
                .ok_or_else(|| format!("{entity} {id} does not exist"))
        }
    }
}

fn known_header(name: &str) -> Option<&'static str> {
    [
        "retry-after",
        "location",
        "content-encoding",
        "www-authenticate",
        "x-ratelimit-limit",
        "set-cookie",
    ]
    .into_iter()
    .find(|known| known.eq_ignore_ascii_case(name))
}
