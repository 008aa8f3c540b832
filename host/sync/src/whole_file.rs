//! A file that a person asked for. Written beside its place and moved there when it is
//! whole: nobody reads half of one, and none is overwritten unasked.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use psa_host_billing::ErrorCode;

use crate::error::rule;
use crate::{Error, Result};

/// A file on its way, with mode 0600. Nothing is left behind unless it is finished.
#[derive(Debug)]
pub(crate) struct WholeFile {
    temporary: NamedTempFile,
    to: PathBuf,
    force: bool,
}

impl WholeFile {
    /// # Errors
    /// A file that is there already, without `force`; a folder that cannot be written.
    pub(crate) fn begin(to: &Path, force: bool) -> Result<Self> {
        refuse_existing(to, force)?;
        let temporary = NamedTempFile::new_in(dir_of(to)).map_err(|e| unwritable(to, &e))?;
        Ok(Self {
            temporary,
            to: to.to_owned(),
            force,
        })
    }

    /// The folder that it is written in.
    pub(crate) fn dir(&self) -> &Path {
        dir_of(&self.to)
    }

    /// To write into.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Move it to its place.
    ///
    /// # Errors
    /// As [`WholeFile::begin`], where that is so by now.
    pub(crate) fn finish(self) -> Result<()> {
        let Self {
            temporary,
            to,
            force,
        } = self;
        temporary
            .as_file()
            .sync_all()
            .map_err(|error| unwritable(&to, &error))?;
        let persisted = match force {
            true => temporary.persist(&to),
            false => temporary.persist_noclobber(&to),
        };
        persisted
            .map(|_| ())
            .map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists if !force => exists(&to),
                _ => unwritable(&to, &error.error),
            })
    }
}

/// Write a file at once.
///
/// # Errors
/// A file that is there already, without `force`; a folder that cannot be written.
pub fn write_whole(to: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let mut whole = WholeFile::begin(to, force)?;
    whole
        .file()
        .write_all(bytes)
        .map_err(|error| unwritable(to, &error))?;
    whole.finish()
}

/// Say that a file is there before the work is done; the last word is at the end.
///
/// # Errors
/// That it is there, without `force`.
pub fn refuse_existing(file: &Path, force: bool) -> Result<()> {
    match !force && fs::symlink_metadata(file).is_ok() {
        true => Err(exists(file)),
        false => Ok(()),
    }
}

/// The parent of a bare file name is the empty path.
fn dir_of(file: &Path) -> &Path {
    let parent = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn exists(file: &Path) -> Error {
    rule(
        ErrorCode::FileExists,
        format!("{} is there already", file.display()),
        "Name another file, or add --force to overwrite it.",
    )
}

pub(crate) fn unwritable(file: &Path, error: &io::Error) -> Error {
    let (code, what, fix) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            ErrorCode::DiskFull,
            "its disk is full",
            "Free some space there, or name a file on another disk.",
        ),
        ErrorKind::PermissionDenied => (
            ErrorCode::FilePermission,
            "this user may not write there",
            "Name a file in a folder of this user, or give the user access to this one.",
        ),
        ErrorKind::ReadOnlyFilesystem => (
            ErrorCode::FilePermission,
            "its disk is read-only",
            "Name a file on another disk.",
        ),
        ErrorKind::NotFound => (
            ErrorCode::FileNotFound,
            "its folder is not there",
            "Make the folder, or name another file.",
        ),
        _ => {
            let message = format!("{} could not be written: {error}", file.display());
            let fix = "Check the folder and its disk, or name another file.";
            return rule(ErrorCode::FileUnwritable, message, fix);
        }
    };
    let message = format!("{} could not be written: {what}", file.display());
    rule(code, message, fix)
}
