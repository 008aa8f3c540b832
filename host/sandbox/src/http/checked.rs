//! Everything that has to be true of a guest's request before anything of it is sent.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::call::{CallRecord, Write};
use super::policy::Target;
use super::routes::{RouteKind, Routed, Unrouted, route};
use super::send::Egress;
use super::{Refusal, headers};
use crate::bindings::psa_host::guest::http as wit;
use crate::{Description, IncidentCode, Phase};

/// A request past all checks.
pub(super) struct Checked {
    pub target: Target,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Option<bytes::Bytes>,
    pub kind: RouteKind,
    pub endpoint: String,
    pub time: Duration,
}

impl Egress {
    /// Check it, or say why it is not sent.
    pub(super) fn check(
        &self,
        description: &Description,
        request: wit::Request,
        call: &CallRecord,
    ) -> Result<Checked, Refusal> {
        if matches!(call.phase, Phase::Describe | Phase::Configure) {
            let message = format!("no request may be made in `{}`", call.phase);
            return Err(Refusal::new(IncidentCode::RequestAtWrongTime, message));
        }
        let method = match request.method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => {
                let message = format!(
                    "{:?} is not a method of the contract",
                    crate::text::clean(other, 20)
                );
                return Err(Refusal::new(IncidentCode::MethodRefused, message));
            }
        };
        let limits = &*self.limits;
        let size = request.body.as_ref().map_or(0, Vec::len);
        if size > limits.request_body {
            let message = format!(
                "the body has {size} bytes; at most {} are sent",
                limits.request_body
            );
            return Err(Refusal::new(IncidentCode::RequestTooLarge, message));
        }
        let target = self.policy.check(&request.url, limits.url_bytes)?;
        let Routed { kind, endpoint } = self.routed(description, &method, &target.url)?;
        let headers = headers::check(&request.headers, &self.declared_names, limits)?;
        if kind == RouteKind::Write && call.phase != Phase::Adjust {
            let message = format!(
                "{method} {} is a write, and this is `{}`",
                target.url.path(),
                call.phase
            );
            return Err(Refusal::new(IncidentCode::WriteOutsideAdjust, message));
        }
        if kind == RouteKind::Write && call.write != Write::Nothing {
            let message = format!(
                "{method} {} would be the second write of one `adjust`",
                target.url.path()
            );
            return Err(Refusal::new(IncidentCode::SecondWrite, message));
        }
        let asked = request
            .timeout_ms
            .map(|ms| Duration::from_millis(u64::from(ms.max(1))));
        let host = target.url.host_str().unwrap_or_default();
        let endpoint = endpoint.unwrap_or_else(|| format!("({host})"));
        Ok(Checked {
            method,
            headers,
            body: request.body.map(bytes::Bytes::from),
            kind,
            endpoint: crate::text::clean(&endpoint, 60),
            time: asked.map_or(limits.exchange_time, |asked| {
                asked.min(limits.exchange_time)
            }),
            target,
        })
    }

    fn routed(
        &self,
        description: &Description,
        method: &Method,
        url: &Url,
    ) -> Result<Routed, Refusal> {
        route(&description.routes, method.as_str(), url.path()).map_err(|unrouted| match unrouted {
            Unrouted::Ambiguous(why) => {
                let message = format!("the path {} {why}; write it in its plain form", url.path());
                Refusal::new(IncidentCode::UrlRefused, message)
            }
            Unrouted::Undeclared => {
                let message = format!(
                    "{method} {} is neither a read nor a declared route",
                    url.path()
                );
                Refusal::new(IncidentCode::RouteUndeclared, message)
                    .with_fix("The plugin must declare it; ask its author.")
            }
        })
    }
}
