//! Declaring what Coro's bundles hold, so that no customer pays for a bundle and for a
//! module in it.

use psa_host_billing::{ConnectionName, ErrorCode, ModuleId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::rule;
use crate::mapping::CoroSide;
use crate::{Access, Note, Power, Result, modules};

/// A bundle, as it was declared.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct BundleView {
    /// The bundle.
    pub bundle: ModuleId,
    /// What Coro's console calls it.
    pub name: String,
    /// The modules in it.
    pub parts: Vec<ModuleId>,
}

impl Access {
    /// Declare what a bundle holds, in place of what was declared of it before. Gives
    /// what a person should know.
    ///
    /// # Errors
    /// No module; the bundle in itself; an unknown module.
    pub fn declare_bundle(
        &self,
        name: &ConnectionName,
        bundle: &ModuleId,
        parts: &[ModuleId],
    ) -> Result<Vec<Note>> {
        self.may_on(name, Power::Map)?;
        let connection = self.connection(name)?;
        if parts.is_empty() || parts.contains(bundle) {
            let what = match parts {
                [] => "a bundle holds at least one module".to_owned(),
                _ => format!("bundle {bundle} cannot hold itself"),
            };
            return Err(rule(
                ErrorCode::BadBundle,
                what,
                "Name the modules that are in it.",
            ));
        }
        let coro = CoroSide::of(self, &connection)?;
        let mut notes = Vec::new();
        for module in parts.iter().chain([bundle]) {
            notes.extend(coro.module(module)?);
        }
        self.ledger().declare_bundle(name, bundle, parts)?;
        Ok(notes)
    }

    /// Take a declaration back.
    ///
    /// # Errors
    /// Nothing is declared of it.
    pub fn forget_bundle(&self, name: &ConnectionName, bundle: &ModuleId) -> Result<()> {
        self.may_on(name, Power::Map)?;
        self.connection(name)?;
        Ok(self.ledger().forget_bundle(name, bundle)?)
    }

    /// What is declared.
    ///
    /// # Errors
    /// No such connection.
    pub fn bundles(&self, name: &ConnectionName) -> Result<Vec<BundleView>> {
        self.may_on(name, Power::Read)?;
        self.connection(name)?;
        let bundles = self.ledger().bundles(name)?.into_iter();
        let view = |declared: psa_host_ledger::BundleRecord| BundleView {
            name: modules::name(&declared.bundle).to_owned(),
            bundle: declared.bundle,
            parts: declared.parts,
        };
        Ok(bundles.map(view).collect())
    }
}
