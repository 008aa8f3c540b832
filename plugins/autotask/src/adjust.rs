//! The one write: `POST {zone}/V1.0/ContractServiceAdjustments`, or its twin for bundles.
//!
//! What is sent [OAS, LIVE for the shape and its answer `200 {"itemId":null}`]:
//! ```json
//! {"id":0,"contractID":29684183,"contractServiceID":8001,"effectiveDate":"2026-10-01","unitChange":6}
//! ```
//! Always with the line's own id: where Autotask cannot find the line it creates one
//! [DOC], and `contractID` with `serviceID` would be enough for that. Never with
//! `allowRepeatService`, which asks for a second line.
//!
//! The adjustment cannot be queried, changed or deleted, and sending it twice bills
//! twice. So every answer that does not plainly say "done" or "not done" is `unknown`,
//! and nothing is repeated here: the host reads the line again first.

use psa_connector_sdk::{
    Adjustment, Date, Decimal, Error, Host, Outcome, RefusalKind, Rejection, Response, invalid,
    is_html, not_sent, read_json, send_failed, shorten,
};
use serde::{Deserialize, Serialize};

use crate::api::{Api, Written};
use crate::describe::LARGEST_UNITS;
use crate::lines::{Key, Kind};
use crate::refusal::refusal_of;
use crate::words::Words;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    id: i64,
    #[serde(rename = "contractID")]
    contract: i64,
    #[serde(rename = "contractServiceID", skip_serializing_if = "Option::is_none")]
    service_line: Option<i64>,
    #[serde(
        rename = "contractServiceBundleID",
        skip_serializing_if = "Option::is_none"
    )]
    bundle_line: Option<i64>,
    effective_date: String,
    unit_change: i64,
}

pub(crate) fn adjust(
    api: &mut Api,
    host: &dyn Host,
    adjustment: &Adjustment,
) -> Result<Outcome, Error> {
    let key = Key::parse(&adjustment.line)?;
    let change = unit_change(&adjustment.baseline, &adjustment.target)?;
    let only = |kind| (key.kind == kind).then_some(key.line);
    let body = serde_json::to_vec(&Body {
        id: 0,
        contract: key.contract,
        service_line: only(Kind::Service),
        bundle_line: only(Kind::Bundle),
        effective_date: Date::try_from(adjustment.effective)?.to_string(),
        unit_change: change,
    })
    .map_err(|error| invalid(format!("the adjustment could not be written: {error}")))?;

    match api.write(host, key.kind.adjustments(), body)? {
        Written::Answered(response) => Ok(outcome(&response)),
        // The old address refused it as it refuses everything; the new one was not asked.
        Written::ZoneMoved(address) => Ok(Outcome::Rejected(Rejection {
            kind: RefusalKind::Other,
            words: format!(
                "Autotask has moved this database to {address}: nothing was changed at the old address. It is read \
                 there from now on."
            ),
        })),
        Written::Unanswered(failure) if not_sent(&failure) => {
            Err(send_failed("adjusting", failure))
        }
        Written::Unanswered(failure) => Ok(Outcome::Unknown(format!(
            "no answer to the adjustment: {}",
            failure.message
        ))),
    }
}

/// The difference to send; an error where there is none or it cannot be sent.
fn unit_change(baseline: &str, target: &str) -> Result<i64, Error> {
    let units = |name: &str, text: &str| {
        Decimal::parse(text)
            .and_then(Decimal::to_integer)
            .filter(|units| (0..=LARGEST_UNITS).contains(units))
            .ok_or_else(|| {
                invalid(format!(
                    "{name} {text:?}: Autotask takes whole units from 0 to {LARGEST_UNITS}"
                ))
            })
    };
    let change = units("target", target)? - units("baseline", baseline)?;
    if change == 0 {
        return Err(invalid(
            "baseline and target are the same: there is nothing to send",
        ));
    }
    Ok(change)
}

/// What an answer says about whether the adjustment was made.
///
/// `unknown` costs one more look, and lets the host send again in the same run. So it is
/// said of everything that is not plainly done or refused: of a gateway that gave up
/// waiting (502, 504), a server that failed midway (500), words that nobody has written
/// down, and of 429, which is believed to be answered before anything is done; nobody has
/// published a proof.
fn outcome(response: &Response) -> Outcome {
    let words = Words::of(response);
    let said = words.text().unwrap_or_else(|| "no words".to_owned());
    let told = format!("Autotask answered {}: {said}", response.status);
    if let Some(refusal) = refusal_of(response) {
        let words = match refusal.plainly {
            Some(plainly) => format!("{plainly} {told}"),
            None => told,
        };
        let kind = refusal.kind;
        return Outcome::Rejected(Rejection { kind, words });
    }
    if response.is_success() && words.errors.is_empty() {
        success(response, &told)
    } else {
        Outcome::Unknown(told)
    }
}

/// 2xx: done, if the body is empty or the JSON object that Autotask sends. The id in it is null
/// for adjustments [LIVE].
fn success(response: &Response, told: &str) -> Outcome {
    #[derive(Deserialize)]
    struct Done {
        #[serde(default, rename = "itemId", alias = "ItemId", alias = "itemID")]
        item: Option<serde_json::Value>,
    }
    // Success is "2xx and no errors" [LIVE]: also where nothing at all is said.
    if response.body.trim_ascii().is_empty() {
        return Outcome::Accepted(None);
    }
    if is_html(response) {
        return Outcome::Unknown(told.to_owned());
    }
    let is_object = response.body.trim_ascii_start().first() == Some(&b'{');
    match read_json::<Done>(&response.body) {
        Ok(done) if is_object => Outcome::Accepted(match done.item {
            Some(serde_json::Value::Number(id)) => Some(id.to_string()),
            Some(serde_json::Value::String(id)) if !id.is_empty() => Some(shorten(&id)),
            _ => None,
        }),
        Ok(_) => Outcome::Unknown(format!(
            "Autotask answered {} with something else than an object",
            response.status
        )),
        Err(why) => Outcome::Unknown(format!(
            "Autotask answered {}, but not with JSON: {why}",
            response.status
        )),
    }
}
