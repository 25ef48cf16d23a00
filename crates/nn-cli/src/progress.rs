//! What is seen of a training while it runs: owns the progress bar, the line of each epoch and their JSON, and what a
//! dashboard in their place is told, and refuses to know what becomes of the network.

use std::{
    borrow::Cow,
    fmt, mem,
    ops::ControlFlow,
    thread,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use nn_train::{
    BatchReport, EpochReport, FitPlan, Observer,
    nn_core::{Network, Tally},
};
use serde::Serialize;

use crate::{
    dashboard::Dashboard,
    interrupt::Interrupt,
    output::{Output, percent, short_rate, thousands},
};

/// Samples between two looks at the clock: with one sample a step, the bar would take longer than the step.
const SAMPLES_PER_TICK: u64 = 512;

/// Between two words on loss and accuracy: more often, nobody could read them.
const WORDS: Duration = Duration::from_millis(100);

/// Watches a training for the user.
pub(crate) struct Progress<'a> {
    output: &'a mut Output,
    json: bool,
    /// What each epoch is measured on: "test" or "validation".
    held_out: &'static str,
    interrupt: &'a Interrupt,
    bar: ProgressBar,
    /// In place of the bar and the lines, which wait for its end.
    dashboard: Option<Dashboard<'a>>,
    waiting: Vec<String>,
    epochs: u32,
    batches: u64,
    /// When loss and accuracy were last put beside the bar.
    worded: Instant,
    /// Of the batches since the bar or the dashboard was told last.
    untold: Tally,
    /// The network of the last finished epoch, for when the next one is interrupted.
    finished: Option<Network>,
    /// Why the output could not be written, which ends the training.
    failure: Option<anyhow::Error>,
}

/// One epoch, as JSON.
#[derive(Serialize)]
struct EpochLine {
    event: &'static str,
    epoch: u32,
    train_loss: f64,
    train_accuracy: f64,
    held_out: &'static str,
    held_out_loss: Option<f64>,
    held_out_accuracy: Option<f64>,
    rate: f32,
    seconds: f64,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(
        output: &'a mut Output,
        json: bool,
        held_out: &'static str,
        interrupt: &'a Interrupt,
        dashboard: Option<Dashboard<'a>>,
    ) -> Progress<'a> {
        Progress {
            output,
            json,
            held_out,
            interrupt,
            bar: ProgressBar::hidden(),
            dashboard,
            waiting: Vec::new(),
            epochs: 0,
            batches: 0,
            worded: Instant::now(),
            untold: Tally::default(),
            finished: None,
            failure: None,
        }
    }

    /// The network of the last finished epoch: what was trained is there whether or not it could be reported.
    pub(crate) fn take_network(&mut self) -> Option<Network> {
        self.finished.take()
    }

    /// Lets the user look at the end of a training, where there is a dashboard to look at.
    pub(crate) fn show_end(&mut self, outcome: impl fmt::Display, network: Option<&Network>) {
        if let Some(dashboard) = &mut self.dashboard {
            dashboard.wait(outcome.to_string(), network);
        }
    }

    /// Takes the bar or the dashboard away, and tells whether all of the output was written.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        drop(self.dashboard.take());
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.waiting.iter().try_for_each(|line| self.output.line(line))?;
        self.output.flush()
    }

    fn heading(&self) -> String {
        format!(
            "{:>7}  {:>10}  {:>9}  {:>10}  {:>10}  {:>7}",
            "epoch", "train loss", "train acc", self.held_out, "last rate", "seconds"
        )
    }

    fn write(&mut self, report: &EpochReport) -> anyhow::Result<()> {
        let held_out = report.validation.as_ref().map(|evaluation| evaluation.tally);
        let line = EpochLine {
            event: "epoch",
            epoch: report.epoch,
            train_loss: report.train.mean_loss(),
            train_accuracy: report.train.accuracy(),
            held_out: self.held_out,
            held_out_loss: held_out.map(|tally| tally.mean_loss()),
            held_out_accuracy: held_out.map(|tally| tally.accuracy()),
            rate: report.rate,
            seconds: (report.train_time + report.validation_time).as_secs_f64(),
        };
        if self.dashboard.is_some() {
            self.waiting.push(line.text(self.epochs));
            return Ok(());
        }
        let (json, epochs, output) = (self.json, self.epochs, &mut *self.output);
        // The bar is on the same terminal as the lines, or nowhere.
        self.bar.suspend(|| {
            if json {
                output.json(&line)?;
            } else {
                output.line(line.text(epochs))?;
            }
            output.flush()
        })
    }
}

impl EpochLine {
    fn text(&self, epochs: u32) -> String {
        format!(
            "{:>7}  {:>10.4}  {:>9}  {:>10}  {:>10}  {:>7.2}",
            format!("{}/{epochs}", self.epoch),
            self.train_loss,
            percent(self.train_accuracy),
            self.held_out_accuracy.map_or_else(|| "-".to_owned(), percent),
            short_rate(self.rate),
            self.seconds,
        )
    }
}

impl Observer for Progress<'_> {
    fn fit_started(&mut self, plan: &FitPlan) {
        (self.epochs, self.batches) = (plan.epochs, plan.batches);
        if let Some(dashboard) = &mut self.dashboard {
            dashboard.fit_started(plan);
            self.waiting.push(self.heading());
            return;
        }
        let style = style("{prefix} [{wide_bar}] {percent:>3} %  {msg}  {rate}  {left}", "samples");
        let batches_done = plan.steps_done % plan.batches.max(1);
        let samples_done = plan.steps_done / plan.batches.max(1) * plan.samples as u64
            + batches_done.saturating_mul(plan.batch_size as u64).min(plan.samples as u64);
        self.bar = bar(plan.samples as u64 * u64::from(plan.epochs), samples_done, style);
        self.bar.set_prefix(format!("epoch {}/{}", plan.steps_done / plan.batches.max(1) + 1, plan.epochs));
        if !self.json {
            let heading = self.heading();
            let (bar, output) = (&self.bar, &mut *self.output);
            self.failure = bar.suspend(|| output.line(heading).and_then(|()| output.flush())).err();
        }
    }

    fn epoch_started(&mut self, epoch: u32) {
        self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
        if let Some(dashboard) = &mut self.dashboard {
            dashboard.epoch_started(epoch);
        }
    }

    fn batch_finished(&mut self, report: &BatchReport) -> ControlFlow<()> {
        if self.interrupt.exit_status().is_some() || self.failure.is_some() {
            return ControlFlow::Break(());
        }
        self.untold += report.tally;
        if self.untold.samples < SAMPLES_PER_TICK && report.batch < self.batches {
            return ControlFlow::Continue(());
        }
        let untold = mem::take(&mut self.untold);
        if let Some(dashboard) = &mut self.dashboard {
            dashboard.batches_finished(report, untold);
        } else {
            self.bar.inc(untold.samples);
            if !self.bar.is_hidden() && self.worded.elapsed() >= WORDS {
                let (loss, accuracy) = (report.running.mean_loss(), report.running.accuracy());
                self.bar.set_message(format!("loss {loss:.4}, {}", percent(accuracy)));
                self.worded = Instant::now();
            }
        }
        ControlFlow::Continue(())
    }

    fn epoch_finished(&mut self, report: &EpochReport, network: &Network) -> ControlFlow<()> {
        self.finished = Some(network.clone());
        if let Some(dashboard) = &mut self.dashboard {
            dashboard.epoch_finished(report, network);
        }
        match self.write(report) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// Says on standard error what is being done while nobody can tell how long it takes, until it is cleared; and nothing
/// where that is no terminal.
pub(crate) fn waiting(what: impl Into<Cow<'static, str>>) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what);
    keep_moving(&bar);
    bar
}

/// Has a bar that is seen move by itself, if there is a thread for that: where the system gives none, indicatif panics.
fn keep_moving(bar: &ProgressBar) {
    let has_thread = || thread::Builder::new().spawn(|| ()).is_ok_and(|probe| probe.join().is_ok());
    if !bar.is_hidden() && has_thread() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
}

/// A bar of so many units of work, of which earlier processes have done `begun`. Draws to standard error, and nothing where
/// that is no terminal.
pub(crate) fn bar(length: u64, begun: u64, style: ProgressStyle) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden()).with_style(style);
    // Unseen, for what others have done looks like the work of no time at all.
    bar.set_position(begun);
    bar.reset_eta();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    keep_moving(&bar);
    bar
}

/// How a bar is drawn. `{rate}` of the template stands for so many `units` a second, `{left}` for the time that is left,
/// once something is done by which it can be told.
pub(crate) fn style(template: &str, units: &'static str) -> ProgressStyle {
    let rate = move |state: &ProgressState, text: &mut dyn fmt::Write| {
        // A bar that is too short for its text is no reason to stop.
        let _ = write!(text, "{} {units}/s", thousands(state.per_sec() as u64));
    };
    let left = |state: &ProgressState, text: &mut dyn fmt::Write| {
        if state.per_sec() > 0.0 {
            let _ = write!(text, "{:#} left", HumanDuration(state.eta()));
        }
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
        .with_key("left", left)
        .progress_chars("=> ")
}
