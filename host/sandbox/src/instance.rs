//! An instance of a plugin in a store of its own: made, and asked what it is, within the
//! limits that hold for every call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;

use crate::bindings::PsaConnector;
use crate::bindings::exports::psa_host::connector::connector as wit;
use crate::engine::InCall;
use crate::guest::{Guest, stop};
use crate::shared::{Shared, World};
use crate::{CallError, CallErrorKind, IncidentCode, Phase};

/// Why an instance did not start.
#[derive(Debug)]
pub(crate) enum StartError {
    /// Its exports have other types than the contract: found out once, at load.
    Interface(String),
    Call(CallError),
}

impl From<CallError> for StartError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<StartError> for CallError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Interface(text) => CallError::new(CallErrorKind::BadAnswer, text),
            StartError::Call(error) => error,
        }
    }
}

/// A store with an instance in it.
pub(crate) struct Instance {
    pub store: Store<Guest>,
    pub bindings: PsaConnector,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl Instance {
    /// Instantiate. Its start functions run under the same limits as a call.
    pub(crate) async fn start(
        shared: &Arc<Shared>,
        world: &World,
        guest: Guest,
        plugin: &str,
    ) -> Result<Self, StartError> {
        let place = Arc::clone(&shared.instances)
            .try_acquire_owned()
            .map_err(|_| {
                let most = shared.limits.instances;
                let text = format!("all {most} places for plugin instances are taken");
                let kind = CallErrorKind::OutOfLimits { which: "instances" };
                CallError::new(kind, text).with_fix("Try again when other runs have ended.")
            })?;
        let phase = guest.call.phase;
        let incidents = Arc::clone(guest.incidents());
        let mut store = guest.into_store(&shared.engine);
        let limits = &*shared.limits;
        store.data_mut().begin(phase, limits.short_time);
        let turn = shared.ticker.call();
        let wall = limits.short_time * 2;
        let starting = async {
            let instance = world.pre.instantiate_async(&mut store).await?;
            wasmtime::Result::Ok(world.indices.load(&mut store, &instance))
        };
        let started = tokio::time::timeout(wall, starting).await;
        drop(turn);
        match started {
            Ok(Ok(Ok(bindings))) => Ok(Self {
                store,
                bindings,
                shared: Arc::clone(shared),
                _place: place,
            }),
            Ok(Ok(Err(error))) => Err(StartError::Interface(format!("{error:#}"))),
            Ok(Err(error)) => {
                let stop = stop(&error, plugin, phase, store.data());
                incidents.record(stop.code, phase, &stop.error.message, None);
                Err(StartError::Call(stop.error))
            }
            Err(_) => {
                let error = too_slow(plugin, phase, wall);
                incidents.record(IncidentCode::CallTimeLimit, phase, &error.message, None);
                Err(StartError::Call(error))
            }
        }
    }

    /// A call begins: its place in the engine's ticks, and the most it may take.
    pub(crate) fn begin(&mut self, phase: Phase) -> (InCall, Duration) {
        let limits = &self.shared.limits;
        let short = matches!(phase, Phase::Describe | Phase::Configure);
        let (compute, wall) = if short {
            // What only computes is stopped as that, before the wall clock does.
            (limits.short_time, limits.short_time * 2)
        } else if phase == Phase::Check {
            // What waits for the budget is not counted against it.
            let wall = limits.check_time + limits.budget_wait;
            (limits.compute_time, wall.min(limits.call_time))
        } else {
            (limits.compute_time, limits.call_time)
        };
        self.store.data_mut().begin(phase, compute);
        (self.shared.ticker.call(), wall)
    }

    /// What the plugin says of itself.
    pub(crate) async fn describe(&mut self, plugin: &str) -> Result<wit::Description, CallError> {
        let (_turn, wall) = self.begin(Phase::Describe);
        let connector = self.bindings.psa_host_connector_connector();
        match tokio::time::timeout(wall, connector.call_describe(&mut self.store)).await {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(error)) => Err(stop(&error, plugin, Phase::Describe, self.store.data()).error),
            Err(_) => Err(too_slow(plugin, Phase::Describe, wall)),
        }
    }
}

/// The wall clock stopped it.
pub(crate) fn too_slow(plugin: &str, phase: Phase, time: Duration) -> CallError {
    let text = format!(
        "the plugin {plugin} was stopped in `{phase}`: it did not answer in time ({time:?})"
    );
    CallError::new(CallErrorKind::TimedOut, text)
}
