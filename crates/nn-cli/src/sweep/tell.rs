//! What is said of a sweep: owns the lines for people, the JSON for programs and the bar between them, and refuses to
//! know what they are about beyond their numbers.

use std::{collections::BTreeMap, num::NonZeroUsize, path::Path};

use anyhow::Result;
use indicatif::ProgressBar;
use nn_train::DataFiles;
use serde::Serialize;

use super::{
    Intent,
    file::Search,
    plan::Plan,
    records::{BEST_CONFIG, BEST_MODEL, Best, REPORT, Records, TRIALS},
    row::Row,
    shared::Shared,
    standings::Standing,
};
use crate::{
    args::SweepArgs,
    output::{self, Output, count, invocation, percent, shell_word, table, thousands},
    progress,
};

/// Combinations in the table at the end; all are in the page.
const MOST_LINES: usize = 10;
const MOST_PLANNED_LINES: usize = 50;

/// What is announced at the beginning, as JSON.
#[derive(Serialize)]
struct StartLine {
    event: &'static str,
    folder: String,
    data: String,
    train_samples: usize,
    validation_samples: usize,
    test_samples: Option<usize>,
    settings: Vec<String>,
    combinations: usize,
    seeds: Vec<u64>,
    rungs: Vec<RungLine>,
    trainings: usize,
    done: usize,
    epochs: u64,
    threads: usize,
}

#[derive(Serialize)]
struct RungLine {
    epochs: Option<u32>,
    combinations: usize,
}

/// A training, as JSON.
#[derive(Serialize)]
struct TrialLine<'a> {
    event: &'static str,
    rung: usize,
    combination: usize,
    settings: BTreeMap<&'a str, &'a str>,
    seed: u64,
    epochs: u32,
    parameters: usize,
    status: &'static str,
    train_loss: Option<f64>,
    train_accuracy: Option<f64>,
    validation_loss: Option<f64>,
    validation_accuracy: Option<f64>,
    seconds: f64,
    done: usize,
}

#[derive(Serialize)]
struct RungOver {
    event: &'static str,
    rung: usize,
    epochs: Option<u32>,
    combinations: usize,
    going_on: usize,
}

#[derive(Serialize)]
struct EndLine<'a> {
    event: &'static str,
    interrupted: bool,
    /// Whether all that was planned is done.
    complete: bool,
    folder: String,
    trainings: usize,
    seconds: f64,
    best: Option<BestLine<'a>>,
}

#[derive(Serialize)]
struct BestLine<'a> {
    combination: usize,
    settings: BTreeMap<&'a str, &'a str>,
    seed: u64,
    epochs: u32,
    validation_accuracy: Option<f64>,
    validation_deviation: Option<f64>,
    test_samples: Option<u64>,
    test_accuracy: Option<f64>,
    test_loss: Option<f64>,
    model: String,
    config: String,
}

/// Tells how a sweep goes.
pub(super) struct Teller<'a> {
    output: &'a mut Output,
    json: bool,
    bar: ProgressBar,
    best: f64,
}

impl<'a> Teller<'a> {
    /// Announces a sweep.
    pub(super) fn begin(
        args: &SweepArgs,
        intent: &Intent,
        shared: &Shared<'_>,
        records: &Records,
        test: Option<&DataFiles>,
        threads: NonZeroUsize,
        output: &'a mut Output,
    ) -> Result<Teller<'a>> {
        let plan = &intent.plan;
        let planned = plan.of_plan(records.rows());
        if records.rows().len() > planned.len() {
            let others = count(records.rows().len() - planned.len(), "training");
            output::note(format_args!(
                "{others} of an earlier plan are kept in {TRIALS}, and nothing is chosen from them"
            ));
        }
        let rungs =
            plan.rungs.iter().map(|rung| RungLine { epochs: rung.epochs, combinations: rung.combinations });
        let start = StartLine {
            event: "start",
            folder: records.path().display().to_string(),
            data: shared.folder.display().to_string(),
            train_samples: shared.files.len() - shared.kept,
            validation_samples: shared.kept,
            test_samples: test.map(DataFiles::len),
            settings: intent.settings().into_iter().map(str::to_owned).collect(),
            combinations: plan.tried.len(),
            seeds: plan.seeds.clone(),
            rungs: rungs.collect(),
            trainings: plan.trials_planned(),
            done: planned.len(),
            epochs: plan.total_epochs(),
            threads: threads.get(),
        };
        if args.json {
            output.json(&start)?;
        } else {
            output.line(start.text(intent))?;
        }
        output.flush()?;
        let style = progress::style("{pos} of {len} [{wide_bar}] {percent:>3} %  {msg}  {left}", "trainings");
        let bar = progress::bar(plan.trials_planned() as u64, planned.len() as u64, style);
        let measured = planned.iter().filter_map(|row| row.measured);
        let best = measured.map(|measured| measured.validation.accuracy).fold(0.0, f64::max);
        Ok(Teller { output, json: args.json, bar, best })
    }

    pub(super) fn trial_over(&mut self, intent: &Intent, row: &Row, done: usize) -> Result<()> {
        let accuracy = row.measured.map_or(0.0, |measured| measured.validation.accuracy);
        self.best = self.best.max(accuracy);
        self.bar.inc(1);
        self.bar.set_message(format!("best {}", percent(self.best)));
        if !self.json {
            return Ok(());
        }
        let figures = row.measured;
        let line = TrialLine {
            event: "trial",
            rung: row.rung + 1,
            combination: row.combination + 1,
            settings: settings(intent, row.combination),
            seed: row.seed,
            epochs: row.epochs,
            parameters: row.parameters,
            status: if figures.is_some() { "finished" } else { "diverged" },
            train_loss: figures.map(|all| all.train.loss),
            train_accuracy: figures.map(|all| all.train.accuracy),
            validation_loss: figures.map(|all| all.validation.loss),
            validation_accuracy: figures.map(|all| all.validation.accuracy),
            seconds: row.seconds,
            done,
        };
        self.say_json(&line)
    }

    pub(super) fn rung_over(
        &mut self,
        rung: usize,
        plan: &Plan,
        combinations: usize,
        going_on: usize,
    ) -> Result<()> {
        let epochs = plan.rungs[rung].epochs;
        if self.json {
            return self.say_json(&RungOver {
                event: "rung",
                rung: rung + 1,
                epochs,
                combinations,
                going_on,
            });
        }
        let line = format!(
            "rung {}   {} for {}: {} go on",
            rung + 1,
            count(combinations, "combination"),
            count(epochs.unwrap_or_default(), "epoch"),
            thousands(going_on)
        );
        let output = &mut *self.output;
        self.bar.suspend(|| output.line(line).and_then(|()| output.flush()))
    }

    fn say_json(&mut self, line: &impl Serialize) -> Result<()> {
        let output = &mut *self.output;
        self.bar.suspend(|| output.json(line).and_then(|()| output.flush()))
    }

    /// Takes the bar away.
    pub(super) fn trainings_over(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn retraining(&mut self, what: &str) {
        self.bar = progress::waiting(format!("training the best on all samples: {what}"));
    }

    pub(super) fn interrupted(&mut self, records: &Records, seconds: f64) -> Result<()> {
        if self.json {
            self.output.json(&EndLine {
                event: "end",
                interrupted: true,
                complete: false,
                folder: records.path().display().to_string(),
                trainings: records.rows().len(),
                seconds,
                best: None,
            })?;
        }
        self.output.flush()
    }

    #[allow(clippy::too_many_arguments, reason = "the end is about all of them")]
    pub(super) fn end(
        &mut self,
        args: &SweepArgs,
        intent: &Intent,
        records: &Records,
        standings: &[Standing],
        best: &Best,
        is_complete: bool,
        seconds: f64,
    ) -> Result<()> {
        let model = records.file(BEST_MODEL);
        let score = standings.first().and_then(|standing| standing.score);
        if self.json {
            let line = EndLine {
                event: "end",
                interrupted: false,
                complete: is_complete,
                folder: records.path().display().to_string(),
                trainings: intent.plan.of_plan(records.rows()).len(),
                seconds,
                best: Some(BestLine {
                    combination: best.combination,
                    settings: settings(intent, best.combination - 1),
                    seed: best.seed,
                    epochs: best.epochs,
                    validation_accuracy: score.map(|score| score.accuracy),
                    validation_deviation: score.and_then(|score| score.deviation),
                    test_samples: best.test.map(|test| test.samples),
                    test_accuracy: best.test.map(|test| test.accuracy()),
                    test_loss: best.test.map(|test| test.loss),
                    model: model.display().to_string(),
                    config: records.file(BEST_CONFIG).display().to_string(),
                }),
            };
            return self.output.json(&line);
        }
        let left = standings.len().saturating_sub(MOST_LINES);
        self.output.line(format_args!("{}", standings_table(intent, standings)))?;
        if left > 0 {
            self.output.line(format_args!(
                "and {} more, in {}",
                thousands(left),
                records.file(TRIALS).display()
            ))?;
        }
        if !is_complete {
            self.output.line(format_args!(
                "\nthe minutes of the budget are over: {} of {} were trained; a larger budget goes on with them",
                thousands(intent.plan.of_plan(records.rows()).len()),
                thousands(intent.plan.trials_planned())
            ))?;
        }
        let test = best.test.map_or_else(
            || "there is no test set".to_owned(),
            |test| {
                format!(
                    "accuracy {} ({} of {}), loss {:.4}",
                    percent(test.accuracy()),
                    thousands(test.correct),
                    thousands(test.samples),
                    test.loss
                )
            },
        );
        let data = args.data.folder.as_ref().or(intent.sweep.base.data.folders.first());
        let data = data.map_or_else(String::new, |folder| format!(" --data {}", shell_word(folder)));
        let split = if best.test.is_some() { "" } else { " --split train" };
        self.output.line(format_args!(
            "\nbest     {}, trained again on all {} for {}, seed {}\n\
             test     {test}\n\
             saved    {}, and {} to train it by\n\
             page     {}\n\
             next     {} eval {}{data}{split} --confusion",
            best.settings,
            count(best.train_samples, "image"),
            count(best.epochs, "epoch"),
            best.seed,
            model.display(),
            records.file(BEST_CONFIG).display(),
            records.file(REPORT).display(),
            invocation(),
            shell_word(&model),
        ))
    }
}

impl StartLine {
    fn text(&self, intent: &Intent) -> String {
        let test = self.test_samples.map_or_else(
            || "and no test set".to_owned(),
            |samples| format!("{} to measure the best on", thousands(samples)),
        );
        let done = if self.done > 0 { format!(", {} done", thousands(self.done)) } else { String::new() };
        format!(
            "data     {}: {} to train on, {} to choose by, {test}\n\
             sweep    {}\n\
             kept     in {}{done}\n",
            self.data,
            count(self.train_samples, "image"),
            thousands(self.validation_samples),
            extent(intent, Some(self.threads)),
            self.folder,
        )
    }
}

/// 12 combinations of hidden and rate, 3 seeds each: 36 trainings, 288 epochs
fn extent(intent: &Intent, threads: Option<usize>) -> String {
    let plan = &intent.plan;
    let settings = intent.settings();
    let settings = match &settings[..] {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        all => all.join(", "),
    };
    let kind = match intent.sweep.search {
        Search::Grid { .. } => "combination",
        Search::Random { .. } => "random combination",
    };
    let left_out = intent.candidates.len() - plan.tried.len();
    let of = if left_out > 0 { format!(" of {}", thousands(intent.candidates.len())) } else { String::new() };
    let threads = threads.map_or_else(String::new, |threads| format!(", on {}", count(threads, "thread")));
    let rungs =
        if plan.rungs.len() > 1 { format!(" in {}", count(plan.rungs.len(), "rung")) } else { String::new() };
    format!(
        "{}{of} of {settings}, {} each{rungs}: {}, {}{threads}",
        count(plan.tried.len(), kind),
        count(plan.seeds.len(), "seed"),
        count(plan.trials_planned(), "training"),
        count(plan.total_epochs(), "epoch"),
    )
}

/// What would be trained.
pub(super) fn plan(args: &SweepArgs, intent: &Intent, output: &mut Output) -> Result<()> {
    let plan = &intent.plan;
    if args.json {
        for &combination in &plan.tried {
            output.json(&serde_json::json!({
                "event": "combination",
                "combination": combination + 1,
                "settings": settings(intent, combination),
                "epochs": plan.full_epochs(combination),
            }))?;
        }
        return Ok(());
    }
    output.line(extent(intent, None))?;
    for (number, rung) in (1..).zip(&plan.rungs) {
        if let Some(epochs) = rung.epochs {
            let (combinations, epochs) = (count(rung.combinations, "combination"), count(epochs, "epoch"));
            output.line(format_args!("rung {number}: {combinations} for {epochs}"))?;
        }
    }
    let mut rows = vec![heading(intent, &["epochs"])];
    for &combination in plan.tried.iter().take(MOST_PLANNED_LINES) {
        let mut row = vec![(combination + 1).to_string()];
        row.extend(intent.candidates[combination].values.iter().cloned());
        row.push(plan.full_epochs(combination).to_string());
        rows.push(row);
    }
    output.line(format_args!("\n{}", table(&rows)))?;
    match plan.tried.len().saturating_sub(MOST_PLANNED_LINES) {
        0 => Ok(()),
        more => output.line(format_args!("and {} more", thousands(more))),
    }
}

fn heading(intent: &Intent, more: &[&str]) -> Vec<String> {
    let settings = intent.settings();
    ["number"].iter().chain(&settings).chain(more).map(|name| (*name).to_owned()).collect()
}

fn standings_table(intent: &Intent, standings: &[Standing]) -> String {
    let mut rows = vec![heading(intent, &["trained", "validation", "+-", "training", "seconds"])];
    for standing in standings.iter().take(MOST_LINES) {
        let mut row = vec![(standing.combination + 1).to_string()];
        row.extend(intent.candidates[standing.combination].values.iter().cloned());
        row.push(standing.epochs.to_string());
        let score = standing.score;
        row.push(score.map_or_else(|| "diverged".to_owned(), |score| percent(score.accuracy)));
        let deviation = score.and_then(|score| score.deviation);
        row.push(deviation.map_or_else(|| "-".to_owned(), |deviation| format!("{:.2}", 100.0 * deviation)));
        row.push(score.map_or_else(|| "-".to_owned(), |score| percent(score.train_accuracy)));
        row.push(format!("{:.2}", standing.seconds));
        rows.push(row);
    }
    table(&rows)
}

fn settings(intent: &Intent, combination: usize) -> BTreeMap<&str, &str> {
    let values = intent.candidates[combination].values.iter().map(String::as_str);
    intent.settings().into_iter().zip(values).collect()
}

/// The flags to type again to go on.
pub(super) fn flags(args: &SweepArgs) -> String {
    let flag = |name: &str, path: Option<&Path>| {
        path.map_or_else(String::new, |path| format!(" --{name} {}", shell_word(path)))
    };
    flag("output", args.output.as_deref()) + &flag("data", args.data.folder.as_deref())
}
