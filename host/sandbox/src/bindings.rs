//! The contract as Rust types, generated from `wit/`.

// Generated code: the lints of the workspace are about ours.
#![allow(missing_debug_implementations, clippy::all, clippy::unwrap_used)]

wasmtime::component::bindgen!({
    path: "../../wit/connector",
    world: "psa-connector",
    imports: { "psa-host:guest/http.send": async },
    exports: { default: async },
});

/// The packages that this host speaks, as in `wit/`.
pub(crate) const CONTRACT: &str = "psa-host:connector";
/// See [`CONTRACT`]: what every plugin may import.
pub(crate) const GUEST: &str = "psa-host:guest";
/// The version of both.
pub(crate) const CONTRACT_VERSION: (u64, u64, u64) = (0, 2, 0);
