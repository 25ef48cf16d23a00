//! Owns the tests of what a person types and sees: help, exit codes, hints.

use std::process::{Command, Output};

fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const COMMANDS: [&str; 5] = ["fetch-data", "bench", "validate", "tidy", "make-sample"];

#[test]
fn help_lists_every_command_and_the_exit_codes() {
    for flag in ["--help", "-h"] {
        let output = xtask(&[flag]);
        assert_eq!(output.status.code(), Some(0));
        let text = stdout(&output);
        assert!(COMMANDS.iter().all(|command| text.contains(command)), "{text}");
        assert!(text.contains("Exit codes: 0 done, 1 failed, 2 wrong usage"), "{text}");
    }
}

#[test]
fn the_help_of_each_command_shows_usage_and_an_example() {
    for command in COMMANDS {
        let output = xtask(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        let text = stdout(&output);
        assert!(text.contains(&format!("Usage: cargo xtask {command}")), "{text}");
        assert!(text.split("Example").nth(1).is_some_and(|part| part.contains(command)), "{text}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2_with_a_hint() {
    for arguments in
        [&[][..], &["fetch"], &["--frobnicate"], &["tidy", "--fast"], &["fetch-data", "imagenet"]]
    {
        let output = xtask(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("\nhint: "), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn a_failure_is_exit_code_1_with_its_reason() {
    let output = xtask(&["make-sample", "--from", "no-such-file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: cannot read no-such-file: "), "{}", stderr(&output));
}

#[test]
fn the_steps_of_validate_can_be_listed() {
    let output = xtask(&["validate", "--list"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).lines().count() >= 8);
}
