//! Owns what is remembered of a finished training: a line of JSON each, in a file that only grows or is replaced.

use crate::publish::write_atomically;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::PathBuf;

/// What came of one training, or of asking one committee.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) experiment: String,
    pub(super) seed: u32,
    pub(super) accuracy: f64,
    pub(super) errors: u64,
    /// None where it was stopped and went on: only its last part was timed.
    pub(super) seconds: Option<f64>,
    pub(super) command: String,
    pub(super) machine: String,
}

impl Record {
    fn json(&self) -> Value {
        json!({
            "experiment": self.experiment, "seed": self.seed, "accuracy": self.accuracy, "errors": self.errors,
            "seconds": self.seconds, "command": self.command, "machine": self.machine,
        })
    }

    fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Some(Self {
            experiment: text("experiment")?,
            seed: value["seed"].as_u64()?.try_into().ok()?,
            accuracy: value["accuracy"].as_f64()?,
            errors: value["errors"].as_u64()?,
            seconds: value["seconds"].as_f64(),
            command: text("command")?,
            machine: text("machine")?,
        })
    }
}

/// All that is remembered.
pub(super) struct Records {
    path: PathBuf,
    records: Vec<Record>,
}

impl Records {
    pub(super) fn load(path: PathBuf) -> Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let record = |(number, line): (usize, &str)| {
            Record::parse(line)
                .with_context(|| format!("line {} of {} is no result", number + 1, path.display()))
        };
        let records = text.lines().enumerate().map(record).collect::<Result<_>>()?;
        Ok(Self { path, records })
    }

    pub(super) fn find(&self, experiment: &str, seed: u32) -> Option<&Record> {
        self.records.iter().find(|record| record.experiment == experiment && record.seed == seed)
    }

    /// Those of an experiment, by seed.
    pub(super) fn of(&self, experiment: &str) -> Vec<&Record> {
        let mut found: Vec<&Record> =
            self.records.iter().filter(|record| record.experiment == experiment).collect();
        found.sort_by_key(|record| record.seed);
        found
    }

    /// Adds a record, or puts it in the place of an earlier one of the same seed.
    pub(super) fn keep(&mut self, record: Record) -> Result<()> {
        self.records.retain(|one| one.experiment != record.experiment || one.seed != record.seed);
        self.records.push(record);
        let text: String = self.records.iter().map(|record| format!("{}\n", record.json())).collect();
        write_atomically(&self.path, text.as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;

    pub(in super::super) fn record(experiment: &str, seed: u32, errors: u64) -> Record {
        Record {
            experiment: experiment.to_owned(),
            seed,
            accuracy: 1.0 - errors as f64 / 10_000.0,
            errors,
            seconds: Some(12.5),
            command: format!("nn-cli train --preset {experiment} --seed {seed}"),
            machine: "Example 9000".to_owned(),
        }
    }

    pub(in super::super) fn records(records: Vec<Record>) -> Records {
        Records { path: PathBuf::new(), records }
    }

    #[test]
    fn what_is_kept_is_found_again_and_the_last_of_a_seed_counts() {
        let folder = ScratchFolder::create("records").unwrap();
        let path = folder.path().join("results.jsonl");
        let mut kept = Records::load(path.clone()).unwrap();
        kept.keep(record("small", 2, 110)).unwrap();
        let untimed = Record { seconds: None, ..record("small", 1, 120) };
        kept.keep(untimed.clone()).unwrap();
        kept.keep(record("small", 2, 100)).unwrap();
        let loaded = Records::load(path.clone()).unwrap();
        assert_eq!(loaded.of("small"), [&untimed, &record("small", 2, 100)]);
        assert_eq!(loaded.find("small", 3), None);
        fs::write(&path, "{}\n").unwrap();
        let message = Records::load(path).err().map(|error| error.to_string()).unwrap();
        assert!(message.starts_with("line 1 of "), "{message}");
    }
}
