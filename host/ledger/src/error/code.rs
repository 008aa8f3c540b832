//! Which code of the list each error has.

use psa_host_billing::ErrorCode;

use crate::LedgerError;

impl LedgerError {
    /// A short name that never changes, for programs and documents.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotALedger { .. } => ErrorCode::NotALedger,
            Self::DataExposed { .. } => ErrorCode::DataExposed,
            Self::Damaged { .. } => ErrorCode::LedgerDamaged,
            Self::NewerSchema { .. } => ErrorCode::LedgerNewer,
            Self::DiskFull { .. } => ErrorCode::DiskFull,
            Self::ReadOnly { .. } => ErrorCode::ReadOnly,
            Self::Permission { .. } => ErrorCode::Permission,
            Self::NetworkShare { .. } => ErrorCode::NetworkShare,
            Self::Locked { .. } => ErrorCode::LedgerLocked,
            Self::LeaseLost { .. } => ErrorCode::LeaseLost,
            Self::NoBackup { .. } => ErrorCode::NoBackup,
            Self::Io { .. } => ErrorCode::Io,
            Self::KeyInsideData { .. } => ErrorCode::KeyInsideData,
            Self::KeyExposed { .. } => ErrorCode::KeyExposed,
            Self::KeyMalformed { .. } => ErrorCode::KeyMalformed,
            Self::MissingKey { .. } => ErrorCode::KeyMissing,
            Self::WrongKey { .. } => ErrorCode::KeyWrong,
            Self::NoKeyPlace => ErrorCode::KeyNoPlace,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Self::Duplicate { .. } => ErrorCode::Duplicate,
            Self::PluginInUse { .. } => ErrorCode::PluginInUse,
            Self::PluginNotApproved { .. } => ErrorCode::NotApproved,
            Self::PluginChanged { .. } => ErrorCode::PluginChanged,
            Self::NotAChannel { .. } => ErrorCode::NotAChannel,
            Self::TenantChanged { .. } => ErrorCode::TenantChanged,
            Self::TenantNotChanged { .. } => ErrorCode::TenantNotChanged,
            Self::TenantAdjusted { .. } => ErrorCode::TenantAdjusted,
            Self::TenantClaimed { .. } => ErrorCode::TenantClaimed,
            Self::NothingClaimed { .. } => ErrorCode::NothingClaimed,
            Self::SeveralTenants { .. } => ErrorCode::SeveralTenants,
            Self::WorkspaceInTwoTenants { .. } => ErrorCode::WorkspaceInTwoTenants,
            Self::OpenIntents { .. } => ErrorCode::AdjustmentsOpen,
            Self::WorkspaceAlreadyMapped { .. } => ErrorCode::WorkspaceAlreadyMapped,
            Self::AccountAlreadyMapped { .. } => ErrorCode::AccountAlreadyMapped,
            Self::ModuleAlreadyMapped { .. } => ErrorCode::ModuleAlreadyMapped,
            Self::ServiceAlreadyMapped { .. } => ErrorCode::ServiceAlreadyMapped,
            Self::LineClaimed { .. } => ErrorCode::LineClaimed,
            Self::WrongTransition { .. } => ErrorCode::WrongTransition,
            Self::TooManyAttempts { .. } => ErrorCode::TooManyAttempts,
            Self::QuestionState { .. } => ErrorCode::QuestionState,
            Self::SnapshotWithdrawn { .. } => ErrorCode::SnapshotWithdrawn,
            Self::IntentOpen { .. } => ErrorCode::AdjustmentOpen,
            Self::RunState { .. } => ErrorCode::RunState,
            Self::DaemonRuns { .. } => ErrorCode::DaemonRuns,
            Self::DateDone { .. } => ErrorCode::DateDone,
            Self::PostingStopped { .. } => ErrorCode::PostingStopped,
            Self::TenantBusy { .. } => ErrorCode::TenantBusy,
            Self::StorageQuota { .. } => ErrorCode::StorageQuota,
        }
    }
}
