//! Runs `psa-host` on a data directory of its own, without a terminal.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A data directory and a folder for files.
pub struct Program {
    pub folder: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub const WORKSPACES: &str = r#"{"workspaces": [
    {"id": "msp", "name": "MSP", "kind": "channel", "status": "subscription"},
    {"id": "w1", "name": "One", "kind": "child", "parent": "msp", "status": "subscription"}
]}"#;

impl Program {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    /// With a channel and a child.
    pub fn with_workspaces() -> Self {
        let program = Self::new();
        let said = program.run_with(&["workspace", "import", "-"], WORKSPACES);
        assert_eq!(said.status, 0, "{said:?}");
        program
    }

    /// Put a file into the folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Path {
        std::fs::write(self.folder.path().join(name), content).unwrap();
        self.folder.path()
    }

    /// The program in the folder, with nothing of this environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_psa-host"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PSA_HOST_DATA", "data")
            .env("PSA_HOST_KEY_FILE", "key")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command().args(args))
    }

    /// With standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Said {
        let mut command = self.command();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing closes it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Said::from(child.wait_with_output().unwrap())
    }

    /// The answer as JSON, with its schema version looked at.
    pub fn json(&self, args: &[&str]) -> (i32, Value) {
        let said = self.run(&[args, &["--format", "json"]].concat());
        (said.status, said.json())
    }
}

impl Said {
    pub fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    pub fn json(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(value["schema_version"], 1);
        assert_eq!(self.err, "");
        value
    }
}

impl From<std::process::Output> for Said {
    fn from(output: std::process::Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
