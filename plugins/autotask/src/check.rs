//! The connection test: what can be proven, and no more.

use psa_connector_sdk::{
    ApiUsage, CheckReport, Depth, Error, Finding, Host, Level, Verdict, kind_of,
};
use serde::Deserialize;

use crate::accounts::COMPANIES;
use crate::answers::Answers;
use crate::api::{Api, parse};
use crate::contracts::CONTRACTS;
use crate::fields::Id;
use crate::lines::Kind;
use crate::meanings::Meanings;
use crate::picklists::Picklists;
use crate::query::{Entity, Row};
use crate::services::{BUNDLE_PARTS, BUNDLES, SERVICES};
use crate::tenant;
use crate::units;

/// With the zone in storage, a brief check is one request: the one that reads the usage
/// also proves the credentials.
pub(crate) fn check(
    api: &mut Api,
    host: &dyn Host,
    depth: Depth,
    answers: &Answers,
) -> Result<CheckReport, Error> {
    let zone = api.zone(host)?;
    let (proof, usage) = proof_and_usage(api, host)?;
    let mut findings = vec![proof.finding()];
    if depth == Depth::Full {
        for entity in readable() {
            findings.push(can_read(api, host, entity)?);
        }
        for kind in Kind::BOTH {
            findings.push(can_create(api, host, kind.adjustments())?);
        }
        let lists = Picklists::read(api, host)?;
        findings.extend(Meanings::new(lists, answers.clone()).questions());
    }
    // The first request may have found that the zone moved.
    let zone = api.zone(host).unwrap_or(zone);
    Ok(CheckReport {
        tenant: tenant::key(&zone),
        tenant_label: tenant::label(&zone),
        findings,
        usage,
    })
}

fn readable() -> [Entity; 9] {
    let [services, bundles] = Kind::BOTH;
    [
        COMPANIES,
        SERVICES,
        BUNDLES,
        BUNDLE_PARTS,
        CONTRACTS,
        services.lines(),
        units::entity(services),
        bundles.lines(),
        units::entity(bundles),
    ]
}

/// [OAS ThresholdStatusResultModel]; the window is in minutes.
#[derive(Deserialize)]
struct Threshold {
    #[serde(
        default,
        rename = "externalRequestThreshold",
        alias = "ExternalRequestThreshold"
    )]
    limit: Option<u32>,
    #[serde(
        default,
        rename = "requestThresholdTimeframe",
        alias = "RequestThresholdTimeframe"
    )]
    minutes: Option<u32>,
    #[serde(
        default,
        rename = "currentTimeframeRequestCount",
        alias = "CurrentTimeframeRequestCount"
    )]
    used: Option<u32>,
}

impl Threshold {
    /// None where a number is absent or makes no sense as a limit.
    fn usage(self) -> Option<ApiUsage> {
        let limit = self.limit.filter(|limit| *limit > 0)?;
        let minutes = self
            .minutes
            .filter(|minutes| (1..=24 * 60).contains(minutes))?;
        Some(ApiUsage {
            used: self.used?,
            limit,
            window_seconds: minutes * 60,
        })
    }
}

/// What the first requests said about the credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// A request that needs them was carried out.
    Taken,
    /// All that was tried was refused for lack of permission: whether the credentials
    /// were taken is not said.
    OnlyRefused,
}

impl Proof {
    fn finding(self) -> Finding {
        let (verdict, detail) = match self {
            Self::Taken => (
                Verdict::Proven,
                "Autotask took user name, secret and integration code.",
            ),
            Self::OnlyRefused => (
                Verdict::Unproven,
                "Autotask refused each request for lack of permission, and does not say whether it took user name, \
                 secret and integration code.",
            ),
        };
        Finding {
            subject: "sign in".to_owned(),
            verdict,
            detail: detail.to_owned(),
        }
    }
}

/// Proves the credentials by the cheapest call that needs them, and reads the usage
/// where the answer has the shape expected. Where that call does not exist or is not
/// allowed, two others serve as proof.
fn proof_and_usage(api: &mut Api, host: &dyn Host) -> Result<(Proof, Option<ApiUsage>), Error> {
    match api.get(host, "ThresholdInformation") {
        Ok(response) => {
            return match parse::<Threshold>("reading ThresholdInformation", &response)
                .ok()
                .and_then(Threshold::usage)
            {
                Some(usage) => Ok((Proof::Taken, Some(usage))),
                None => {
                    host.log(
                        Level::Info,
                        "ThresholdInformation has another shape than expected: no usage is known",
                    );
                    let proven = parse::<serde_json::Value>("", &response).is_ok();
                    proof_where(api, host, proven).map(|proof| (proof, None))
                }
            };
        }
        // Without an answer at all there is nothing to fall back to.
        Err(error) if stops(&error) || matches!(error, Error::Transient(_)) => return Err(error),
        Err(error) => host.log(
            Level::Info,
            &format!(
                "ThresholdInformation could not be read: {}",
                kind_of(&error)
            ),
        ),
    }
    proof_where(api, host, false).map(|proof| (proof, None))
}

/// `Version` needs the credentials and no permission [LIVE], but is newer than the
/// Swagger; every API user can be asked for a company.
fn proof_where(api: &mut Api, host: &dyn Host, proven: bool) -> Result<Proof, Error> {
    if proven {
        return Ok(Proof::Taken);
    }
    match api.get(host, "Version") {
        Ok(response) if parse::<serde_json::Value>("", &response).is_ok() => {
            return Ok(Proof::Taken);
        }
        Err(error) if stops(&error) => return Err(error),
        _ => {}
    }
    const ANY_COMPANY: Entity = Entity {
        fields: &["id"],
        details: &[],
        ..COMPANIES
    };
    match one_row(api, host, ANY_COMPANY) {
        Ok(_) => Ok(Proof::Taken),
        // Perhaps signed in and not allowed: that is for the findings.
        Err(Error::Permission(_)) => Ok(Proof::OnlyRefused),
        Err(error) => Err(error),
    }
}

/// Errors after which asking for something else makes no sense.
fn stops(error: &Error) -> bool {
    matches!(
        error,
        Error::Authentication(_) | Error::RateLimited(_) | Error::Refused(_)
    )
}

#[derive(Deserialize)]
struct OnlyId {
    id: Id,
}

impl Row for OnlyId {
    fn id(&self) -> i64 {
        self.id.0
    }
}

/// Whether there is a row.
fn one_row(api: &mut Api, host: &dyn Host, entity: Entity) -> Result<bool, Error> {
    Ok(!api
        .query_page::<OnlyId>(host, entity, &[], 0, 1)?
        .rows
        .is_empty())
}

fn can_read(api: &mut Api, host: &dyn Host, entity: Entity) -> Result<Finding, Error> {
    let (verdict, mut detail) = match one_row(api, host, entity) {
        Ok(true) => (Verdict::Proven, "A record could be read.".to_owned()),
        Ok(false) => (
            Verdict::Unproven,
            "The answer was empty: either there are none, or this API user may not see them. Autotask does not say \
             which."
                .to_owned(),
        ),
        Err(error) if stops(&error) => return Err(error),
        Err(error) => told(error),
    };
    let lost = api.details.lost(&entity);
    if !lost.is_empty() {
        detail = format!(
            "{detail} Without {}: this Autotask does not give it.",
            lost.join(", ")
        );
    }
    Ok(Finding {
        subject: format!("read {}", entity.name),
        verdict,
        detail,
    })
}

#[derive(Deserialize)]
struct EntityInformation {
    #[serde(default, alias = "Info")]
    info: Option<Info>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default, rename = "canCreate", alias = "CanCreate")]
    can_create: Option<bool>,
    /// "All" and "None" were seen in clients; other levels restrict by record.
    #[serde(default, rename = "userAccessForCreate", alias = "UserAccessForCreate")]
    access: Option<serde_json::Value>,
}

/// Asked, never tried: a try would bill.
fn can_create(api: &mut Api, host: &dyn Host, entity: &str) -> Result<Finding, Error> {
    let (verdict, detail) = match api
        .get_as::<EntityInformation>(host, &format!("{entity}/entityInformation"))
    {
        Ok(EntityInformation { info: Some(info) }) => {
            let access = match &info.access {
                Some(serde_json::Value::String(access)) => Some(access.to_lowercase()),
                _ => None,
            };
            match (info.can_create, access.as_deref()) {
                (Some(false), _) | (_, Some("none")) => {
                    (Verdict::Refused, "Autotask says that this API user may not create them.".to_owned())
                }
                (Some(true), Some("all")) => {
                    (Verdict::Proven, "Autotask says that this API user may create them. None was created.".to_owned())
                }
                (Some(true), _) => (
                    Verdict::Unproven,
                    "Autotask says that they can be created, but not plainly that this API user may.".to_owned(),
                ),
                (None, _) => (Verdict::Unproven, "Autotask does not say whether they can be created.".to_owned()),
            }
        }
        Ok(EntityInformation { info: None }) => (
            Verdict::Unproven,
            "Autotask does not say whether they can be created.".to_owned(),
        ),
        Err(error) if stops(&error) => return Err(error),
        Err(error) => told(error),
    };
    Ok(Finding {
        subject: format!("create {entity}"),
        verdict,
        detail,
    })
}

fn told(error: Error) -> (Verdict, String) {
    let (verdict, fault) = match error {
        Error::Permission(fault) => (Verdict::Refused, fault),
        Error::RateLimited(limit) => (Verdict::Unproven, limit.fault),
        Error::Authentication(fault)
        | Error::NotFound(fault)
        | Error::Invalid(fault)
        | Error::Rejected(fault)
        | Error::Transient(fault)
        | Error::Refused(fault) => (Verdict::Unproven, fault),
    };
    (
        verdict,
        match fault.psa_words {
            Some(words) => format!("{} ({words})", fault.message),
            None => fault.message,
        },
    )
}
