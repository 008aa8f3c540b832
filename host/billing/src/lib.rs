//! The rules that money depends on, as pure code: values in, values out. Time,
//! network, disk and randomness come in from outside, so that each rule has a table
//! of cases beside it that a billing clerk could read.

#![forbid(unsafe_code)]

mod ids;
mod money;
mod psa;
mod quantity;
mod timeline;
mod vendor;

pub use ids::{
    AccountId, ConnectionName, ContractId, IdError, LineId, MAX_ID_BYTES, ModuleId, ServiceId,
    TenantKey, WorkspaceId,
};
pub use money::Money;
pub use psa::{Account, Contract, Line, LineKey, QuantityModel, Service, ZeroUnits};
pub use quantity::{Units, UnitsChange, UnitsError, parse_decimal};
pub use timeline::{Segment, Timeline, TimelineError, Truth};
pub use vendor::{Metric, Workspace, WorkspaceKind, WorkspaceStatus, default_metric};
