//! What wit-bindgen makes of `wit/`. Nothing else stands here: generated
//! code is the one place where `unsafe` is allowed.
#![allow(
    unsafe_code,
    missing_debug_implementations,
    clippy::all,
    clippy::pedantic,
    rust_2018_idioms
)]

wit_bindgen::generate!({
    path: "../../wit/connector",
    world: "psa-connector",
    generate_all,
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
    export_macro_name: "__export_psa_connector",
    default_bindings_module: "psa_connector_sdk::bindings",
    runtime_path: "wit_bindgen::rt",
});
