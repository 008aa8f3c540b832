//! Help, version and completions.

use crate::program::Program;

const COMMANDS: &[&str] = &[
    "plugin add",
    "plugin list",
    "plugin inspect",
    "plugin approve",
    "plugin set",
    "plugin remove",
    "workspace import",
    "workspace list",
    "usage import",
    "usage show",
    "usage list",
    "usage withdraw",
    "connection add",
    "connection set",
    "connection rotate",
    "connection pause",
    "connection resume",
    "connection list",
    "connection check",
    "connection remove",
    "account list",
    "service list",
    "contract list",
    "map account",
    "map service",
    "map contract",
    "map list",
    "map remove",
    "map import",
    "map export",
    "map suggest",
    "map apply",
    "map set-aside",
    "map restore",
    "map radar",
    "validate",
    "sync",
    "run list",
    "run show",
    "run resolve",
    "history verify",
    "history list",
    "history export",
    "count set",
    "count show",
    "count exclude",
    "count exclusions",
    "count restore",
    "count simulate",
    "completions",
];

#[test]
fn every_command_has_help_with_an_example_of_itself() {
    let program = Program::new();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.push("--help");
        let said = program.run(&args);
        assert_eq!(said.status, 0, "{command}");
        assert!(said.out.contains("Example"), "{command}: {}", said.out);
        let example = format!("psa-host {command}");
        let shown = said.out.matches(&example).count();
        assert!(shown >= 2, "usage and example of {command}: {}", said.out);
    }
}

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
        let said = crate::program::Said::of(&mut command);
        assert_eq!(said.status, 0, "{shell}");
        assert!(said.out.contains("validate"), "{shell}");
    }
}
