//! Owns running a cargo command in sight of the user, and naming it so that it can be typed again.

use crate::output::Output;
use crate::process::run_in_sight;
use crate::workspace;
use anyhow::{Context as _, Result, bail};
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// A cargo command with the variables that are set for it.
pub(super) struct Invocation {
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Invocation {
    /// The command of these arguments, separated by spaces.
    pub(super) fn cargo(arguments: &str) -> Self {
        Self { arguments: arguments.split_whitespace().map(str::to_owned).collect(), variables: Vec::new() }
    }

    pub(super) fn with_path(mut self, option: &str, path: &Path) -> Self {
        self.arguments.extend([option.to_owned(), path.display().to_string()]);
        self
    }

    pub(super) fn with_variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Runs the command in sight of the user.
    pub(super) fn run(&self, output: &mut Output) -> Result<()> {
        output.line(format_args!("$ {self}"));
        let status = run_in_sight(&mut self.command(), output);
        self.judge(status.with_context(|| format!("cannot start `{self}`"))?)
    }

    /// Runs the command, showing its standard output line by line, each of which `read` is given too.
    pub(super) fn run_reading(&self, output: &mut Output, mut read: impl FnMut(&str)) -> Result<()> {
        output.line(format_args!("$ {self}"));
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{self}`"))?;
        let stdout = child.stdout.take().with_context(|| format!("`{self}` has no output"))?;
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            output.line(&line);
            read(&line);
        }
        self.judge(child.wait()?)
    }

    fn command(&self) -> Command {
        let mut command = workspace::cargo();
        command.args(&self.arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn judge(&self, status: ExitStatus) -> Result<()> {
        if !status.success() {
            bail!("`{self}` ended with {status}");
        }
        Ok(())
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(formatter, "{name}='{value}' ")?;
        }
        formatter.write_str("cargo")?;
        for argument in &self.arguments {
            // A shell would make file names of it.
            let quote = if argument.contains('*') { "'" } else { "" };
            write!(formatter, " {quote}{argument}{quote}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_command_is_named_as_it_can_be_typed() {
        let docs = Invocation::cargo("doc --no-deps").with_variable("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(docs.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
        assert_eq!(Invocation::cargo("bench --bench *").to_string(), "cargo bench --bench '*'");
    }

    #[test]
    fn a_failure_names_the_command() {
        let mut output = Output::new(io::sink());
        let command = Invocation::cargo("no-such-command --quiet");
        let message = command.run_reading(&mut output, |_| ()).unwrap_err().to_string();
        assert!(message.starts_with("`cargo no-such-command --quiet` ended with "), "{message}");
    }

    #[test]
    fn output_is_read_line_by_line() {
        let (mut lines, mut output) = (Vec::new(), Output::new(io::sink()));
        Invocation::cargo("--version").run_reading(&mut output, |line| lines.push(line.to_owned())).unwrap();
        assert!(lines.len() == 1 && lines[0].starts_with("cargo "), "{lines:?}");
    }
}
