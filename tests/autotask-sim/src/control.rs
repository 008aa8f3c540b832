//! The control API.
use crate::server::Listeners;
use crate::state::State;
use std::sync::Arc;
use tokio::net::TcpListener;
/// Serves it.
pub fn serve(_listener: TcpListener, _state: Arc<State>, _listeners: Arc<Listeners>) {}
