//! A file for a spreadsheet: its name says its form.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use psa_host_sync::ExportForm;

use crate::output::WrongUse;

#[derive(Debug, Args)]
pub struct SheetFile {
    /// File that ends with .csv or .xlsx
    #[arg(value_name = "FILE.csv|FILE.xlsx")]
    pub file: String,
    /// Overwrite a file that is there
    #[arg(long)]
    pub force: bool,
}

impl SheetFile {
    /// Where to, and what kind of file.
    pub fn form(&self) -> Result<(&Path, ExportForm)> {
        let path = Path::new(&self.file);
        let form = ExportForm::of(path).ok_or_else(|| {
            let message = format!("{:?} ends neither with .csv nor .xlsx", self.file);
            WrongUse::new(message, "Name a file that does.")
        })?;
        Ok((path, form))
    }
}
