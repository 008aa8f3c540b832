//! Secrets on their way in: from a file, from standard input, or asked of a person
//! without echo. Never from the command line.

use std::io::IsTerminal;

use anyhow::Result;
use psa_host_sync::{Secret, Source, Values};

use crate::args::{SecretSource, ValueArgs};
use crate::output::{WrongUse, plain};

/// No credential is longer.
const MOST_SECRET_BYTES: u64 = 64 << 10;

/// A secret that is asked for when it is not given.
#[derive(Debug)]
pub struct Wanted {
    pub key: String,
    pub label: String,
}

/// Settings and secrets as given; `wanted` ones that are not given are asked for. Without a
/// terminal to ask at that is wrong use.
pub fn values(args: &ValueArgs, wanted: &[Wanted]) -> Result<Values> {
    let mut values = Values::default();
    for setting in &args.settings {
        let (key, value) = (setting.key.clone(), setting.value.clone());
        if values.settings.insert(key, value).is_some() {
            return Err(twice("--set", &setting.key).into());
        }
    }
    let from_stdin = args
        .secrets
        .iter()
        .filter(|secret| secret.source == SecretSource::StandardInput);
    if from_stdin.count() > 1 {
        let message = "only one secret can come from standard input";
        return Err(WrongUse::new(message, "Give the others as KEY=@FILE.").into());
    }
    for secret in &args.secrets {
        let key = &secret.key;
        let value = match &secret.source {
            SecretSource::File(path) => read(path)?,
            SecretSource::StandardInput => read("-")?,
            SecretSource::CommandLine => {
                let message = format!(
                    "the secret {key} is not taken from the command line, where other users of \
                     this machine and the shell's history see it"
                );
                let fix = format!(
                    "Give --secret {key}=@FILE, {key}=- for standard input, or {key} alone to be \
                     asked."
                );
                return Err(WrongUse::new(message, fix).into());
            }
            SecretSource::Ask => {
                let label = wanted.iter().find(|field| field.key == *key);
                ask(label.map_or(key, |field| &field.label), key)?
            }
        };
        if values.secrets.insert(key.clone(), value).is_some() {
            return Err(twice("--secret", key).into());
        }
    }
    for field in wanted {
        if !values.secrets.contains_key(&field.key) {
            let secret = ask(&field.label, &field.key)?;
            values.secrets.insert(field.key.clone(), secret);
        }
    }
    Ok(values)
}

fn twice(option: &str, key: &str) -> WrongUse {
    WrongUse::new(format!("{option} {key} is given twice"), "Give it once.")
}

/// One newline at the end is the editor's, not the secret's.
fn read(path: &str) -> Result<Secret> {
    let source = Source::read_up_to(path, MOST_SECRET_BYTES)?;
    let name = source.name;
    let text = String::from_utf8(source.bytes).map_err(|_| {
        WrongUse::new(
            format!("the secret in {name} is not UTF-8 text"),
            "Check the file.",
        )
    })?;
    let cut = text.strip_suffix('\n').unwrap_or(&text);
    let cut = cut.strip_suffix('\r').unwrap_or(cut);
    Ok(Secret::new(cut))
}

fn ask(label: &str, key: &str) -> Result<Secret> {
    if !std::io::stdin().is_terminal() {
        let message = format!("there is no terminal to ask for {key} at");
        return Err(WrongUse::new(message, format!("Give --secret {key}=@FILE.")).into());
    }
    let prompt = format!("{}: ", plain(label));
    Ok(Secret::new(rpassword::prompt_password(prompt)?))
}
