//! The folder of a sweep: owns its files, the lock that keeps a second process out, and that every training that is over
//! is on the disk, and refuses to know how trainings are chosen or carried out.
//!
//! `trials.csv` grows by a row when a training is over, and the row is synced before the next result is taken. A process
//! that is killed leaves at most a row that has no end, which the next one takes away.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nn_train::{Checkpoint, FileLock, LockError, write_atomically};
use serde::{Deserialize, Serialize};

use super::row::{Columns, Row};
use crate::{
    failure::Advised,
    output::{self, invocation, shell_word},
};

/// An empty file, to be locked.
const LOCK: &str = "lock";
/// The file of the sweep, as it was when it was begun.
const FILE: &str = "sweep.toml";
/// What the results depend on. A sweep exists once this is there.
const IDENTITY: &str = "identity.json";
pub(super) const TRIALS: &str = "trials.csv";
pub(super) const REPORT: &str = "report.html";
pub(super) const BEST_MODEL: &str = "best.model";
pub(super) const BEST_CONFIG: &str = "best.toml";
const BEST: &str = "best.json";

/// All that decides what is in the folder, each as a text that can be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) release: String,
    pub(super) settings: String,
    pub(super) search: String,
    pub(super) seeds: String,
    pub(super) halving: String,
    pub(super) teachers: String,
    pub(super) train_sha256: String,
    pub(super) validation_sha256: String,
    pub(super) test_sha256: String,
}

impl Identity {
    pub(super) fn release() -> String {
        Checkpoint::RELEASE.to_owned()
    }

    /// The first part in which a sweep is another one.
    fn difference(&self, other: &Identity) -> Option<&'static str> {
        let parts = [
            ("release of this program", &self.release, &other.release),
            ("training data", &self.train_sha256, &other.train_sha256),
            ("validation data", &self.validation_sha256, &other.validation_sha256),
            ("test data", &self.test_sha256, &other.test_sha256),
            ("settings at the top of its file", &self.settings, &other.settings),
            ("settings to try", &self.search, &other.search),
            ("seeds", &self.seeds, &other.seeds),
            ("halving", &self.halving, &other.halving),
            ("teachers", &self.teachers, &other.teachers),
        ];
        parts.into_iter().find(|(_, own, other)| own != other).map(|(what, _, _)| what)
    }
}

/// What is known of the retrained network, so that it is made and measured once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Best {
    /// From 1.
    pub(super) combination: usize,
    pub(super) settings: String,
    pub(super) seed: u64,
    pub(super) epochs: u32,
    pub(super) train_samples: usize,
    /// `None` where there is no test set.
    pub(super) test: Option<TestResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TestResult {
    pub(super) samples: u64,
    pub(super) correct: u64,
    pub(super) loss: f64,
}

impl TestResult {
    pub(super) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }
}

/// The results of a sweep, those of earlier processes included.
pub(super) struct Records {
    path: PathBuf,
    lock: FileLock,
    table: File,
    columns: Columns,
    rows: Vec<Row>,
}

impl Records {
    /// Begins a sweep in a new folder, or goes on with the same one.
    ///
    /// # Errors
    /// When the folder is of another sweep or of something else, or another process has it, or it is damaged.
    pub(super) fn open(path: &Path, text: &str, identity: &Identity, columns: Columns) -> Result<Records> {
        check_vacant_or_sweep(path)?;
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let lock = lock(path)?;
        match read_identity(path)? {
            Some(begun) => check_same(path, &begun, identity)?,
            None => {
                write_atomically(&path.join(FILE), |writer| writer.write_all(text.as_bytes()))?;
                let json = serde_json::to_string_pretty(identity).context("cannot write JSON")?;
                write_atomically(&path.join(IDENTITY), |writer| writeln!(writer, "{json}"))?;
            }
        }
        let table_path = path.join(TRIALS);
        let context = || format!("cannot keep results in {}", table_path.display());
        let mut table =
            File::options().create(true).read(true).append(true).open(&table_path).with_context(context)?;
        let mut bytes = fs::read(&table_path).with_context(context)?;
        // What a killed process left.
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        if whole < bytes.len() {
            table.set_len(whole as u64).with_context(context)?;
            bytes.truncate(whole);
        }
        if whole == 0 {
            table
                .write_all(columns.heading()?.as_bytes())
                .and_then(|()| table.sync_all())
                .with_context(context)?;
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| damaged(&table_path, "expected UTF-8, found other bytes"))?;
        let rows = columns.rows(&text).map_err(|message| damaged(&table_path, message))?;
        Ok(Records { path: path.to_owned(), lock, table, columns, rows })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn find(&self, combination: usize, rung: usize, seed: u64) -> Option<&Row> {
        self.rows.iter().find(|row| (row.combination, row.rung, row.seed) == (combination, rung, seed))
    }

    /// Seconds that the sweep has been under way when its last training was over.
    pub(super) fn elapsed(&self) -> f64 {
        self.rows.iter().map(|row| row.elapsed).fold(0.0, f64::max)
    }

    /// That the folder is still the one that was opened.
    ///
    /// # Errors
    /// When it is not, so that nothing more is to be written to that name.
    pub(super) fn check_held(&self) -> Result<()> {
        let lock = self.path.join(LOCK);
        let is_held = self.lock.is_held().with_context(|| format!("cannot look at {}", lock.display()))?;
        if is_held && self.file(TRIALS).is_file() {
            return Ok(());
        }
        let message = format!(
            "the sweep in {}, or its {TRIALS}, was moved or removed while it was under way",
            self.path.display()
        );
        bail!(Advised::new(message, "moved back, it is gone on with by the same command"))
    }

    /// Keeps a result: after this it is on the disk.
    pub(super) fn add(&mut self, row: Row, values: &[String]) -> Result<()> {
        self.check_held()?;
        let line = self.columns.line(&row, values)?;
        let context = || format!("cannot keep a result in {}", self.path.join(TRIALS).display());
        self.table.write_all(line.as_bytes()).and_then(|()| self.table.sync_data()).with_context(context)?;
        self.rows.push(row);
        Ok(())
    }

    /// The retrained network, where it was made and can still be loaded.
    pub(super) fn best(&self) -> Option<Best> {
        let text = fs::read_to_string(self.file(BEST)).ok()?;
        let best = serde_json::from_str(&text).ok()?;
        let is_there = self.file(BEST_CONFIG).is_file() && nn_train::load(&self.file(BEST_MODEL)).is_ok();
        is_there.then_some(best)
    }

    /// Remembers the retrained network, whose files are there.
    pub(super) fn keep_best(&self, best: &Best) -> Result<()> {
        let json = serde_json::to_string_pretty(best).context("cannot write JSON")?;
        Ok(write_atomically(&self.file(BEST), |writer| writeln!(writer, "{json}"))?)
    }

    /// Forgets the retrained network, before another one takes its place.
    pub(super) fn forget_best(&self) -> Result<()> {
        match fs::remove_file(self.file(BEST)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.file(BEST).display()))
            }
            _ => Ok(()),
        }
    }
}

fn read_identity(path: &Path) -> Result<Option<Identity>> {
    let file = path.join(IDENTITY);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let identity = serde_json::from_str(&text).map_err(|error| damaged(&file, error))?;
    Ok(Some(identity))
}

fn damaged(file: &Path, reason: impl std::fmt::Display) -> Advised {
    let message = format!("cannot go on with {}: {reason}", file.display());
    Advised::new(message, "the file is damaged or was edited; name another --output to begin anew")
}

fn check_same(path: &Path, begun: &Identity, identity: &Identity) -> Result<()> {
    let Some(what) = begun.difference(identity) else { return Ok(()) };
    let message = format!(
        "cannot go on with {}: expected the {what} that the sweep was begun with, found another",
        path.display()
    );
    let hint = format!(
        "name another --output to begin anew; what this one was begun with is in {}",
        shell_word(&path.join(FILE))
    );
    bail!(Advised::new(message, hint))
}

/// Checks that nothing is there, or a sweep, or what a process left that was killed before its sweep existed.
fn check_vacant_or_sweep(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() || path.join(IDENTITY).is_file() {
        return Ok(());
    }
    let refuse = |found: &str| {
        let message = format!(
            "cannot keep a sweep in {}: expected its folder, an empty one or none, found {found}",
            path.display()
        );
        Advised::new(message, "name another folder by --output: what is in this one is not touched")
    };
    if !path.is_dir() {
        bail!(refuse("a file"));
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read the folder {}", path.display()))?;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if ![LOCK, FILE].contains(&name.as_str()) && !name.starts_with(".nn-train-") {
            bail!(refuse(&format!("`{name}` in it")));
        }
    }
    Ok(())
}

fn lock(path: &Path) -> Result<FileLock> {
    FileLock::take(&path.join(LOCK)).map_err(|error| match error {
        LockError::Taken { .. } => {
            let message = format!(
                "the sweep in {} is in use: expected to be its only process, found another",
                path.display()
            );
            Advised::new(message, "wait until that process is done, or stop it; its results are sound").into()
        }
        other => other.into(),
    })
}

/// Says that a sweep was left, and how to go on with it.
pub(super) fn note_left(records: &Records, file: &Path, flags: &str) {
    output::note(format_args!(
        "interrupted: {} has what is done; go on with `{} sweep {}{flags}`",
        records.file(TRIALS).display(),
        invocation(),
        shell_word(file)
    ));
}

#[cfg(test)]
mod tests;
