//! The twelve Coro modules that the made-up MSP sells.

/// A module with what the MSP charges for it.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// Coro's id.
    pub id: &'static str,
    /// What the MSP calls it in its PSA.
    pub service: &'static str,
    /// List price of one unit.
    pub price: &'static str,
    /// `users` or `devices`.
    pub metric: &'static str,
}

const fn module(
    id: &'static str,
    service: &'static str,
    price: &'static str,
    metric: &'static str,
) -> Module {
    Module {
        id,
        service,
        price,
        metric,
    }
}

/// In the order sold most.
pub const MODULES: [Module; 12] = [
    module(
        "endpoint-security",
        "Coro Endpoint Security",
        "3.50",
        "devices",
    ),
    module("email-security", "Coro Email Security", "2.75", "users"),
    module("edr", "Coro EDR", "4.20", "devices"),
    module("cloud-security", "Coro Cloud Security", "2.10", "users"),
    module(
        "security-awareness-training",
        "Coro Awareness Training",
        "1.45",
        "users",
    ),
    module(
        "user-data-governance",
        "Coro User Data Governance",
        "1.90",
        "users",
    ),
    module(
        "endpoint-data-governance",
        "Coro Endpoint Data Governance",
        "1.85",
        "devices",
    ),
    module("network", "Coro Network", "5.00", "users"),
    module(
        "secure-web-gateway",
        "Coro Secure Web Gateway",
        "2.30",
        "users",
    ),
    module("mdm", "Coro Mobile Device Management", "1.60", "devices"),
    module("inbound-gateway", "Coro Inbound Gateway", "1.15", "users"),
    module("secure-messages", "Coro Secure Messages", "0.95", "users"),
];
