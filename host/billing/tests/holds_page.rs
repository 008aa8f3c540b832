//! The page of hold codes is made from the code: this test fails when the two differ,
//! and writes the page anew when `UPDATE_DOCS=1` is set.

use std::path::Path;

use jiff::civil::date;
use psa_host_billing::brake::Brake;
use psa_host_billing::rules::BrakeLimits;
use psa_host_billing::{HoldCode, Money};

fn page() -> String {
    let mut page = String::from(
        "# Hold codes\n\nA held line is not touched in the PSA. Its code never changes meaning, so \
         scripts may go by it;\nthe message beside it has the names of the case.\n\n\
         This page is made from the code (`UPDATE_DOCS=1 cargo test -p psa-host-billing --test \
         holds_page`).\n",
    );
    for code in HoldCode::ALL {
        let (cause, fix, example) = (code.cause(), code.fix(), code.example());
        page.push_str(&format!(
            "\n## `{code}`\n{cause}\n\n**Fix:** {fix}\n\n**Example:** {example}\n"
        ));
    }
    page.push_str(
        "\n# Brakes\n\nA brake holds everything that a run would have posted. Some can be released \
         by a person, for one run.\n",
    );
    for brake in brakes() {
        let released = match brake.can_be_released() {
            true => "Can be released for one run.",
            false => "Cannot be released.",
        };
        page.push_str(&format!(
            "\n## `{}`\n{released}\n\n**Example:** {}.\n\n**Fix:** {}.\n",
            brake.code(),
            brake.message(),
            brake.fix()
        ));
    }
    page
}

/// One of each.
fn brakes() -> Vec<Brake> {
    let limits = BrakeLimits::default();
    vec![
        Brake::NoSnapshot,
        Brake::SnapshotIncomplete,
        Brake::SnapshotInFuture {
            taken_at: "2027-11-23T05:00:00Z".parse().unwrap(),
            now: "2026-11-23T15:00:00Z".parse().unwrap(),
        },
        Brake::SnapshotStale {
            taken_on: date(2026, 11, 18),
            today: date(2026, 11, 23),
            limit: limits.stale_days,
        },
        Brake::SnapshotOlderThanLast,
        Brake::SnapshotAllZero,
        Brake::TooManyAccounts {
            changed: 180,
            mapped: 200,
            limit: limits.changed_percent,
        },
        Brake::TooMuchMoney {
            change: Money {
                amount: 12_500.into(),
                currency: Some("USD".into()),
            },
            limit: 5_000.into(),
        },
        Brake::MoneyUnknown { changes: 3 },
        Brake::AccountsVanished { gone: 60, of: 200 },
        Brake::LinesVanished {
            gone: 400,
            of: 1200,
        },
    ]
}

#[test]
fn the_page_of_hold_codes_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/holds.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/holds.md is out of date: run with UPDATE_DOCS=1"
    );
}
