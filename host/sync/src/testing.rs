//! A data directory for tests: one channel, two children below it, a plugin that was
//! never compiled, and a clock that stands still.

use std::sync::Arc;

use jiff::Timestamp;
use psa_host_ledger::KeySource;
use psa_host_sandbox::Description;

use crate::{Access, Actor, Host, HostOptions, Source, Values};

pub(crate) const NOW: &str = "2026-10-01T12:00:00Z";

pub(crate) const WORKSPACES: &str = r#"{"workspaces": [
    {"id": "msp", "name": "MSP", "kind": "channel", "status": "subscription"},
    {"id": "w1", "name": "One", "kind": "child", "parent": "msp", "status": "subscription"},
    {"id": "w2", "name": "Two", "kind": "child", "parent": "msp", "status": "trial"},
    {"id": "far", "name": "Far", "kind": "channel", "status": "subscription"},
    {"id": "w9", "name": "Nine", "kind": "child", "parent": "far", "status": "subscription"}
]}"#;

/// An open host, and the directory that goes with it.
pub(crate) struct Fixture {
    pub(crate) host: Access,
    folder: tempfile::TempDir,
}

impl Fixture {
    /// The same data directory, with another key file, or with none.
    pub(crate) fn reopened_with_key(&self, text: Option<&str>) -> Access {
        use std::os::unix::fs::PermissionsExt;

        let key = self.folder.path().join("other-key");
        let _ = std::fs::remove_file(&key);
        if let Some(text) = text {
            std::fs::write(&key, text).unwrap();
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&key, private).unwrap();
        }
        Host::open(HostOptions {
            key: KeySource::File(key),
            ..self.host.options().clone()
        })
        .unwrap()
        .access(Actor::operator("test"))
    }

    /// Nothing in it.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let host = Host::open(HostOptions {
            key: KeySource::File(folder.path().join("key")),
            clock: Arc::new(move || now),
            ..HostOptions::new(folder.path().join("data"))
        })
        .unwrap()
        .access(Actor::operator("test"));
        Self { host, folder }
    }

    /// With the workspaces above.
    pub(crate) fn with_workspaces() -> Self {
        let fixture = Self::empty();
        let source = file(WORKSPACES);
        fixture.host.import_workspaces(&source).unwrap();
        fixture
    }

    /// With workspaces and a plugin `fake`, which no test runs.
    pub(crate) fn with_plugin() -> Self {
        let fixture = Self::with_workspaces();
        let description = serde_json::to_string(&description()).unwrap();
        fixture
            .host
            .ledger()
            .add_plugin("fake", b"no component", &description)
            .unwrap();
        fixture
    }
}

impl Fixture {
    /// Connect channel `msp` as `acme`, in Berlin.
    pub(crate) async fn connect(&self) -> psa_host_billing::ConnectionName {
        let name: psa_host_billing::ConnectionName = "acme".parse().unwrap();
        let new = crate::AddConnection {
            name: name.clone(),
            plugin: "fake".to_owned(),
            channel: "msp".parse().unwrap(),
            time_zone: "Europe/Berlin".to_owned(),
            values: values(&[("username", "u")], &[("secret", "s")]),
        };
        self.host.add_connection(new).await.unwrap();
        name
    }

    /// The same data directory at another time.
    pub(crate) fn reopened_at(&self, now: &str) -> Access {
        let now: Timestamp = now.parse().unwrap();
        Host::open(HostOptions {
            clock: Arc::new(move || now),
            ..self.host.options().clone()
        })
        .unwrap()
        .access(Actor::operator("test"))
    }
}

/// A file of this text.
pub(crate) fn file(text: &str) -> Source {
    Source::new("test.json", text)
}

/// One of each kind of field.
pub(crate) fn description() -> Description {
    let field = |key: &str, kind: &str, scope: &str, required: bool| {
        serde_json::json!({
            "key": key, "label": key.to_uppercase(), "help": "", "kind": kind, "scope": scope,
            "required": required,
        })
    };
    serde_json::from_value(serde_json::json!({
        "name": "fake", "label": "Fake", "version": "1.0.0",
        "terms": {
            "account": "company", "accounts": "companies", "service": "service",
            "services": "services", "contract": "contract", "line": "line",
        },
        "fields": [
            field("code", "secret", "plugin", true),
            field("username", "text", "connection", true),
            field("base-url", "url", "connection", false),
            field("secret", "secret", "connection", true),
        ],
        "authentication": { "headers": [], "scheme": { "kind": "none" } },
        "hosts": ["api.psa.example", "zone#.psa.example"],
        "routes": [],
        "limits": {
            "window": null, "at_once_per_endpoint": 2, "instances": 2,
            "longest_execution_seconds": 300, "accounts_per_call": 100, "lines_per_call": 100,
        },
        "quantity": {
            "delta": true, "effect": "dated", "knows_posted": true, "whole_numbers": true,
            "largest": null, "zero": "allowed", "repeat_date": "no",
        },
        "self_hosted": false,
        "refusals": [],
    }))
    .unwrap()
}

/// Settings and secrets.
pub(crate) fn values(settings: &[(&str, &str)], secrets: &[(&str, &str)]) -> Values {
    let text = |text: &str| text.to_owned();
    Values {
        settings: settings.iter().map(|(k, v)| (text(k), text(v))).collect(),
        secrets: secrets
            .iter()
            .map(|(k, v)| (text(k), psa_host_ledger::Secret::new(*v)))
            .collect(),
    }
}
