//! Help, version and completions. That each command has its help is seen beside the
//! arguments (`src/args/tests.rs`), which walks the whole tree.

use crate::program::{Program, Said};

#[test]
fn the_programs_help_explains_its_exit_statuses_and_shows_no_hidden_command() {
    let said = Program::new().run(&["--help"]);
    assert_eq!(said.status, 0);
    for word in [
        "Exit status:",
        "PSA_HOST_DATA",
        "NO_COLOR",
        "psa-host sync acme",
    ] {
        assert!(said.out.contains(word), "{word}");
    }
    assert!(!said.out.contains("compile-plugin"));
}

#[test]
fn the_version_is_told() {
    let said = Program::new().run(&["--version"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert!(said.out.starts_with("psa-host "));
}

#[test]
fn there_are_completions_for_each_shell_without_a_data_directory() {
    let program = Program::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let mut command = program.command();
        command
            .env_remove("PSA_HOST_DATA")
            .args(["completions", shell]);
        let said = Said::of(&mut command);
        assert_eq!(said.status, 0, "{shell}");
        assert!(said.out.contains("COMPLETE"), "{shell}: {}", said.out);
    }
}

/// What bash offers for the last of these words.
fn completed(program: &Program, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_psa-host"));
    let script = format!(
        "source <(psa-host completions bash)
         COMP_WORDS=({}) COMP_CWORD={} COMP_TYPE=9
         $(complete -p psa-host | grep -o -- '-F [^ ]*' | cut -c4-)
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1
    );
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = binary.parent().unwrap().display();
    let mut shell = std::process::Command::new("bash");
    shell
        .current_dir(program.folder.path())
        .env("PATH", format!("{folder}:{path}"))
        .env("PSA_HOST_DATA", "data")
        .args(["--norc", "-c", &script]);
    let said = Said::of(&mut shell);
    assert_eq!(said.err, "", "{words:?}");
    said.out
}

#[test]
fn bash_completes_commands_options_and_own_names() {
    let program = Program::with_workspaces();
    let cases: [(&[&str], &str); 6] = [
        (&["psa-host", "val"], "validate"),
        (&["psa-host", "connection", "ro"], "rotate"),
        (&["psa-host", "sync", "--dry"], "--dry-run"),
        (&["psa-host", "map", "account", "acme", "w"], "w1"),
        (&["psa-host", "usage", "show", "--channel", "m"], "msp"),
        (&["psa-host", "count", "show", "acme", "ed"], "edr"),
    ];
    for (words, expected) in cases {
        let offered = completed(&program, words);
        let found = offered.lines().any(|one| one.trim() == expected);
        assert!(found, "{words:?}: {offered}");
    }
}

#[test]
fn completion_says_nothing_and_makes_nothing_where_there_is_no_data() {
    let program = Program::new();
    let offered = completed(&program, &["psa-host", "map", "account", "a"]);
    assert!(
        offered.lines().all(|one| one.starts_with("--")),
        "{offered}"
    );
    assert!(!program.folder.path().join("data").exists());
}

#[test]
fn a_group_without_its_command_shows_its_commands_and_is_wrong_use() {
    let program = Program::with_workspaces();
    for (args, command) in [
        (&["plugin"][..], "Grant a plugin the hosts it asks for"),
        (&["map"], "Take up again what was set aside"),
        (&["--quiet", "run"], "Show a run as it is known today"),
    ] {
        let said = program.run(args);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{args:?}");
        assert!(said.err.contains(command), "{args:?}: {}", said.err);
        assert!(!said.err.contains("error:"), "{args:?}: {}", said.err);
        assert!(
            said.err.contains("Usage: psa-host"),
            "{args:?}: {}",
            said.err
        );
    }
    let (status, answer) = program.json(&["plugin"]);
    assert_eq!((status, &answer["error"]["code"]), (2, &"usage".into()));
}

#[test]
fn a_level_of_the_log_that_is_none_is_refused() {
    let program = Program::with_workspaces();
    for (level, status) in [
        ("info", 0),
        ("WARN", 0),
        ("loud", 2),
        ("psa_host_sync=info", 0),
    ] {
        let mut command = program.command();
        command
            .env("PSA_HOST_LOG", level)
            .args(["workspace", "list"]);
        assert_eq!(Said::of(&mut command).status, status, "{level}");
    }
}
