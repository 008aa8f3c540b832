//! Calls to the zone, with what Autotask wants watched over all of them: where the zone
//! is, and that refused credentials are never tried again.

use psa_connector_sdk::{
    Error, Fault, Host, Request, Response, SendFailure, Settings, is_html, read_json, send_failed,
};
use serde::de::DeserializeOwned;

use crate::credentials::credentials_fault;
use crate::describe::{SETTING_BASE_URL, SETTING_USER};
use crate::details::Details;
use crate::errors;
use crate::fields::Errors;
use crate::links::Links;
use crate::words::{Meaning, Words};
use crate::zone::{self, Zone};

#[derive(Debug)]
pub(crate) struct Api {
    user: String,
    base_url: String,
    zone: Option<Zone>,
    /// Whether a 401 can mean that the zone has moved: it is known from storage, or has
    /// answered this instance before. Not where it was looked up and has said nothing yet.
    zone_may_have_moved: bool,
    /// Set by the first refusal of the credentials. Users are locked after a few.
    refused: Option<Fault>,
    pub details: Details,
}

/// What became of a write.
pub(crate) enum Written {
    Answered(Response),
    /// Refused by an address that no longer serves this tenant; the one that does. Nothing
    /// was sent there.
    ZoneMoved(String),
    Unanswered(SendFailure),
}

impl Api {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            user: settings.require(SETTING_USER)?.to_owned(),
            base_url: zone::base_url(settings.get(SETTING_BASE_URL))?,
            zone: None,
            zone_may_have_moved: false,
            refused: None,
            details: Details::default(),
        })
    }

    pub(crate) fn zone(&mut self, host: &dyn Host) -> Result<Zone, Error> {
        if let Some(zone) = &self.zone {
            return Ok(zone.clone());
        }
        if let Some(zone) = zone::kept(host, &self.user, &self.base_url) {
            self.zone = Some(zone.clone());
            self.zone_may_have_moved = true;
            return Ok(zone);
        }
        self.look_zone_up(host)
    }

    fn look_zone_up(&mut self, host: &dyn Host) -> Result<Zone, Error> {
        let zone = zone::discover(host, &self.user, &self.base_url)?;
        self.zone_may_have_moved = false;
        self.zone = Some(zone.clone());
        Ok(zone)
    }

    pub(crate) fn links(&mut self, host: &dyn Host) -> Result<Links, Error> {
        Ok(Links::of(&self.zone(host)?))
    }

    /// Sends a read and takes anything but a 2xx for an error.
    ///
    /// A zone that has moved answers an empty 401, like wrong credentials [LIVE]. So after
    /// one the zone is looked up, without credentials, and only where that names another
    /// address the read is sent once more, there.
    pub(crate) fn read(
        &mut self,
        host: &dyn Host,
        what: &str,
        request: &dyn Fn(&str) -> Request,
    ) -> Result<Response, Error> {
        self.not_refused()?;
        let zone = self.zone(host)?;
        let mut response = send(host, what, &request(&zone.url))?;
        if let Some(moved) = self.moved_zone(host, &zone, &response) {
            response = send(host, what, &request(&moved.url))?;
        }
        if response.is_success() {
            self.zone_may_have_moved = true;
            return Ok(response);
        }
        Err(self.remembered(errors::for_read(what, &response)))
    }

    /// Where the tenant is now, if this answer came from where it no longer is. A lookup
    /// that fails proves nothing: the 401 is then what it says.
    fn moved_zone(&mut self, host: &dyn Host, asked: &Zone, response: &Response) -> Option<Zone> {
        let silent = response.body.trim_ascii().is_empty();
        if response.status != 401 || !silent || !self.zone_may_have_moved {
            return None;
        }
        let found = self.look_zone_up(host).ok()?;
        (found.url != asked.url).then_some(found)
    }

    /// Sends a write, once, whatever comes of it.
    pub(crate) fn write(
        &mut self,
        host: &dyn Host,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Written, Error> {
        self.not_refused()?;
        let zone = self.zone(host)?;
        let request = Request::post_json(format!("{}V1.0/{path}", zone.url), body);
        let response = match host.send(&request) {
            Ok(response) => response,
            Err(failure) => return Ok(Written::Unanswered(failure)),
        };
        if let Some(moved) = self.moved_zone(host, &zone, &response) {
            return Ok(Written::ZoneMoved(moved.url));
        }
        // Also where other words beside it leave in doubt what became of the write.
        let words = Words::of(&response);
        if response.status == 401 || words.meaning() == Some(Meaning::Credentials) {
            self.refused = Some(credentials_fault(words.text()));
        }
        Ok(Written::Answered(response))
    }

    fn not_refused(&self) -> Result<(), Error> {
        self.refused
            .as_ref()
            .map_or(Ok(()), |fault| Err(Error::Authentication(fault.clone())))
    }

    /// Any refusal of the credentials ends what this instance sends with them, in whatever
    /// answer it stood.
    pub(crate) fn remembered(&mut self, error: Error) -> Error {
        if let Error::Authentication(fault) = &error {
            self.refused = Some(fault.clone());
        }
        error
    }

    /// `GET {zone}/V1.0/{path}`; `errors` in a 2xx are an error too.
    pub(crate) fn get(&mut self, host: &dyn Host, path: &str) -> Result<Response, Error> {
        #[derive(serde::Deserialize)]
        struct OnlyErrors {
            #[serde(default, alias = "Errors")]
            errors: Errors,
        }
        let what = format!("reading {path}");
        let response = self.read(host, &what, &|zone| get_json(format!("{zone}V1.0/{path}")))?;
        match read_json::<OnlyErrors>(&response.body) {
            Ok(OnlyErrors { errors }) if !errors.0.is_empty() => {
                Err(self.remembered(errors::for_errors(&what, &errors.0)))
            }
            _ => Ok(response),
        }
    }

    /// The same as JSON.
    pub(crate) fn get_as<T: DeserializeOwned>(
        &mut self,
        host: &dyn Host,
        path: &str,
    ) -> Result<T, Error> {
        let response = self.get(host, path)?;
        parse(&format!("reading {path}"), &response)
    }
}

/// A GET with the content type that Autotask wants on every call [OAS header params].
fn get_json(url: String) -> Request {
    let mut request = Request::get(url);
    let json = ("content-type".to_owned(), "application/json".to_owned());
    request.headers.push(json);
    request
}

fn send(host: &dyn Host, what: &str, request: &Request) -> Result<Response, Error> {
    host.send(request)
        .map_err(|failure| send_failed(what, failure))
}

/// The body of a 2xx. A page for people or broken JSON is `invalid`.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, response: &Response) -> Result<T, Error> {
    let why = if is_html(response) {
        "it is an HTML page".to_owned()
    } else {
        match read_json(&response.body) {
            Ok(value) => return Ok(value),
            Err(why) => why,
        }
    };
    Err(Error::Invalid(Fault {
        message: format!("{what}: Autotask's answer is not the JSON expected: {why}"),
        psa_words: Words::of(response).text(),
        fix: None,
    }))
}
