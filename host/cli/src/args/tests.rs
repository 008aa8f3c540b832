//! The whole command tree: what a person reads in the help is true.

use clap::{Command, CommandFactory, Parser};
use psa_host_billing::brake::BrakeCode;
use psa_host_billing::{ErrorCode, HoldCode, ReportCode};
use psa_host_wire::Action;

use super::Cli;

/// Every command with its path, groups too; not clap's own `help`.
fn all() -> Vec<(String, Command)> {
    fn below(path: &str, command: &Command, into: &mut Vec<(String, Command)>) {
        for one in command.get_subcommands() {
            if one.get_name() == "help" {
                continue;
            }
            let path = format!("{path} {}", one.get_name());
            below(&path, one, into);
            into.push((path, one.clone()));
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut all = Vec::new();
    below("psa-host", &root, &mut all);
    all
}

fn help_after(command: &Command) -> String {
    let long = command.get_after_long_help();
    let help = long.or(command.get_after_help());
    help.map(ToString::to_string).unwrap_or_default()
}

/// The commands of an example, as a shell would take them: continued lines joined, comments,
/// pipes and redirections gone.
fn examples(help: &str) -> Vec<Vec<String>> {
    let joined = help.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        let parts = line.split(" | ").flat_map(|part| part.split("<("));
        for part in parts {
            let part = part.trim();
            if part.starts_with("psa-host ") {
                let part = part.trim_end_matches(')');
                found.push(words(part.split(" > ").next().unwrap_or_default()));
            }
        }
    }
    found
}

/// Words as a shell parts them, without its comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (None, '#') if !begun => break,
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (Some(open), c) if c == open => quote = None,
            (None, ' ') if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (None, ' ') => {}
            (_, c) => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[test]
fn every_command_says_what_it_is_and_every_value_what_it_takes() {
    for (path, command) in all() {
        assert!(command.get_about().is_some(), "{path} says nothing");
        for arg in command.get_arguments() {
            let says = arg.get_help().or(arg.get_long_help()).is_some();
            assert!(says, "{path}: {} says nothing", arg.get_id());
        }
    }
}

#[test]
fn every_command_has_an_example_of_itself_that_can_be_pasted() {
    let mut seen = 0;
    for (path, command) in all() {
        if command.has_subcommands() {
            continue;
        }
        let help = help_after(&command);
        let own = format!("{path} ");
        let examples = examples(&help);
        let of_itself = examples
            .iter()
            .any(|words| format!("{} ", words.join(" ")).starts_with(&own));
        assert!(of_itself, "{path} has no example of itself: {help}");
        for words in examples {
            let parsed = Cli::try_parse_from(&words);
            assert!(parsed.is_ok(), "{path}: {words:?}: {}", parsed.unwrap_err());
            seen += 1;
        }
        // A shell would choke on a remark in brackets.
        for line in help
            .lines()
            .filter(|line| line.trim().starts_with("psa-host "))
        {
            assert!(!line.contains("  ("), "{path}: {line}");
            assert!(!line.contains('…'), "{path}: {line}");
        }
    }
    assert!(seen > 60, "only {seen} examples were found");
}

/// A terminal of 80 columns breaks a longer line, and half a command is another command.
#[test]
fn no_line_that_can_be_pasted_is_wider_than_80_columns() {
    let mut all = all();
    all.push(("psa-host".to_owned(), Cli::command()));
    for (path, command) in all {
        for line in help_after(&command).lines() {
            assert!(line.chars().count() <= 80, "{path}: {line}");
        }
        let help = command.term_width(80).render_long_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{path}: {line}");
        }
    }
}

#[test]
fn the_examples_of_the_whole_program_parse() {
    let help = help_after(&Cli::command());
    let examples = examples(&help);
    assert!(examples.len() > 8, "{help}");
    for words in examples {
        let parsed = Cli::try_parse_from(&words);
        assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
    }
}

#[test]
fn what_an_action_says_to_type_is_a_command() {
    for action in Action::examples() {
        let words = words(&action.command());
        let parsed = Cli::try_parse_from(&words);
        assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
    }
}

/// The commands that stand between backticks, each with the options that it names.
fn commands_in(text: &str) -> Vec<Vec<String>> {
    let within = text.split('`').skip(1).step_by(2);
    let commands = within.filter(|part| part.starts_with("psa-host "));
    commands.map(words).collect()
}

/// Whether a command of these words exists, with the options named.
fn check(text: &str) {
    let mut root = Cli::command();
    root.build();
    for words in commands_in(text) {
        let mut command = &root;
        let mut rest = words.iter().skip(1).peekable();
        while let Some(below) = rest.peek().and_then(|word| command.find_subcommand(word)) {
            command = below;
            rest.next();
        }
        let group = command.has_subcommands() && words.get(1).is_none_or(|word| word != "help");
        assert!(!group, "{words:?} is no whole command: {text}");
        for option in rest.filter_map(|word| word.strip_prefix("--")) {
            let known = command
                .get_arguments()
                .any(|arg| arg.get_long() == Some(option));
            assert!(
                known || option == "help",
                "{words:?}: no --{option}: {text}"
            );
        }
    }
}

#[test]
fn every_fix_of_a_code_names_commands_that_there_are() {
    for code in ErrorCode::ALL {
        check(code.fix());
    }
    for code in HoldCode::ALL {
        check(code.fix());
    }
    for code in ReportCode::ALL {
        check(code.fix());
    }
    for code in BrakeCode::ALL {
        check(&code.example().fix("acme"));
    }
}
