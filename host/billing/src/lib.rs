//! The rules that money depends on, as pure code: values in, values out. Time,
//! network, disk and randomness come in from outside, so that each rule has a table
//! of cases beside it that a billing clerk could read.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod adjustment;
pub mod approval;
pub mod brake;
pub mod bundle;
pub mod contract_choice;
pub mod count;
pub mod effective;
pub mod elsewhere;
mod error_code;
pub mod form;
mod hold;
mod ids;
mod mapping;
mod money;
pub mod orphan;
pub mod period;
pub mod plan;
mod psa;
mod quantity;
pub mod radar;
pub mod rebind;
pub mod rejection;
mod report_code;
pub mod rollback;
pub mod rules;
mod set_aside;
pub mod settle;
mod snapshot;
pub mod stance;
pub mod suggest;
mod timeline;
pub mod trial;
mod vendor;

pub use adjustment::{Adjustment, Cleared};
pub use error_code::ErrorCode;
pub use hold::{Hold, HoldCode};
pub use ids::{
    AccountId, ConnectionName, ContractId, IdError, LineId, MAX_ID_BYTES, ModuleId, ServiceId,
    TenantKey, WorkspaceId,
};
pub use mapping::{Mapping, NotOneToOne, ServiceMapping};
pub use money::Money;
pub use psa::{Account, Contract, Effect, Line, LineKey, QuantityModel, Service, ZeroUnits};
pub use quantity::{Units, UnitsChange, UnitsError, parse_decimal};
pub use rejection::RejectionKind;
pub use report_code::{AnyCode, ReportCode};
pub use set_aside::{SetAside, SetAsideKind, SetAsides};
pub use snapshot::{
    CompleteSnapshot, SnapshotError, UnreadUsage, UsageCounts, UsageItem, UsageSnapshot,
};
pub use timeline::{Segment, Timeline, TimelineError, Truth};
pub use vendor::{Metric, Workspace, WorkspaceKind, WorkspaceStatus, default_metric};
