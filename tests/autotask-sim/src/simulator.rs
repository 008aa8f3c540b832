//! The simulator as tests hold it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, MutexGuard};

use jiff::civil::Date;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::fault::Fault;
use crate::journal::Entry;
use crate::limits::SlotKey;
use crate::server::Listeners;
use crate::state::{Settings, State};
use crate::world::World;
use crate::world::adjust::{Adjustment, Applied};
use crate::world::units::LineKind;

/// A running simulator. Dropping it closes its ports and connections.
#[derive(Debug)]
pub struct Simulator {
    state: Arc<State>,
    listeners: Arc<Listeners>,
    front: SocketAddr,
    control: Option<SocketAddr>,
}

impl Simulator {
    /// Binds the ports and begins to answer. Must be called inside a tokio runtime.
    pub async fn start(config: Config) -> io::Result<Self> {
        let front = TcpListener::bind(config.listen).await?;
        let address = front.local_addr()?;
        let listeners = Listeners::new();
        let settings = Settings {
            limits: config.limits,
            switches: config.switches,
            latency: config.latency,
        };
        let state = Arc::new(State::new(
            config.world,
            settings,
            config.journal,
            address.port(),
        ));
        listeners.serve(front, Arc::clone(&state), true)?;
        if config.split_zone {
            listeners.move_zone(&state).await?;
        }
        let control = match config.control {
            Some(listen) => {
                let listener = TcpListener::bind(listen).await?;
                let address = listener.local_addr()?;
                crate::control::serve(listener, Arc::clone(&state), Arc::clone(&listeners));
                Some(address)
            }
            None => None,
        };
        Ok(Self {
            state,
            listeners,
            front: address,
            control,
        })
    }

    /// Stands in for `https://webservices.autotask.net/ATServicesRest/`.
    pub fn base_url(&self) -> String {
        format!("http://{}/ATServicesRest/", self.front)
    }

    /// The tenant's zone, as `zoneInformation` gives it.
    pub fn zone_url(&self) -> String {
        self.state.zone_url()
    }

    /// The control API's address, if it was asked for.
    pub fn control_url(&self) -> Option<String> {
        self.control.map(|address| format!("http://{address}/"))
    }

    /// The tenant's data, to read and to change. Requests wait while it is held.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.state.world()
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        self.state.faults().arm(fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.state.faults().clear();
    }

    /// Faults that still wait; a test that meant to meet all ends with 0.
    pub fn faults_left(&self) -> usize {
        self.state.faults().len()
    }

    /// Every request kept, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        self.state.journal().entries()
    }

    /// Forgets requests and counts.
    pub fn clear_journal(&self) {
        self.state.journal().clear();
    }

    /// Every adjustment applied, by requests and by others, in order.
    pub fn applied(&self) -> Vec<Applied> {
        self.state.world().applied.clone()
    }

    /// Requests by endpoint since the start.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.state.journal().counts()
    }

    /// The most requests at once, tried ones included, by tracking identifier and
    /// endpoint.
    pub fn max_in_flight(&self) -> BTreeMap<SlotKey, usize> {
        self.state
            .threads()
            .peaks()
            .iter()
            .map(|(k, v)| (k.clone(), *v))
            .collect()
    }

    /// Changes limits, switches or latency for requests from now on.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.state.change_settings(change);
    }

    /// Moves the tenant's clock; what was applied late and is due now, lands.
    pub fn advance(&self, span: jiff::Span) {
        self.state.advance(span);
    }

    /// Moves the tenant to a zone at a new port and returns its URL.
    pub async fn move_zone(&self) -> io::Result<String> {
        self.listeners.move_zone(&self.state).await?;
        Ok(self.zone_url())
    }

    /// Counts requests that other integrations of the tenant made in this hour.
    pub fn use_threshold(&self, requests: u32) {
        let now = self.state.world().now;
        self.state.hour().count(now, requests);
    }

    /// A person changes a line's units in the PSA.
    pub fn foreign_edit(
        &self,
        kind: LineKind,
        line: i64,
        effective: Date,
        change: i32,
    ) -> Result<Applied, String> {
        let ask = Adjustment {
            line: Some(line),
            effective,
            change,
            ..Adjustment::default()
        };
        let switches = self.state.settings().switches.clone();
        self.state.world().adjust(kind, &ask, &switches, true)
    }

    /// Closes all ports and connections.
    pub fn shutdown(self) {
        self.listeners.stop();
    }

    /// A free loopback address for a listener.
    pub fn any_port() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.listeners.stop();
    }
}
