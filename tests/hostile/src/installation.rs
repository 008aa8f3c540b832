//! A whole installation with the hostile plugin in it: what an administrator's commands
//! make of it.

use std::collections::BTreeMap;

use hostile_guest::{Answer, Export, Script};
use psa_host_billing::{ConnectionName, WorkspaceId};
use psa_host_sandbox::Limits;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{
    Access, Actor, AddConnection, Host, HostOptions, KeySource, Secret, Source, UsageForm, Values,
    unwatched,
};
use serde_json::json;

use crate::component::hostile_path;
use crate::world::{SECRET, limits, plain};

/// A data directory with one channel, one customer mapped to the plugin's one account,
/// and a count of 7 where the line has 5.
#[derive(Debug)]
pub struct Installation {
    /// What commands are given to.
    pub host: Access,
    /// The connection's name.
    pub name: ConnectionName,
    /// The data directory, and beside it the key.
    pub folder: tempfile::TempDir,
}

impl Installation {
    /// Set up with the plugin behaving; from then on it answers like this.
    ///
    /// # Panics
    /// Where a fair plugin cannot be set up.
    pub async fn answering(during: Export, answer: Answer) -> Self {
        let set_up = Self::fair().await;
        let script = Script {
            during,
            acts: Vec::new(),
            answer,
        };
        let script = plain(&serde_json::to_string(&script).unwrap());
        let values = Values {
            settings: BTreeMap::from([("script".to_owned(), script)]),
            ..Values::default()
        };
        set_up
            .host
            .set_connection(&set_up.name, &values, None)
            .unwrap();
        set_up
    }

    /// Nothing hostile yet.
    ///
    /// # Panics
    /// Where a fair plugin cannot be set up.
    pub async fn fair() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::open(HostOptions {
            key: KeySource::File(folder.path().join("key")),
            dev_loopback: true,
            limits: Limits {
                list_bytes: 1 << 20,
                ..limits()
            },
            ..HostOptions::new(folder.path().join("data"))
        })
        .unwrap()
        .access(Actor::operator("psa-host"));
        let path = hostile_path();
        host.add_plugin(path.to_str().unwrap()).await.unwrap();
        host.approve_plugin("hostile").unwrap();
        let workspaces = json!({ "workspaces": [
            { "id": "msp", "name": "MSP", "kind": "channel", "status": "subscription" },
            { "id": "w1", "name": "One", "kind": "child", "parent": "msp",
              "status": "subscription" },
        ] });
        let source = Source::new("workspaces", workspaces.to_string());
        host.import_workspaces(&source).unwrap();
        let usage = json!({
            "channel": "msp", "taken_at": host.now().to_string(), "complete": true,
            "items": [{ "workspace": "w1", "module": "edr", "users": 1, "devices": 7 }],
        });
        let source = Source::new("usage", usage.to_string());
        host.import_usage(&source, &UsageForm::Json).unwrap();
        let name = ConnectionName::new("acme").unwrap();
        let check = host
            .add_connection(AddConnection {
                name: name.clone(),
                plugin: "hostile".to_owned(),
                channel: WorkspaceId::new("msp").unwrap(),
                time_zone: "Europe/Berlin".to_owned(),
                values: Values {
                    settings: BTreeMap::new(),
                    secrets: BTreeMap::from([("secret".to_owned(), Secret::new(SECRET))]),
                },
            })
            .await
            .unwrap();
        assert!(check.is_connected(), "{check:?}");
        let mapping = json!({
            "accounts": [{ "workspace": "w1", "account": "1" }],
            "services": [{ "module": "edr", "service": "1", "metric": "devices" }],
            "contracts": [],
        });
        let source = Source::new("mapping", mapping.to_string());
        let mapped = host
            .import_mappings(&name, &source, false, &unwatched)
            .await
            .unwrap();
        assert!(mapped.applied, "{:?}", mapped.refused);
        Self { host, name, folder }
    }

    /// Sync, as a person or the scheduler would.
    ///
    /// # Errors
    /// As [`Access::sync`].
    pub async fn sync(&self) -> psa_host_sync::Result<RunReport> {
        self.host
            .sync(&self.name, &SyncOptions::default(), &unwatched)
            .await
    }
}
