//! The daemon: it syncs each connection on its schedule, and serves the REST API. What it
//! does with a connection are the calls of `psa-host-sync`, like those of the command line.

#![forbid(unsafe_code)]

mod api;
mod app;
mod runs;
mod scheduler;
mod serve;
mod settings;
mod systemd;

pub use api::openapi;
pub use serve::{ServeError, serve};
pub use settings::{EXAMPLE, ScheduleSettings, Settings, SettingsError};
