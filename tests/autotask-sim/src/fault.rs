//! Faults on demand: what networks, gateways and other people do.
//!
//! A fault waits for a request that fits (endpoint, verb, part of the path), lets
//! `skip` of them pass and then plays `times` times. The first armed fault that fits
//! is played; several may wait at once.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::schema::Entity;
use crate::world::units::LineKind;

/// A fault and when it is played.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Endpoint, as in the URL (`Companies`, `ZoneInformation`); any if absent.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Verb; any if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// A part of path and query, without regard to case; any if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Fitting requests that pass first.
    #[serde(default)]
    pub skip: u32,
    /// How often it is played; 0 is always.
    #[serde(default = "one")]
    pub times: u32,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn one() -> u32 {
    1
}

/// How an answer is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lost {
    /// The connection closes without a byte.
    Drop,
    /// A gateway answers 504 with HTML.
    #[default]
    Gateway,
    /// Nothing ever comes.
    Hang,
}

/// What happens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum FaultKind {
    /// The request is carried out, then its answer is lost.
    ApplyThenLose {
        /// How it is lost.
        #[serde(default)]
        lost: Lost,
    },
    /// The answer is lost first and the request carried out afterwards: after real
    /// milliseconds, or when the tenant's clock has moved that many seconds.
    ApplyLate {
        /// How the answer is lost.
        #[serde(default)]
        lost: Lost,
        /// Real milliseconds.
        #[serde(default)]
        after_ms: Option<u64>,
        /// Seconds of the tenant's clock.
        #[serde(default)]
        after_clock_seconds: Option<i64>,
    },
    /// The answer is lost and the request never carried out.
    Lose {
        /// How it is lost.
        #[serde(default)]
        lost: Lost,
    },
    /// An error before anything is applied.
    FailBefore {
        /// Status, 500 if absent.
        #[serde(default)]
        status: Option<u16>,
        /// Text, a general one if absent.
        #[serde(default)]
        text: Option<String>,
    },
    /// 429, as a thread violation; with `times` a burst.
    TooMany {
        /// Seconds in `Retry-After`; no header if absent.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The body ends in the middle.
    Truncated {
        /// The length promised is the whole one, and the connection closes early;
        /// otherwise the length is that of the part.
        #[serde(default)]
        close: bool,
    },
    /// An HTML page instead of JSON; nothing is carried out.
    Html {
        /// Its status.
        status: u16,
    },
    /// Another answer altogether; nothing is carried out.
    Respond {
        /// Its status.
        status: u16,
        /// Its body.
        body: String,
        /// Its headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// The body comes in drops.
    SlowBody {
        /// Milliseconds from the first byte to the last.
        ms: u64,
    },
    /// The answer comes late and whole.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The tenant moves to another zone just before this request.
    ZoneMoved,
    /// The list is empty, without an error.
    EmptyList,
    /// The first row of the list comes twice.
    RepeatRow,
    /// The first row of the list is missing.
    SkipRow,
    /// `nextPageUrl` leads to this very page again.
    RepeatCursor,
    /// These rows are missing from the list.
    MissingRows {
        /// Their ids.
        ids: Vec<i64>,
    },
    /// These fields are null in every row.
    NullFields {
        /// Their names.
        fields: Vec<String>,
    },
    /// These fields have these values in every row: filler dates, texts for numbers.
    SetFields {
        /// By name.
        fields: std::collections::BTreeMap<String, Json>,
    },
    /// Every row has fields nobody has heard of.
    UnknownFields,
    /// The answer carries `errors` beside its content, with its status unchanged.
    WithErrors {
        /// The text.
        text: String,
    },
    /// Somebody changes a line's units just before this request.
    ForeignEdit {
        /// Service or bundle.
        #[serde(default = "service")]
        line_kind: LineKind,
        /// `contractServiceID` or `contractServiceBundleID`.
        line: i64,
        /// From when.
        effective_date: Date,
        /// The delta.
        unit_change: i32,
    },
    /// The billing periods that began by this day are approved and posted just before
    /// this request.
    PeriodPosted {
        /// The last day on which a period that is posted may begin.
        through: Date,
    },
    /// Records change just before this request. Between two pages, and with the switch
    /// `paging=by-offset`, rows move: one is missed, or comes twice.
    WorldChange {
        /// The changes, in order.
        changes: Vec<Change>,
    },
    /// The body is compressed, asked for or not.
    Gzip,
}

fn service() -> LineKind {
    LineKind::Service
}

/// A change of the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Change {
    /// Adds or replaces a record.
    Insert {
        /// Its entity.
        entity: Entity,
        /// The record as on the wire.
        record: Json,
    },
    /// Changes one field.
    Set {
        /// The record's entity.
        entity: Entity,
        /// The record's id.
        id: i64,
        /// The field.
        field: String,
        /// Its new value.
        value: Json,
    },
    /// Takes a record out.
    Delete {
        /// Its entity.
        entity: Entity,
        /// Its id.
        id: i64,
    },
}

impl Fault {
    /// A fault played once, at the next request of any kind.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            endpoint: None,
            method: None,
            path: None,
            skip: 0,
            times: 1,
            kind,
        }
    }

    /// Only requests of this endpoint.
    #[must_use]
    pub fn on(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    /// Only requests with this verb.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path and query hold this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Lets this many fitting requests pass first.
    #[must_use]
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Plays it this often; 0 is always.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn fits(&self, endpoint: &str, method: &str, path: &str) -> bool {
        let same = |asked: &Option<String>, is: &str| {
            asked.as_ref().is_none_or(|a| a.eq_ignore_ascii_case(is))
        };
        let part = |p: &String| path.to_ascii_lowercase().contains(&p.to_ascii_lowercase());
        same(&self.endpoint, endpoint)
            && same(&self.method, method)
            && self.path.as_ref().is_none_or(part)
    }
}

impl FaultKind {
    /// The fault's name, as in JSON.
    pub fn name(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.get("kind")
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

/// The faults that wait.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Fault>,
}

impl Faults {
    /// Arms a fault.
    pub(crate) fn arm(&mut self, fault: Fault) {
        self.armed.push(fault);
    }

    /// Disarms all.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.armed.len()
    }

    /// The fault this request meets, if any.
    pub(crate) fn take(&mut self, endpoint: &str, method: &str, path: &str) -> Option<FaultKind> {
        let mut played = None;
        for (n, fault) in self.armed.iter_mut().enumerate() {
            if !fault.fits(endpoint, method, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            played = Some((n, fault.kind.clone()));
            break;
        }
        let (n, kind) = played?;
        if let Some(fault) = self.armed.get_mut(n) {
            match fault.times {
                0 => {}
                1 => {
                    self.armed.remove(n);
                }
                _ => fault.times -= 1,
            }
        }
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_requests_pass_and_then_plays_as_often_as_told() {
        let mut faults = Faults::default();
        faults.arm(
            Fault::new(FaultKind::Gzip)
                .on("companies")
                .method("post")
                .skip(1)
                .times(2),
        );
        let mut take = |endpoint, method| faults.take(endpoint, method, "/x").is_some();
        assert!(!take("Contracts", "POST"));
        assert!(!take("Companies", "GET"));
        assert!(!take("Companies", "POST"));
        assert!(take("Companies", "POST"));
        assert!(take("Companies", "POST"));
        assert!(!take("Companies", "POST"));
    }

    #[test]
    fn faults_are_written_in_json_as_the_readme_shows() {
        let text = r#"{"kind":"apply-late","endpoint":"ContractServiceAdjustments","lost":"drop","afterMs":50}"#;
        let fault: Fault = serde_json::from_str(text).expect("well-formed");
        assert!(matches!(
            fault.kind,
            FaultKind::ApplyLate {
                after_ms: Some(50),
                lost: Lost::Drop,
                ..
            }
        ));
        assert_eq!(fault.times, 1);
    }
}
