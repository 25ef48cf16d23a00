//! Owns running another program within a time limit; knows nothing of what the program does.

use anyhow::{Context as _, Result, bail};
use std::io;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs `command` quietly to its end. Its failure is told by the last line that it wrote to standard error.
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
    match complaint.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => bail!("{name} failed ({status}): {line}"),
        None => bail!("{name} failed ({status})"),
    }
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
