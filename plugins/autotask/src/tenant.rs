//! The tenant key: which Autotask database this is, whoever asks and by whatever address.
//!
//! `webservices2/1` is the zone and the database in it ("CI"). It is the same for every API
//! user, host name and spelling. It is **not** the same after Autotask has moved a database:
//! then the zone's address, its name and that of its pages change, and the database number
//! can, all in the one answer they stand in. Nothing in that answer says who the tenant was
//! before, and a key made of less of it would be shared by strangers: numbers of databases
//! are small and occur in every zone.
//!
//! What stays is inside the database, which is moved whole: ids of companies, contracts and
//! lines, and the tenant's own company (id 0) with its `createDate`. None of it is a key:
//! ids are counted anew in each database and so occur in many, the date may be null or a
//! midnight that others have too, and reading it needs a permission that the key does not.
//! But together they are proof, for a person who confirms that the tenant has moved: known
//! contracts that still belong to known companies.

use psa_connector_sdk::url::Origin;

use crate::zone::{self, Zone};

/// The zone is told by its own address, never by the address the lookup was made at; where
/// a test system or gateway stands in for it, by the address of its pages (`ww2` for
/// people is `webservices2` for programs); else the zone's name stands for it, and last
/// its address.
pub(crate) fn key(zone: &Zone) -> String {
    let host = |url: &str| Origin::of(url).map(|origin| origin.host);
    let known = |url: &str| zone_of(&host(url)?);
    let zone_key = known(&zone.url)
        .or_else(|| known(&zone::pages(zone)?))
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

/// `webservices2` of `webservices2.autotask.net` and `ww2.autotask.net`; `prde` of
/// `prde.autotask.net`. None for hosts that serve every zone.
fn zone_of(host: &str) -> Option<String> {
    let label = zone::label(host)?;
    let named = label.trim_end_matches(|character: char| character.is_ascii_digit());
    let number = label[named.len()..].trim_start_matches('0');
    match (named, number) {
        ("webservices" | "ww" | "www", "") => None,
        ("webservices" | "ww" | "www", number) => Some(format!("webservices{number}")),
        _ => Some(label.to_owned()),
    }
}

/// For a person: "America East, database 1".
pub(crate) fn label(zone: &Zone) -> String {
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
    fn spellings_of_one_zone_have_one_key() {
        for url in [
            "https://webservices2.autotask.net/ATServicesRest/",
            "https://WebServices2.Autotask.net:443/atservicesrest/V1.0/",
            "https://webservices02.autotask.net/",
        ] {
            assert_eq!(key(&zone(url, None, None)), "webservices2/1", "{url}");
        }
        for pages in [
            "https://ww2.autotask.net/",
            "https://ww2.autotask.net",
            "http://ww2.autotask.net/",
            "ww2.autotask.net",
            "//ww2.autotask.net/Mvc/Framework",
            " HTTPS://WW2.AUTOTASK.NET/Mvc/ ",
            "https://www2.autotask.net/",
        ] {
            for url in [
                "https://webservices.autotask.net/ATServicesRest/",
                "https://gateway.example/at/",
            ] {
                let key = key(&zone(url, Some("America East"), Some(pages)));
                assert_eq!(key, "webservices2/1", "{url} {pages}");
            }
        }
    }

    #[test]
    fn zones_without_a_number_have_their_names_for_a_key() {
        let german = zone("https://prde.autotask.net/ATServicesRest/", None, None);
        assert_eq!(key(&german), "prde/1");
        let through = zone(
            "https://gateway.example/at/",
            Some("Pre-Release"),
            Some("https://pres.autotask.net/"),
        );
        assert_eq!(key(&through), "pres/1");
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
