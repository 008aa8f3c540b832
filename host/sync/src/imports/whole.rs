//! Signs in a JSON file that it is not all there is: a page of a list, an export that
//! stopped, a total that its entries do not meet. Many interfaces answer with them, and a
//! script that saves the answer as it came saves them too.

use super::json::{Node, Object};

/// How deep fields of fields are looked at (`meta.pagination.total`).
const DEEPEST: usize = 3;

/// What a file has, to hold its totals against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    /// Entries of its list.
    pub entries: usize,
    /// Workspaces among them.
    pub workspaces: usize,
}

/// Each sign that the file is not whole, as a sentence. Lists are not looked into: what
/// is said of one entry is not said of all.
pub(crate) fn not_whole(document: &mut Object<'_>, listed: Listed) -> Vec<String> {
    let mut signs = Vec::new();
    document.look(|key, node| look(key, &node, listed, DEEPEST, &mut signs));
    signs
}

/// Whether this field is one of those that tell.
fn look(key: &str, node: &Node<'_>, listed: Listed, depth: usize, signs: &mut Vec<String>) -> bool {
    let sign = match meaning(key) {
        Some(Meaning::Missing) => says_yes(node),
        Some(Meaning::Next) => names_something(node),
        Some(Meaning::Total) => {
            number(node).is_some_and(|total| total != listed.entries && total != listed.workspaces)
        }
        Some(Meaning::Workspaces) => number(node).is_some_and(|total| total != listed.workspaces),
        Some(Meaning::Pages) => number(node).is_some_and(|pages| pages > 1),
        None => {
            let mut known = false;
            if depth > 0
                && let Ok(mut inner) = node.object()
            {
                inner.look(|key, node| {
                    known |= look(key, &node, listed, depth - 1, signs);
                    known
                });
            }
            return known;
        }
    };
    if sign {
        signs.push(format!("{} is {}", node.path(), node.shown()));
    }
    true
}

enum Meaning {
    /// True, or a list of what failed: something is missing.
    Missing,
    /// Where the next page is.
    Next,
    /// How many entries there are.
    Total,
    /// How many workspaces there are.
    Workspaces,
    /// How many pages there are.
    Pages,
}

/// By the field's name, however its words are joined (`has_more`, `hasMore`).
fn meaning(key: &str) -> Option<Meaning> {
    let letters = key.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    Some(match name.as_str() {
        "truncated" | "istruncated" | "partial" | "ispartial" | "incomplete" | "isincomplete"
        | "cut" | "hasmore" | "more" | "moreavailable" | "moreresults" | "hasnext"
        | "hasnextpage" | "errors" | "error" | "failed" | "failures" | "skipped" | "unread" => {
            Meaning::Missing
        }
        "next" | "nextpage" | "nextcursor" | "nexttoken" | "nextpagetoken" | "nextpageurl"
        | "nextlink" | "nexturl" | "nextoffset" | "odatanextlink" | "continuation"
        | "continuationtoken" => Meaning::Next,
        "total" | "totalcount" | "totalitems" | "totalresults" | "totalrecords" | "totalsize"
        | "totalentries" | "count" | "itemcount" | "itemscount" | "itemstotal" | "recordcount"
        | "numberofitems" => Meaning::Total,
        "totalworkspaces" | "workspacecount" | "workspacescount" | "workspacestotal" => {
            Meaning::Workspaces
        }
        "totalpages" | "pagecount" | "pages" => Meaning::Pages,
        _ => return None,
    })
}

fn says_yes(node: &Node<'_>) -> bool {
    match node.as_written().as_deref().map(str::trim) {
        Some(text) => {
            let no = ["", "0", "false", "no", "none", "null"];
            !no.contains(&text.to_ascii_lowercase().as_str())
        }
        None => names_something(node),
    }
}

fn names_something(node: &Node<'_>) -> bool {
    if node.is_null() || node.is_false() {
        return false;
    }
    if let Ok(entries) = node.list() {
        return !entries.is_empty();
    }
    if let Ok(object) = node.object() {
        return !object.is_empty();
    }
    node.as_written().is_none_or(|text| {
        let text = text.trim();
        !text.is_empty() && text != "0"
    })
}

fn number(node: &Node<'_>) -> Option<usize> {
    node.as_written()?.trim().parse().ok()
}
