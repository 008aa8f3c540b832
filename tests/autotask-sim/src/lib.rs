//! A strict simulator of the Autotask PSA REST API.
//!
//! Connectors are tested against it, so it refuses what the real service refuses
//! and keeps its pitfalls: an answer without an id to an adjustment, empty results
//! for a text where a number belongs, 401 without a word, 500 for a validation
//! error. It is modelled on public facts and the vendor's OpenAPI, never on a
//! connector; each rule names its source in a comment, with the grades `LIVE`,
//! `DOC`, `OAS`, `CODE` and `DERIVED`. What sources disagree about is a
//! [switch](switches::Switches).
//!
//! It listens on loopback only and knows no real tenant.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use autotask_sim::{Config, LineKind, Simulator, World};
//! use jiff::civil::date;
//!
//! let mut world = World::new(date(2026, 11, 23));
//! let company = world.add_company("Acme");
//! let service = world.add_service("Coro Essentials", "7.50");
//! let contract = world.add_contract(company, "Acme services", date(2026, 1, 1), date(2026, 12, 31));
//! let line = world.add_line(LineKind::Service, contract, service, 10).expect("a line");
//! let simulator = Simulator::start(Config::new(world)).await?;
//! println!("{}", simulator.base_url());
//! assert_eq!(simulator.world().units_on(LineKind::Service, line, date(2026, 11, 23)), Some(10));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod access;
mod answer;
mod config;
mod control;
mod dispatch;
mod exchange;
mod fault;
mod journal;
mod limits;
mod listing;
mod mangle;
mod play;
mod query;
mod route;
mod rows;
pub mod schema;
mod server;
mod simulator;
mod state;
pub mod switches;
pub mod world;
mod write;

pub use config::{Config, Limits};
pub use fault::{Change, Fault, FaultKind, Lost};
pub use journal::Entry;
pub use schema::Entity;
pub use simulator::Simulator;
pub use state::Settings;
pub use switches::Switches;
pub use world::World;
pub use world::adjust::{Adjustment, Applied};
pub use world::units::{LineKind, UnitRow};
pub use world::users::{Right, User};
