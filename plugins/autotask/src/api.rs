//! Calls to the zone, with what Autotask wants watched over all of them: where the zone
//! is, and that refused credentials are never tried again.

use psa_connector_sdk::{
    Error, Fault, Host, Request, Response, SendFailure, Settings, is_html, read_json, send_failed,
};
use serde::de::DeserializeOwned;

use crate::describe::{SETTING_BASE_URL, SETTING_USER};
use crate::errors::{self, Words};
use crate::links::Links;
use crate::zone::{self, Zone};

#[derive(Debug)]
pub struct Api {
    user: String,
    base_url: String,
    zone: Option<Zone>,
    /// Whether the zone has been looked up by this instance: then a 401 is no sign of a
    /// moved zone any more.
    zone_is_fresh: bool,
    /// Set by the first refusal of the credentials. Users are locked after a few.
    refused: Option<Fault>,
}

impl Api {
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            user: settings.require(SETTING_USER)?.to_owned(),
            base_url: zone::base_url(settings.get(SETTING_BASE_URL))?,
            zone: None,
            zone_is_fresh: false,
            refused: None,
        })
    }

    pub fn zone(&mut self, host: &dyn Host) -> Result<Zone, Error> {
        if let Some(zone) = &self.zone {
            return Ok(zone.clone());
        }
        if let Some(zone) = zone::kept(host, &self.user, &self.base_url) {
            self.zone = Some(zone.clone());
            return Ok(zone);
        }
        self.look_zone_up(host)
    }

    fn look_zone_up(&mut self, host: &dyn Host) -> Result<Zone, Error> {
        let zone = zone::discover(host, &self.user, &self.base_url)?;
        self.zone_is_fresh = true;
        self.zone = Some(zone.clone());
        Ok(zone)
    }

    pub fn links(&mut self, host: &dyn Host) -> Result<Links, Error> {
        Ok(Links::of(&self.zone(host)?))
    }

    /// Sends a read and takes anything but a 2xx for an error.
    ///
    /// A wrong zone answers 401 like wrong credentials [LIVE]. So the first 401 of an
    /// instance that took its zone from storage has the zone looked up anew, and is
    /// retried once, only where the zone has moved.
    pub fn read(
        &mut self,
        host: &dyn Host,
        what: &str,
        request: &dyn Fn(&str) -> Request,
    ) -> Result<Response, Error> {
        self.not_refused()?;
        let zone = self.zone(host)?;
        let mut response = send(host, what, &request(&zone.url))?;
        if response.status == 401 && !self.zone_is_fresh {
            let moved = self.look_zone_up(host)?;
            if moved.url != zone.url {
                response = send(host, what, &request(&moved.url))?;
            }
        }
        if response.is_success() {
            return Ok(response);
        }
        let error = errors::for_read(what, &response);
        if let Error::Authentication(fault) = &error {
            self.refused = Some(fault.clone());
        }
        Err(error)
    }

    /// Sends a write, once, whatever comes of it.
    pub fn write(
        &mut self,
        host: &dyn Host,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Result<Response, SendFailure>, Error> {
        self.not_refused()?;
        let zone = self.zone(host)?;
        let answer = host.send(&Request::post_json(
            format!("{}V1.0/{path}", zone.url),
            body,
        ));
        if let Ok(response) = &answer
            && response.status == 401
        {
            self.refused = Some(errors::credentials_fault(None));
        }
        Ok(answer)
    }

    fn not_refused(&self) -> Result<(), Error> {
        self.refused
            .as_ref()
            .map_or(Ok(()), |fault| Err(Error::Authentication(fault.clone())))
    }

    /// `GET {zone}/V1.0/{path}` as JSON.
    pub fn get<T: DeserializeOwned>(&mut self, host: &dyn Host, path: &str) -> Result<T, Error> {
        let what = format!("reading {path}");
        let response = self.read(host, &what, &|zone| get_json(format!("{zone}V1.0/{path}")))?;
        parse(&what, &response)
    }
}

/// A GET with the content type that Autotask wants on every call [OAS header params].
pub fn get_json(url: String) -> Request {
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
pub fn parse<T: DeserializeOwned>(what: &str, response: &Response) -> Result<T, Error> {
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
