//! The misdeeds.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read as _, Write as _};

use psa_connector_sdk::{Finding, Host, Level, Request, SendFailure, StorageError, Verdict};

use crate::{Act, Ask, HostCall, Text};

/// Does it; what came of it, where it came back.
pub fn perform(act: &Act, host: &dyn Host) -> Finding {
    match act {
        Act::Loop => compute_forever(),
        Act::LoopInHost(call) => call_forever(call, host),
        Act::Recurse => found("recurse", recurse(1).to_string()),
        Act::TakeMemory => take_memory(),
        Act::AskForMemory => found("ask for memory", ask_for_memory()),
        #[expect(clippy::panic, reason = "it is the misdeed")]
        Act::Panic => panic!("the plugin panics, as it was told to"),
        Act::Exit(status) => std::process::exit(*status),
        Act::Send(ask) => send(ask, host),
        Act::SendLong(ask, more) => {
            let url = ask.url.clone() + &"x".repeat(*more);
            send(&Ask { url, ..ask.clone() }, host)
        }
        Act::SendHeaders(ask, count, size) => {
            let headers = (0..*count).map(|n| (format!("x-{n}"), "1".repeat(*size)));
            send(
                &Ask {
                    headers: headers.collect(),
                    ..ask.clone()
                },
                host,
            )
        }
        Act::Log { lines, text } => {
            let text = spelled(text);
            (0..*lines).for_each(|_| host.log(Level::Info, &text));
            found("log", "written".to_owned())
        }
        Act::Print(lines) => {
            for _ in 0..*lines {
                // What comes of it is not the guest's concern.
                let _ = writeln!(std::io::stdout(), "printed");
                let _ = writeln!(std::io::stderr(), "printed");
            }
            found("print", "printed".to_owned())
        }
        Act::Store {
            key,
            value,
            numbered,
        } => store(&spelled(key), &spelled(value), *numbered, host),
        Act::Fetch(key) => found(
            "fetch",
            match host.storage_get(key) {
                Ok(Some(value)) => format!("found {}", String::from_utf8_lossy(&value)),
                Ok(None) => "absent".to_owned(),
                Err(error) => storage_words(&error),
            },
        ),
        Act::ListKeys(prefix) => found(
            "list keys",
            match host.storage_list(prefix) {
                Ok(keys) => format!("{} keys: {}", keys.len(), keys.join(" ")),
                Err(error) => storage_words(&error),
            },
        ),
        Act::LookAround => found("look around", look_around()),
        Act::Sleep(seconds) => {
            std::thread::sleep(std::time::Duration::from_secs(*seconds));
            found("sleep", "awake".to_owned())
        }
        Act::Connect(address) => found(
            "connect",
            match std::net::TcpStream::connect(address.as_str()) {
                Ok(_) => "connected".to_owned(),
                Err(error) => format!("refused: {error}"),
            },
        ),
    }
}

fn found(subject: &str, detail: String) -> Finding {
    Finding {
        subject: subject.to_owned(),
        verdict: Verdict::Proven,
        detail,
    }
}

/// The text, as often as it says.
pub fn spelled(text: &Text) -> String {
    text.text.repeat(text.times)
}

/// Not to be optimised away.
pub fn compute_forever() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

/// No tail call, and little of the stack that a guest keeps in its own memory: that
/// one would overflow first.
#[expect(unconditional_recursion, reason = "it is the misdeed")]
pub fn recurse(depth: u64) -> u64 {
    recurse(black_box(depth)).wrapping_add(depth)
}

pub fn take_memory() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn ask_for_memory() -> String {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more: Vec<u8> = Vec::new();
        if more.try_reserve_exact(1 << 20).is_err() {
            return format!("refused after {} MiB", kept.len());
        }
        kept.push(black_box(more));
    }
}

fn call_forever(call: &HostCall, host: &dyn Host) -> ! {
    let started = std::time::Instant::now();
    loop {
        match call {
            HostCall::Log => host.log(Level::Info, "again"),
            HostCall::Fetch => drop(black_box(host.storage_get("again"))),
            HostCall::Send(ask) => drop(black_box(host.send(&request(ask)))),
            HostCall::Clock => drop(black_box(started.elapsed())),
        }
    }
}

fn request(ask: &Ask) -> Request {
    Request {
        method: ask.method.clone(),
        url: ask.url.clone(),
        headers: ask.headers.clone(),
        body: ask.body.as_ref().map(|body| spelled(body).into_bytes()),
        authenticate: ask.authenticate,
        timeout_ms: ask.timeout_ms,
    }
}

/// What came: status, headers and body, or the kind of failure and its message.
pub fn send(ask: &Ask, host: &dyn Host) -> Finding {
    let subject = format!("{} {:.100}", ask.method, ask.url);
    match host.send(&request(ask)) {
        Ok(response) => {
            let mut detail = response.status.to_string();
            for (name, value) in response
                .headers
                .iter()
                .filter(|(name, _)| name.starts_with("x-"))
            {
                let _ = write!(detail, " {name}={value}");
            }
            let _ = write!(detail, " {}", String::from_utf8_lossy(&response.body));
            found(&subject, detail.chars().take(1_500).collect())
        }
        Err(SendFailure {
            kind,
            message,
            may_have_been_sent,
            ..
        }) => found(
            &subject,
            format!("{kind:?} sent={may_have_been_sent} {message}"),
        ),
    }
}

fn store(key: &str, value: &str, numbered: u32, host: &dyn Host) -> Finding {
    if numbered == 0 {
        let result = host.storage_put(key, value.as_bytes());
        return found(
            "store",
            result.map_or_else(|e| storage_words(&e), |()| "stored".to_owned()),
        );
    }
    for n in 0..numbered {
        if let Err(error) = host.storage_put(&format!("{key}{n}"), value.as_bytes()) {
            return found(
                "store",
                format!("stored {n}, then {}", storage_words(&error)),
            );
        }
    }
    found("store", format!("stored {numbered}"))
}

pub fn storage_words(error: &StorageError) -> String {
    match error {
        StorageError::TooLarge(words) => format!("too large: {words}"),
        StorageError::Quota(words) => format!("quota: {words}"),
        StorageError::Unavailable(words) => format!("unavailable: {words}"),
    }
}

fn look_around() -> String {
    let variables = std::env::vars().count();
    let arguments = std::env::args().count();
    let mut input = Vec::new();
    let _ = std::io::stdin().take(100).read_to_end(&mut input);
    let readable = ["/", ".", "/etc/passwd", "/proc/self/environ"]
        .iter()
        .filter(|path| std::fs::read_dir(path).is_ok() || std::fs::read(path).is_ok())
        .count();
    let written =
        std::fs::write("hostile", "x").is_ok() || std::fs::write("/tmp/hostile", "x").is_ok();
    format!(
        "variables={variables} arguments={arguments} input={} readable={readable} written={written}",
        input.len()
    )
}
