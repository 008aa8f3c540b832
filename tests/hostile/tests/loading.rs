//! Files that are no connector, or one that should not be let in: refused with a
//! reason, and never run.

use std::ffi::OsString;
use std::time::Duration;

use hostile_plugins::guest::{Act, Ask, Disguise, MARK_START};
use hostile_plugins::{
    Hostile, Server, connector_in_world, contract, disguised, guest_package, hostile, json, limits,
    load, run, sandbox_with, the_next_connection_works, with_module,
};
use psa_host_sandbox::{Compiler, Grant, Limits, LoadError, Session};

async fn refused(file: &[u8]) -> LoadError {
    let error = load(file).await.unwrap_err();
    assert!(!error.fix().is_empty());
    assert!(error.to_string().len() < 5_000, "{error}");
    assert!(
        !error.to_string().contains(|c: char| c.is_control()),
        "{error:?}"
    );
    the_next_connection_works().await;
    error
}

#[test]
fn what_is_no_component_is_refused_by_its_kind() {
    run(async {
        let module = wat::parse_str("(module (func (export \"_start\")))").unwrap();
        assert_eq!(refused(&module).await.code(), "plugin-not-component");
        for file in [
            &b""[..],
            b"#!/bin/sh\n",
            b"\x7fELF\x02\x01\x01",
            b"(component)",
            b"\0asm",
            b"MZ\x90",
        ] {
            assert_eq!(refused(file).await.code(), "plugin-not-wasm", "{file:?}");
        }
    });
}

#[test]
fn a_file_beyond_any_size_is_refused_before_it_is_read() {
    run(async {
        let error = refused(&vec![0; 65 << 20]).await;
        assert_eq!(error.code(), "plugin-too-large");
    });
}

#[test]
fn damaged_components_are_refused() {
    run(async {
        let whole = hostile();
        for part in [2, 3, 10, 1_000] {
            let error = refused(&whole[..whole.len() - whole.len() / part]).await;
            assert!(
                ["plugin-invalid", "plugin-not-connector"].contains(&error.code().as_str()),
                "{error}"
            );
        }
        // A byte turned over, here and there: refused, or harmless.
        for at in (20..whole.len()).step_by(whole.len() / 4) {
            let mut file = whole.clone();
            file[at] ^= 0x41;
            drop(load(&file).await);
        }
        the_next_connection_works().await;
    });
}

#[test]
fn a_component_of_another_world_is_refused_with_what_it_is() {
    run(async {
        let contract = "package evil:thing@1.0.0; world thing { export run: func(); }";
        let error = refused(&connector_in_world(contract, "thing", &[])).await;
        assert_eq!(error.code(), "plugin-not-connector");
        assert!(error.to_string().contains("run"), "{error}");

        let empty = wat::parse_str("(component)").unwrap();
        assert_eq!(refused(&empty).await.code(), "plugin-not-connector");
    });
}

#[test]
fn a_connector_for_another_version_is_refused_with_both_versions() {
    run(async {
        for version in ["0.1.0", "0.3.0", "1.0.0", "9.9.9"] {
            let contract = contract().replace("connector@0.2.0", &format!("connector@{version}"));
            let file = connector_in_world(&contract, "psa-connector", &[&guest_package()]);
            let error = refused(&file).await;
            assert_eq!(error.code(), "plugin-version", "{error}");
            assert!(
                error.to_string().contains(version) && error.to_string().contains("0.2.0"),
                "{error}"
            );
        }
    });
}

#[test]
fn a_connector_with_other_types_is_refused() {
    run(async {
        for (from, to) in [
            (
                "list-accounts: func(cursor: option<cursor>)",
                "list-accounts: func(cursor: list<cursor>)",
            ),
            ("    adjust: func(", "    adjust-now: func("),
            ("        status: u16,", "        status: u64,"),
        ] {
            let (contract, guest) = (contract(), guest_package());
            assert!(contract.contains(from) || guest.contains(from), "{from}");
            let (contract, guest) = (contract.replace(from, to), guest.replace(from, to));
            let file = connector_in_world(&contract, "psa-connector", &[&guest]);
            let error = refused(&file).await;
            assert_eq!(error.code(), "plugin-interface", "{to}: {error}");
        }
    });
}

#[test]
fn imports_beyond_what_connectors_get_are_refused_by_name() {
    let http = "package wasi:http@0.2.0; interface outgoing-handler { handle: func(url: string); }";
    let other =
        "package evil:shell@1.0.0; interface exec { run: func(command: string) -> string; }";
    let wasi = "package wasi:keyvalue@0.2.0; interface store { get: func(key: string) -> string; }";
    run(async {
        for (package, import) in [
            (http, "wasi:http/outgoing-handler@0.2.0"),
            (other, "evil:shell/exec@1.0.0"),
            (wasi, "wasi:keyvalue/store@0.2.0"),
        ] {
            let log = "    import psa-host:guest/log@0.2.0;";
            let contract = contract().replace(log, &format!("{log}\n    import {import};"));
            assert!(contract.contains(import), "{import}");
            let packages = [&*guest_package(), package];
            let error = refused(&connector_in_world(&contract, "psa-connector", &packages)).await;
            assert_eq!(error.code(), "plugin-import");
            assert!(error.to_string().contains(import), "{error}");
        }
    });
}

#[test]
fn a_describe_that_does_not_answer_is_refused() {
    run(async {
        let bad = [Disguise::Loops, Disguise::Exits, Disguise::ManyFields];
        for disguise in bad {
            let error = refused(&disguised(disguise)).await;
            assert_eq!(error.code(), "plugin-describe", "{disguise:?}: {error}");
        }
    });
}

#[test]
fn a_description_that_makes_no_sense_is_refused_with_every_problem() {
    run(async {
        let error = refused(&disguised(Disguise::Nonsense)).await;
        assert_eq!(error.code(), "plugin-description", "{error}");
        for part in [
            "`name` must",
            "`label` has control characters",
            "\"*\"",
            "\"*.com\": is too wide",
            "\"169.254.169.254\": is an IP address",
            "\"secret\" is declared twice",
            "x-open: `${` is not closed",
            "names \"other\", which is no field",
            "x-split: has a control character",
            "\"Host\" cannot be a header",
            "method \"CONNECT\"",
            "limits.at-once-per-endpoint",
            "limits.instances",
            "limits.batches.accounts",
        ] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    });
}

#[test]
fn a_describe_that_makes_a_request_or_stores_something_gets_nothing() {
    run(async {
        let plugin = load(&disguised(Disguise::Meddles)).await.unwrap();
        let label = &plugin.description().label;
        assert!(
            label.starts_with("SendFailureKind::Denied sent=false"),
            "{label}"
        );
        assert!(
            label.contains("unavailable: nothing can be stored"),
            "{label}"
        );
        the_next_connection_works().await;
    });
}

#[test]
fn a_token_address_made_of_a_free_text_is_refused() {
    run(async {
        // At load or when the session is made: before a secret leaves, in any case.
        let Ok(plugin) = load(&disguised(Disguise::TokenAnywhere)).await else {
            return;
        };
        let server = Server::start(|_| json("{\"access_token\":\"t0ken\",\"expires_in\":60}"));
        let ask = Ask::get("https://psa.hostile.example/").authenticated();
        let hostile = Hostile::checking(vec![Act::Send(ask)]);
        // The script is no address, so the token has nowhere to come from.
        assert!(
            hostile
                .at(&server)
                .from(plugin)
                .try_session()
                .await
                .is_err()
        );
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn neither_clock_nor_randomness_nor_a_counter_tells_one_describe_from_another() {
    run(async {
        for disguise in [Disguise::Differs, Disguise::Clocks, Disguise::Counts] {
            let file = disguised(disguise);
            let first = load(&file).await.unwrap();
            // As in another process, and at another time.
            let sandbox = sandbox_with(limits(), Compiler::InProcess);
            let second = sandbox.load(&file).await.unwrap();
            assert_eq!(first.description(), second.description(), "{disguise:?}");
            assert!(first.description().version.starts_with("1."), "it tried");
        }
        the_next_connection_works().await;
    });
}

#[test]
fn another_disguise_is_another_plugin() {
    run(async {
        let (honest, other) = (hostile(), disguised(Disguise::Differs));
        assert!(
            other
                .windows(MARK_START.len())
                .any(|part| part == MARK_START.as_bytes())
        );
        let (honest, other) = (load(&honest).await.unwrap(), load(&other).await.unwrap());
        assert_ne!(honest.hash(), other.hash());
        let grant = Grant {
            plugin: *honest.hash(),
            hosts: Vec::new(),
        };
        let error = Session::builder(&other).grant(grant).build().unwrap_err();
        assert_eq!(error.code(), "not-approved");
    });
}

fn worker() -> Compiler {
    Compiler::Child {
        program: env!("CARGO_BIN_EXE_hostile-compile-worker").into(),
        args: Vec::<OsString>::new(),
    }
}

/// Functions so long that 60 of them keep a compiler busy for minutes.
fn long_functions(count: usize) -> Vec<u8> {
    let mut body = String::new();
    for n in 0..20_000 {
        let step = format!(
            "(local.set 0 (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const {n}))))"
        );
        body.push_str(&step);
        body.push_str("(if (local.get 0) (then (local.set 1 (local.get 0))))");
    }
    let module = format!("(module (func (param i32 i32) {body}))");
    with_module(&module, count, 0)
}

#[test]
fn a_component_that_takes_minutes_to_compile_is_stopped() {
    run(async {
        let limits = Limits {
            compile_time: Duration::from_secs(1),
            ..limits()
        };
        let sandbox = sandbox_with(limits, worker());
        let error = sandbox.load(&long_functions(60)).await.unwrap_err();
        assert_eq!(error.code(), "plugin-compile-limit", "{error}");
        assert!(error.to_string().contains("of computing"), "{error}");
        the_next_connection_works().await;
    });
}

#[test]
fn waiting_for_a_busy_machine_does_not_count_as_compiling() {
    run(async {
        let limits = Limits {
            compile_time: Duration::from_secs(2),
            ..limits()
        };
        // Asleep for longer than it may compute.
        let script = format!(
            "sleep 3; exec {} \"$@\"",
            env!("CARGO_BIN_EXE_hostile-compile-worker")
        );
        let compiler = Compiler::Child {
            program: "/bin/sh".into(),
            args: ["-c", &script, "sh"].map(OsString::from).into(),
        };
        let file = connector_in_world(&contract(), "psa-connector", &[&guest_package()]);
        let error = sandbox_with(limits, compiler).load(&file).await;
        assert_eq!(error.unwrap_err().code(), "plugin-describe");
    });
}

#[test]
fn a_component_with_other_imports_is_not_compiled() {
    run(async {
        let other = "package evil:shell@1.0.0; interface exec { run: func() -> string; }";
        let log = "    import psa-host:guest/log@0.2.0;";
        let world = format!("{log}\n    import evil:shell/exec@1.0.0;");
        let contract = contract().replace(log, &world);
        let file = connector_in_world(&contract, "psa-connector", &[&*guest_package(), other]);
        // A compiler that cannot be started is not missed.
        let compiler = Compiler::Child {
            program: "/no/such/compiler".into(),
            args: Vec::new(),
        };
        let error = sandbox_with(limits(), compiler)
            .load(&file)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "plugin-import", "{error}");
    });
}

#[test]
fn a_component_that_takes_all_memory_to_compile_is_stopped() {
    run(async {
        // Little memory instead of a greedier component: the same end, sooner.
        let limits = Limits {
            compile_memory: 16 << 20,
            compile_time: Duration::from_secs(60),
            ..limits()
        };
        let sandbox = sandbox_with(limits, worker());
        let error = sandbox.load(&long_functions(4)).await.unwrap_err();
        assert_eq!(error.code(), "plugin-compile-limit", "{error}");
        assert!(error.to_string().contains("memory"), "{error}");
        the_next_connection_works().await;
    });
}

#[test]
fn a_plugin_compiled_by_a_child_works_as_any_other() {
    run(async {
        let sandbox = sandbox_with(limits(), worker());
        let plugin = sandbox.load(&hostile()).await.unwrap();
        let (_, findings) = Hostile::checking(Vec::new()).from(plugin).check().await;
        assert_eq!(findings.unwrap(), [""; 0]);
    });
}
