use psa_host_billing::Metric;

use super::*;
use crate::mapping::file::contradictions::refuse_contradictions;
use crate::testing::file;

fn codes<'a>(read: &'a Read<'_>) -> Vec<&'a str> {
    read.refused
        .iter()
        .map(|problem| problem.code.as_str())
        .collect()
}

const PRINTED: &str = r#"{"schema_version": 1, "connection": "acme", "account_suggestions": [
    {"id": "w1=1", "workspace": "w1", "workspace_name": "One", "account": "1", "score": 96,
     "verdict": "safe", "reason": "name equal", "also_fits": []},
    {"id": "w2=2", "workspace": "w2", "account": "2", "verdict": "ambiguous"},
    {"id": "w2=3", "workspace": "w2", "account": "3", "verdict": "ambiguous"},
    {"id": "w3=4", "workspace": "w3", "account": "4"},
    {"id": "w4=4", "workspace": "w4", "account": "4"}
], "service_suggestions": [
    {"id": "edr=15", "module": "edr", "service": "15", "metric": "users"},
    {"id": "mdm=16", "module": "mdm", "service": "16"}
], "workspaces_without": ["w9"]}"#;

#[test]
fn of_a_printed_file_only_what_is_not_contested_is_taken() {
    let source = file(PRINTED);
    let mut read = read_file(&source).unwrap();
    assert_eq!(read.rows.len(), 7);
    refuse_contradictions(&mut read);
    let taken: Vec<Mapping> = read.rows.iter().map(|row| row.mapping.clone()).collect();
    let service = |module: &str, service: &str, metric| {
        Mapping::Service(ServiceMapping {
            module: module.parse().unwrap(),
            service: service.parse().unwrap(),
            metric,
        })
    };
    let w1 = Mapping::Account(AccountMapping {
        workspace: "w1".parse().unwrap(),
        account: "1".parse().unwrap(),
    });
    assert_eq!(
        taken,
        [
            w1,
            service("edr", "15", Metric::Users),
            service("mdm", "16", Metric::Devices)
        ]
    );
    assert_eq!(codes(&read), ["contradicting-rows"; 4]);
    assert!(
        read.refused[0].message.contains("line 4")
            && read.refused[0].message.contains("workspace w2"),
        "{:?}",
        read.refused[0]
    );
}

#[test]
fn an_edited_file_that_leaves_one_of_two_is_taken() {
    let edited: String = PRINTED
        .lines()
        .filter(|line| !line.contains("w2=3") && !line.contains("w3=4"))
        .collect();
    let source = file(&edited);
    let mut read = read_file(&source).unwrap();
    refuse_contradictions(&mut read);
    assert_eq!((read.rows.len(), codes(&read)), (5, vec![]));
}

#[test]
fn a_file_without_suggestions_is_refused() {
    let source = file(r#"{"accounts": [{"workspace": "w1", "account": "1"}]}"#);
    assert_eq!(read_file(&source).unwrap_err().code(), "no-suggestions");
}

#[test]
fn ids_are_taken_as_they_are_suggested_now() {
    let proposed = |id: &str, mapping: Mapping| Proposed {
        id: id.to_owned(),
        verdict: Confidence::Likely,
        mapping,
    };
    let pair = |workspace: &str, account: &str| {
        Mapping::Account(AccountMapping {
            workspace: workspace.parse().unwrap(),
            account: account.parse().unwrap(),
        })
    };
    let now = [
        proposed("w1=1", pair("w1", "1")),
        proposed("w1=2", pair("w1", "2")),
        proposed("w2=3", pair("w2", "3")),
    ];
    let ids = |ids: &[&str]| -> Vec<String> { ids.iter().map(|id| (*id).to_owned()).collect() };
    let chosen = |asked: &[&str]| {
        let mut chosen = by_id(&ids(asked), &now);
        refuse_contradictions(&mut chosen);
        let codes = codes(&chosen)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        (chosen.rows.len(), codes)
    };
    // The same one twice is one, once it is held against what is mapped.
    assert_eq!(chosen(&["w1=2", "w2=3", "w2=3"]), (3, vec![]));
    assert_eq!(
        chosen(&["w1=1", "w1=2"]),
        (0, vec!["contradicting-rows".to_owned(); 2])
    );
    assert_eq!(
        chosen(&["w2=1"]),
        (0, vec!["unknown-suggestion".to_owned()])
    );
}
