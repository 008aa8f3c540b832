//! Where a user's database is served: the zone.
//!
//! `GET {base}/V1.0/ZoneInformation?user=…` needs no authentication and is not counted
//! against the thread limit [LIVE, DOC ThreadLimiting]. The answer is kept in storage.

use psa_connector_sdk::url::{Origin, percent_encode};
use psa_connector_sdk::{
    Error, Fault, Host, Level, Request, Response, invalid, read_json, send_failed,
};
use serde::{Deserialize, Serialize};

use crate::errors;
use crate::fields::{Errors, Id};
use crate::words::Words;

pub(crate) const DEFAULT_BASE_URL: &str = "https://webservices.autotask.net/ATServicesRest/";

/// One entry, so that a changed user leaves nothing behind; which user and base URL it
/// is for is part of it and compared.
const STORAGE_KEY: &str = "zone";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Zone {
    /// Ends in `/`; `V1.0/…` is appended.
    pub url: String,
    pub name: Option<String>,
    /// Of the pages for people.
    pub web_url: Option<String>,
    /// Which database of the zone ("CI") [DOC getZoneInfo].
    pub database: i64,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    base_url: String,
    zone: Zone,
}

/// On the wire camelCase [LIVE], in the published Swagger PascalCase.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, alias = "ZoneName", rename = "zoneName")]
    zone_name: Option<String>,
    #[serde(default, alias = "Url", alias = "URL")]
    url: Option<String>,
    #[serde(default, alias = "WebUrl", alias = "WebURL", rename = "webUrl")]
    web_url: Option<String>,
    #[serde(default, alias = "CI", alias = "Ci")]
    ci: Option<Id>,
    #[serde(default, alias = "Errors")]
    errors: Errors,
}

/// The zone that was found before, for the same user and base URL.
pub(crate) fn kept(host: &dyn Host, user: &str, base_url: &str) -> Option<Zone> {
    let bytes = host.storage_get(STORAGE_KEY).ok().flatten()?;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.user == user && kept.base_url == base_url).then_some(kept.zone)
}

/// Asks for the zone, and keeps it.
pub(crate) fn discover(host: &dyn Host, user: &str, base_url: &str) -> Result<Zone, Error> {
    const WHAT: &str = "looking up the Autotask zone";
    let response = look_up(host, user, base_url, WHAT)?;
    if !response.is_success() {
        return Err(errors::for_read(WHAT, &response));
    }
    let answer: Answer = read_json(&response.body).map_err(|why| {
        Error::Invalid(Fault {
            message: format!("{WHAT}: the answer is not the JSON expected: {why}"),
            psa_words: Words::of(&response).text(),
            fix: None,
        })
    })?;
    if !answer.errors.0.is_empty() {
        return Err(errors::for_errors(WHAT, &answer.errors.0));
    }
    // Autotask always says both [LIVE]; a stand-in for it may have one database only.
    let alone = (base_url != DEFAULT_BASE_URL).then_some(Id(0));
    let (Some(url), Some(Id(database))) = (answer.url, answer.ci.or(alone)) else {
        return Err(invalid(format!(
            "{WHAT}: the answer lacks the zone's address or database"
        )));
    };
    check_address(&url, base_url)?;
    let url = format!("{}/", without_version(&url));
    let zone = Zone {
        url,
        name: answer.zone_name,
        web_url: answer.web_url,
        database,
    };
    keep(host, user, base_url, &zone);
    Ok(zone)
}

/// Asks in the one spelling that Autotask's Swagger has. Another service at a base URL
/// that somebody set may know only another: each is asked after a 404, without secrets.
fn look_up(host: &dyn Host, user: &str, base_url: &str, what: &str) -> Result<Response, Error> {
    let user = percent_encode(user);
    let ask = |place: &str| {
        host.send(&Request::get(format!("{place}?user={user}")).without_authentication())
            .map_err(|failure| send_failed(what, failure))
    };
    let first = ask(&format!("{base_url}V1.0/ZoneInformation"))?;
    if first.status != 404 || base_url == DEFAULT_BASE_URL {
        return Ok(first);
    }
    let root = base_url
        .find("://")
        .and_then(|scheme| {
            let path = base_url[scheme + 3..].find('/')?;
            Some(&base_url[..=scheme + 3 + path])
        })
        .unwrap_or(base_url);
    for place in [
        format!("{base_url}v1.0/zoneInformation"),
        format!("{root}atservicesrest/v1.0/zoneInformation"),
        format!("{root}V1.0/ZoneInformation"),
    ] {
        let answer = ask(&place)?;
        if answer.status != 404 {
            return Ok(answer);
        }
    }
    Ok(first)
}

/// Storage is a cache: where it does not work, the zone is asked for again next time.
fn keep(host: &dyn Host, user: &str, base_url: &str, zone: &Zone) {
    let kept = Kept {
        user: user.to_owned(),
        base_url: base_url.to_owned(),
        zone: zone.clone(),
    };
    if let Ok(bytes) = serde_json::to_vec(&kept)
        && let Err(error) = host.storage_put(STORAGE_KEY, &bytes)
    {
        host.log(
            Level::Warn,
            &format!("the zone could not be kept: {error:?}"),
        );
    }
}

/// Whether the secrets may go to this address. Autotask's own lookup can only name
/// hosts of its domain, most of them numbered; a base URL that the MSP admin set may name
/// others. Which of them are called the host decides, by what the operator granted: it
/// names the one that was refused. Never without TLS but to this machine.
fn check_address(url: &str, base_url: &str) -> Result<(), Error> {
    let origin = Origin::of(url)
        .ok_or_else(|| invalid(format!("the zone's address is no web address: {url}")))?;
    if !origin.https && !origin.is_loopback() {
        return Err(invalid(format!("the zone's address is not https: {url}")));
    }
    // A service on this machine is for tests: its secrets are not for Autotask's eyes.
    if Origin::of(base_url).is_some_and(|base| base.is_loopback()) && !origin.is_loopback() {
        return Err(invalid(format!(
            "the zone's address leads away from this machine: {url}"
        )));
    }
    let elsewhere = label(&origin.host).is_none() || origin.port.is_some_and(|port| port != 443);
    if base_url == DEFAULT_BASE_URL && elsewhere {
        return Err(invalid(format!(
            "the zone's address is not one of Autotask's: {url}"
        )));
    }
    Ok(())
}

/// `webservices2` of `webservices2.autotask.net`; none where it is no host of Autotask's.
pub(crate) fn label(host: &str) -> Option<&str> {
    let label = host.strip_suffix(".autotask.net")?;
    (!label.is_empty() && !label.contains('.')).then_some(label)
}

/// Where the pages for people are, in one form: an https address without a slash at its
/// end. Autotask has answered with and without a scheme, a path, a slash or capitals;
/// there the host alone counts.
pub(crate) fn pages(zone: &Zone) -> Option<String> {
    let said = zone.web_url.as_deref()?.trim();
    let url = match said.contains("://") {
        true => said.to_owned(),
        false => format!("https://{}", said.trim_start_matches('/')),
    };
    let origin = Origin::of(&url)?;
    if label(&origin.host).is_some() {
        return Some(format!("https://{}", origin.host));
    }
    origin.https.then(|| url.trim_end_matches('/').to_owned())
}

/// Without `/V1.0` and slashes at the end.
fn without_version(url: &str) -> &str {
    let trimmed = url.trim_end_matches('/');
    let version = trimmed.len().saturating_sub("/V1.0".len());
    match trimmed.get(version..) {
        Some(tail) if tail.eq_ignore_ascii_case("/V1.0") => &trimmed[..version],
        _ => trimmed,
    }
}

/// The setting in its one form: absolute, ends in `/`, without `V1.0`.
pub(crate) fn base_url(setting: Option<&str>) -> Result<String, Error> {
    let Some(setting) = setting else {
        return Ok(DEFAULT_BASE_URL.to_owned());
    };
    if Origin::of(setting).is_none() || setting.contains(['?', '#']) {
        return Err(invalid(format!(
            "base-url is no plain web address: {setting}"
        )));
    }
    let trimmed = without_version(setting);
    // An origin alone stands for the whole service there.
    let has_path = trimmed
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains('/'));
    Ok(if has_path {
        format!("{trimmed}/")
    } else {
        format!("{trimmed}/ATServicesRest/")
    })
}
