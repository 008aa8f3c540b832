//! The page of hold codes is made from the code: this test fails when the two differ,
//! and writes the page anew when `UPDATE_DOCS=1` is set.

use std::path::Path;

use psa_host_billing::brake::BrakeCode;
use psa_host_billing::{HoldCode, ReportCode};

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
        "\n# Other codes\n\nOf lines that were asked about or sent, and what only a validation \
         finds.\n",
    );
    for code in ReportCode::ALL {
        let (code, cause, fix, example) = (code.as_str(), code.cause(), code.fix(), code.example());
        page.push_str(&format!(
            "\n## `{code}`\n{cause}\n\n**Fix:** {fix}\n\n**Example:** {example}\n"
        ));
    }
    page.push_str(
        "\n# Brakes\n\nA brake holds everything that a run would have posted. Some can be released \
         by a person, for one run\nof one connection and with a reason; who and why are in the \
         history and in the report.\n",
    );
    for code in BrakeCode::ALL {
        let released = match code.never_released() {
            None => "A person may release it for one run.".to_owned(),
            Some(why) => format!("It cannot be released: {why}."),
        };
        let (cause, brake) = (code.cause(), code.example());
        page.push_str(&format!(
            "\n## `{code}`\n{cause} {released}\n\n**Fix:** {}.\n\n**Example:** {}.\n",
            brake.fix("NAME"),
            brake.message()
        ));
    }
    page
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
