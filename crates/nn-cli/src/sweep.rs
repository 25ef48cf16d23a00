//! `sweep`: owns the way from a file of settings to try to the best network of all, and refuses to know how one is
//! trained, how results are kept and what the page looks like.

mod best;
mod candidate;
mod draw;
mod file;
mod page;
mod plan;
mod records;
mod row;
mod shared;
mod standings;
mod tell;
mod trial;
mod workers;

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use nn_train::{Fingerprint, JoinedFiles, Samples, Split, nn_core::Dataset};

use self::{
    candidate::{Candidate, described},
    file::Sweep,
    plan::{Plan, Trial},
    records::{Identity, Records},
    row::{Columns, Row},
    shared::Shared,
    tell::Teller,
    trial::Outcome as TrialOutcome,
    workers::Stop,
};
use crate::{
    Outcome,
    args::{DataArgs, SweepArgs, Validation},
    config, data,
    failure::Advised,
    interrupt::Interrupt,
    output::Output,
    train::build::build,
};

/// Where a file says nothing: a tenth of the training samples.
const USUAL_VALIDATION: Validation = Validation::Fraction(0.1);

/// All that a sweep is, before its data is looked at.
struct Intent {
    sweep: Sweep,
    candidates: Vec<Candidate>,
    plan: Plan,
}

pub(crate) fn run(args: &SweepArgs, output: &mut Output) -> Result<Outcome> {
    let first = "`nn-cli sweep --help` shows what such a file looks like";
    let parse = |text: &str| Sweep::parse(text).map(|sweep| (text.to_owned(), sweep));
    let (text, sweep) = config::load(&args.file, first, parse)?;
    let combinations = plan::combinations(&sweep.search)?;
    let candidates =
        combinations.into_iter().map(|values| Candidate::new(&sweep, values)).collect::<Result<Vec<_>>>()?;
    let plan = Plan::new(&sweep, candidates.iter().map(|candidate| candidate.recipe.epochs).collect())?;
    let intent = Intent { sweep, candidates, plan };
    if args.plan {
        tell::plan(args, &intent, output)?;
        return Ok(Outcome::Done);
    }

    let threads = args.threads.count();
    let folder = data_folder(args, &intent.sweep)?;
    let train_files = JoinedFiles::from(data::open(&folder, Split::Train)?);
    let test_files = data::open_if_present(&folder, Split::Test)?;
    data::note_empty_classes(&train_files);
    let prepared = shared::prepare(&intent.candidates, (&train_files, test_files.as_ref()), threads)?;
    let kept = intent.sweep.base.validation.unwrap_or(USUAL_VALIDATION).of(train_files.len());
    let mut shared = Shared::new(&folder, &train_files, kept, &prepared)?;
    check_candidates(&intent, &mut shared)?;
    // At the end, the configuration of the best is to be written.
    intent.candidates[0].task(&folder, (1, 1), 0, threads)?.effective(0).text("", None)?;

    let columns = Columns::new(
        intent.settings().into_iter().map(str::to_owned).collect(),
        intent.candidates.iter().map(|candidate| candidate.values.clone()).collect(),
    );
    let identity = identity(&intent, &shared, test_files.as_ref().map(|files| files.view()))?;
    let records = Records::open(&target_folder(args)?, &text, &identity, columns)?;
    let interrupt = Interrupt::watch()?;
    let teller = Teller::begin(args, &intent, &shared, &records, test_files.as_ref(), threads, output)?;
    Session {
        args,
        intent: &intent,
        shared: &shared,
        threads,
        interrupt: &interrupt,
        stop: Stop::default(),
        clock: Instant::now(),
        earlier: records.elapsed(),
        records,
        teller,
    }
    .carry_out()
}

impl Intent {
    /// The names of the settings that are varied.
    fn settings(&self) -> Vec<&str> {
        self.sweep.search.axes().iter().map(|axis| axis.key.as_str()).collect()
    }

    fn described(&self, combination: usize) -> String {
        described(&self.sweep, &self.candidates[combination].values)
    }
}

fn data_folder(args: &SweepArgs, sweep: &Sweep) -> Result<PathBuf> {
    let folder = match (&args.data.folder, &sweep.base.data.folders[..]) {
        (Some(folder), _) | (None, [folder]) => Some(folder.clone()),
        (None, []) => None,
        (None, several) => {
            let message = format!("expected one folder of data for a sweep, found {}", data::names(several));
            return Err(Advised::new(message, "`nn-cli train` takes several folders as one data set").into());
        }
    };
    data::folder(&DataArgs { folder })
}

/// Where the results go: where a flag says, or into a folder of the name of the file.
fn target_folder(args: &SweepArgs) -> Result<PathBuf> {
    if let Some(folder) = &args.output {
        return Ok(folder.clone());
    }
    let name = args.file.file_stem().with_context(|| format!("{} has no name", args.file.display()))?;
    Ok(Path::new("sweeps").join(name))
}

/// Finds out what is wrong with any network before the first one is trained.
fn check_candidates(intent: &Intent, shared: &mut Shared<'_>) -> Result<()> {
    let mut seen = HashSet::new();
    for &index in &intent.plan.tried {
        let candidate = &intent.candidates[index];
        let context = || format!("cannot train with {}", intent.described(index));
        let task = candidate.task(shared.folder, (1, 1), shared.kept, NonZeroUsize::MIN)?;
        shared.enroll(&task).with_context(context)?;
        if seen.insert((candidate.recipe.hidden.clone(), candidate.recipe.batch)) {
            let sets = shared.sets(candidate.recipe.preprocessing)?;
            build(&task.recipe, &sets.train, task.seed).with_context(context)?;
        }
    }
    Ok(())
}

/// What the results depend on.
fn identity(intent: &Intent, shared: &Shared<'_>, test: Option<Dataset<'_>>) -> Result<Identity> {
    let sweep = &intent.sweep;
    let mut settings: Vec<&(String, String)> =
        sweep.base_text.iter().filter(|(key, _)| key != "data" && key != "validation").collect();
    settings.sort();
    let parts = shared.files.parts();
    let samples = Samples::joined(&parts)?;
    let (train, validation) = samples.split_at(samples.len() - shared.kept);
    Ok(Identity {
        release: Identity::release(),
        settings: serde_json::to_string(&settings)?,
        search: serde_json::to_string(&sweep.search)?,
        seeds: serde_json::to_string(&sweep.seeds)?,
        halving: serde_json::to_string(&sweep.halving)?,
        teachers: serde_json::to_string(&shared.teachers_sha256())?,
        train_sha256: Fingerprint::of(train).hex(),
        validation_sha256: Fingerprint::of(validation).hex(),
        test_sha256: test.map_or_else(String::new, |test| Fingerprint::of(test).hex()),
    })
}

/// How the trainings of a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Complete,
    OutOfTime,
    Interrupted,
}

/// A sweep under way.
struct Session<'a> {
    args: &'a SweepArgs,
    intent: &'a Intent,
    shared: &'a Shared<'a>,
    threads: NonZeroUsize,
    interrupt: &'a Interrupt,
    /// Set when a result could not be kept.
    stop: Stop,
    clock: Instant,
    /// Seconds that earlier processes were at it.
    earlier: f64,
    records: Records,
    teller: Teller<'a>,
}

impl Session<'_> {
    fn carry_out(mut self) -> Result<Outcome> {
        let end = self.climb();
        self.teller.trainings_over();
        let end = end?;
        let standings = standings::standings(&self.intent.plan, self.records.rows());
        if end == End::Interrupted {
            self.write_page(&standings, None)?;
            return self.interrupted();
        }
        let Some(first) = standings.first() else {
            self.write_page(&standings, None)?;
            let minutes = self.intent.sweep.budget.minutes.unwrap_or_default();
            bail!(Advised::new(
                format!(
                    "the budget is too small: in {minutes} minutes no combination was trained with every seed"
                ),
                "a larger budget goes on with what is done"
            ));
        };
        if first.score.is_none() {
            self.write_page(&standings, None)?;
            bail!(Advised::new(
                "every network diverged: there is no best one",
                "try a `rate` well below these, or a narrower `initializer`"
            ));
        }
        let best = match self.retrain(first) {
            Ok(Some(best)) => best,
            Ok(None) => {
                self.write_page(&standings, None)?;
                return self.interrupted();
            }
            Err(error) => {
                self.write_page(&standings, None)?;
                return Err(error);
            }
        };
        self.write_page(&standings, Some(&best))?;
        let is_complete = end == End::Complete;
        self.teller.end(
            self.args,
            self.intent,
            &self.records,
            &standings,
            &best,
            is_complete,
            self.elapsed(),
        )?;
        Ok(Outcome::Done)
    }

    /// Trains rung after rung.
    fn climb(&mut self) -> Result<End> {
        let plan = &self.intent.plan;
        let mut going_on = plan.tried.clone();
        for rung in 0..plan.rungs.len() {
            self.train_rung(rung, &going_on)?;
            if self.interrupt.exit_status().is_some() {
                return Ok(End::Interrupted);
            }
            let ranked = standings::of_rung(plan, self.records.rows(), rung, &going_on);
            if ranked.len() < going_on.len() {
                return Ok(End::OutOfTime);
            }
            let Some(next) = plan.rungs.get(rung + 1) else { break };
            going_on = ranked
                .iter()
                .filter(|standing| standing.score.is_some())
                .take(next.combinations)
                .map(|standing| standing.combination)
                .collect();
            self.teller.rung_over(rung, plan, ranked.len(), going_on.len())?;
            if going_on.is_empty() {
                break;
            }
        }
        Ok(End::Complete)
    }

    fn train_rung(&mut self, rung: usize, combinations: &[usize]) -> Result<()> {
        let (intent, shared, interrupt) = (self.intent, self.shared, self.interrupt);
        let (earlier, clock, stop) = (self.earlier, self.clock, &self.stop);
        let minutes = intent.sweep.budget.minutes;
        let elapsed = || earlier + clock.elapsed().as_secs_f64();
        let mut trials = intent.plan.trials(rung, combinations);
        trials.retain(|trial| self.records.find(trial.combination, trial.rung, trial.seed).is_none());
        if minutes.is_none() {
            // So that no long one begins when all others are over.
            let cost = |trial: &Trial| intent.candidates[trial.combination].cost(shared, trial.epochs);
            trials.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
        }
        let should_stop = || stop.is_asked() || interrupt.exit_status().is_some();
        let may_begin = || !should_stop() && minutes.is_none_or(|minutes| elapsed() < 60.0 * minutes);
        let (records, teller) = (&mut self.records, &mut self.teller);
        workers::run(
            &trials,
            self.threads,
            stop,
            may_begin,
            |trial| trial::train(shared, &intent.candidates[trial.combination], trial, &should_stop),
            |trial, result| {
                let candidate = &intent.candidates[trial.combination];
                let (outcome, duration) = result.with_context(|| {
                    format!("cannot train with {}, seed {}", intent.described(trial.combination), trial.seed)
                })?;
                let measured = match outcome {
                    TrialOutcome::Stopped => return Ok(()),
                    TrialOutcome::Diverged => None,
                    TrialOutcome::Finished(measured) => Some(measured),
                };
                let row = Row {
                    combination: trial.combination,
                    rung,
                    seed: trial.seed,
                    epochs: trial.epochs,
                    parameters: candidate.parameters(shared),
                    measured,
                    seconds: duration.as_secs_f64(),
                    elapsed: elapsed(),
                };
                records.add(row, &candidate.values)?;
                teller.trial_over(intent, &row, records.rows().len())
            },
        )
    }

    fn elapsed(&self) -> f64 {
        self.earlier + self.clock.elapsed().as_secs_f64()
    }

    fn interrupted(&mut self) -> Result<Outcome> {
        let status = self.interrupt.exit_status();
        self.teller.interrupted(&self.records, self.elapsed())?;
        let flags = tell::flags(self.args);
        records::note_left(&self.records, &self.args.file, &flags);
        Ok(status.map_or(Outcome::Done, Outcome::Interrupted))
    }

    fn write_page(&self, standings: &[standings::Standing], best: Option<&records::Best>) -> Result<()> {
        let html = page::Page {
            name: &self.args.file.file_stem().unwrap_or_default().to_string_lossy(),
            intent: self.intent,
            shared: self.shared,
            records: &self.records,
            standings,
            best,
        }
        .html();
        let text = html.into_string();
        self.records.check_held()?;
        nn_train::write_atomically(&self.records.file(records::REPORT), |writer| {
            writer.write_all(text.as_bytes())
        })?;
        Ok(())
    }
}
