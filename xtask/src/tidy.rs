//! `tidy`: owns the list of the rules that no compiler checks, and the account of what breaks them.

mod chain;
mod commands;
mod examples;
mod links;
mod rust;
mod source;
mod text;

use crate::output::Output;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use std::fmt;
use std::fs;
use std::process::Command;

pub(crate) use commands::{ProgramCall, option_name, program_calls};

pub(crate) const HELP: &str = "\
Check the rules of ARCHITECTURE.md that no compiler checks.

  - the crates depend on each other exactly as idx-format <- nn-core <- nn-train <- nn-cli, xtask on none
  - no serde beneath nn-train
  - unsafe code only in the files that are allowed it
  - libraries read no environment, print nothing, hide no randomness; below nn-train, no clock
  - every .rs file opens with a //! sentence; no marks of things to do; no trailing white space
  - the numbered examples have no hole
  - links between pages lead somewhere, and the commands on them exist
Files of more than 500 lines of code are listed as a warning.

Usage: cargo xtask tidy

Example:
  cargo xtask tidy
";

/// The library crates, lowest first, and then the program. Each depends on the one before it alone.
pub(crate) const CHAIN: [&str; 4] = ["idx-format", "nn-core", "nn-train", "nn-cli"];
/// The crate of this program, which depends on none of the [`CHAIN`].
pub(crate) const CHORES: &str = "xtask";

pub(crate) fn run(mut arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    check(output)
}

/// Prints what is out of order, and fails if there is anything.
pub(crate) fn check(output: &mut Output) -> Result<()> {
    let files = text_files()?;
    let mut findings = chain::check_metadata(&workspace::metadata()?);
    for name in ["idx-format", "nn-core"] {
        findings.extend(chain::check_tree(name, &dependency_tree(name)?));
    }
    findings.extend(rust::check(&files));
    findings.extend(text::check(&files));
    findings.extend(examples::check(&files));
    findings.extend(links::check(&files));
    findings.extend(commands::check(&files));
    for finding in &findings {
        output.line(finding);
    }
    for (path, lines) in rust::long_files(&files) {
        output.line(format_args!("warning: {path}: {lines} lines of code; a full room has about 300"));
    }
    match findings.len() {
        0 => {
            output.line(format_args!("tidy: {} files in order", files.len()));
            Ok(())
        }
        1 => bail!("1 thing is out of order"),
        count => bail!("{count} things are out of order"),
    }
}

/// The pages of the project, for what else is checked of them.
pub(crate) fn pages() -> Result<Vec<TextFile>> {
    Ok(text_files()?.into_iter().filter(|file| file.path.ends_with(".md")).collect())
}

/// A text file of the project.
#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    /// From the top of the tree, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    /// The crate that the file belongs to, if it is in one.
    fn package(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next(),
            Some(CHORES) => Some(CHORES),
            _ => None,
        }
    }

    #[cfg(test)]
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Something that is out of order.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    /// From 1; `None` for what concerns the file as a whole.
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, message: message.into() }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: Some(line), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.path, self.message),
            None => write!(formatter, "{}: {}", self.path, self.message),
        }
    }
}

/// What a fuzzer made, byte by byte: some of it looks like text, and none is to be changed.
const MADE_BY_A_FUZZER: &str = "fuzz/corpus/";

/// The paths of the files that git tracks or would track.
pub(crate) fn listed_files() -> Result<Vec<String>> {
    let listing = output(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(workspace::root()),
    )?;
    Ok(listing.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The text files that git tracks or would track: what is ignored is nobody's to tidy.
fn text_files() -> Result<Vec<TextFile>> {
    let root = workspace::root();
    let mut files = Vec::new();
    for path in listed_files()?.into_iter().filter(|path| !path.starts_with(MADE_BY_A_FUZZER)) {
        // A file that is deleted but not yet committed as such is not there; a binary one has no text.
        let Ok(bytes) = fs::read(root.join(&path)) else { continue };
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\0')
        {
            files.push(TextFile { path, text });
        }
    }
    ensure!(!files.is_empty(), "git lists no files in {}", root.display());
    Ok(files)
}

/// The names and versions of all that `package` is built from.
fn dependency_tree(package: &str) -> Result<String> {
    let flags = ["--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    output(workspace::cargo().arg("tree").args(flags))
}

/// What `command` writes to its standard output.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed ({}): {}", output.status, complaint.trim());
    String::from_utf8(output.stdout).with_context(|| format!("{name} printed what is not UTF-8"))
}
