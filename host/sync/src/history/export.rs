//! The whole history as a file for a spreadsheet.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use psa_host_billing::ErrorCode;

use super::form::{Csv, Rows, Xlsx};
use crate::error::rule;
use crate::whole_file::{WholeFile, unwritable};
use crate::{Access, Error, Power, Result};

/// Entries read from the ledger at once.
const PAGE: u32 = 1_000;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// Text, cells that a spreadsheet would calculate defused by an apostrophe.
    Csv,
    /// A workbook of texts.
    Xlsx,
}

impl ExportForm {
    /// By the end of the file's name; none for any other.
    pub fn of(path: &Path) -> Option<Self> {
        let end = path.extension()?.to_str()?;
        match end.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Exported {
    /// Where to.
    pub file: PathBuf,
    /// How many entries.
    pub entries: u64,
    /// Cells that were cut because a workbook's cell holds no more.
    pub cut_cells: u64,
}

impl Access {
    /// Write the entries after `after` (0: all) into a file, with mode 0600.
    ///
    /// # Errors
    /// A file that is there already, without `force`; a folder that cannot be written;
    /// a failing or damaged database. Nothing is left behind then.
    pub fn export_history(
        &self,
        file: &Path,
        form: ExportForm,
        after: i64,
        force: bool,
    ) -> Result<Exported> {
        self.may(Power::Read)?;
        self.sees_everything("the history")?;
        let at = |error: io::Error| unwritable(file, &error);
        let mut whole = WholeFile::begin(file, force)?;
        let dir = whole.dir().to_owned();
        let temporary = whole.file();
        let (entries, cut_cells) = match form {
            ExportForm::Csv => {
                let rows = Csv::new(&mut *temporary).map_err(at)?;
                self.export(rows, after, |error| unwritable(file, &error))?
            }
            ExportForm::Xlsx => {
                let rows = Xlsx::new(&mut *temporary, &dir).map_err(at)?;
                self.export(rows, after, |error| unwritable(file, &error))?
            }
        };
        whole.finish()?;
        Ok(Exported {
            file: file.to_owned(),
            entries,
            cut_cells,
        })
    }

    /// Write the entries after `after` (0: all) to a stream; how many, and how many cells
    /// were cut. A workbook is made in a temporary file first: it is no stream.
    ///
    /// # Errors
    /// The stream's, as [`io::Error`]; a failing or damaged database as the inner error.
    pub fn export_history_to(
        &self,
        mut out: impl Write,
        form: ExportForm,
        after: i64,
    ) -> io::Result<Result<(u64, u64)>> {
        let allowed = self.may(Power::Read);
        if let Err(error) = allowed.and_then(|()| self.sees_everything("the history")) {
            return Ok(Err(error));
        }
        let mut failed = None;
        let note = |error| {
            failed = Some(error);
            rule(ErrorCode::Stream, "the stream is closed", "Open it.")
        };
        let done = match form {
            ExportForm::Csv => self.export(Csv::new(&mut out)?, after, note),
            ExportForm::Xlsx => {
                let mut book = tempfile::tempfile()?;
                let rows = Xlsx::new(&mut book, &std::env::temp_dir())?;
                let done = self.export(rows, after, note);
                if done.is_ok() {
                    book.seek(SeekFrom::Start(0))?;
                    io::copy(&mut book, &mut out)?;
                    out.flush()?;
                }
                done
            }
        };
        match failed {
            Some(error) => Err(error),
            None => Ok(done),
        }
    }

    fn export(
        &self,
        mut rows: impl Rows,
        mut after: i64,
        mut at: impl FnMut(io::Error) -> Error,
    ) -> Result<(u64, u64)> {
        let mut entries = 0;
        loop {
            let page = self.ledger().history(after, PAGE)?;
            let Some(last) = page.last() else {
                return Ok((entries, rows.finish().map_err(at)?));
            };
            after = last.seq;
            entries += page.len() as u64;
            for event in page {
                rows.entry(&event.into()).map_err(&mut at)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::testing::Fixture;

    #[test]
    fn a_file_is_whole_or_not_there_and_is_overwritten_only_when_forced() {
        let fixture = Fixture::empty();
        let folder = tempfile::tempdir().unwrap();
        let names = || -> BTreeSet<_> {
            let entries = fs::read_dir(folder.path()).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        fixture
            .host
            .ledger()
            .record_event("test.done", "=1+1", &json!({"of": 1}))
            .unwrap();
        for (name, form) in [("h.csv", ExportForm::Csv), ("h.xlsx", ExportForm::Xlsx)] {
            let file = folder.path().join(name);
            let export = |force| fixture.host.export_history(&file, form, 0, force);
            assert_eq!(export(false).unwrap().entries, 1);
            let written = fs::read(&file).unwrap();
            fs::write(&file, "mine").unwrap();
            assert_eq!(export(false).unwrap_err().code(), "file-exists");
            assert_eq!(fs::read(&file).unwrap(), b"mine");
            export(true).unwrap();
            assert_eq!(fs::read(&file).unwrap().len(), written.len());
        }
        assert_eq!(names(), ["h.csv".into(), "h.xlsx".into()].into());
        let csv = fs::read_to_string(folder.path().join("h.csv")).unwrap();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], "seq,at,who,what,subject,detail,keyed,hash,chain");
        let start = r#"1,2026-10-01T12:00:00Z,test,test.done,'=1+1,"{""of"":1}",no,"#;
        assert!(lines[1].starts_with(start), "{csv}");
        let nowhere = folder.path().join("nowhere").join("h.csv");
        let error = fixture
            .host
            .export_history(&nowhere, ExportForm::Csv, 0, false)
            .unwrap_err();
        assert_eq!(error.code(), "file-not-found");
        let mut stream = Vec::new();
        let done = fixture
            .host
            .export_history_to(&mut stream, ExportForm::Csv, 0);
        assert_eq!(done.unwrap().unwrap(), (1, 0));
        assert_eq!(String::from_utf8(stream).unwrap(), csv);
    }

    /// A pager that was left.
    struct Left;

    impl Write for Left {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_leaves_before_the_end_is_told_from_other_errors() {
        let fixture = Fixture::empty();
        // More than is kept before it is written.
        for at in 1..=200 {
            let subject = at.to_string();
            let ledger = fixture.host.ledger();
            ledger.record_event("test", &subject, &json!({})).unwrap();
        }
        let done = fixture.host.export_history_to(Left, ExportForm::Csv, 0);
        assert_eq!(done.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_history_of_more_than_a_page_is_exported_once_and_whole() {
        let fixture = Fixture::empty();
        for at in 1..=1_001 {
            let subject = at.to_string();
            let ledger = fixture.host.ledger();
            ledger.record_event("test", &subject, &json!({})).unwrap();
        }
        let csv = |after| {
            let mut stream = Vec::new();
            let to = &mut stream;
            let done = fixture.host.export_history_to(to, ExportForm::Csv, after);
            let (entries, _) = done.unwrap().unwrap();
            let mut csv = csv::Reader::from_reader(stream.as_slice());
            let seqs: Vec<i64> = csv
                .records()
                .map(|row| row.unwrap()[0].parse().unwrap())
                .collect();
            assert_eq!(entries, seqs.len() as u64);
            seqs
        };
        assert!(csv(0).into_iter().eq(1..=1_001));
        assert_eq!(csv(999), [1_000, 1_001]);
        assert!(csv(1_001).is_empty());
    }
}
