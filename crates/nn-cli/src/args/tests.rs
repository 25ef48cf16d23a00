//! The help and the README hold to what the parser takes.

use clap::{CommandFactory, Parser};

use super::Cli;

/// The commands in a text, as this program gets them: lines that begin with its name, or with cargo running it.
fn commands(text: &str) -> Vec<String> {
    let command = |line: &str| {
        let line = line.trim().replace("cargo run -p nn-cli --", "nn-cli");
        // Explanations are set apart by two blanks.
        let command = line.split("  ").next()?;
        // What the shell does with the output is nothing to the parser.
        let command = command.split(['>', '|']).next()?.trim_end();
        command.starts_with("nn-cli ").then(|| command.to_owned())
    };
    text.lines().filter_map(command).collect()
}

fn assert_parses(command: &str) {
    if let Err(error) = Cli::try_parse_from(command.split(' ')) {
        panic!("{command}: {error}");
    }
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
    assert_eq!(helps.len(), 16);
    for (name, help) in helps {
        let examples = help.split_once("Examples:").unwrap_or_else(|| panic!("{name} has no examples")).1;
        let examples = commands(examples);
        assert!(examples.len() >= 3, "{name}: {examples:?}");
        for example in examples {
            assert!(name == "nn-cli" || example.split(' ').nth(1) == Some(&name), "{name}: {example}");
            assert_parses(&example);
        }
    }
}

#[test]
fn who_teaches_is_said_once() {
    assert_parses("nn-cli distill a.model b.model --teacher-share 0.5");
    assert!(Cli::try_parse_from("nn-cli distill a.model --teacher b.model".split(' ')).is_err());
}

#[test]
fn the_commands_in_the_readme_parse() {
    let readme = commands(include_str!("../../README.md"));
    assert!(readme.len() >= 13, "{readme:?}");
    readme.iter().for_each(|command| assert_parses(command));
}
