//! Links into Autotask's own pages, by its ExecuteCommand API [DOC UsingExecuteCommandAPI;
//! CODE for OpenContract].

use psa_connector_sdk::url::Origin;

use crate::zone::Zone;

/// Where the pages are; none where the zone does not say so or not by https.
#[derive(Debug, Clone)]
pub struct Links(Option<String>);

impl Links {
    pub fn of(zone: &Zone) -> Self {
        let base = zone
            .web_url
            .as_deref()
            .filter(|url| Origin::of(url).is_some_and(|origin| origin.https));
        Self(base.map(|url| {
            format!(
                "{}/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=",
                url.trim_end_matches('/')
            )
        }))
    }

    pub fn account(&self, id: i64) -> Option<String> {
        self.0
            .as_ref()
            .map(|base| format!("{base}OpenAccount&AccountID={id}"))
    }

    pub fn contract(&self, id: i64) -> Option<String> {
        self.0
            .as_ref()
            .map(|base| format!("{base}OpenContract&ContractID={id}"))
    }
}
