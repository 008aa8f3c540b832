//! One shape for every error: on stderr for people; for programs, as the one JSON
//! document on standard output.

use std::io::{self, Write};

use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_sync::Problem;
use psa_host_wire as wire;

use super::{Output, plain};

/// The command line was used wrongly in a way that clap cannot see (exit status 2).
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct WrongUse {
    message: String,
    fix: String,
}

impl WrongUse {
    pub fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fix: fix.into(),
        }
    }
}

/// An error on its way out.
#[derive(Debug)]
pub struct Failure {
    problem: Problem,
    /// Which it is about, where the error says so.
    connection: Option<ConnectionName>,
    status: u8,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        if let Some(wrong) = error.downcast_ref::<WrongUse>() {
            return Self {
                problem: Problem::new(ErrorCode::Usage, wrong.message.clone(), wrong.fix.clone()),
                connection: None,
                status: 2,
            };
        }
        if let Some(known) = error.downcast_ref::<psa_host_sync::Error>() {
            return Self {
                problem: known.problem(),
                connection: known.connection().and_then(|name| name.parse().ok()),
                status: 1,
            };
        }
        let message = format!("{error:#}");
        Self {
            problem: Problem {
                code: ErrorCode::Internal,
                message,
                cause: None,
                fix: None,
                link: None,
            },
            connection: None,
            status: 1,
        }
    }
}

impl Failure {
    /// What clap says of a command line that it cannot read.
    pub fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        let fix = "See `psa-host help`, or --help of the command.";
        Self {
            problem: Problem::new(ErrorCode::Usage, message, fix),
            connection: None,
            status: 2,
        }
    }

    pub fn status(&self) -> u8 {
        self.status
    }

    /// Tell it. A closed stream is nobody listening.
    pub fn print(&self, output: Output) {
        if output.is_json() {
            let error = wire::Problem::new(&self.problem, self.connection.as_ref());
            let _ = output.json(&wire::Error { error });
            return;
        }
        let mut err = io::stderr().lock();
        let _ = tell(&mut err, &self.problem);
    }
}

/// The lines of an error for a person.
pub fn tell(out: &mut impl Write, problem: &Problem) -> io::Result<()> {
    let Problem {
        code,
        message,
        cause,
        fix,
        link,
    } = problem;
    writeln!(out, "error: {} [{code}]", plain(message))?;
    for (label, text) in [("cause", cause), ("fix", fix), ("link", link)] {
        if let Some(text) = text {
            writeln!(out, "  {label}: {}", plain(text))?;
        }
    }
    Ok(())
}
