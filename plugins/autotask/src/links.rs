//! Links into Autotask's own pages, by its ExecuteCommand API [DOC UsingExecuteCommandAPI;
//! CODE for OpenContract].

use crate::zone::{self, Zone};

/// Where the pages are; none where the zone does not say so or not by https.
#[derive(Debug, Clone)]
pub(crate) struct Links(Option<String>);

impl Links {
    pub(crate) fn of(zone: &Zone) -> Self {
        let base = zone::pages(zone);
        Self(base.map(|url| format!("{url}/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=")))
    }

    pub(crate) fn account(&self, id: i64) -> Option<String> {
        self.0
            .as_ref()
            .map(|base| format!("{base}OpenAccount&AccountID={id}"))
    }

    pub(crate) fn contract(&self, id: i64) -> Option<String> {
        self.0
            .as_ref()
            .map(|base| format!("{base}OpenContract&ContractID={id}"))
    }
}
