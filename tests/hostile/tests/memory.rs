//! Plugins that want more memory, tables or instances than they get.

use hostile_plugins::guest::Act;
use hostile_plugins::{Hostile, load, run, the_next_connection_works, with_module};
use psa_host_sandbox::{CallErrorKind, IncidentCode};

#[test]
fn memory_without_end_is_refused() {
    run(async {
        let (unleashed, outcome) = Hostile::checking(vec![Act::TakeMemory]).check().await;
        let kind = CallErrorKind::OutOfLimits { which: "memory" };
        assert_eq!(outcome.unwrap_err().kind, kind);
        unleashed.incident(IncidentCode::MemoryLimit);
        the_next_connection_works().await;
    });
}

#[test]
fn a_plugin_that_copes_with_refused_memory_is_reported() {
    run(async {
        let (unleashed, outcome) = Hostile::checking(vec![Act::AskForMemory]).check().await;
        if let Ok(findings) = outcome {
            assert!(findings[0].starts_with("refused after 1"), "{findings:?}");
        }
        unleashed.incident(IncidentCode::MemoryLimit);
        the_next_connection_works().await;
    });
}

/// A plugin with this module in it is refused at load, in words with this in them.
fn refused(module: &str, times: usize, part: &str) {
    run(async {
        let error = load(&with_module(module, 1, times)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        the_next_connection_works().await;
    });
}

#[test]
fn a_module_within_the_limits_does_no_harm_by_itself() {
    // What is left is that the connector's own `describe` traps.
    refused("(module (memory 1) (table 10 funcref))", 1, "unreachable");
}

#[test]
fn a_declared_memory_beyond_the_limit_is_refused() {
    refused("(module (memory 65536))", 1, "memory");
}

#[test]
fn a_declared_table_beyond_the_limit_is_refused() {
    refused("(module (table 10000000 funcref))", 1, "table");
}

#[test]
fn a_table_that_grows_without_end_is_refused() {
    let module = "(module (table 1 funcref)
        (func $grow (loop $again
            (br_if $again (i32.ne (i32.const -1) (table.grow (ref.null func) (i32.const 1000)))))
            unreachable)
        (start $grow))";
    refused(module, 1, "table");
}

#[test]
fn instances_by_the_dozen_are_refused() {
    refused("(module)", 50, "instance");
}

#[test]
fn memories_by_the_dozen_are_refused() {
    refused("(module (memory 1))", 10, "memor");
}

#[test]
fn a_loop_while_being_instantiated_is_ended() {
    let module = "(module (func $f (loop $again (br $again))) (start $f))";
    refused(module, 1, "was stopped");
}

#[test]
fn recursion_while_being_instantiated_is_ended() {
    refused("(module (func $f (call $f)) (start $f))", 1, "recursion");
}
