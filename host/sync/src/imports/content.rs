//! What an import really is, whatever its name says. A workbook that was only renamed, a
//! sign-in page that a script saved or text in an old encoding is called by its name here,
//! so that nobody looks for a mistake in the rows.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::Source;
use crate::error::Problem;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// So much of a file is looked at.
const LOOKED_AT: usize = 4096;

/// The form that a file has by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// An object or a list in JSON.
    Json,
    /// Rows of an Excel workbook.
    Xlsx,
    /// Other text, taken for CSV.
    Text,
    /// Nothing that is read: what it is, and what to do.
    Other(&'static str, &'static str),
}

/// Text in UTF-8 without a byte order mark, where it is text that says its encoding.
/// Everything else stays as it is, and is refused when it is read.
pub(crate) fn as_utf8(bytes: Vec<u8>) -> Vec<u8> {
    if let Some(text) = bytes.strip_prefix(UTF8_MARK) {
        return text.to_vec();
    }
    match Encoding::for_bom(&bytes) {
        Some((encoding, mark)) if !is_utf32(&bytes) && encoding != encoding_rs::UTF_8 => {
            let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
            text.map(|text| text.into_owned().into_bytes())
                .unwrap_or(bytes)
        }
        _ => bytes,
    }
}

fn is_utf32(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe\0\0") || bytes.starts_with(b"\0\0\xfe\xff")
}

const AS_CSV: &str = "Open it in the program that it is from, and save it as CSV UTF-8.";
const AGAIN: &str = "Get the file again from where it comes from: this is an answer about it, not \
                     the file.";
const UNPACK: &str = "Unpack it, and give the file that is in it.";
const AS_UTF8: &str = "Save the file as UTF-8 (in Excel: \"CSV UTF-8\").";

/// What it is.
pub(crate) fn content(bytes: &[u8]) -> Content {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    match head {
        [b'P', b'K', 3 | 5, 4 | 6, ..] if has(b"application/vnd.oasis.opendocument") => {
            Content::Other("a spreadsheet of LibreOffice (.ods)", AS_CSV)
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] if has(b"xl/workbook") => Content::Xlsx,
        [b'P', b'K', 3 | 5, 4 | 6, ..] if has(b"word/document") => {
            Content::Other("a Word document (.docx)", AS_CSV)
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Content::Other("a ZIP archive", UNPACK),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Content::Other(
            "an Excel workbook of the old form (.xls), or one that a password protects",
            AS_CSV,
        ),
        [b'%', b'P', b'D', b'F', ..] => Content::Other(
            "a PDF, which only shows numbers and does not hold them as rows",
            "Get the same as CSV or JSON from where it comes from.",
        ),
        [0x1f, 0x8b, ..] | [b'7', b'z', 0xbc, 0xaf, ..] | [b'R', b'a', b'r', b'!', ..] => {
            Content::Other("a compressed file", UNPACK)
        }
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => {
            Content::Other("a picture", AS_CSV)
        }
        [b'{', b'\\', b'r', b't', b'f', ..] => Content::Other("a rich text document (RTF)", AS_CSV),
        _ if is_utf32(head) => Content::Other("text in UTF-32", AS_UTF8),
        _ if has_utf16_mark(head) => Content::Other(
            "text in UTF-16 that is damaged: it ends within a character, or has half of one",
            "Get the file again; if it stays so, save it as UTF-8.",
        ),
        _ if head.contains(&0) => of_zeros(head),
        _ => of_text(head),
    }
}

fn has_utf16_mark(bytes: &[u8]) -> bool {
    let encoding = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    encoding == Some(UTF_16LE) || encoding == Some(UTF_16BE)
}

/// Text has no zero bytes, but half of the bytes of UTF-16.
fn of_zeros(head: &[u8]) -> Content {
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    match zeros * 3 > head.len() {
        true => Content::Other("text in UTF-16 without the mark that says so", AS_UTF8),
        false => Content::Other(
            "no text: it has zero bytes",
            "Name the file that was meant; it is JSON or CSV.",
        ),
    }
}

fn of_text(head: &[u8]) -> Content {
    let text = head.trim_ascii_start();
    let begins = |word: &[u8]| {
        let start = text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") {
        return Content::Other("a web page (perhaps a sign-in page, or an error)", AGAIN);
    }
    if begins(b"<") {
        return Content::Other(
            "XML",
            "Get the same as CSV or JSON from where it comes from.",
        );
    }
    match text.first() {
        Some(b'{' | b'[') => Content::Json,
        _ => Content::Text,
    }
}

/// Refuse what is no text.
pub(crate) fn refuse_no_text(source: &Source) -> Result<(), Problem> {
    let (what, fix) = match content(&source.bytes) {
        Content::Json | Content::Text => return Ok(()),
        Content::Other(what, fix) => (what, fix),
        Content::Xlsx => ("an Excel workbook (.xlsx)", "Save it as CSV UTF-8."),
    };
    Err(no_text(source, what, fix))
}

/// That a file is something else than it is read as.
pub(crate) fn no_text(source: &Source, what: &str, fix: &str) -> Problem {
    let message = format!("{}, line 1, column 1: this is {what}", source.name);
    Problem::new("wrong-content", message, fix)
}

/// Why bytes are no UTF-8 text, with the character that an older program meant by them.
pub(crate) fn why_not_utf8(bytes: &[u8]) -> String {
    let Err(error) = std::str::from_utf8(bytes) else {
        return "is UTF-8 text".to_owned();
    };
    let wrong = &bytes[error.valid_up_to()..];
    let byte = &wrong[..1];
    let (meant, _) = WINDOWS_1252.decode_without_bom_handling(byte);
    let code = byte[0];
    format!(
        "is not UTF-8 text: byte 0x{code:02X} stands in it, which is \"{meant}\" in Windows-1252 \
         (Latin-1) and other characters in other old encodings"
    )
}

/// What to do about [`why_not_utf8`].
pub(crate) const NOT_UTF8_FIX: &str = AS_UTF8;

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    #[test]
    fn text_that_says_its_encoding_is_read_exactly() {
        let text = "id,name\n1,Müller 🦀\n";
        let marked = format!("\u{feff}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(as_utf8(bytes), text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        let mut cut = utf16("\u{feff}a,b\n", u16::to_le_bytes);
        cut.pop();
        let cases: [(&[u8], &str); 14] = [
            (b"PK\x03\x04....xl/workbook.xml", "xlsx"),
            (
                b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
                ".ods",
            ),
            (b"PK\x03\x04....readme.txt", "ZIP"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"\x89PNG\r\n", "picture"),
            (b"\n <!DOCTYPE HTML><title>Sign in</title>", "web page"),
            (b"<?xml version=\"1.0\"?><Workbook/>", "XML"),
            (b"{\\rtf1 x}", "RTF"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
            (&cut, "damaged"),
            (b"a\0,\0b\0", "without the mark"),
            (b"workspace,module\x00rest of it", "zero bytes"),
        ];
        for (bytes, expected) in cases {
            let bytes = as_utf8(bytes.to_vec());
            let problem = refuse_no_text(&Source::new("f.csv", bytes)).unwrap_err();
            assert_eq!(problem.code, "wrong-content");
            assert!(problem.message.contains(expected), "{}", problem.message);
        }
        for text in ["", " {\"a\": 1}", "workspace,module\n", "caf\u{e9}"] {
            assert_eq!(refuse_no_text(&Source::new("f.csv", text)), Ok(()));
        }
    }
}
