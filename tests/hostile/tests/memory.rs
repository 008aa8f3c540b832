//! Plugins that want more memory, tables or instances than they get.

use hostile_plugins::guest::Act;
use hostile_plugins::{
    Hostile, hostile, limits, load, run, sandbox_with, the_next_connection_works, with_module,
};
use psa_host_sandbox::{CallErrorKind, Compiler, IncidentCode, Limits};

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
fn a_component_composed_of_others_is_not_refused_for_its_parts() {
    // What is left is that the connector's own `describe` traps.
    refused("(module)", 60, "unreachable");
    refused("(module (memory 1))", 5, "unreachable");
    let two_memories = "(module (memory 1) (memory 1)
        (func (drop (i32.load 1 (i32.const 0)))))";
    refused(two_memories, 1, "unreachable");
}

#[test]
fn instances_of_one_session_share_their_memory() {
    run(async {
        let limits = Limits {
            session_memory: 8 << 20,
            ..limits()
        };
        let sandbox = sandbox_with(limits, Compiler::InProcess);
        let plugin = sandbox.load(&hostile()).await.unwrap();
        let session = Hostile::checking(Vec::new()).from(plugin).session().await;
        let mut working = Vec::new();
        let error = loop {
            match session.connect().await {
                Ok(connector) => working.push(connector),
                Err(error) => break error,
            }
        };
        let kind = CallErrorKind::OutOfLimits { which: "memory" };
        assert_eq!(error.kind, kind, "{error}");
        assert!(
            error.message.contains("8 MiB of memory together"),
            "{error}"
        );
        assert!((1..=8).contains(&working.len()), "{}", working.len());
        // What is dropped gives its memory back.
        drop(working);
        session.connect().await.unwrap();
        the_next_connection_works().await;
    });
}

#[test]
fn instances_by_the_dozen_are_refused() {
    refused("(module)", 150, "instance");
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
