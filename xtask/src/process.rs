//! Owns running another program, quietly within a time limit or in sight of the user; knows nothing of what it does.

use crate::output::Output;
use anyhow::{Context as _, Result, bail};
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs `command` to its end with its output left as it is, or dropped where nobody reads ours any more: programs panic on
/// a broken pipe.
pub(crate) fn run_in_sight(command: &mut Command, output: &Output) -> io::Result<ExitStatus> {
    if output.is_closed() {
        command.stdout(Stdio::null());
    }
    command.status()
}

/// Runs `command` quietly to its end. Its failure quotes one line that it wrote to standard error.
pub(crate) fn run_quietly(command: &mut Command, limit: Duration) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!("{name} is not installed"),
        Err(error) => return Err(error).with_context(|| format!("cannot start {name}")),
    };
    let Some(stderr) = child.stderr.take() else { bail!("{name} has no standard error") };
    // Read while it runs: a program that fills the pipe would wait for us for ever.
    let complaint = thread::spawn(move || io::read_to_string(stderr).unwrap_or_default());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("{name} was stopped after {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    };
    if status.success() {
        return Ok(());
    }
    let complaint = complaint.join().unwrap_or_default();
    match telling_line(&complaint) {
        Some(line) => bail!("{name} failed ({status}): {line}"),
        None => bail!("{name} failed ({status})"),
    }
}

/// The first line that calls itself an error (npm and pip add advice after it), or else the last one.
fn telling_line(complaint: &str) -> Option<&str> {
    let mut lines = complaint.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.starts_with("E: ") || line.to_lowercase().contains("error");
    lines.clone().find(is_error).or_else(|| lines.next_back())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_quotes_the_last_line_of_standard_error() {
        let error = run_quietly(&mut shell("echo one >&2; echo two >&2; exit 3"), Duration::from_secs(60));
        let message = error.unwrap_err().to_string();
        assert!(message.contains("3") && message.ends_with(": two"), "{message}");
    }

    #[test]
    fn a_line_that_is_an_error_tells_more_than_the_advice_after_it() {
        assert_eq!(
            telling_line("warning\nnpm error code ENOTFOUND\nsee the log\n"),
            Some("npm error code ENOTFOUND")
        );
        assert_eq!(telling_line("\n"), None);
    }

    #[test]
    fn a_program_that_hangs_is_stopped() {
        let error = run_quietly(&mut shell("exec sleep 600"), Duration::from_millis(50));
        assert!(error.unwrap_err().to_string().contains("stopped"));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let error = run_quietly(&mut Command::new("no-such-program"), Duration::from_secs(60));
        assert_eq!(error.unwrap_err().to_string(), "no-such-program is not installed");
    }
}
