//! What the ledger promises, seen from outside and, where damage is the subject, with
//! SQL behind its back.

#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

mod async_work;
mod budget;
mod bundles;
mod configuration;
mod count;
mod crash;
mod decisions;
mod due_days;
mod fixture;
mod full_disk;
mod hand_out;
mod history;
mod intents;
mod keys;
mod known_accounts;
mod lease;
mod lines_seen;
mod locks;
mod mapping;
mod open;
mod rebind;
mod runs;
mod schedules;
mod set_asides;
mod shape;
mod storage;
mod tampering;
mod upgrade;
mod usage;
mod usage_series;
