use psa_host_ledger::Mappings;

use super::*;
use crate::Source;
use crate::mapping::file::read;

/// What is left of a file, and what is refused of it, by line.
fn taken(name: &str, text: &str) -> (Vec<String>, Vec<String>) {
    let source = Source::new(name, text);
    let mut read = read(&source, &Mappings::default()).unwrap();
    refuse_contradictions(&mut read);
    let left = read.rows.iter().map(|row| Claim::of(&row.mapping).says);
    let refused = read.refused.iter().map(|problem| {
        let place = problem.message.split(':').next().unwrap();
        let place = place.split(", column").next().unwrap();
        format!("{} {}", place.split(' ').next_back().unwrap(), problem.code)
    });
    (left.collect(), refused.collect())
}

fn of_csv(rows: &str) -> (Vec<String>, Vec<String>) {
    taken("m.csv", &format!("kind,coro_id,psa_id,metric\n{rows}"))
}

const NONE: [&str; 0] = [];

#[test]
fn all_rows_of_a_contradiction_are_refused_on_either_side_and_of_each_kind() {
    for (rows, refused) in [
        // One account claimed by two workspaces, one workspace by two accounts.
        ("account,w1,1,\naccount,w2,1,\n", 2),
        ("account,w1,1,\naccount,w1,2,\n", 2),
        // In a row: each contradicts its neighbour.
        ("account,w1,1,\naccount,w2,1,\naccount,w2,2,\n", 3),
        ("service,edr,15,\nservice,mdm,15,\n", 2),
        ("service,edr,15,\nservice,edr,16,\n", 2),
        ("service,edr,15,users\nservice,edr,15,devices\n", 2),
        ("contract,w1,900,\ncontract,w1,901,\n", 2),
        ("contract,w1,900,\ncontract,w2,900,\n", 2),
    ] {
        let good = "account,w8,8,\nservice,mail,18,\ncontract,w8,908,\n";
        let (left, problems) = of_csv(&format!("{rows}{good}"));
        assert_eq!(left.len(), 3, "{rows}: {left:?}");
        let expected: Vec<String> = (2..2 + refused)
            .map(|line| format!("{line} contradicting-rows"))
            .collect();
        assert_eq!(problems, expected, "{rows}");
    }
}

#[test]
fn the_same_row_twice_and_one_id_on_both_sides_are_no_contradiction() {
    let rows = "account,w1,1,\naccount,w1,1,\naccount,1,w1,\ncontract,w1,1,\nservice,1,1,\n";
    let (left, refused) = of_csv(rows);
    assert_eq!((left.len(), refused.as_slice()), (5, &[][..]));
}

#[test]
fn refused_rows_are_told_in_the_order_of_the_file_whichever_check_found_them() {
    let rows = "account,w1,1,\nservice,edr,15,seats\naccount,w1,2,\naccount,,3,\n";
    let (_, refused) = of_csv(rows);
    let told = [
        "2 contradicting-rows",
        "3 unknown-metric",
        "4 contradicting-rows",
        "5 bad-id",
    ];
    assert_eq!(refused, told);
}

#[test]
fn a_row_that_is_refused_for_something_else_contradicts_all_the_same() {
    for rows in [
        "account,w1,1,users\naccount,w1,2,\n",
        "account,w1,1.01E+05,\naccount,w1,2,\n",
        "account,w1,1\naccount,w1,2,\n",
        "service,edr,15,seats\nservice,edr,15,users\n",
        "service,edr,15,seats\nservice,mdm,15,\n",
    ] {
        let (left, refused) = of_csv(rows);
        assert_eq!(left, NONE, "{rows}");
        assert_eq!(refused.len(), 2, "{rows}");
        assert_eq!(refused[1], "3 contradicting-rows", "{rows}");
    }
    let json = r#"{"services": [
{"module": "edr", "service": "15", "metric": "seats"},
{"module": "mdm", "service": 15}
]}"#;
    let (left, refused) = taken("m.json", json);
    assert_eq!(left, NONE);
    assert_eq!(refused, ["2 unknown-metric", "3 contradicting-rows"]);
}

#[test]
fn a_refusal_names_the_rows_that_it_contradicts() {
    let rows: String = (1..=6).map(|at| format!("account,w{at},1,\n")).collect();
    let source = Source::new("m.csv", format!("kind,coro_id,psa_id,metric\n{rows}"));
    let mut read = read(&source, &Mappings::default()).unwrap();
    refuse_contradictions(&mut read);
    assert_eq!(
        read.refused[1].message,
        "m.csv, line 3: workspace w2 is account 1, but line 2 says that workspace w1 is account \
         1, line 4 says that workspace w3 is account 1, line 5 says that workspace w4 is account \
         1, and there are more"
    );
}
