//! Errors: one shape, the right exit status, and the state as it was.

use crate::program::{Program, Said, WORKSPACES};

#[test]
fn wrong_use_is_status_2() {
    let program = Program::with_workspaces();
    let aside = ["map", "set-aside", "acme", "--workspace", "w1"];
    let aside = |more: &[&'static str]| [aside.as_slice(), more].concat();
    let cases: [&[&str]; 23] = [
        &[],
        &["frobnicate"],
        &["plugin"],
        &["workspace", "list", "--frobnicate"],
        &["sync", "--as-of", "yesterday"],
        &["sync", "acme", "--release", "too-much-money"],
        &["sync", "acme", "--why", "so"],
        &["sync", "acme", "--release", "nonsense", "--why", "so"],
        &["sync", "--release", "too-much-money", "--why", "so"],
        &[
            "sync",
            "acme",
            "beta",
            "--release",
            "too-much-money",
            "--why",
            "so",
        ],
        &["map", "service", "acme", "edr", "7", "--metric", "seats"],
        &["run", "resolve", "r-000001", "7", "perhaps"],
        &["connection", "pause", "bad\u{7}name"],
        &["map", "suggest", "acme", "--min-score", "101"],
        &["map", "apply", "acme"],
        &["map", "apply", "acme", "w1=1", "--safe"],
        &["map", "import", "acme", "m.json", "--partial", "--replace"],
        &["map", "export", "acme", "--as", "ods"],
        &["map", "restore", "acme"],
        &aside(&["--exclude"]),
        &aside(&["--why", "so"]),
        &aside(&["--why", "so", "--exclude", "--hold"]),
        &aside(&["--why", "so", "--hold", "--until", "soon"]),
    ];
    for args in cases {
        assert_eq!(program.run(args).status, 2, "{args:?}");
    }
}

#[test]
fn the_commands_on_many_mappings_tell_an_unknown_connection() {
    let program = Program::with_workspaces();
    program.file("m.csv", "kind,coro_id,psa_id\naccount,w1,1\n");
    for args in [
        &["map", "suggest", "nobody"][..],
        &["map", "apply", "nobody", "--safe"],
        &["map", "apply", "nobody", "w1=1"],
        &["map", "import", "nobody", "m.csv", "--dry-run"],
        &["map", "export", "nobody", "m.xlsx"],
        &["map", "set-aside", "nobody", "--list"],
        &[
            "map",
            "set-aside",
            "nobody",
            "--workspace",
            "w1",
            "--hold",
            "--why",
            "so",
        ],
        &["map", "restore", "nobody", "--workspace", "w1"],
        &["map", "radar", "nobody"],
    ] {
        let (status, answer) = program.json(args);
        assert_eq!(status, 1, "{args:?}");
        assert_eq!(answer["error"]["code"], "unknown-connection", "{args:?}");
    }
    assert!(!program.folder.path().join("m.xlsx").exists());
}

#[test]
fn without_a_data_directory_nothing_is_done() {
    let program = Program::new();
    let mut command = program.command();
    command
        .env_remove("PSA_HOST_DATA")
        .args(["workspace", "list"]);
    let said = crate::program::Said::of(&mut command);
    assert_eq!(said.status, 2);
    assert_eq!(
        said.err,
        "error: no data directory is named [usage]\n  fix: Name it with --data DIR or \
         PSA_HOST_DATA.\n"
    );
}

#[test]
fn an_error_has_its_code_and_fix_in_both_shapes() {
    let program = Program::with_workspaces();
    let said = program.run(&["connection", "pause", "nobody"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    assert_eq!(
        said.err,
        "error: there is no connection \"nobody\" [unknown-connection]\n  fix: Add one with \
         `psa-host connection add`.\n"
    );
    let (status, answer) = program.json(&["connection", "pause", "nobody"]);
    assert_eq!(status, 1);
    let error = &answer["error"];
    assert_eq!(error["code"], "unknown-connection");
    assert_eq!(error["message"], "there is no connection \"nobody\"");
    assert!(error["fix"].is_string());
    assert!(error.as_object().unwrap().contains_key("link"));
}

#[test]
fn a_command_line_that_cannot_be_read_is_json_where_json_is_asked_for() {
    let (status, answer) = Program::new().json(&["frobnicate"]);
    assert_eq!(status, 2);
    assert_eq!(answer["error"]["code"], "usage");
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let said = Program::with_workspaces().run(&["plugin", "set", "p", "--secret", "code=hunter2"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("code=@FILE"), "{said:?}");
    assert!(!said.err.contains("hunter2"), "{said:?}");
}

#[test]
fn a_removal_without_a_terminal_needs_yes() {
    let said = Program::with_workspaces().run(&["map", "remove", "acme", "account", "w1"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("--yes"), "{said:?}");
}

#[test]
fn unreadable_json_is_one_error_with_line_and_column_and_leaves_the_state() {
    let program = Program::with_workspaces();
    let said = program.run_with(&["workspace", "import", "-"], "{\"workspaces\": [\n{]}");
    assert_eq!(said.status, 1);
    assert!(
        said.err
            .starts_with("error: standard input, line 2, column 2: not valid JSON"),
        "{said:?}"
    );
    let (_, list) = program.json(&["workspace", "list"]);
    assert_eq!(list["workspaces"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_is_not_there_or_a_directory_is_told() {
    let program = Program::with_workspaces();
    let code = |args: &[&str]| program.json(args).1["error"]["code"].clone();
    assert_eq!(
        code(&["workspace", "import", "nothing.json"]),
        "file-not-found"
    );
    assert_eq!(code(&["plugin", "add", "/"]), "file-is-directory");
    assert_eq!(code(&["plugin", "inspect", "nothing"]), "unknown-plugin");
}

#[test]
fn a_wrong_wasm_and_a_component_of_another_world_are_told_apart() {
    let program = Program::new();
    // The magic number with the versions of a core module and of a component.
    let cases: [(&str, &[u8], &str); 4] = [
        ("text.wasm", b"not wasm", "plugin-not-wasm"),
        ("empty.wasm", b"", "plugin-not-wasm"),
        ("module.wasm", b"\0asm\x01\0\0\0", "plugin-not-component"),
        (
            "component.wasm",
            b"\0asm\x0d\0\x01\0",
            "plugin-not-connector",
        ),
    ];
    for (name, bytes, code) in cases {
        program.file(name, bytes);
        let (status, answer) = program.json(&["plugin", "add", name]);
        assert_eq!(status, 1, "{name}");
        assert_eq!(answer["error"]["code"], code, "{name}");
        assert!(answer["error"]["fix"].is_string(), "{name}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(name), "{message}");
    }
    let (_, plugins) = program.json(&["plugin", "list"]);
    assert_eq!(plugins["plugins"].as_array().unwrap().len(), 0);
}

#[test]
fn a_mistyped_data_directory_is_told_and_not_made() {
    let program = Program::new();
    for command in [
        &["connection", "list"][..],
        &["history", "verify"],
        &["sync", "--dry-run"],
        &["plugin", "approve", "autotask"],
    ] {
        let (status, answer) = program.json(command);
        assert_eq!((status, &answer["error"]["code"]), (1, &"no-data".into()));
        assert!(!program.folder.path().join("data").exists(), "{command:?}");
    }
}

#[test]
fn a_data_directory_that_is_something_else_is_told() {
    let program = Program::new();
    std::fs::create_dir(program.folder.path().join("data")).unwrap();
    program.file("data/ledger.sqlite", "this is a diary");
    let (status, answer) = program.json(&["workspace", "list"]);
    assert_eq!(status, 1);
    assert_eq!(answer["error"]["code"], "not-a-ledger");
    program.file("plain", "");
    let (status, _) = program.json(&["workspace", "list", "--data", "plain"]);
    assert_eq!(status, 1);
}

#[test]
fn a_key_inside_the_data_directory_is_refused() {
    let program = Program::with_workspaces();
    let (status, answer) = program.json(&["workspace", "list", "--key-file", "data/key"]);
    assert_eq!(status, 1);
    assert_eq!(answer["error"]["code"], "key-inside-data");
}

#[test]
fn a_full_disk_is_one_error_and_leaves_the_state() {
    let program = Program::with_workspaces();
    let many: Vec<String> = (0..4000)
        .map(|at| {
            format!(
                r#"{{"id": "n{at}", "name": "{}", "kind": "child", "parent": "msp", "status": "new"}}"#,
                "x".repeat(500)
            )
        })
        .collect();
    program.file(
        "many.json",
        format!("{{\"workspaces\": [{}]}}", many.join(",")),
    );
    // The shell's limit on file sizes stands for the disk. `trap ''` makes a write over
    // it fail instead of ending the program.
    let binary = env!("CARGO_BIN_EXE_psa-host");
    let mut shell = std::process::Command::new("bash");
    shell
        .current_dir(program.folder.path())
        .env("PSA_HOST_DATA", "data")
        .args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f 512; '{binary}' workspace import many.json"),
        ]);
    let said = crate::program::Said::of(&mut shell);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.starts_with("error: "), "{said:?}");
    assert!(said.err.contains("fix: "), "{said:?}");
    let (_, list) = program.json(&["workspace", "list"]);
    assert_eq!(list["workspaces"].as_array().unwrap().len(), 2);
    let again = program.run_with(&["workspace", "import", "-"], WORKSPACES);
    assert_eq!(again.status, 0, "{again:?}");
}

#[test]
fn a_brake_that_is_unknown_or_never_released_is_refused_with_the_reason() {
    let program = Program::with_workspaces();
    let refused = |code: &str| {
        let sync = ["sync", "acme", "--release", code, "--why", "so"];
        let (status, answer) = program.json(&sync);
        assert_eq!((status, &answer["error"]["code"]), (2, &"usage".into()));
        answer["error"]["message"].as_str().unwrap().to_owned()
    };
    let unknown = refused("nonsense");
    assert!(unknown.contains("snapshot-stale, "), "{unknown}");
    assert!(unknown.contains("too-many-accounts, "), "{unknown}");
    for code in [
        "no-snapshot",
        "snapshot-incomplete",
        "snapshots-disagree",
        "snapshot-in-future",
        "snapshot-older-than-last",
    ] {
        let held = refused(code);
        assert!(held.contains("cannot be released: "), "{held}");
    }
}

/// The program as another user than the one that tests run as, who must be root for that.
fn as_nobody(program: &Program, args: &[&str]) -> Option<(i32, serde_json::Value)> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let folder = program.folder.path();
    if std::fs::metadata(folder).unwrap().uid() != 0 {
        eprintln!("skipped: only root can become another user");
        return None;
    }
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, open).unwrap();
    // Where it was built, the other user may not look.
    let built = env!("CARGO_BIN_EXE_psa-host");
    let binary = folder.join("psa-host");
    if !binary.exists() && std::fs::hard_link(built, &binary).is_err() {
        std::fs::copy(built, &binary).unwrap();
    }
    let mut command = std::process::Command::new(binary);
    command
        .current_dir(folder)
        .env_clear()
        .env("PSA_HOST_DATA", "data")
        .env("PSA_HOST_KEY_FILE", "key")
        .args(args)
        .args(["--format", "json"])
        .uid(NOBODY)
        .gid(NOBODY);
    let said = Said::of(&mut command);
    Some((said.status, said.json()))
}

const NOBODY: u32 = 65534;

#[test]
fn another_users_data_directory_is_a_permission_error_that_names_its_owner() {
    let program = Program::with_workspaces();
    for args in [
        &["workspace", "list"][..],
        &["workspace", "import", "w.json"],
    ] {
        program.file("w.json", WORKSPACES);
        let Some((status, answer)) = as_nobody(&program, args) else {
            return;
        };
        let error = &answer["error"];
        assert_eq!(
            (status, &error["code"]),
            (1, &"permission".into()),
            "{answer}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("may not use"), "{message}");
        assert!(
            message.contains("which belongs to root (uid 0)"),
            "{message}"
        );
        let fix = error["fix"].as_str().unwrap();
        assert!(fix.contains("`sudo -u root psa-host …`"), "{fix}");
    }
}

#[test]
fn a_file_that_another_user_made_in_the_data_directory_is_named() {
    use std::os::unix::fs::chown;

    for name in ["ledger.sqlite", "ledger.sqlite-shm", "budget.sqlite-wal"] {
        let program = Program::with_workspaces();
        let data = program.folder.path().join("data");
        if as_nobody(&program, &["workspace", "list"]).is_none() {
            return;
        }
        let mut all = vec![data.clone()];
        while let Some(path) = all.pop() {
            if path.is_dir() {
                let inside = std::fs::read_dir(&path).unwrap();
                all.extend(inside.map(|entry| entry.unwrap().path()));
            }
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let (status, answer) = as_nobody(&program, &["workspace", "list"]).unwrap();
        assert_eq!(status, 0, "{answer}");
        let file = data.join(name);
        let made = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file);
        drop(made.unwrap());
        chown(&file, Some(0), Some(0)).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (status, answer) = as_nobody(&program, &["workspace", "list"]).unwrap();
        let error = &answer["error"];
        assert_eq!(
            (status, &error["code"]),
            (1, &"permission".into()),
            "{name}: {answer}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("{name}, which belongs to root")),
            "{message}"
        );
        let fix = error["fix"].as_str().unwrap();
        assert!(fix.contains("sudo chown ") && fix.contains(name), "{fix}");
    }
}

#[test]
fn a_level_of_the_log_that_is_none_is_wrong_use() {
    let program = Program::with_workspaces();
    let listed = |level: &str| {
        let mut command = program.command();
        command
            .env("PSA_HOST_LOG", level)
            .args(["workspace", "list"]);
        Said::of(&mut command)
    };
    for level in [
        "loud",
        "verbose,info",
        "psa_host_sync",
        "psa_host_sync=loud",
        "2",
    ] {
        let said = listed(level);
        assert_eq!(said.status, 2, "{level}: {said:?}");
        assert!(said.err.contains("error, warn, info"), "{said:?}");
    }
    for level in ["", "info", "DEBUG", "warn,psa_host_sync=trace"] {
        assert_eq!(listed(level).status, 0, "{level}");
    }
}
