//! Files that are no connectors: each gives one clear error with a code and a fix.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use psa_host_sandbox::{Config, LoadError, Sandbox};

async fn refused(bytes: &[u8]) -> LoadError {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path().join("cache"), dir.path().join("slots"));
    let sandbox = Sandbox::new(config).unwrap();
    let error = sandbox.load(bytes).await.unwrap_err();
    assert!(!error.fix().is_empty());
    error
}

async fn refused_text(text: &str) -> LoadError {
    refused(&wat::parse_str(text).unwrap()).await
}

#[tokio::test]
async fn a_core_module_is_refused() {
    let error = refused_text("(module)").await;
    assert_eq!(error.code(), "plugin-not-component");
}

#[tokio::test]
async fn a_damaged_component_is_refused() {
    let error = refused(b"\0asm\x0d\0\x01\0\xff\xff\xff").await;
    assert_eq!(error.code(), "plugin-invalid", "{error}");
}

#[tokio::test]
async fn a_component_that_is_no_connector_is_refused_with_what_it_is() {
    let error = refused_text("(component)").await;
    assert_eq!(
        error.to_string(),
        "this component is not a PSA connector: it does not export \
         `psa-host:connector/connector` (it exports nothing)"
    );
}

#[tokio::test]
async fn a_connector_of_another_version_is_refused_with_both_versions() {
    let text = r#"(component
        (instance $empty)
        (export "psa-host:connector/connector@7.0.0" (instance $empty)))"#;
    assert_eq!(
        refused_text(text).await.to_string(),
        "this connector was made for version 7.0.0 of the contract; this host speaks 0.2.0"
    );
}

#[tokio::test]
async fn an_import_beyond_what_connectors_get_is_refused_by_name() {
    let text = r#"(component
        (import "wasi:http/outgoing-handler@0.2.0" (instance))
        (instance $empty)
        (export "psa-host:connector/connector@0.2.0" (instance $empty)))"#;
    assert_eq!(
        refused_text(text).await.to_string(),
        "this connector imports `wasi:http/outgoing-handler@0.2.0`, which connectors do not get"
    );
}

#[tokio::test]
async fn a_connector_without_its_functions_is_refused() {
    let text = r#"(component
        (instance $empty)
        (export "psa-host:connector/connector@0.2.0" (instance $empty)))"#;
    let error = refused_text(text).await;
    assert_eq!(error.code(), "plugin-interface", "{error}");
}
