//! `psa-host serve` and `psa-host config …`

use std::path::Path;

use anyhow::{Context, Result};
use psa_host_server::{EXAMPLE, ServeError, Settings, SettingsError};
use psa_host_sync::{Access, Error, Problem};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Status;
use crate::args::{ConfigCommand, ServeArgs};
use crate::output::Output;

pub async fn run(args: &ServeArgs, host: &Access, out: Output) -> Result<Status> {
    let mut settings = match &args.config {
        Some(file) => read(file)?,
        None => Settings::default(),
    };
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    let stop = CancellationToken::new();
    let at_once = CancellationToken::new();
    hear_signals(stop.clone(), at_once.clone()).context("signals cannot be heard")?;
    let said = |address| {
        if !out.is_quiet() {
            eprintln!("psa-host is ready: http://{address}/api/v1 (Ctrl-C stops it)");
        }
    };
    let served = psa_host_server::serve(host.host().clone(), settings, stop, at_once, said);
    served.await.map_err(failed)?;
    Ok(Status::Done)
}

pub fn config(command: &ConfigCommand, out: Output) -> Result<Status> {
    match command {
        ConfigCommand::Example => out.line(EXAMPLE.trim_end())?,
        ConfigCommand::Check { file } => {
            read(file)?;
            out.line(format!("{} can be used", file.display()))?;
        }
    }
    Ok(Status::Done)
}

fn read(file: &Path) -> Result<Settings> {
    let refused = |error: SettingsError| {
        let (message, fix) = match &error {
            SettingsError::Unreadable { .. } => {
                (error.to_string(), "Check its name and who may read it.")
            }
            SettingsError::Wrong(_) => (
                format!("{}: {error}", file.display()),
                "See every setting with `psa-host config example`.",
            ),
        };
        Error::from(Problem::new(
            psa_host_billing::ErrorCode::BadSettings,
            message.trim_end().to_owned(),
            fix,
        ))
    };
    Ok(Settings::read(file).map_err(refused)?)
}

fn failed(error: ServeError) -> Error {
    let fix = match error {
        ServeError::Host(error) => return error,
        ServeError::Listen { .. } => "Give another with --listen, or stop what listens there.",
        ServeError::Api(_) => "Start it again; what was under way is settled then.",
    };
    let code = psa_host_billing::ErrorCode::CannotServe;
    Error::from(Problem::new(code, error.to_string(), fix))
}

/// The first signal lets what is in flight be finished, the second stops at once.
fn hear_signals(stop: CancellationToken, at_once: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for token in [stop, at_once] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(())
}
