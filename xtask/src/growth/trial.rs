//! Owns one training that is measured: what it is of, how it is carried out, and what came of it.

use crate::growth::cost::Work;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// In an image of MNIST, and of what is made of it.
pub(super) const PIXELS: f64 = 784.0;

/// What is told of a training that is not over yet, this often.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A training of one network, of which all but the first epoch is timed.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    data: PathBuf,
    hidden: Vec<usize>,
    classes: u32,
    batch: u32,
    threads: usize,
}

/// What a training tells of itself.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) samples: f64,
    /// Of an epoch.
    pub(super) seconds: f64,
    /// The most memory that was resident and no file's, in bytes.
    pub(super) anonymous: Option<u64>,
}

impl Trial {
    /// 784-100-10, 64 samples a step, one thread.
    pub(super) fn on(data: PathBuf) -> Trial {
        Trial { data, hidden: vec![100], classes: 10, batch: 64, threads: 1 }
    }

    pub(super) fn among(self, classes: u32) -> Trial {
        Trial { classes, ..self }
    }

    pub(super) fn with_hidden(self, hidden: &[usize]) -> Trial {
        Trial { hidden: hidden.to_vec(), ..self }
    }

    pub(super) fn with_batch(self, batch: u32) -> Trial {
        Trial { batch, ..self }
    }

    pub(super) fn with_threads(self, threads: usize) -> Trial {
        Trial { threads, ..self }
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    pub(super) fn batch(&self) -> u32 {
        self.batch
    }

    pub(super) fn network(&self) -> String {
        let units = self.hidden.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        format!("784-{units}-{}", self.classes)
    }

    /// What a sample takes, where so many of its pixels are lit.
    pub(super) fn work(&self, lit: f64) -> Work {
        Work::of(&self.hidden, self.classes as usize, self.batch as usize, lit)
    }

    /// Trains, and takes the fastest epoch.
    pub(super) fn carry_out(&self, program: &Path, scratch: &Path) -> Result<Measured> {
        let units = self.hidden.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let [batch, threads] = [self.batch.to_string(), self.threads.to_string()];
        let model = scratch.join("trial.model");
        let mut command = Command::new(program);
        command
            .args(["train", "--json", "--epochs", "3", "--rate", "0.01", "--schedule", "constant"])
            .args(["--hidden", &units, "--batch", &batch, "--threads", &threads])
            .arg("--data")
            .arg(&self.data)
            .arg("--output")
            .arg(&model)
            .stdout(Stdio::piped());
        let (said, anonymous) = watched(&mut command)?;
        // What is measured is the training.
        let _ = fs::remove_file(model);
        let lines: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let of = |event: &'static str| lines.iter().filter(move |line| line["event"] == event);
        let start = of("start").next().context("the training has told of no start")?;
        let samples = start["train_samples"].as_f64().context("the training has told no train_samples")?;
        // The fastest: what was slower was disturbed.
        let epochs = of("epoch").skip(1).filter_map(|line| line["seconds"].as_f64());
        let seconds = epochs.min_by(f64::total_cmp).context("the training has told of no epoch")?;
        Ok(Measured { samples, seconds, anonymous })
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, batch, threads, .. } = self;
        let data = data.file_name().unwrap_or_default().display();
        write!(f, "{data}, {}, batch {batch}, threads {threads}", self.network())
    }
}

impl Measured {
    pub(super) fn seconds_a_sample(&self) -> f64 {
        self.seconds / self.samples
    }

    /// The one in the middle by time.
    pub(super) fn median(mut all: Vec<Measured>) -> Measured {
        all.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        all.swap_remove(all.len() / 2)
    }
}

/// What a program writes to its standard output, and the most anonymous memory that it was seen with.
fn watched(command: &mut Command) -> Result<(String, Option<u64>)> {
    let mut child = command.spawn().context("cannot start nn-cli")?;
    let mut stdout = child.stdout.take().context("nn-cli has no output")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let status = format!("/proc/{}/status", child.id());
    let mut most = None;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        // Nothing is less than anything, and what has ended has nothing to tell.
        most = most.max(fs::read_to_string(&status).ok().and_then(|status| anonymous(&status)));
        thread::sleep(BETWEEN_LOOKS);
    };
    let said = reader.join().expect("reading does not panic")?;
    ensure!(ended.success(), "nn-cli ended with {ended}");
    Ok((said, most))
}

/// The bytes of anonymous memory in `/proc/PID/status`.
fn anonymous(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_memory_is_read_from_the_status_of_a_process() {
        let status = "Name:\tnn-cli\nVmRSS:\t   62000 kB\nRssAnon:\t    2048 kB\nRssFile:\t   59952 kB\n";
        assert_eq!(anonymous(status), Some(2_097_152));
        assert_eq!(anonymous("Name:\tnn-cli\n"), None);
    }

    #[test]
    fn the_median_is_by_time() {
        let all = [3.0, 1.0, 2.0].map(|seconds| Measured {
            samples: 2.0,
            seconds,
            anonymous: Some(seconds as u64),
        });
        let median = Measured::median(all.into());
        assert_eq!((median.seconds, median.seconds_a_sample(), median.anonymous), (2.0, 1.0, Some(2)));
    }

    #[test]
    fn a_trial_says_what_it_is_of() {
        let trial = Trial::on("data/mnist".into()).with_hidden(&[30, 20]).among(26).with_batch(7);
        assert_eq!(trial.to_string(), "mnist, 784-30-20-26, batch 7, threads 1");
    }
}
