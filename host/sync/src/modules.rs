//! The catalogue of Coro's modules, add-ons and bundles: the one place that lists
//! them. It grows about twice a year, so one that is not here is told of and never
//! refused.

use psa_host_billing::ModuleId;

/// A module that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownModule {
    /// As it stands in usage snapshots and mappings.
    pub id: &'static str,
    /// As Coro's console calls it.
    pub name: &'static str,
}

macro_rules! catalogue {
    ($($id:literal $name:literal,)*) => {
        /// All of them, as Coro's console orders them.
        pub const KNOWN: &[KnownModule] = &[$(KnownModule { id: $id, name: $name },)*];
    };
}

catalogue! {
    "endpoint-security" "Endpoint Security",
    "edr" "EDR",
    "endpoint-data-governance" "Endpoint Data Governance",
    "email-security" "Email Security",
    "secure-messages" "Secure Messages",
    "inbound-gateway" "Inbound Gateway",
    "cloud-security" "Cloud Security",
    "user-data-governance" "User Data Governance",
    "network" "Network",
    "secure-web-gateway" "Secure Web Gateway",
    "wifi-phishing" "Wi-Fi Phishing",
    "mdm" "MDM",
    "security-awareness-training" "Security Awareness Training",
    "managed-service" "Managed Service",
}

/// Whether the catalogue has it.
pub fn is_known(module: &ModuleId) -> bool {
    KNOWN.iter().any(|known| known.id == module.as_str())
}

/// What Coro's console calls it; an unknown one is called by its id.
pub fn name(module: &ModuleId) -> &str {
    KNOWN
        .iter()
        .find(|known| known.id == module.as_str())
        .map_or(module.as_str(), |known| known.name)
}
