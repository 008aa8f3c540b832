//! What differs between two descriptions, part by part: what an operator has to see before
//! connections move from one file to another.

use std::borrow::Cow;
use std::collections::BTreeSet;

use psa_host_sandbox::Description;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of a description that is not the same in both files.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Difference {
    /// Which part (`routes`).
    pub part: Cow<'static, str>,
    /// What only the file in use says.
    pub before: Vec<String>,
    /// What only the other file says.
    pub after: Vec<String>,
}

/// Part by part, what differs. The hosts are those granted, or to be granted.
pub(crate) fn between(
    (before, hosts_before): (&Description, &[String]),
    (after, hosts_after): (&Description, &[String]),
) -> Vec<Difference> {
    let before = parts(before, hosts_before);
    let after = parts(after, hosts_after);
    before
        .into_iter()
        .zip(after)
        .filter_map(|((part, before), (_, after))| {
            if before == after {
                return None;
            }
            let only = |here: &[String], there: &[String]| -> Vec<String> {
                let there: BTreeSet<&String> = there.iter().collect();
                let here = here.iter().filter(|entry| !there.contains(entry));
                here.cloned().collect()
            };
            let mut difference = Difference {
                part: part.into(),
                before: only(&before, &after),
                after: only(&after, &before),
            };
            // The first of two routes that match a request is not always the one that counts.
            if difference.before.is_empty() && difference.after.is_empty() {
                difference
                    .after
                    .push("the same in another order".to_owned());
            }
            Some(difference)
        })
        .collect()
}

fn parts(description: &Description, hosts: &[String]) -> Vec<(&'static str, Vec<String>)> {
    let Description {
        name: _,
        label,
        version,
        terms,
        fields,
        authentication,
        hosts: _,
        self_hosted,
        routes,
        limits,
        quantity,
        refusals,
    } = description;
    vec![
        ("hosts", hosts.to_vec()),
        ("self-hosted", vec![self_hosted.to_string()]),
        ("routes", entries(routes)),
        ("authentication", entries(authentication)),
        ("fields", entries(fields)),
        ("limits", entries(limits)),
        ("quantity model", entries(quantity)),
        ("forms of a refusal", entries(refusals)),
        ("words", entries(terms)),
        ("label", vec![label.clone()]),
        ("version", vec![version.clone()]),
    ]
}

/// One text for each entry of a list, or each field of a record.
fn entries(part: &impl Serialize) -> Vec<String> {
    match serde_json::to_value(part) {
        Ok(Value::Array(entries)) => entries.iter().map(compact).collect(),
        Ok(Value::Object(fields)) => fields
            .iter()
            .flat_map(|(key, value)| match value {
                Value::Array(entries) => entries
                    .iter()
                    .map(|entry| format!("{key}: {}", compact(entry)))
                    .collect(),
                value => vec![format!("{key}: {}", compact(value))],
            })
            .collect(),
        Ok(value) => vec![compact(&value)],
        // Nothing of a description fails to be written; if it did, it would differ.
        Err(error) => vec![error.to_string()],
    }
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{key}={}", compact(value)));
            fields.collect::<Vec<_>>().join("  ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::description;

    fn differs(change: impl FnOnce(&mut Description)) -> Vec<Difference> {
        let before = description();
        let mut after = description();
        change(&mut after);
        let hosts = |of: &Description| of.hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (before_hosts, after_hosts) = (hosts(&before), hosts(&after));
        between((&before, &before_hosts), (&after, &after_hosts))
    }

    #[test]
    fn the_same_description_has_no_difference() {
        assert_eq!(differs(|_| {}), []);
    }

    #[test]
    fn each_part_that_differs_is_named_with_what_is_new_and_what_is_gone() {
        let found = differs(|after| after.hosts[0] = "evil.example".parse().unwrap());
        assert_eq!(
            found,
            [Difference {
                part: "hosts".into(),
                before: vec!["api.psa.example".to_owned()],
                after: vec!["evil.example".to_owned()],
            }]
        );
        let part = |change: fn(&mut Description)| -> String {
            let found = differs(change);
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].part.to_string()
        };
        assert_eq!(part(|d| d.self_hosted = true), "self-hosted");
        assert_eq!(part(|d| d.quantity.delta = false), "quantity model");
        assert_eq!(part(|d| d.limits.instances = 9), "limits");
        assert_eq!(part(|d| d.fields[0].required = false), "fields");
        assert_eq!(part(|d| d.version = "2.0.0".to_owned()), "version");
        assert_eq!(part(|d| d.fields.swap(0, 1)), "fields");
    }
}
