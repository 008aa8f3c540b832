//! The page of error codes is made from the code: this test fails when the two differ,
//! and writes the page anew when `UPDATE_DOCS=1` is set.

use std::path::Path;

use psa_host_billing::{ErrorCode, NoteCode};

fn page() -> String {
    let mut page = String::from(
        "# Error codes\n\nWhy a command failed. The code never changes meaning, so scripts may go by \
         it; the message beside it\nhas the names of the case, and its fix may say more than the \
         one here. What keeps one line from being\nposted is no error but a hold: see \
         [holds.md](holds.md).\n\nThis page is made from the code (`UPDATE_DOCS=1 cargo test -p \
         psa-host-billing --test errors_page`).\n\n| code | cause | fix |\n| --- | --- | --- |\n",
    );
    let mut codes = ErrorCode::ALL.to_vec();
    codes.sort_by_key(|code| code.as_str());
    for code in codes {
        let (cause, fix) = (code.cause(), code.fix());
        page.push_str(&format!("| `{code}` | {cause} | {fix} |\n"));
    }
    page.push_str(
        "\n## Remarks\n\nWhat a person should know of something that was done all the same (`notes` \
         in an answer). A remark may\nalso have the code of a brake that the next run will be under: \
         see [holds.md](holds.md).\n\n| code | what it says |\n| --- | --- |\n",
    );
    for code in NoteCode::ALL {
        page.push_str(&format!("| `{code}` | {} |\n", code.meaning()));
    }
    page
}

#[test]
fn the_page_of_error_codes_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).expect("docs/ can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/errors.md is out of date: run with UPDATE_DOCS=1"
    );
}
