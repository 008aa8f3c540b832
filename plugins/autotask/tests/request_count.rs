//! How many requests a large tenant takes, against the fewest there can be: each
//! entity's rows in pages of 500.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_sdk::{Connector, Timeline};
use serde_json::json;
use support::*;

/// A number that looks random and is the same every time.
fn scatter(seed: i64, below: i64) -> i64 {
    (seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
        >> 33)
        .rem_euclid(below)
}

struct Shape {
    companies: i64,
    lines: fn(i64) -> i64,
    rows: fn(i64) -> i64,
    bundles: i64,
}

/// Requests made, and the fewest there can be, with whole timelines.
fn requests(shape: &Shape) -> (usize, usize) {
    let (made, fewest, _) = read_all(shape, None);
    (made, fewest)
}

/// Requests made, the fewest there can be, and the unit queries among those made.
fn read_all(shape: &Shape, horizon: Option<&str>) -> (usize, usize, usize) {
    let mut tenant = Tenant::new();
    let (mut next_line, mut next_row) = (1, 1);
    for company in 1..=shape.companies {
        tenant.add(
            "Companies",
            json!({"id": company, "companyName": "x", "isActive": true}),
        );
        tenant.add("Contracts", contract(company, company));
        for _ in 0..(shape.lines)(company) {
            tenant.add("ContractServices", line(next_line, company, 5));
            for month in 0..u32::try_from((shape.rows)(next_line)).unwrap() {
                tenant.add(
                    "ContractServiceUnits",
                    unit_row(next_row, company, next_line, month, 7),
                );
                next_row += 1;
            }
            next_line += 1;
        }
        if company <= shape.bundles {
            tenant.add(
                "ContractServiceBundles",
                json!({"id": company, "contractID": company, "serviceBundleID": 5}),
            );
            let mut row = unit_row(company, company, 0, 0, 7);
            row["contractServiceBundleID"] = json!(company);
            tenant.add("ContractServiceBundleUnits", row);
        }
    }
    let fewest = tenant
        .tables
        .values()
        .map(|rows| rows.len().div_ceil(500))
        .sum();
    let host = tenant.host();

    let mut connector = connector();
    let mut companies = Vec::new();
    let mut cursor = None;
    loop {
        let page = connector.list_accounts(&host, cursor.as_deref()).unwrap();
        companies.extend(page.accounts.into_iter().map(|account| account.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    // Side by side, and as many accounts in a call, as the host runs them.
    let limits = psa_connector_autotask::Autotask::describe().limits;
    let batches = psa_connector_autotask::Autotask::describe().batches;
    let at_once = usize::try_from(batches.accounts).unwrap();
    let mut instances: Vec<_> = (1..limits.instances)
        .map(|_| support::connector())
        .collect();
    instances.push(connector);
    let side_by_side = instances.len();
    let mut lines = 0;
    for (nth, chunk) in companies.chunks(at_once).enumerate() {
        let mut cursor = None;
        loop {
            let page = instances[nth % side_by_side]
                .list_contracts(
                    &host,
                    chunk,
                    date("2026-11-01"),
                    horizon.map(date),
                    cursor.as_deref(),
                )
                .unwrap();
            for line in page.contracts.iter().flat_map(|contract| &contract.lines) {
                assert!(matches!(line.timeline, Timeline::Segments(_)));
                lines += 1;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    assert_eq!(lines, next_line - 1 + shape.bundles);
    let unit_queries = host.calls();
    let unit_queries = unit_queries
        .iter()
        .filter(|call| call.ends_with("Units/query"));
    (host.requests().len(), fewest, unit_queries.count())
}

fn assert_close(name: &str, shape: &Shape) {
    let (made, fewest) = requests(shape);
    println!("{name}: {made} requests, {fewest} at the fewest");
    assert!(
        made * 10 <= fewest * 11,
        "{name}: {made} requests, {fewest} at the fewest"
    );
}

#[test]
fn companies_with_one_row_a_line_stay_within_a_tenth() {
    assert_close(
        "6 lines, 1 row",
        &Shape {
            companies: 5000,
            lines: |_| 6,
            rows: |_| 1,
            bundles: 0,
        },
    );
}

#[test]
fn ten_thousand_companies_with_scattered_lines_stay_within_a_tenth() {
    assert_close(
        "3 to 9 lines, 1 row",
        &Shape {
            companies: 10_000,
            lines: |company| 3 + scatter(company, 7),
            rows: |_| 1,
            bundles: 0,
        },
    );
}

#[test]
fn a_few_bundles_do_not_change_that() {
    assert_close(
        "4 lines, 1 row, 200 bundles",
        &Shape {
            companies: 5000,
            lines: |_| 4,
            rows: |_| 1,
            bundles: 200,
        },
    );
}

#[test]
fn companies_with_a_year_of_rows_stay_within_a_tenth() {
    assert_close(
        "6 lines, 13 rows",
        &Shape {
            companies: 1000,
            lines: |_| 6,
            rows: |_| 13,
            bundles: 0,
        },
    );
}

#[test]
fn companies_with_scattered_rows_stay_within_a_tenth() {
    assert_close(
        "3 to 9 lines, 1 to 13 rows",
        &Shape {
            companies: 1500,
            lines: |company| 3 + scatter(company, 7),
            rows: |line| 1 + scatter(line, 13),
            bundles: 0,
        },
    );
}

#[test]
fn reading_to_a_horizon_costs_the_same_however_long_contracts_run() {
    let queries = |months: i64| {
        let shape = Shape {
            companies: 1000,
            lines: |_| 6,
            rows: if months == 25 { |_| 25 } else { |_| 3 },
            bundles: 100,
        };
        read_all(&shape, Some("2026-12-31")).2
    };
    let (short, long) = (queries(3), queries(25));
    println!("unit queries to a horizon: {short} for 3 months, {long} for 25");
    assert_eq!(short, long);
    // Two rows of each line, in pages of 500, and the bundles'.
    assert!(long <= 26, "{long}");
}
