//! Values for the fields that a plugin declares: each of the right scope and kind, and
//! an address within what the operator granted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use psa_host_billing::ErrorCode;
use psa_host_ledger::Secret;
use psa_host_sandbox::{Description, Field, FieldKind, FieldScope, HostPattern};
use url::{Host as UrlHost, Url};

use crate::Result;
use crate::error::{Problem, rule};

/// The longest value of a field, in bytes: a header has to hold it.
const MOST_VALUE: usize = 8 << 10;

/// Values given for fields. An empty setting takes the value away.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// By key.
    pub settings: BTreeMap<String, String>,
    /// By key.
    pub secrets: BTreeMap<String, Secret>,
}

impl Values {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.secrets.is_empty()
    }

    /// As the ledger takes them: none removes.
    pub(crate) fn changes(&self) -> BTreeMap<String, Option<String>> {
        self.settings
            .iter()
            .map(|(key, value)| {
                (
                    key.clone(),
                    Some(value.clone()).filter(|value| !value.is_empty()),
                )
            })
            .collect()
    }
}

/// Where an address may lead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// Hosts granted, or where nothing is granted yet, wanted.
    pub(crate) hosts: &'a [HostPattern],
    /// Development only.
    pub(crate) dev_loopback: bool,
}

/// Check every value against its declaration.
///
/// # Errors
/// The first that does not fit, naming what would.
pub(crate) fn check(
    plugin: &Description,
    scope: FieldScope,
    values: &Values,
    reach: Reach<'_>,
) -> Result<()> {
    for (key, value) in &values.settings {
        let field = declared(plugin, scope, key)?;
        if field.kind == FieldKind::Secret {
            return Err(rule(
                ErrorCode::SettingIsSecret,
                format!(
                    "{} ({key}) is a secret and cannot be given as a setting",
                    field.label
                ),
                format!("Give it with --secret {key}=@FILE, or leave it out to be asked for it."),
            ));
        }
        if value.is_empty() {
            continue;
        }
        well_formed(field, value)?;
        if field.kind == FieldKind::Url {
            url(field, value, reach)?;
        }
    }
    for (key, secret) in &values.secrets {
        let field = declared(plugin, scope, key)?;
        if field.kind != FieldKind::Secret {
            return Err(rule(
                ErrorCode::SecretIsSetting,
                format!("{} ({key}) is not a secret", field.label),
                format!("Give it with --set {key}=VALUE."),
            ));
        }
        if secret.expose().is_empty() {
            return Err(rule(
                ErrorCode::SettingInvalid,
                format!("{} ({key}) is empty", field.label),
                "Give a value.",
            ));
        }
        well_formed(field, secret.expose())?;
    }
    Ok(())
}

/// The first required field of a scope that has no value, as an error.
pub(crate) fn refuse_missing(
    plugin: &Description,
    scope: FieldScope,
    has: impl Fn(&str) -> bool,
) -> Result<()> {
    match missing(plugin, scope, has).first() {
        None => Ok(()),
        Some(field) => {
            let Field { key, label, .. } = field;
            let fix = match field.kind {
                FieldKind::Secret => format!("Give it with --secret {key}=@FILE."),
                _ => format!("Give it with --set {key}=VALUE."),
            };
            let message = format!("{label} ({key}) is required and has no value");
            Err(rule(ErrorCode::SettingMissing, message, fix))
        }
    }
}

/// Required fields of a scope that have no value.
pub(crate) fn missing(
    plugin: &Description,
    scope: FieldScope,
    has: impl Fn(&str) -> bool,
) -> Vec<&Field> {
    plugin
        .fields_of(scope)
        .filter(|field| field.required && !has(&field.key))
        .collect()
}

fn declared<'a>(plugin: &'a Description, scope: FieldScope, key: &str) -> Result<&'a Field> {
    let found = plugin.fields_of(scope).find(|field| field.key == key);
    if let Some(field) = found {
        return Ok(field);
    }
    let known: Vec<&str> = plugin
        .fields_of(scope)
        .map(|field| field.key.as_str())
        .collect();
    let fix = match (plugin.field(key), scope) {
        (Some(_), FieldScope::Connection) => format!(
            "It is asked once per plugin: `psa-host plugin set {}`.",
            plugin.name
        ),
        (Some(_), FieldScope::Plugin) => {
            "It is asked once per connection: `psa-host connection add` or `set`.".to_owned()
        }
        (None, _) if known.is_empty() => "There are none here.".to_owned(),
        (None, _) => format!("Known here: {}.", known.join(", ")),
    };
    let message = format!("plugin {} has no field {key:?} here", plugin.name);
    Err(rule(ErrorCode::SettingUnknown, message, fix))
}

/// No message holds the value: it may be a secret.
fn well_formed(field: &Field, value: &str) -> Result<()> {
    let Field { key, label, .. } = field;
    let why = if value.len() > MOST_VALUE {
        format!("is longer than {MOST_VALUE} bytes")
    } else if value.chars().any(char::is_control) {
        "has a line break or another control character".to_owned()
    } else if value.trim() != value {
        "begins or ends with a space".to_owned()
    } else {
        return Ok(());
    };
    Err(rule(
        ErrorCode::SettingInvalid,
        format!("{label} ({key}) {why}"),
        "Copy it again, whole and alone.",
    ))
}

fn url(field: &Field, value: &str, reach: Reach<'_>) -> Result<()> {
    let Field { key, label, .. } = field;
    let invalid = |why: String, fix: &str| {
        let message = format!("{label} ({key}) {why}");
        Err(Problem::new(ErrorCode::SettingInvalid, message, fix).into())
    };
    const FIX: &str = "Give an https address, such as https://psa.example.com/.";
    let Ok(url) = Url::parse(value) else {
        return invalid("is not an address".to_owned(), FIX);
    };
    let Some(host) = url.host() else {
        return invalid("has no host".to_owned(), FIX);
    };
    if !url.username().is_empty() || url.password().is_some() {
        let why = "has a user name or password in it".to_owned();
        return invalid(why, "Leave them out: credentials have fields of their own.");
    }
    if is_loopback(&host) {
        if reach.dev_loopback {
            return Ok(());
        }
        return Err(rule(
            ErrorCode::LoopbackNotEnabled,
            format!("{label} ({key}) leads to this computer ({host})"),
            "Give the PSA's https address. For development only: --dev-loopback or \
             PSA_HOST_DEV_LOOPBACK=1.",
        ));
    }
    if url.scheme() != "https" {
        return invalid(format!("is {}, not https", url.scheme()), FIX);
    }
    let UrlHost::Domain(name) = host else {
        return invalid(format!("names the IP address {host}"), "Give a host name.");
    };
    if reach.hosts.iter().any(|pattern| pattern.matches(name)) {
        return Ok(());
    }
    let wanted: Vec<&str> = reach.hosts.iter().map(HostPattern::as_str).collect();
    Err(rule(
        ErrorCode::HostNotGranted,
        format!("{label} ({key}) leads to {name}, which this plugin may not reach"),
        format!("It may reach {}.", wanted.join(", ")),
    ))
}

fn is_loopback(host: &UrlHost<&str>) -> bool {
    match host {
        UrlHost::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        UrlHost::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        UrlHost::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}
