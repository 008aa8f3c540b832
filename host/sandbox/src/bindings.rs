//! The contract as Rust types, generated from `wit/`.

// Generated code: the lints of the workspace are about ours.
#![allow(missing_debug_implementations, clippy::all, clippy::unwrap_used)]

wasmtime::component::bindgen!({
    path: "../../wit/connector.wit",
    world: "psa-connector",
    imports: { "psa-host:connector/http.send": async },
    exports: { default: async },
});

/// The version of the contract that this host speaks, as in `wit/connector.wit`.
pub const CONTRACT: &str = "psa-host:connector";
/// See [`CONTRACT`].
pub const CONTRACT_VERSION: (u64, u64, u64) = (0, 1, 0);
