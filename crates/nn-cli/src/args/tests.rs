//! The help and the README hold to what the parser takes.

use clap::{CommandFactory, Parser};

use super::Cli;

/// The commands in a text: lines that begin with the program's name or with cargo running it.
fn commands(text: &str) -> Vec<&str> {
    let command = |line| {
        let line = str::trim(line);
        let line = line.strip_prefix("cargo run -p nn-cli --").map_or(line, str::trim);
        // Explanations are set apart by two blanks, or stand behind a number sign.
        let line = line.split("  ").next().unwrap_or(line);
        let line = line.split(" #").next().unwrap_or(line).trim();
        let is_example = line.starts_with("nn-cli ") || text_has_bare_arguments(line);
        is_example.then_some(line)
    };
    text.lines().filter_map(command).collect()
}

/// `cargo run -p nn-cli -- train` without what came before.
fn text_has_bare_arguments(line: &str) -> bool {
    ["train", "eval", "predict", "show", "inspect"]
        .iter()
        .any(|name| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" --")))
}

#[test]
fn the_parser_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_in_its_help_and_they_parse() {
    let mut program = Cli::command();
    program.build();
    let mut helps = vec![("nn-cli".to_owned(), program.render_long_help().to_string())];
    for command in program.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        helps.push((command.get_name().to_owned(), command.render_long_help().to_string()));
    }
    assert_eq!(helps.len(), 6);
    for (name, help) in helps {
        let examples = help.split_once("Examples:").unwrap_or_else(|| panic!("{name} has no examples")).1;
        let examples = commands(examples);
        assert!(examples.len() >= 3, "{name}: {examples:?}");
        for example in examples {
            assert!(name == "nn-cli" || example.split(' ').nth(1) == Some(&name), "{name}: {example}");
            if let Err(error) = Cli::try_parse_from(example.split(' ')) {
                panic!("{example}: {error}");
            }
        }
    }
}
