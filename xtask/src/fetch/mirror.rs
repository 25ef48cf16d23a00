//! Owns downloading a URL into a file with curl, resuming what was cut; judges no content.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for what, before the next source has its turn.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    /// For the connection to stand.
    pub(crate) connect: Duration,
    /// For one file of one mirror in all, retries and pauses included.
    pub(crate) total: Duration,
    /// For a transfer that is slower than [`SLOWEST`].
    pub(crate) slow: Duration,
    /// How often a transfer that was cut, or a server that is busy, is tried again.
    pub(crate) retries: u32,
    /// Before the first retry; doubled for each one after it.
    pub(crate) pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(900),
            slow: Duration::from_secs(20),
            retries: 2,
            pause: Duration::from_secs(1),
        }
    }
}

/// The slowest transfer worth waiting for, in bytes a second.
const SLOWEST: u32 = 1024;
const REDIRECTS: u32 = 5;

/// When the time for one file of one mirror is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    end: Instant,
    total: Duration,
}

impl Deadline {
    pub(crate) fn after(total: Duration) -> Self {
        Self { end: Instant::now() + total, total }
    }

    /// The time that is left, if any is.
    fn left(self) -> Option<Duration> {
        self.end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Downloads `url` to the end of `part`, which may hold the start of it already.
///
/// The size of `part` never exceeds `limit` bytes. The error is one line for the account of what was tried.
pub(crate) fn download(
    url: &str,
    part: &Path,
    limit: u64,
    patience: &Patience,
    deadline: Deadline,
) -> Result<(), String> {
    let mut pause = patience.pause;
    let mut retries = patience.retries;
    let mut last = String::from("nothing was tried");
    loop {
        let Some(left) = deadline.left() else {
            return Err(format!("given up after {} s: {last}", deadline.total.as_secs()));
        };
        let Err(failure) = transfer(url, part, limit, patience, left) else { return Ok(()) };
        if fs::metadata(part).is_ok_and(|metadata| metadata.len() == 0) {
            let _ = fs::remove_file(part); // nothing to resume
        }
        match failure.remedy {
            Remedy::None => return Err(failure.reason),
            _ if retries == 0 => return Err(failure.reason),
            Remedy::Resume => {}
            Remedy::StartAgain => remove_if_there(part).map_err(|error| error.to_string())?,
        }
        last = failure.reason;
        thread::sleep(pause.min(deadline.left().unwrap_or_default()));
        pause = pause.saturating_mul(2);
        retries -= 1;
    }
}

/// Why one transfer failed, and what may help.
struct Failure {
    reason: String,
    remedy: Remedy,
}

enum Remedy {
    None,
    Resume,
    StartAgain,
}

impl Failure {
    fn hopeless(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: Remedy::None }
    }
}

/// One run of curl.
///
/// It writes to a pipe, not to the file: its own `--max-filesize` does not hold where the server does
/// not announce a length, and `--retry` may resume from where an earlier try began.
fn transfer(url: &str, part: &Path, limit: u64, patience: &Patience, left: Duration) -> Result<(), Failure> {
    let mut file =
        OpenOptions::new().create(true).append(true).open(part).map_err(|error| cannot_write(&error))?;
    let offset = file.metadata().map_err(|error| cannot_write(&error))?.len();
    let mut child = match curl(url, offset, limit, patience, left).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::hopeless("curl is not installed"));
        }
        Err(error) => return Err(Failure::hopeless(format!("cannot start curl: {error}"))),
    };
    let Some(body) = child.stdout.take() else { return Err(Failure::hopeless("curl has no output")) };
    let room = limit.saturating_sub(offset);
    let mut body = body.take(room + 1);
    let copied = match io::copy(&mut body, &mut file) {
        Ok(copied) if copied <= room => copied,
        outcome => {
            // Neither a body without end nor a full disk is mended by waiting for curl.
            let _ = child.kill();
            let _ = child.wait();
            outcome.map_err(|error| cannot_write(&error))?;
            let _ = fs::remove_file(part);
            return Err(Failure::hopeless(format!("the answer is larger than {limit} bytes")));
        }
    };
    let output = child.wait_with_output().map_err(|error| Failure::hopeless(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(diagnose(output.status.code(), &stderr, copied))
}

fn curl(url: &str, offset: u64, limit: u64, patience: &Patience, left: Duration) -> Command {
    // An address that somebody typed may be plain HTTP, such as a mirror in the same house: what comes is
    // judged by its SHA-256, not by who sent it. From HTTPS no redirect leads down to HTTP.
    let protocols = if url.starts_with("http://") { "=http,https" } else { "=https" };
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--location", "--globoff"])
        .args(["--max-redirs", &REDIRECTS.to_string()])
        .args(["--proto", protocols, "--proto-redir", protocols, "--tlsv1.2"])
        .args(["--connect-timeout", &patience.connect.as_secs_f64().to_string()])
        .args(["--max-time", &left.as_secs_f64().to_string()])
        .args(["--speed-limit", &SLOWEST.to_string(), "--speed-time", &patience.slow.as_secs().to_string()])
        .args(["--max-filesize", &limit.to_string()])
        .args(["--write-out", "%{stderr}\n%{http_code}"]);
    if offset > 0 {
        curl.args(["--continue-at", &offset.to_string()]);
    }
    curl.arg("--").arg(url).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    curl
}

/// Reads curl's exit code, and its standard error, of which the last line is the HTTP status.
fn diagnose(exit_code: Option<i32>, stderr: &str, copied: u64) -> Failure {
    let (complaint, status) = stderr.trim_end().rsplit_once('\n').unwrap_or((stderr, ""));
    let status: u32 = status.trim().parse().unwrap_or(0);
    let complaint = complaint.lines().find(|line| line.starts_with("curl: ")).unwrap_or("curl failed");
    let reason = complaint.to_owned();
    // The exit codes of curl(1).
    const HTTP_ERROR: Option<i32> = Some(22);
    const NO_RANGES: Option<i32> = Some(33);
    const TOO_LARGE: Option<i32> = Some(63);
    let remedy = match (exit_code, status) {
        // The answer of a server that has less than we hold, or that does not resume.
        (HTTP_ERROR, 416) | (NO_RANGES, _) => Remedy::StartAgain,
        (HTTP_ERROR, 408 | 429 | 500..=599) => Remedy::Resume,
        (HTTP_ERROR | TOO_LARGE, _) => Remedy::None,
        // Cut in the middle. A server that never answered will not the next second either, and on a
        // closed network the next source should have its turn at once.
        _ if copied > 0 || (200..300).contains(&status) => Remedy::Resume,
        _ => Remedy::None,
    };
    Failure { reason, remedy }
}

fn cannot_write(error: &io::Error) -> Failure {
    Failure::hopeless(format!("cannot write the download: {error}"))
}

/// Removes `path`; that there is none is as good.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(url: &str) -> Vec<String> {
        let command = curl(url, 0, 1000, &Patience::default(), Duration::from_secs(9));
        command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    fn value<'a>(arguments: &'a [String], name: &str) -> &'a str {
        let position = arguments.iter().position(|argument| argument == name).unwrap();
        &arguments[position + 1]
    }

    #[test]
    fn https_is_never_left_for_http_and_nothing_but_the_web_is_asked() {
        let secure = arguments("https://a.example/x");
        assert_eq!((value(&secure, "--proto"), value(&secure, "--proto-redir")), ("=https", "=https"));
        assert!(secure.contains(&"--tlsv1.2".to_owned()) && !secure.contains(&"--insecure".to_owned()));
        let plain = arguments("http://a.example/x");
        assert_eq!(
            (value(&plain, "--proto"), value(&plain, "--proto-redir")),
            ("=http,https", "=http,https")
        );
    }

    #[test]
    fn every_transfer_has_its_limits() {
        let arguments = arguments("https://a.example/x");
        for (name, expected) in [
            ("--max-redirs", "5"),
            ("--connect-timeout", "10"),
            ("--max-time", "9"),
            ("--max-filesize", "1000"),
        ] {
            assert_eq!(value(&arguments, name), expected, "{name}");
        }
    }
}
