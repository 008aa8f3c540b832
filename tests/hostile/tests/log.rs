//! Plugins that talk too much, or in escapes.

use hostile_plugins::guest::{Act, Text};
use hostile_plugins::{Hostile, run, the_next_connection_works};
use psa_host_sandbox::{CallErrorKind, IncidentCode};

#[test]
fn a_flood_of_log_lines_is_dropped_and_reported_once() {
    run(async {
        let act = Act::Log {
            lines: 100_000,
            text: "again".into(),
        };
        let (unleashed, findings) = Hostile::checking(vec![act]).check().await;
        assert_eq!(findings.unwrap(), ["written"]);
        assert_eq!(unleashed.incident(IncidentCode::LogFlood).times, 1);
        the_next_connection_works().await;
    });
}

#[test]
fn a_flood_on_standard_output_and_error_is_dropped_and_reported() {
    run(async {
        let (unleashed, findings) = Hostile::checking(vec![Act::Print(5_000)]).check().await;
        assert_eq!(findings.unwrap(), ["printed"]);
        unleashed.incident(IncidentCode::LogFlood);
        the_next_connection_works().await;
    });
}

#[test]
fn a_log_line_of_100_mb_is_not_taken() {
    run(async {
        let act = Act::Log {
            lines: 1,
            text: Text::repeated("0123456789", 10 << 20),
        };
        let (unleashed, findings) = Hostile::checking(vec![act]).check().await;
        assert_eq!(
            findings.unwrap_err().kind,
            CallErrorKind::OutOfLimits { which: "answer" }
        );
        unleashed.incident(IncidentCode::AnswerTooLarge);
        the_next_connection_works().await;
    });
}
