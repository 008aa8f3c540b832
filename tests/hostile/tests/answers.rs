//! Answers that no host should believe, keep or show.

use hostile_plugins::guest::{Answer, Export, Text};
use hostile_plugins::{Hostile, Unleashed, line_key, lines, run, the_next_connection_works, whole};
use jiff::civil::date;
use psa_host_billing::AccountId;
use psa_host_sandbox::{
    Accounts, CallError, CallErrorKind, Contracts, Depth, IncidentCode, Pages, Services,
};

const MANY: u32 = 1_000_000;

async fn answering(during: Export, answer: Answer) -> Unleashed {
    Hostile::new(during, Vec::new(), answer).unleash().await
}

fn one(id: Text, name: Text) -> Answer {
    Answer::One {
        id,
        name,
        link: None,
    }
}

async fn accounts(answer: Answer) -> (Unleashed, CallError) {
    let mut unleashed = answering(Export::ListAccounts, answer).await;
    let error = whole(&mut unleashed.connector, Accounts).await.unwrap_err();
    (unleashed, error)
}

#[test]
fn a_list_with_a_million_entries_is_refused() {
    run(async {
        let (unleashed, error) = accounts(Answer::Many(MANY)).await;
        let which = CallErrorKind::OutOfLimits { which: "answer" };
        assert_eq!(error.kind, which, "{error}");
        unleashed.incident(IncidentCode::AnswerTooLarge);

        let mut findings = answering(Export::Check, Answer::Findings(MANY)).await;
        findings.connector.check(Depth::Full).await.unwrap_err();
        findings.incident(IncidentCode::AnswerTooLarge);
        the_next_connection_works().await;
    });
}

#[test]
fn a_list_longer_than_any_page_is_refused() {
    run(async {
        let (unleashed, error) = accounts(Answer::Many(20_001)).await;
        assert_eq!(error.kind, CallErrorKind::BadAnswer, "{error}");
        unleashed.incident(IncidentCode::BadAnswer);
        the_next_connection_works().await;
    });
}

#[test]
fn a_text_of_100_mb_is_refused() {
    run(async {
        let long = || Text::repeated("0123456789", 10 << 20);
        let (unleashed, error) = accounts(one("1".into(), long())).await;
        assert_eq!(
            error.kind,
            CallErrorKind::OutOfLimits { which: "answer" },
            "{error}"
        );
        unleashed.incident(IncidentCode::AnswerTooLarge);
        the_next_connection_works().await;
    });
}

#[test]
fn an_error_message_of_40_mb_is_refused() {
    run(async {
        let (unleashed, error) =
            accounts(Answer::Fault(Text::repeated("0123456789", 4 << 20))).await;
        assert!(error.message.len() < 10_000);
        unleashed.incident(IncidentCode::AnswerTooLarge);
        the_next_connection_works().await;
    });
}

#[test]
fn an_error_message_is_shortened_and_washed() {
    run(async {
        let (_unleashed, error) =
            accounts(Answer::Fault(Text::repeated("\u{1b}[2Jred\r\n", 10_000))).await;
        assert_eq!(error.kind, CallErrorKind::Transient);
        for text in [error.message, error.psa_words.unwrap()] {
            // 2,000 characters, some of them written out as `\u{1b}`.
            assert!(text.chars().count() < 2_000 * 8, "{}", text.len());
            assert!(!text.contains(['\u{1b}', '\n', '\r']), "{text}");
        }
        the_next_connection_works().await;
    });
}

#[test]
fn an_id_of_1_mb_is_refused() {
    run(async {
        let (unleashed, error) = accounts(one(Text::repeated("9", 1 << 20), "A name".into())).await;
        assert_eq!(error.kind, CallErrorKind::BadAnswer, "{error}");
        assert!(unleashed.incident(IncidentCode::BadAnswer).message.len() < 10_000);
        the_next_connection_works().await;
    });
}

#[test]
fn ids_that_are_empty_or_move_the_cursor_are_refused() {
    run(async {
        for id in ["", "  ", "1\n2", "1\u{1b}[31m", "1\u{0}"] {
            let (unleashed, error) = accounts(one(id.into(), "A name".into())).await;
            assert_eq!(error.kind, CallErrorKind::BadAnswer, "{id:?}: {error}");
            unleashed.incident(IncidentCode::BadAnswer);
        }
        the_next_connection_works().await;
    });
}

#[test]
fn names_cannot_paint_a_terminal_or_turn_a_line_around() {
    run(async {
        let painted = "\u{1b}]0;owned\u{7}\u{1b}[2JAcme\r\n\u{202e}emcA\u{0}\u{9b}31m";
        let name = Text::repeated(painted, 200);
        let mut unleashed = answering(Export::ListAccounts, one("1".into(), name)).await;
        let read = whole(&mut unleashed.connector, Accounts).await.unwrap();
        let kept = &read[0].name;
        assert!(kept.contains("Acme"), "{kept}");
        assert!(kept.chars().count() < 6_000, "{}", kept.chars().count());
        let mischief = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!kept.contains(mischief), "{kept:?}");
        the_next_connection_works().await;
    });
}

#[test]
fn links_to_anything_but_https_are_dropped() {
    run(async {
        for link in [
            "javascript:alert(1)",
            "http://a.example/",
            "data:text/html,x",
            "file:///etc/passwd",
            "//a.example",
        ] {
            let answer = Answer::One {
                id: "1".into(),
                name: "A".into(),
                link: Some(link.into()),
            };
            let mut unleashed = answering(Export::ListAccounts, answer).await;
            let read = whole(&mut unleashed.connector, Accounts).await.unwrap();
            assert_eq!(read[0].link, None, "{link}");
        }
        the_next_connection_works().await;
    });
}

#[test]
fn a_cursor_that_repeats_is_found_out() {
    run(async {
        let mut unleashed = answering(
            Export::ListAccounts,
            Answer::Endless {
                counts: false,
                heavy: 0,
            },
        )
        .await;
        let error = whole(&mut unleashed.connector, Accounts).await.unwrap_err();
        assert_eq!(
            error.kind,
            CallErrorKind::OutOfLimits { which: "pages" },
            "{error}"
        );
        unleashed.incident(IncidentCode::CursorRepeats);
        the_next_connection_works().await;
    });
}

#[test]
fn a_cursor_that_never_ends_is_left() {
    run(async {
        let mut unleashed = answering(
            Export::ListServices,
            Answer::Endless {
                counts: true,
                heavy: 1,
            },
        )
        .await;
        let error = whole(&mut unleashed.connector, Services).await.unwrap_err();
        assert_eq!(
            error.kind,
            CallErrorKind::OutOfLimits { which: "pages" },
            "{error}"
        );
        unleashed.incident(IncidentCode::TooManyPages);
        the_next_connection_works().await;
    });
}

#[test]
fn pages_that_fill_the_memory_of_the_host_are_left() {
    run(async {
        let answer = Answer::Endless {
            counts: true,
            heavy: 10_000,
        };
        let mut unleashed = answering(Export::ListAccounts, answer).await;
        let error = whole(&mut unleashed.connector, Accounts).await.unwrap_err();
        assert_eq!(
            error.kind,
            CallErrorKind::OutOfLimits { which: "list" },
            "{error}"
        );
        let incident = unleashed.incident(IncidentCode::TooManyPages);
        assert!(
            incident.message.contains("take too much memory"),
            "{}",
            incident.message
        );
        the_next_connection_works().await;
    });
}

#[test]
fn lists_side_by_side_share_the_memory_of_their_session() {
    run(async {
        let answer = Answer::Endless {
            counts: true,
            heavy: 10_000,
        };
        let mut unleashed = answering(Export::ListAccounts, answer).await;
        let (session, connector) = (&unleashed.session, &mut unleashed.connector);
        // A page takes about a third of the 16 MiB that the tests allow.
        let mut first = Pages::new(session, Accounts);
        assert!(first.read_next(connector).await.unwrap());
        assert!(first.read_next(connector).await.unwrap());
        let mut second = Pages::new(session, Accounts);
        assert!(second.read_next(connector).await.unwrap());
        let error = second.read_next(connector).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::OutOfLimits { which: "list" });
        // What is finished still counts for whoever keeps it; what is dropped does not.
        let (_, kept) = first.finish();
        assert!(second.read_next(connector).await.is_err());
        drop((second, kept));
        let mut third = Pages::new(session, Accounts);
        assert!(third.read_next(connector).await.unwrap());
        the_next_connection_works().await;
    });
}

#[test]
fn a_cursor_longer_than_the_contract_allows_is_refused() {
    run(async {
        let (unleashed, error) = accounts(Answer::LongCursor(5_000)).await;
        assert_eq!(error.kind, CallErrorKind::BadAnswer, "{error}");
        unleashed.incident(IncidentCode::BadAnswer);
        the_next_connection_works().await;
    });
}

#[test]
fn a_tenant_key_that_is_none_is_refused() {
    run(async {
        for key in ["".into(), "a\nb".into(), Text::repeated("t", 1 << 20)] {
            let mut unleashed = answering(Export::Check, Answer::Tenant(key)).await;
            let error = unleashed.connector.check(Depth::Full).await.unwrap_err();
            assert_eq!(error.kind, CallErrorKind::BadAnswer, "{error}");
        }
        the_next_connection_works().await;
    });
}

#[test]
fn quantities_and_dates_that_are_none_never_become_numbers() {
    run(async {
        let long = Text::repeated("9", 100_000);
        for (units, month) in [
            ("NaN".into(), 1),
            ("-1".into(), 1),
            ("1e3".into(), 1),
            ("".into(), 1),
            ("0x10".into(), 1),
            (" 5".into(), 1),
            ("٥".into(), 1),
            (long, 1),
            ("5".into(), 13),
            ("5".into(), 0),
        ] {
            let shown = format!("{units:?} {month}");
            let answer = Answer::Units { units, month };
            let mut unleashed = answering(Export::ReadLines, answer).await;
            let reading = lines(&mut unleashed.connector, &[line_key()]).await;
            // Either the whole answer is refused, or this line cannot be read.
            match reading {
                Ok(reading) => assert!(reading.lines[0].timeline.is_err(), "{shown}: {reading:?}"),
                Err(error) => assert_eq!(error.kind, CallErrorKind::BadAnswer, "{shown}"),
            }
        }
        the_next_connection_works().await;
    });
}

#[test]
fn contracts_of_accounts_that_were_not_asked_for_are_refused() {
    run(async {
        let mut unleashed = answering(Export::ListContracts, Answer::StrangeContract).await;
        let asked = [AccountId::new("a1").unwrap()];
        let error = whole(
            &mut unleashed.connector,
            Contracts {
                accounts: &asked,
                start: date(2026, 11, 1),
                horizon: None,
            },
        )
        .await
        .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::BadAnswer, "{error}");
        unleashed.incident(IncidentCode::BadAnswer);
        the_next_connection_works().await;
    });
}

#[test]
fn lines_that_were_not_asked_for_are_refused() {
    run(async {
        let mut unleashed = answering(Export::ReadLines, Answer::StrangeLine).await;
        let error = lines(&mut unleashed.connector, &[line_key()])
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::BadAnswer, "{error}");
        unleashed.incident(IncidentCode::BadAnswer);
        the_next_connection_works().await;
    });
}
