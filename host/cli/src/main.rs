//! The `psa-host` command line: reads arguments, calls `psa-host-sync`, prints. It
//! decides nothing about money.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod completion;
mod output;
mod secrets;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};
use psa_host_sandbox::{Compiler, compile_worker};
use psa_host_sync::{Actor, Host, HostOptions, KeySource};
use tracing_subscriber::EnvFilter;

use args::{Cli, Command, Format, Global};
use commands::Status;
use output::{Failure, Output, WrongUse};

/// The first argument of the child that compiles plugins: no command, because nobody is
/// to give it.
const COMPILE_PLUGIN: &str = "compile-plugin";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == COMPILE_PLUGIN) {
        return compile(args.collect());
    }
    completion::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let output = Output::new(cli.global.format, cli.global.quiet);
    let usual = match cli.command {
        Command::Serve(_) => "info",
        _ => "error",
    };
    if let Err(wrong) = log_to_stderr(usual) {
        let failure = Failure::from(anyhow::Error::from(wrong));
        failure.print(output);
        return ExitCode::from(failure.status());
    }
    match run(cli, output) {
        Ok(status) => ExitCode::from(status.code()),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::from(error);
            failure.print(output);
            ExitCode::from(failure.status())
        }
    }
}

/// The child that compiles a plugin: its exit status tells the parent whose fault it is.
fn compile(args: Vec<std::ffi::OsString>) -> ExitCode {
    match compile_worker(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent reads this; nobody else is there to be told.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(u8::try_from(error.exit_status()).unwrap_or(1))
        }
    }
}

fn run(cli: Cli, output: Output) -> Result<Status> {
    match cli.command {
        Command::Completions { shell } => {
            completion::script(shell)?;
            Ok(Status::Done)
        }
        Command::Config(command) => commands::serve::config(&command, output),
        command => {
            let threads = threads_for(&command);
            let options = options(cli.global)?;
            let host = match command.may_begin() {
                true => Host::open(options)?,
                false => Host::open_existing(options)?,
            };
            let access = host.access(Actor::operator(who()));
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(threads)
                .enable_all()
                .build()
                .context("the asynchronous runtime does not start")?
                .block_on(commands::run(command, &access, output))
        }
    }
}

/// A run waits for its PSA most of the time. One thread for what is read and one, that of the
/// caller, for what is planned from it are enough, and keep memory small. A daemon has many.
fn threads_for(command: &Command) -> usize {
    match command {
        Command::Serve(_) => {
            std::thread::available_parallelism().map_or(2, |all| all.get().clamp(2, 8))
        }
        _ => 1,
    }
}

fn options(global: Global) -> Result<HostOptions> {
    let data = global.data.ok_or_else(|| {
        WrongUse::new(
            "no data directory is named",
            "Name it with --data DIR or PSA_HOST_DATA.",
        )
    })?;
    let program = std::env::current_exe().context("where is this program?")?;
    Ok(HostOptions {
        key: global.key_file.map_or(KeySource::Default, KeySource::File),
        dev_loopback: global.dev_loopback,
        proxy: global.proxy.filter(|proxy| !proxy.is_empty()),
        ca_file: global.ca_file,
        compiler: Compiler::Child {
            program,
            args: vec![COMPILE_PLUGIN.into()],
        },
        ..HostOptions::new(data)
    })
}

/// Who types, as the history shows it.
fn who() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user: String = user.unwrap_or_default().chars().take(64).collect();
    match user.as_str() {
        "" => uid().map_or_else(|| "cli".to_owned(), |uid| format!("cli:uid {uid}")),
        user => format!("cli:{}", output::plain(user)),
    }
}

/// Where the environment names nobody (a service, a container).
fn uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;

    std::fs::metadata("/proc/self")
        .ok()
        .map(|about| about.uid())
}

/// Help and version are no errors; the rest is wrong use, in the shape asked for.
fn not_parsed(error: &clap::Error) -> ExitCode {
    let mut args = std::env::args().skip_while(|arg| arg != "--format" && arg != "--format=json");
    let json = match args.next().as_deref() {
        Some("--format") => args.next().as_deref() == Some("json"),
        Some(_) => true,
        None => false,
    };
    if json && error.use_stderr() {
        let failure = Failure::usage(error);
        failure.print(Output::new(Format::Json, false));
        return ExitCode::from(failure.status());
    }
    // A closed stream is nobody listening.
    let _ = match bare_group(error) {
        Some(help) => write!(std::io::stderr(), "{help}"),
        None => error.print(),
    };
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// A group without its command gets the group's help. It is wrong use all the same (exit
/// status 2, on standard error): a script that lost a word is to notice.
fn bare_group(error: &clap::Error) -> Option<clap::builder::StyledStr> {
    if error.kind() != clap::error::ErrorKind::MissingSubcommand {
        return None;
    }
    let mut command = Cli::command();
    command.build();
    for word in std::env::args().skip(1) {
        if let Some(below) = command.find_subcommand(&word) {
            command = below.clone();
        }
    }
    Some(command.render_help())
}

/// `psa-host … | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_io = cause.downcast_ref::<std::io::Error>();
        of_io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The levels of what is logged.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// `PSA_HOST_LOG`: how much is logged, `usual` where it says nothing; `info` tells of each run, retry and wait.
fn log_to_stderr(usual: &str) -> Result<(), WrongUse> {
    let wanted = std::env::var("PSA_HOST_LOG").unwrap_or_default();
    let filter = match wanted.trim() {
        "" => EnvFilter::new(usual),
        wanted => log_filter(wanted)?,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    Ok(())
}

/// A level, or parts such as `psa_host_sync=debug` with commas between. A word that is no
/// level would be taken for the name of a part, and nothing would be logged.
fn log_filter(wanted: &str) -> Result<EnvFilter, WrongUse> {
    let refused = |what: &str| {
        let short: String = what.chars().take(60).collect();
        WrongUse::new(
            format!("PSA_HOST_LOG: {short:?} is no level of what is logged"),
            format!("Use one of {}.", LEVELS.join(", ")),
        )
    };
    for part in wanted.split(',') {
        let level = part.rsplit('=').next().unwrap_or_default().trim();
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(refused(part));
        }
    }
    EnvFilter::try_new(wanted).map_err(|_| refused(wanted))
}
