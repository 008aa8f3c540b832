//! A file, or standard input, read whole and up to a cap: nothing a person names by
//! mistake (a disk image, `/dev/zero`) fills the memory.

use std::fs::File;
use std::io::{ErrorKind, Read};

use psa_host_billing::ErrorCode;

use crate::Result;
use crate::error::rule;
use crate::imports::content::as_utf8;
use crate::imports::{Accepted, Doubt};

/// Imports: 64 MiB. A snapshot of 10,000 workspaces and 12 modules has about 10 MB.
pub(crate) const MOST_IMPORT_BYTES: u64 = 64 << 20;

/// What was read, and what to call it in messages.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as it was given, or `standard input`.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
    /// What a person says is right about it, although it looks wrong.
    pub(crate) accepted: Accepted,
    /// Whether good rows are kept where others are refused.
    pub(crate) partial: bool,
}

impl Source {
    /// Bytes that are already at hand. Text in UTF-16 becomes UTF-8, and a byte order mark
    /// goes.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            bytes: as_utf8(bytes.into()),
            accepted: Accepted::default(),
            partial: false,
        }
    }

    /// The same, with these doubts answered: the file is right.
    #[must_use]
    pub fn accepting(mut self, doubts: &[Doubt]) -> Self {
        self.accepted = Accepted::of(doubts);
        self
    }

    /// The same, to keep its good rows where others are refused. What is refused of usage is
    /// unread, and is held; a list of workspaces with refused rows is not whole.
    #[must_use]
    pub fn keeping_good_rows(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// Read a file to import; `-` is standard input.
    ///
    /// # Errors
    /// Not there, not readable, or over [`MOST_IMPORT_BYTES`].
    pub fn read(path: &str) -> Result<Self> {
        Self::read_up_to(path, MOST_IMPORT_BYTES)
    }

    /// Read a plugin, which is a regular file: a pipe or a device could keep the command
    /// waiting for ever. `-` is standard input.
    ///
    /// # Errors
    /// Not there, not readable, no regular file, or over `most` bytes.
    pub fn read_plugin(path: &str, most: u64) -> Result<Self> {
        if path != "-" {
            let about = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
            if !about.is_file() && !about.is_dir() {
                return Err(rule(
                    ErrorCode::FileNotRegular,
                    format!("{path} is a pipe, a device or a socket, not a file"),
                    "Name the .wasm file itself, or pass it with `-` on standard input.",
                ));
            }
        }
        Self::read_up_to(path, most)
    }

    /// Read a file; `-` is standard input.
    ///
    /// # Errors
    /// Not there, not readable, or over `most` bytes.
    pub fn read_up_to(path: &str, most: u64) -> Result<Self> {
        let mut bytes = Vec::new();
        let name = match path {
            "-" => "standard input",
            path => path,
        };
        let read = match path {
            "-" => std::io::stdin()
                .lock()
                .take(most + 1)
                .read_to_end(&mut bytes),
            path => File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)),
        };
        if let Err(error) = read {
            return Err(unreadable(name, &error));
        }
        if bytes.len() as u64 > most {
            return Err(rule(
                ErrorCode::FileTooLarge,
                format!("{name} is larger than {} MiB", most >> 20),
                "Check that this is the right file; split a list that is really this long.",
            ));
        }
        Ok(Self::new(name, bytes))
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> crate::Error {
    let (code, message, fix) = match error.kind() {
        ErrorKind::NotFound => (
            ErrorCode::FileNotFound,
            format!("there is no file {name}"),
            "Check the path.",
        ),
        ErrorKind::PermissionDenied => (
            ErrorCode::FilePermission,
            format!("this user may not read {name}"),
            "Give the user access to the file, or pass it with `-` on standard input.",
        ),
        ErrorKind::IsADirectory => (
            ErrorCode::FileIsDirectory,
            format!("{name} is a directory"),
            "Name a file in it.",
        ),
        _ => (
            ErrorCode::FileUnreadable,
            format!("{name} cannot be read: {error}"),
            "Check the file and its disk.",
        ),
    };
    rule(code, message, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_cap_is_refused_without_reading_it_all() {
        let error = Source::read_up_to("/dev/zero", 1 << 20).unwrap_err();
        assert_eq!(error.code(), "file-too-large");
    }

    #[test]
    fn a_pipe_or_a_device_is_no_plugin_and_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("plugin.wasm");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [pipe.to_str().unwrap(), "/dev/zero", "/dev/null"] {
            let error = Source::read_plugin(path, 1 << 20).unwrap_err();
            assert_eq!(error.code(), "file-not-regular", "{path}");
        }
    }

    #[test]
    fn a_missing_file_and_a_directory_are_told_apart() {
        let code = |path| Source::read(path).unwrap_err().code().to_owned();
        assert_eq!(code("/no/such/file"), "file-not-found");
        assert_eq!(code("/"), "file-is-directory");
    }
}
