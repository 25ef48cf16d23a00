//! Owns the tests of what a person types and sees: help, exit codes, hints.

use std::io;
use std::process::{Command, Output, Stdio};

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

/// Runs the program with a standard output of its own, of which nothing is seen.
fn xtask_into(stdout: impl Into<Stdio>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).stdout(stdout).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

const TALKATIVE: [&[&str]; 3] = [&["--help"], &["fetch-data", "--help"], &["validate", "--list"]];

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in TALKATIVE {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = xtask_into(writer, arguments);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn the_work_goes_on_without_a_reader() {
    let folder = std::env::temp_dir().join(format!("xtask-command-line-{}", std::process::id()));
    let folder = folder.into_os_string().into_string().unwrap();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    // Nothing is there and nobody is asked, which is told at the end of the work alone.
    let output =
        xtask_into(writer, &["fetch-data", "--offline", "--from", "no-such-folder", "--to", &folder]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!std::path::Path::new(&folder).exists(), "a set of which nothing came");
    assert!(stderr(&output).starts_with("error: no source has "), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_is_full_is_exit_code_1() {
    for arguments in TALKATIVE {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = xtask_into(full, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = stderr(&output);
        assert!(message.starts_with("error: cannot write to standard output: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
