//! The tenant key: which Autotask database this is, whoever asks and by whatever address.

use psa_connector_sdk::url::Origin;

use crate::zone::{Zone, number};

/// `webservices2/1`: zone and database ("CI"). The zone's number is taken from the
/// zone's own address, never from the address the lookup was made at; where a test
/// system or gateway stands in for it, from the address of its pages (`ww2` for people
/// is `webservices2` for programs); else the zone's name stands for it, and last its
/// address.
pub fn key(zone: &Zone) -> String {
    let host = |url: &str| Origin::of(url).map(|origin| origin.host);
    let numbered = |url: Option<&str>, prefix: &str| {
        let host = host(url?)?;
        number(&host, prefix)
            .filter(|digits| !digits.is_empty())
            .map(|digits| format!("webservices{digits}"))
    };
    let zone_key = numbered(Some(&zone.url), "webservices")
        .or_else(|| numbered(zone.web_url.as_deref(), "ww"))
        .or_else(|| zone.name.as_deref().and_then(slug))
        .or_else(|| {
            Origin::of(&zone.url).map(|origin| match origin.port {
                Some(port) => format!("{}:{port}", origin.host),
                None => origin.host,
            })
        })
        .unwrap_or_default();
    format!("{zone_key}/{}", zone.database)
}

/// For a person: "America East, database 1".
pub fn label(zone: &Zone) -> String {
    let place = match zone.name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => Origin::of(&zone.url)
            .map(|origin| origin.host)
            .unwrap_or_default(),
    };
    format!("{place}, database {}", zone.database)
}

fn slug(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    // An id has at most 200 characters.
    (!words.is_empty()).then(|| words.join("-").chars().take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(url: &str, name: Option<&str>, web_url: Option<&str>) -> Zone {
        Zone {
            url: url.to_owned(),
            name: name.map(str::to_owned),
            web_url: web_url.map(str::to_owned),
            database: 1,
        }
    }

    #[test]
    fn the_key_is_zone_and_database() {
        let direct = zone(
            "https://webservices2.autotask.net/ATServicesRest/",
            Some("America East"),
            Some("https://ww2.autotask.net/"),
        );
        assert_eq!(key(&direct), "webservices2/1");
        assert_eq!(label(&direct), "America East, database 1");
    }

    #[test]
    fn a_gateway_in_front_does_not_change_the_key() {
        let through = zone(
            "https://gateway.example/at/",
            Some("America East"),
            Some("https://ww2.autotask.net/"),
        );
        assert_eq!(key(&through), "webservices2/1");
    }

    #[test]
    fn a_test_system_is_known_by_its_zone_name_at_any_port() {
        assert_eq!(
            key(&zone(
                "http://127.0.0.1:4001/ATServicesRest/",
                Some("Test Zone"),
                None
            )),
            "test-zone/1"
        );
        assert_eq!(
            key(&zone(
                "http://localhost:4002/ATServicesRest/",
                Some("Test Zone"),
                None
            )),
            "test-zone/1"
        );
        assert_eq!(
            key(&zone("http://localhost:4002/ATServicesRest/", None, None)),
            "localhost:4002/1"
        );
    }
}
