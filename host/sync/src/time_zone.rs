//! Names of time zones as people give them. What decides on which day a change holds is
//! an IANA name with its rules for summer time, or nothing.

use icu_time::zone::WindowsParser;
use icu_time::zone::iana::IanaParserExtended;
use jiff::tz::TimeZone;

use crate::Result;
use crate::error::rule;

/// Names that are in the database of time zones and are none of a place: the first three
/// have no summer time, the others are whatever a computer was set to, or nothing.
const NO_PLACES: [&str; 6] = ["EST", "MST", "HST", "localtime", "Factory", "posixrules"];

/// What people write, and the place that they mean.
const MEANT: [(&str, &str); 22] = [
    ("ET", "America/New_York"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("CT", "America/Chicago"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("MT", "America/Denver"),
    ("MST", "America/Denver, or America/Phoenix for Arizona"),
    ("MDT", "America/Denver"),
    ("PT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
    ("HST", "Pacific/Honolulu"),
    ("AT", "America/Halifax"),
    ("MEZ", "Europe/Berlin"),
    ("MESZ", "Europe/Berlin"),
    ("CEST", "Europe/Berlin"),
    ("BST", "Europe/London"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("NZST", "Pacific/Auckland"),
];

/// The name of an IANA time zone, spelt as IANA does.
pub(crate) fn zone_name(text: &str) -> Result<String> {
    let is = |name: &&str| name.eq_ignore_ascii_case(text);
    let is_no_place = NO_PLACES.iter().any(is) || text.starts_with("right/");
    let found = TimeZone::get(text).ok().filter(|_| !is_no_place);
    found
        .and_then(|zone| zone.iana_name().map(str::to_owned))
        .ok_or_else(|| {
            let short: String = text.chars().take(60).collect();
            let message = match is_no_place {
                true => format!("{short:?} is no time zone of a place, with its summer time"),
                false => format!("{short:?} is not a time zone"),
            };
            let fix = match meant(text) {
                Some(meant) => format!("Give the IANA name, probably {meant}."),
                None => "Give an IANA name, such as Europe/Berlin or America/New_York.".to_owned(),
            };
            rule("unknown-time-zone", message, fix)
        })
}

/// The IANA name that is probably meant by an abbreviation or a name of Windows.
fn meant(text: &str) -> Option<String> {
    let known = MEANT
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((_, meant)) = known {
        return Some((*meant).to_owned());
    }
    let zone = WindowsParser::new().parse(text, None)?;
    let names = IanaParserExtended::new();
    let name = names.iter().find(|name| name.time_zone == zone)?;
    Some(name.canonical.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iana_names_of_places_are_taken_as_iana_spells_them() {
        for (text, name) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("america/new_york", "America/New_York"),
            ("UTC", "UTC"),
        ] {
            assert_eq!(zone_name(text).unwrap(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_what_is_probably_meant() {
        for (text, hint) in [
            ("ET", "America/New_York"),
            ("est", "America/New_York"),
            ("EST", "America/New_York"),
            ("PT", "America/Los_Angeles"),
            ("MESZ", "Europe/Berlin"),
            ("Eastern Standard Time", "America/New_York"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("GMT Standard Time", "Europe/London"),
            ("localtime", "such as Europe/Berlin"),
            ("Factory", "such as Europe/Berlin"),
            ("right/Europe/Berlin", "such as Europe/Berlin"),
            ("Berlin", "such as Europe/Berlin"),
            ("", "such as Europe/Berlin"),
        ] {
            let problem = zone_name(text).unwrap_err().problem();
            assert_eq!(problem.code, "unknown-time-zone", "{text}");
            let fix = problem.fix.unwrap();
            assert!(fix.contains(hint), "{text}: {fix}");
        }
    }
}
