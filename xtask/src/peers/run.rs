//! Owns running one peer's program and reading its figures; knows neither whose turn it is nor what they mean.

use super::plan::{Cell, OURS};
use super::rounds;
use crate::process::run_quietly;
use crate::scratch::ScratchFolder;
use crate::workspace;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The task whose seeds and settings stand in a file.
const SWEEP: &str = "sweep";

/// What one process found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measurement {
    /// The median of its repetitions, or its own time from start to end.
    pub(super) seconds: f64,
    /// Its largest resident set, in bytes.
    pub(super) peak: u64,
    /// The share of all processors' time that other programs took meanwhile, where the system tells.
    pub(super) others: Option<f64>,
    pub(super) accuracy: Option<f64>,
    /// Of the parameters.
    pub(super) hash: Option<String>,
    pub(super) versions: Vec<(String, String)>,
}

/// Starts programs, one at a time.
pub(super) struct Runner {
    /// The program, and its first arguments, that starts another and reports on it (see `launch.py`).
    pub(super) launcher: Vec<OsString>,
    /// The folder of the data folders.
    pub(super) data: PathBuf,
    /// Where programs may keep what they compile.
    pub(super) cache: PathBuf,
    pub(super) limit: Duration,
    pub(super) scratch: ScratchFolder,
}

impl Runner {
    /// Runs `program` (with its first arguments) as `cell`, in round `round`, which is also the seed where the task
    /// asks for the whole process.
    pub(super) fn measure(&self, program: &[OsString], cell: &Cell, round: u32) -> Result<Measurement> {
        let task = cell.task;
        let (report, printed) = (self.scratch.path().join("report"), self.scratch.path().join("printed"));
        let model = self.scratch.path().join("model");
        for path in [&report, &printed, &model] {
            // What is left of the last process must neither be taken for this one's nor stand in its way.
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if path.exists() {
                fs::remove_file(path)?;
            }
        }
        let threads = cell.threads.to_string();
        let mut command = Command::new(&self.launcher[0]);
        command.args(&self.launcher[1..]).arg(self.limit.as_secs().to_string()).arg(&report).arg(&printed);
        command.args(program);
        let seed = if task.is_process { round } else { 1 }.to_string();
        let data = self.data.join(task.data);
        let is_sweep = task.word == SWEEP && cell.peer.name == OURS;
        if is_sweep {
            let file = workspace::root().join("xtask/peers/sweep.toml");
            command.arg(SWEEP).arg(file).args(["--json", "--threads", &threads]);
        } else if task.is_process && cell.peer.name == OURS {
            command.args(["train", "--json"]);
        } else {
            command.arg(task.word);
            command.args(["--threads", &threads]);
            if !cell.variant.is_empty() {
                command.args(["--variant", cell.variant]);
            }
        }
        command.arg("--data").arg(&data);
        if !is_sweep {
            command.args(["--seed", &seed]);
        }
        if task.is_process {
            command.arg("--output").arg(&model);
        }
        for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"] {
            command.env(variable, &threads);
        }
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("TORCHINDUCTOR_CACHE_DIR", self.cache.join("inductor"));
        // The launcher ends a program that takes too long; should it hang itself, we do.
        run_quietly(&mut command, self.limit + Duration::from_secs(30))?;
        read(&fs::read_to_string(&report)?, &fs::read_to_string(&printed)?, task.is_process)
    }
}

/// Puts together what the launcher reported and what the program printed last.
fn read(report: &str, printed: &str, is_process: bool) -> Result<Measurement> {
    let report: Value = serde_json::from_str(report).context("the launcher left no report")?;
    let last = printed.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let figures: Value = serde_json::from_str(last)
        .ok()
        .filter(Value::is_object)
        .with_context(|| format!("expected a line of figures, found '{last}'"))?;
    let seconds = if is_process {
        report["wall"].as_f64()
    } else {
        let each = figures["seconds"].as_array().map(|each| each.iter().filter_map(Value::as_f64).collect());
        each.and_then(rounds::median)
    };
    let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    let accuracy = figures["accuracy"].as_f64().or(figures["test"]["accuracy"].as_f64());
    let accuracy = accuracy.or(figures["best"]["test_accuracy"].as_f64());
    ensure!(
        accuracy.is_none_or(|accuracy| (0.0..=1.0).contains(&accuracy)),
        "expected an accuracy, found '{last}'"
    );
    let versions = figures["versions"].as_object().into_iter().flatten();
    Ok(Measurement {
        seconds: seconds.with_context(|| format!("expected seconds, found '{last}'"))?,
        peak: report["peak"].as_u64().context("the launcher reported no memory")?,
        others: report["others"].as_f64(),
        accuracy,
        hash: figures["hash"].as_str().map(str::to_owned),
        versions: versions
            .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
            .collect(),
    })
}

/// What a path is as an argument.
pub(super) fn word(path: &Path) -> OsString {
    path.as_os_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_the_last_line_and_their_median_counts() {
        let printed =
            "a warning\n{\"seconds\": [3.0, 1.0, 2.0], \"accuracy\": 0.97, \"versions\": {\"x\": \"1\"}}\n\n";
        let expected = Measurement {
            seconds: 2.0,
            peak: 4096,
            others: Some(0.25),
            accuracy: Some(0.97),
            hash: None,
            versions: vec![("x".into(), "1".into())],
        };
        assert_eq!(
            read("{\"wall\": 5.0, \"peak\": 4096, \"others\": 0.25}", printed, false).unwrap(),
            expected
        );
    }

    #[test]
    fn a_process_is_judged_by_the_launcher_and_nn_cli_by_its_last_event() {
        let printed = "{\"event\":\"epoch\"}\n{\"event\":\"end\",\"test\":{\"accuracy\":0.5}}\n";
        let measurement = read("{\"wall\": 5.0, \"peak\": 1}", printed, true).unwrap();
        assert_eq!((measurement.seconds, measurement.accuracy), (5.0, Some(0.5)));
        let printed = "{\"event\":\"end\",\"best\":{\"test_accuracy\":0.25}}\n";
        assert_eq!(read("{\"wall\": 5.0, \"peak\": 1}", printed, true).unwrap().accuracy, Some(0.25));
    }

    #[test]
    fn garbage_is_refused_and_quoted() {
        let report = "{\"wall\": 5.0, \"peak\": 1}";
        for printed in ["", "hello", "[1]", "{\"seconds\": []}", "{\"seconds\": [1.0], \"accuracy\": 98}"] {
            let message = read(report, printed, false).unwrap_err().to_string();
            assert!(message.starts_with("expected ") && message.contains(printed), "{message}");
        }
        assert!(read("", "{\"seconds\": [1.0]}", false).is_err());
    }
}

#[cfg(all(test, unix))]
mod process_tests {
    use super::super::plan::cells;
    use super::*;
    use std::io::Write as _;

    /// Reports what `launch.py` does without needing Python.
    const LAUNCHER: &str = "shift; report=$1; printed=$2; shift 2; \"$@\" > \"$printed\" || exit $?; \
                            echo '{\"wall\": 1.5, \"peak\": 2048}' > \"$report\"";

    fn run_peer(script: &str) -> Result<Measurement> {
        runner().measure(&peer(script), &cells(&["jax"], &["epoch"])[1], 1)
    }

    fn peer(script: &str) -> [OsString; 4] {
        ["sh", "-c", script, "peer"].map(OsString::from)
    }

    fn runner() -> Runner {
        let launcher = ["sh", "-c", LAUNCHER, "launch"].map(OsString::from).to_vec();
        let scratch = ScratchFolder::create("peers").unwrap();
        let folder = scratch.path().to_path_buf();
        Runner { launcher, data: folder.clone(), cache: folder, limit: Duration::from_secs(60), scratch }
    }

    #[test]
    fn no_model_of_the_last_process_is_in_the_way_and_the_round_is_the_seed() {
        let script = "test \"$6 $7\" = '--seed 2' && set -C && echo model > \"$9\" && echo '{}'";
        let runner = runner();
        let cell = &cells(&["jax"], &["process"])[1];
        for _ in 0..2 {
            assert_eq!(runner.measure(&peer(script), cell, 2).unwrap().seconds, 1.5);
        }
    }

    #[test]
    fn a_program_is_told_its_task_and_its_threads() {
        let script = "test \"$1 $2 $3\" = 'epoch --threads 2' && test $RAYON_NUM_THREADS = 2 \
                      && echo '{\"seconds\": [0.5]}'";
        let measurement = run_peer(script).unwrap();
        assert_eq!((measurement.seconds, measurement.peak), (0.5, 2048));
    }

    #[test]
    fn a_program_that_fails_says_why_and_one_that_prints_garbage_is_quoted() {
        let message = run_peer("echo no memory >&2; exit 3").unwrap_err().to_string();
        assert!(message.contains('3') && message.ends_with("no memory"), "{message}");
        let message = run_peer("echo Segmentation fine").unwrap_err().to_string();
        assert_eq!(message, "expected a line of figures, found 'Segmentation fine'");
    }

    #[test]
    fn the_launcher_measures_and_ends_what_takes_too_long() {
        if Command::new("python3").arg("--version").output().is_err() {
            writeln!(std::io::stderr(), "skipped: there is no python3").unwrap();
            return;
        }
        let scratch = ScratchFolder::create("peers").unwrap();
        let launcher = crate::workspace::root().join("xtask/peers/launch.py");
        let launch = |limit: &str, script: &str| {
            let mut command = Command::new("python3");
            command.arg(&launcher).arg(limit).arg("report").arg("printed").args(["sh", "-c", script]);
            run_quietly(command.current_dir(scratch.path()), Duration::from_secs(60))
        };
        launch("60", "echo '{\"seconds\": [1.5]}'").unwrap();
        let content = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap();
        let measurement = read(&content("report"), &content("printed"), true).unwrap();
        assert!(measurement.seconds < 60.0 && measurement.peak > 1 << 18, "{measurement:?}");
        assert!(launch("60", "exit 3").unwrap_err().to_string().contains('3'));
        let message = launch("1", "exec sleep 600").unwrap_err().to_string();
        assert!(message.ends_with("stopped after 1 s"), "{message}");
    }
}
