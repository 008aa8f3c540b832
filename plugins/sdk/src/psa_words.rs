//! What a PSA said, made fit for a report.

use crate::Response;

/// The most characters of a PSA's words that the contract carries.
const MOST_CHARACTERS: usize = 2000;

/// At most 2,000 characters, control characters as spaces.
#[must_use]
pub fn shorten(words: &str) -> String {
    let mut short: String = words
        .trim()
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(MOST_CHARACTERS)
        .collect();
    if words.trim().chars().nth(MOST_CHARACTERS).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// Whether an answer is a page for people: a proxy's or a web server's, not the API's.
#[must_use]
pub fn is_html(response: &Response) -> bool {
    let declared = response
        .header("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    declared
        || first_tag(&response.body)
            .is_some_and(|tag| tag == "!doctype" || tag == "html" || tag == "head")
}

fn first_tag(body: &[u8]) -> Option<String> {
    let start = body.trim_ascii_start().strip_prefix(b"<")?;
    let name: Vec<u8> = start
        .iter()
        .copied()
        .take(8)
        .take_while(|byte| !b" >\t\r\n".contains(byte))
        .collect();
    Some(String::from_utf8_lossy(&name).to_ascii_lowercase())
}

/// The title of such a page.
#[must_use]
pub fn html_title(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]);
    // Same length as `head`, because only ASCII letters change.
    let lower = head.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    Some(shorten(head.get(start..end)?)).filter(|title| !title.is_empty())
}

/// Retry-After, where it is a number of seconds. Its other form, a date, would need a
/// clock; the host then waits its own time.
#[must_use]
pub fn retry_after_seconds(response: &Response) -> Option<u32> {
    response.header("retry-after")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Response {
        Response {
            status: 200,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn pages_are_told_from_json() {
        assert!(is_html(&page("\r\n<!DOCTYPE html><html>")));
        assert!(is_html(&page("<HTML lang=en>")));
        assert!(!is_html(&page("{\"items\":[]}")));
        assert!(!is_html(&page("<Error/>")));
        assert!(!is_html(&page("")));
    }

    #[test]
    fn the_title_of_a_page_is_its_words() {
        let title =
            html_title("<html><head><TITLE id=x> 504 Gateway\nTime-out </TITLE>".as_bytes());
        assert_eq!(title.as_deref(), Some("504 Gateway Time-out"));
        assert_eq!(html_title(b"<title>never closed"), None);
    }

    #[test]
    fn long_words_are_cut_by_characters_not_bytes() {
        let long = "é".repeat(2001);
        let short = shorten(&long);
        assert_eq!(short.chars().count(), 2000);
        assert!(short.ends_with('…'));
        assert_eq!(shorten(&"é".repeat(2000)), "é".repeat(2000));
    }

    #[test]
    fn retry_after_is_seconds_or_nothing() {
        let with = |value: &str| Response {
            status: 429,
            headers: vec![("retry-after".to_owned(), value.to_owned())],
            body: Vec::new(),
        };
        assert_eq!(retry_after_seconds(&with(" 30 ")), Some(30));
        assert_eq!(
            retry_after_seconds(&with("Wed, 21 Oct 2026 07:28:00 GMT")),
            None
        );
        assert_eq!(retry_after_seconds(&with("-1")), None);
    }
}
