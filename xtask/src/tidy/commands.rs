//! Owns the rule that commands which pages tell people to type exist; runs none of them.

use super::{CHAIN, CHORES, Finding, TextFile};
use crate::COMMANDS;

/// A call of the project's program, as a page has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProgramCall {
    pub(crate) path: String,
    pub(crate) line: usize,
    /// What stands after the program's name.
    pub(crate) arguments: Vec<String>,
}

/// The program that people run.
const PROGRAM: &str = CHAIN[CHAIN.len() - 1];

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, command) in commands(&page.text) {
            for message in check_command(&command, files) {
                findings.push(Finding::at(&page.path, line, message));
            }
        }
    }
    findings
}

/// Every call of the program on `pages`; whether it takes these arguments, only the program knows.
pub(crate) fn program_calls(pages: &[TextFile]) -> Vec<ProgramCall> {
    let mut calls = Vec::new();
    for page in pages {
        for (line, command) in commands(&page.text) {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let arguments = match words[..] {
                [PROGRAM, ref rest @ ..] => rest,
                ["cargo", "run", ..] if !is_of_another_package(&words) => after_separator(&words),
                _ => continue,
            };
            let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
            calls.push(ProgramCall { path: page.path.clone(), line, arguments });
        }
    }
    calls
}

/// Whether `cargo run` runs something else than the program, which is what it runs when told nothing.
fn is_of_another_package(words: &[&str]) -> bool {
    let cargo_words = before_separator(words);
    values(cargo_words, &["-p", "--package"]).any(|package| package != PROGRAM)
        || cargo_words.contains(&"--example")
}

fn check_command(command: &[String], files: &[TextFile]) -> Vec<String> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words[..] {
        ["cargo", "xtask", ref rest @ ..] => check_chore(rest),
        ["cargo", ..] => check_targets(before_separator(&words), files),
        _ => Vec::new(),
    }
}

/// A chore exists, and its help knows the options that stand after it.
fn check_chore(words: &[&str]) -> Vec<String> {
    let Some(name) = words.first().filter(|word| !word.starts_with('-')) else { return Vec::new() };
    let Some(chore) = COMMANDS.iter().find(|chore| chore.name == *name) else {
        return vec![format!("there is no `cargo xtask {name}`")];
    };
    let options = words.iter().filter(|word| word.starts_with("--")).map(|word| option_name(word));
    let unknown = options.filter(|option| !chore.help.contains(option) && !["--help", "--"].contains(option));
    unknown.map(|option| format!("`cargo xtask {name}` has no {option}")).collect()
}

/// The packages, examples, tests and benches that a cargo command names are there.
fn check_targets(words: &[&str], files: &[TextFile]) -> Vec<String> {
    let mut messages = Vec::new();
    let packages: Vec<&str> = values(words, &["-p", "--package"]).collect();
    for package in &packages {
        // `cargo add` and `cargo install` name packages of a registry without these options.
        if !CHAIN.contains(package) && *package != CHORES {
            messages.push(format!("there is no package {package}"));
        }
    }
    for (option, folder) in [("--example", "examples"), ("--bench", "benches"), ("--test", "tests")] {
        for name in values(words, &[option]) {
            let is_it = |file: &&TextFile| {
                let package = file.package().unwrap_or_default();
                let ends = [format!("/{folder}/{name}.rs"), format!("/{folder}/{name}/main.rs")];
                ends.iter().any(|end| file.path.ends_with(end))
                    && (packages.is_empty() || packages.contains(&package))
            };
            if files.iter().find(is_it).is_none() {
                messages.push(format!("there is no {name} in {folder}/"));
            }
        }
    }
    messages
}

/// The values of the options called one of `names`, as `--name value` or `--name=value`.
fn values<'a>(words: &'a [&'a str], names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    words.iter().enumerate().filter_map(move |(index, word)| match word.split_once('=') {
        Some((name, value)) if names.contains(&name) => Some(value),
        None if names.contains(word) => words.get(index + 1).copied(),
        _ => None,
    })
}

/// `--name=value` without the value.
pub(crate) fn option_name(word: &str) -> &str {
    word.split_once('=').map_or(word, |(name, _)| name)
}

fn before_separator<'a, 'b>(words: &'b [&'a str]) -> &'b [&'a str] {
    words.split(|word| *word == "--").next().unwrap_or_default()
}

fn after_separator<'a, 'b>(words: &'b [&'a str]) -> &'b [&'a str] {
    words.iter().position(|word| *word == "--").map_or(&[], |index| &words[index + 1..])
}

/// The commands in the shell blocks of a page, word by word, with the lines (from 1) they begin on.
fn commands(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut block: Option<bool> = None; // whether the block we are in is a shell's
    let mut unfinished: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = match block {
                Some(_) => None,
                None => Some(["sh", "bash", "shell", "console"].contains(&language.trim())),
            };
            continue;
        }
        if block != Some(true) {
            continue;
        }
        let (start, mut command) = unfinished.take().unwrap_or((number, String::new()));
        let line = line.trim().trim_start_matches("$ ");
        let line = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or_default() };
        match line.trim_end().strip_suffix('\\') {
            Some(begun) => {
                command += begun;
                unfinished = Some((start, command));
            }
            None => {
                command += line;
                found.extend(simple_commands(&command).map(|words| (start, words)));
            }
        }
    }
    found
}

/// The commands of a line between `&&`, `|` and `;`, without assignments to variables before them.
fn simple_commands(line: &str) -> impl Iterator<Item = Vec<String>> {
    let parts = line.split(['|', ';', '&']);
    let words = parts.map(|part| {
        let words = part.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned());
        let is_assignment = |word: &String| {
            word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains('-'))
        };
        words.skip_while(is_assignment).collect::<Vec<String>>()
    });
    words.filter(|words| !words.is_empty()).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(block: &str) -> Vec<String> {
        let page = TextFile::new("README.md", &format!("# Page\n```sh\n{block}\n```\n"));
        let files = [page, TextFile::new("crates/nn-core/examples/02-step.rs", "")];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn commands_that_exist_are_in_order() {
        let block = "$ cargo xtask tidy # the rules\nMNIST_REQUIRED=1 cargo test -p nn-core && cargo xtask --help\n\
                     cargo run -p nn-core --example 02-step -- --anything\ncargo xtask fetch-data \\\n  --from x\n\
                     # cargo xtask no-comment-is-a-command";
        assert_eq!(findings(block), [""; 0]);
    }

    #[test]
    fn a_chore_that_is_not_there_is_found() {
        assert_eq!(findings("cargo xtask fetch"), ["README.md:3: there is no `cargo xtask fetch`"]);
    }

    #[test]
    fn an_option_that_a_chore_has_not_is_found() {
        let found = findings("cargo xtask fetch-data --source=x");
        assert_eq!(found, ["README.md:3: `cargo xtask fetch-data` has no --source"]);
    }

    #[test]
    fn packages_and_targets_that_are_not_there_are_found() {
        assert_eq!(findings("cargo bench -p nn-cor"), ["README.md:3: there is no package nn-cor"]);
        assert_eq!(
            findings("cargo run --example=03-save"),
            ["README.md:3: there is no 03-save in examples/"]
        );
        assert_eq!(findings("cargo run -p nn-cli --example 02-step").len(), 1);
    }

    #[test]
    fn blocks_of_other_languages_hold_no_commands() {
        let page = TextFile::new("README.md", "```text\ncargo xtask fetch\n```\ncargo xtask fetch\n");
        assert_eq!(check(&[page]), []);
    }

    #[test]
    fn calls_of_the_program_are_known_however_it_is_started() {
        let block = "cargo run --release -p nn-cli -- train --seed 1\nnn-cli eval\ncargo run -- predict\n\
                     cargo run -p xtask -- tidy\ncargo run -p nn-core --example 02-step\ncargo build";
        let page = TextFile::new("README.md", &format!("```sh\n{block}\n```\n"));
        let calls = program_calls(&[page]);
        let arguments: Vec<String> = calls.iter().map(|call| call.arguments.join(" ")).collect();
        assert_eq!(arguments, ["train --seed 1", "eval", "predict"]);
        assert_eq!(calls[1].line, 3);
    }
}
