use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::*;

const SECRET: &str = "p@ss/w\"rd+1ä";

fn secrets(values: &[&str]) -> Vec<Masked> {
    let one = |(id, value): (u32, &&str)| Masked {
        id,
        value: Zeroizing::new((*value).to_owned()),
    };
    (0..).zip(values).map(one).collect()
}

fn redactor(values: &[&str]) -> Redactor {
    Redactor::new(&secrets(values))
}

fn redacted(of: &Redactor, text: impl AsRef<[u8]>) -> String {
    let mut bytes = text.as_ref().to_vec();
    of.redact(&mut bytes, &BTreeSet::new());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every character as this.
fn each(text: &str, write: impl Fn(u32) -> String) -> String {
    text.chars().map(|c| write(u32::from(c))).collect()
}

#[test]
fn a_secret_is_masked_in_every_form_it_takes_on_the_way() {
    let pair = format!("user:{SECRET}");
    let of = redactor(&[SECRET, &pair]);
    let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
    let json = serde_json::to_string(SECRET).unwrap();
    let json = json.trim_matches('"').replace("\\\\\"", "\\\"");
    let base64 = STANDARD.encode(SECRET);
    for form in [
        SECRET,
        &json,
        &json.replace('/', "\\/"),
        &json.replace('+', "\\u002B").replace('ä', "\\u00e4"),
        &json.replace('+', "\\u002b").replace('ä', "\\u00E4"),
        &each(SECRET, |c| format!("\\u{c:04x}")),
        &each(SECRET, |c| format!("&#{c};")),
        &each(SECRET, |c| format!("&#x{c:X};")),
        &SECRET.replace('"', "&quot;").replace('+', "&plus;"),
        &SECRET.replace('"', "&quot;").replace('ä', "&auml;"),
        &percent,
        &percent.to_lowercase(),
        &percent.replace('%', "%25"),
        &SECRET.replace('"', "\\\\\\\""),
        &SECRET.replace('ä', "%E4"),
        &base64,
        &base64.replace('/', "\\/").replace('=', "%3D"),
        base64.trim_end_matches('='),
        &URL_SAFE_NO_PAD.encode(SECRET),
        &STANDARD.encode(&pair),
        &hex::encode(SECRET),
        &hex::encode_upper(SECRET),
    ] {
        let text = format!("<{form}> and {form}, {form}");
        let clean = redacted(&of, text);
        assert_eq!(clean, "<[secret]> and [secret], [secret]", "{form}");
    }
}

#[test]
fn a_secret_is_masked_in_latin_1() {
    let of = redactor(&["grün-häuser-5€"]);
    let bytes = in_western("grün-häuser-5€").unwrap();
    let text = [
        b"<",
        &bytes[..],
        b"> \xfc ",
        &STANDARD.encode(&bytes).into_bytes(),
    ]
    .concat();
    assert_eq!(redacted(&of, text), "<[secret]> \u{fffd} [secret]");
}

#[test]
fn a_secret_that_itself_looks_escaped_is_masked() {
    let of = redactor(&["a%41\\u002Bb+1"]);
    for text in [
        "a%41\\u002Bb+1",
        "a%41\\\\u002Bb\\u002B1",
        "aA+b+1",
        "a%2541\\u002Bb%2B1",
    ] {
        assert_eq!(redacted(&of, text), "[secret]", "{text}");
    }
}

#[test]
fn a_text_without_secrets_is_not_touched() {
    let of = redactor(&[SECRET]);
    let text = "p@ss/w and \\u00e4 &amp; 100%25 and nothing else";
    assert_eq!(redacted(&of, text), text);
    assert!(!redactor(&[]).redact(&mut b"x".to_vec(), &BTreeSet::new()));
}

#[test]
fn values_that_could_be_data_are_not_masked() {
    let plain = [
        "1",
        "true",
        "null",
        "Services",
        "2026-12-01",
        "12345678",
        "+49 30 123",
    ];
    let of = redactor(&plain);
    let text = plain.join(" ");
    assert_eq!(redacted(&of, &text), text);
    for value in [
        "hunter2",
        "s3cret-x",
        "abcdefghijklmnop",
        "1234567890123456",
    ] {
        let text = format!("<{value}>");
        assert_eq!(redacted(&redactor(&[value]), text), "<[secret]>");
    }
}

#[test]
fn json_stays_json() {
    let number = "12345678901234567890";
    let crossing = "\":[1,2],\"b1\":\"";
    let newline = "name1-x";
    let of = redactor(&[number, crossing, newline]);
    for (text, clean) in [
        (
            format!("{{\"id\":{number},\"s\":\"{number}\"}}"),
            r#"{"id":"[secret]","s":"[secret]"}"#,
        ),
        (format!("[9{number}9]"), r#"["[secret]"]"#),
        // The `n` of `\n` is not the secret's.
        (r#"{"a":"x\name1-x"}"#.to_owned(), r#"{"a":"x[secret]"}"#),
        (format!("{{\"a{crossing}c\"}}"), r#"{"a[secret]c"}"#),
    ] {
        let seen = redacted(&of, &text);
        assert!(
            is_json(seen.as_bytes()) || !is_json(text.as_bytes()),
            "{seen}"
        );
        if is_json(clean.as_bytes()) {
            assert_eq!(seen, clean);
        }
    }
}

#[test]
fn what_the_guest_wrote_comes_back_as_any_wrong_guess_does() {
    let of = redactor(&["hunter2-hunter3", "user:hunter2-hunter3", "another-s3cret"]);
    assert!(of.known_by(b"q=hunter2-hunter4").is_empty());
    let known = of.known_by(b"q=hunter2%2Dhunter3");
    assert_eq!(known, BTreeSet::from([0, 1]));
    let mut text = b"you sent hunter2-hunter3, we know another-s3cret".to_vec();
    assert!(of.redact(&mut text, &known));
    assert_eq!(text, b"you sent hunter2-hunter3, we know [secret]");
}

#[test]
fn a_secret_in_a_large_answer_is_found_wherever_it_stands() {
    let of = redactor(&["correct-horse"]);
    for at in [0, 1, 8_191, 8_192, 65_530, 100_000 - 13] {
        let mut body = vec![b'.'; 100_000];
        body[at..at + 13].copy_from_slice(b"correct-horse");
        assert!(of.redact(&mut body, &BTreeSet::new()), "{at}");
        assert_eq!(&body[at..at + 8], b"[secret]");
        assert_eq!(body.len(), 100_000 - 5);
    }
}

#[test]
fn a_text_made_of_beginnings_is_masked_from_where_it_becomes_slow() {
    let of = redactor(&["a1a1a1a1a1a1a1a1-the-end"]);
    let clean = redacted(&of, "a1".repeat(500_000));
    assert!(clean.ends_with("[secret]"));
    assert!(clean.len() < 500_000, "{}", clean.len());
}

#[test]
fn the_memory_of_the_search_does_not_grow_with_the_length_of_a_token() {
    let states = |length: usize| {
        let token = format!("t0ken{}", "x".repeat(length));
        redactor(&[&token]).beginnings.unwrap().memory_usage()
    };
    assert!(states(16_000) <= 2 * states(100));
}
