//! What other connections of the same channel bill: one PSA for some of the customers,
//! another for the rest. What one bills is no gap of the other.

use std::collections::HashSet;

use crate::{Mapping, ModuleId, WorkspaceId};

/// The mappings of a channel's other connections.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere(Vec<(HashSet<WorkspaceId>, HashSet<ModuleId>)>);

impl Elsewhere {
    /// One more connection of the channel.
    pub fn add(
        &mut self,
        workspaces: impl IntoIterator<Item = WorkspaceId>,
        modules: impl IntoIterator<Item = ModuleId>,
    ) {
        let (workspaces, modules) = (workspaces.into_iter(), modules.into_iter());
        self.0.push((workspaces.collect(), modules.collect()));
    }

    /// Whether a use lacks an account here: no connection of the channel has its workspace.
    pub fn lacks_account(&self, own: &Mapping, workspace: &WorkspaceId) -> bool {
        own.account(workspace).is_none() && !self.has_workspace(workspace)
    }

    /// Whether a use lacks a service here. Of a workspace that another connection has, that
    /// one says what is missing; of one that nobody has, a module counts as mapped where any
    /// connection has it.
    pub fn lacks_service(&self, own: &Mapping, workspace: &WorkspaceId, module: &ModuleId) -> bool {
        if own.service(module).is_some() {
            return false;
        }
        let own_customer = own.account(workspace).is_some();
        !self.0.iter().any(|(workspaces, modules)| {
            let theirs = workspaces.contains(workspace);
            match (own_customer, theirs) {
                (false, true) => true,
                (true, true) => modules.contains(module),
                (true, false) => false,
                (false, false) => modules.contains(module),
            }
        })
    }

    fn has_workspace(&self, workspace: &WorkspaceId) -> bool {
        self.0
            .iter()
            .any(|(workspaces, _)| workspaces.contains(workspace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, ServiceMapping};

    fn id<T: std::str::FromStr<Err = crate::IdError>>(text: &str) -> T {
        text.parse().unwrap()
    }

    /// `here` has w1 and edr; `there` has w2, mdm, and of the shared w3 mdm too.
    #[test]
    fn what_another_connection_of_the_channel_bills_is_no_gap_here() {
        let mut own = Mapping::default();
        for (workspace, account) in [("w1", "1"), ("w3", "3")] {
            own.map_account(id(workspace), id(account)).unwrap();
        }
        let edr = ServiceMapping {
            module: id("edr"),
            service: id("s1"),
            metric: Metric::Users,
        };
        own.map_service(edr).unwrap();
        let mut elsewhere = Elsewhere::default();
        elsewhere.add([id("w2"), id("w3")], [id("mdm")]);
        // (workspace, module, lacks an account, lacks a service)
        let cases = [
            ("w1", "edr", false, false),
            ("w1", "mdm", false, true),
            ("w2", "edr", false, false),
            ("w2", "network", false, false),
            ("w3", "mdm", false, false),
            ("w3", "network", false, true),
            ("w4", "edr", true, false),
            ("w4", "mdm", true, false),
            ("w4", "network", true, true),
        ];
        for (workspace, module, account, service) in cases {
            let (w, m) = (id(workspace), id(module));
            let found = (
                elsewhere.lacks_account(&own, &w),
                elsewhere.lacks_service(&own, &w, &m),
            );
            assert_eq!(found, (account, service), "{workspace} {module}");
        }
        let alone = Elsewhere::default();
        assert!(
            alone.lacks_account(&own, &id("w2"))
                && alone.lacks_service(&own, &id("w2"), &id("mdm"))
        );
    }
}
