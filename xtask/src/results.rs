//! `results`: owns the course of the experiments on learning quality, from the command line to the pages; what each of
//! them is stands in `results/plan.rs`, and the program that trains is `nn-cli`.

mod page;
mod plan;
mod record;

use crate::machine::Machine;
use crate::output::Output;
use crate::peers::replace_marked;
use crate::publish::write_atomically;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use lexopt::prelude::*;
use plan::{EXPERIMENTS, Experiment};
use record::{Record, Records};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) const HELP: &str = "\
Train by the recipes over several seeds, and write the table of what they reach.

Usage: cargo xtask results [EXPERIMENTS] [--seeds N] [--again] [--table] [--list]

Arguments:
  [EXPERIMENTS]  only these, separated by commas; whatever they stand on is trained first [default: all]

Options:
  --seeds N   so many seeds of each, from 1, in place of as many as the plan says
  --again     also where there is a result already
  --table     train nothing, write the pages anew
  --list      say what there is to do, and do nothing

Each finished training is a line of docs/results.jsonl, and is not repeated; one that was stopped goes on where its
last checkpoint is. Runs and networks stand in .results/. After each training docs/results.md and the table in
README.md are written anew. All of it takes some hours on two cores.

Examples:
  cargo xtask results small
  cargo xtask results --list
  cargo xtask results deep --seeds 1
";

/// Where the runs and the networks are, which others stand on.
const FOLDER: &str = ".results";
const RECORDS: &str = "docs/results.jsonl";

#[derive(Debug, PartialEq)]
struct Options {
    experiments: Vec<&'static Experiment>,
    seeds: Option<u32>,
    again: bool,
    table: bool,
    list: bool,
}

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let options = parse(arguments)?;
    let root = workspace::root();
    let mut records = Records::load(root.join(RECORDS))?;
    if options.list {
        for experiment in &options.experiments {
            let seeds = options.seeds.unwrap_or(experiment.seeds);
            let done = (1..=seeds).filter(|&seed| records.find(experiment.name, seed).is_some()).count();
            output.line(format_args!("{:<32} {done} of {seeds}  {}", experiment.name, experiment.about));
        }
        return Ok(());
    }
    if !options.table {
        let trainer = Trainer { program: workspace::release_program()?, folder: root.join(FOLDER) };
        for experiment in &options.experiments {
            for seed in 1..=options.seeds.unwrap_or(experiment.seeds) {
                if options.again || records.find(experiment.name, seed).is_none() {
                    trainer.carry_out(experiment, seed, &mut records, output)?;
                    write_pages(&root, &records)?;
                }
            }
        }
    }
    write_pages(&root, &records)?;
    output.text(page::summary(&records));
    Ok(())
}

fn write_pages(root: &Path, records: &Records) -> Result<()> {
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme).context("cannot read README.md")?;
    let text = replace_marked(&text, "results", &page::summary(records)).context("in README.md")?;
    for (path, text) in [(root.join("docs/results.md"), page::page(records)), (readme, text)] {
        write_atomically(&path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What the program is told to do.
enum Task {
    Whole(Vec<String>),
    /// What is left of a training that was stopped.
    Rest(Vec<String>),
}

impl Task {
    fn words(&self) -> &[String] {
        let (Self::Whole(words) | Self::Rest(words)) = self;
        words
    }
}

struct Trainer {
    program: PathBuf,
    folder: PathBuf,
}

impl Trainer {
    /// Carries one out, and what it stands on before it, and keeps what came of it.
    fn carry_out(
        &self,
        experiment: &Experiment,
        seed: u32,
        records: &mut Records,
        output: &mut Output,
    ) -> Result<()> {
        for (member, member_seed) in experiment.members() {
            let is_kept = self.model(member, member_seed).is_file();
            if !is_kept || records.find(member.name, member_seed).is_none() {
                self.carry_out(member, member_seed, records, output)?;
            }
        }
        output.line(format_args!("{}, seed {seed}", experiment.name));
        let started = Instant::now();
        let task = if experiment.is_committee() {
            Task::Whole(self.committee_words(experiment))
        } else {
            self.training(experiment, seed)?
        };
        let end = self.run(task.words())?;
        let seconds = end["seconds"].as_f64().unwrap_or_else(|| started.elapsed().as_secs_f64());
        let test = if experiment.is_committee() { &end } else { &end["test"] };
        let measured = if experiment.on_validation { &end["validation"] } else { test };
        let record = Record {
            experiment: experiment.name.to_owned(),
            seed,
            accuracy: measured["accuracy"].as_f64().context("nn-cli tells no accuracy")?,
            errors: measured["errors"].as_u64().context("nn-cli tells no errors")?,
            seconds: matches!(task, Task::Whole(_)).then_some(seconds),
            command: experiment.command(seed),
            machine: Machine::look(BTreeMap::new()).sentence(),
        };
        output.line(format_args!(
            "  {:.2} %, {} errors, {:.0} s",
            100.0 * record.accuracy,
            record.errors,
            seconds
        ));
        records.keep(record)
    }

    /// The network of an experiment.
    fn model(&self, experiment: &Experiment, seed: u32) -> PathBuf {
        self.run_folder(experiment, seed).join("last.model")
    }

    fn run_folder(&self, experiment: &Experiment, seed: u32) -> PathBuf {
        self.folder.join(format!("{}-{seed}", experiment.name))
    }

    fn training(&self, experiment: &Experiment, seed: u32) -> Result<Task> {
        let run = self.run_folder(experiment, seed);
        let is_begun = run.join("checkpoint").is_file();
        if is_begun && !is_over(&run) {
            let words = ["train", "--resume", &run.display().to_string(), "--json"].map(str::to_owned);
            return Ok(Task::Rest(words.to_vec()));
        }
        if run.exists() {
            fs::remove_dir_all(&run).with_context(|| format!("cannot remove {}", run.display()))?;
        }
        let mut words = experiment.words(seed);
        let teachers: Vec<String> = experiment
            .members()
            .into_iter()
            .map(|(member, seed)| self.model(member, seed).display().to_string())
            .collect();
        if !teachers.is_empty() {
            words.extend(["--teacher".to_owned(), teachers.join(",")]);
        }
        let data = workspace::root().join("data/mnist").display().to_string();
        words.extend(["--data".to_owned(), data]);
        words.extend(["--run".to_owned(), run.display().to_string(), "--json".to_owned()]);
        Ok(Task::Whole(words))
    }

    fn committee_words(&self, experiment: &Experiment) -> Vec<String> {
        let members = experiment.members();
        let models = members.into_iter().map(|(member, seed)| self.model(member, seed).display().to_string());
        let data = workspace::root().join("data/mnist").display().to_string();
        let rest = ["--data".to_owned(), data, "--json".to_owned()];
        std::iter::once("eval".to_owned()).chain(models).chain(rest).collect()
    }

    /// What the program says at last; what it says meanwhile goes to the terminal's other end.
    fn run(&self, words: &[String]) -> Result<Value> {
        let child = Command::new(&self.program)
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .stdout(Stdio::piped())
            .current_dir(workspace::root())
            .output()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        ensure!(child.status.success(), "nn-cli {} ended with {}", words.join(" "), child.status);
        let text = String::from_utf8_lossy(&child.stdout);
        let lines: Vec<Value> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .context("nn-cli said no JSON")?;
        let Some(mut end) = lines.last().cloned() else { bail!("nn-cli said nothing") };
        // The last epoch's figures on what was held out, where that is not the test set.
        if let Some(epoch) = lines.iter().rev().find(|line| line["event"] == "epoch") {
            let start = &lines[0];
            let samples = start["held_out_samples"].as_u64().unwrap_or_default();
            let accuracy = epoch["held_out_accuracy"].as_f64().unwrap_or_default();
            let errors = ((1.0 - accuracy) * samples as f64).round() as u64;
            end["validation"] = serde_json::json!({ "accuracy": accuracy, "errors": errors });
        }
        Ok(end)
    }
}

/// Whether a run has come to its end, which is so when its metrics have all of its epochs.
fn is_over(run: &Path) -> bool {
    let config = fs::read_to_string(run.join("config.toml")).unwrap_or_default();
    let epochs = config.lines().find_map(|line| line.strip_prefix("epochs = ")?.parse().ok());
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    epochs == Some(metrics.lines().count())
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let mut options =
        Options { experiments: Vec::new(), seeds: None, again: false, table: false, list: false };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("seeds") => options.seeds = Some(arguments.value()?.parse()?),
            Long("again") => options.again = true,
            Long("table") => options.table = true,
            Long("list") => options.list = true,
            Value(names) => {
                for name in names.string()?.split(',') {
                    let found = EXPERIMENTS.iter().find(|experiment| experiment.name == name.trim());
                    options.experiments.push(found.ok_or_else(|| {
                        let known: Vec<&str> = EXPERIMENTS.iter().map(|one| one.name).collect();
                        lexopt::Error::from(format!(
                            "there is no experiment '{name}': expected some of {}",
                            known.join(", ")
                        ))
                    })?);
                }
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.experiments.is_empty() {
        options.experiments = EXPERIMENTS.iter().collect();
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options> {
        parse(lexopt::Parser::from_args(words))
    }

    #[test]
    fn all_experiments_are_meant_unless_some_are_named() {
        assert_eq!(parsed(&[]).unwrap().experiments.len(), EXPERIMENTS.len());
        let options = parsed(&["wide,small", "--seeds", "2"]).unwrap();
        let names: Vec<&str> = options.experiments.iter().map(|experiment| experiment.name).collect();
        assert_eq!((names, options.seeds), (vec!["wide", "small"], Some(2)));
        let message = parsed(&["tiny"]).unwrap_err().to_string();
        assert!(message.contains("there is no experiment 'tiny': expected some of default, "), "{message}");
    }

    #[test]
    fn a_run_is_over_when_all_of_its_epochs_are_written_down() {
        let folder = crate::scratch::ScratchFolder::create("results").unwrap();
        let run = folder.path();
        assert!(!is_over(run));
        fs::write(run.join("config.toml"), "batch = 64\nepochs = 2\n").unwrap();
        fs::write(run.join("metrics.jsonl"), "{}\n").unwrap();
        assert!(!is_over(run));
        fs::write(run.join("metrics.jsonl"), "{}\n{}\n").unwrap();
        assert!(is_over(run));
    }
}
