//! A bundle and a module in it are never billed to the same customer.

use super::decide::Look;
use super::{Context, PlanLine};
use crate::{Contract, Hold, HoldCode, ModuleId, WorkspaceId};

impl Context<'_> {
    /// Holds both where this customer uses or pays for both. What is to fall to zero is
    /// let go: then only one is left.
    pub(super) fn bundle_or_part(&self, line: &PlanLine, look: &Look<'_>) -> Result<(), Hold> {
        if line.target.is_some_and(|target| target.is_zero()) {
            return Ok(());
        }
        let workspace = &line.pair.workspace;
        let own = &line.pair.module;
        let sold = |module| self.sold(workspace, module, look.contracts);
        let unread = |module| self.is_unread(workspace, module);
        let concerned = self
            .bundles
            .iter()
            .filter(|(bundle, part)| own == *bundle || own == *part);
        for (bundle, part) in concerned {
            // Whether the customer has both cannot be told while one was not counted.
            if let Some(module) = [bundle, part].into_iter().find(|module| unread(module)) {
                let message = format!(
                    "module {bundle} is a bundle with module {part} in it, and the snapshot has no \
                     count of {module} for workspace {workspace}"
                );
                let code = match self.snapshot.unread(workspace, module) {
                    Some(_) => HoldCode::UsageUnread,
                    None => HoldCode::UsageMissing,
                };
                return Err(Hold::new(code, message));
            }
            if let (Some(of_bundle), Some(of_part)) = (sold(bundle), sold(part)) {
                let message = format!(
                    "module {bundle} is a bundle with module {part} in it, and workspace \
                     {workspace} has both: {bundle} {of_bundle}, {part} {of_part}"
                );
                return Err(Hold::new(HoldCode::BundleAndPart, message));
            }
        }
        Ok(())
    }

    /// Whether the snapshot names the pair and has no count of it, or its row was not read.
    fn is_unread(&self, workspace: &WorkspaceId, module: &ModuleId) -> bool {
        let Some(mapped) = self.mapping.service(module) else {
            return false;
        };
        let excluded = self.set_asides.excludes(workspace, module, self.as_of);
        let item = self.snapshot.item(workspace, module);
        let unread = self.snapshot.unread(workspace, module).is_some();
        !excluded && (unread || item.is_some_and(|item| item.count(mapped.metric).is_none()))
    }

    /// How a customer uses or pays for a module, in words; none: neither.
    fn sold(
        &self,
        workspace: &WorkspaceId,
        module: &ModuleId,
        contracts: &[Contract],
    ) -> Option<String> {
        let mapped = self.mapping.service(module)?;
        // Somebody else bills what is excluded.
        let excluded = self.set_asides.excludes(workspace, module, self.as_of);
        let used = self.snapshot.item(workspace, module);
        let used = used.and_then(|item| item.count(mapped.metric)).unwrap_or(0);
        if used > 0 && !excluded {
            return Some(format!("with {used} {} in use", mapped.metric));
        }
        let lines = contracts.iter().flat_map(|contract| &contract.lines);
        lines
            .filter(|line| line.key.service == mapped.service)
            .find_map(|line| {
                let id = &line.key.line;
                let Ok(timeline) = &line.timeline else {
                    return Some(format!("on line {id}, whose units cannot be read"));
                };
                let mut still = timeline.segments().iter();
                let still = still.find(|s| s.reaches(self.as_of) && !s.units.is_zero())?;
                Some(format!("with {} units on line {id}", still.units))
            })
    }
}
