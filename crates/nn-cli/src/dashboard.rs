//! The dashboard of a training: owns the thread that draws it and reads the keys, and what it is told when, and
//! refuses to know how a training is computed or kept.
//!
//! The training never waits for the drawing. It tells its news every 50 ms, and not at all where the other thread is
//! just reading them; that one draws at most eight times a second, and only what has changed.

mod draw;
mod screen;
mod search;
mod view;

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nn_train::{
    BatchReport, EpochReport, EpochSummary, FitPlan, Place,
    nn_core::{Network, Tally},
};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use signal_hook::{consts::SIGINT, low_level::raise};

pub(crate) use self::search::Search;
use self::{
    draw::Palette,
    screen::Screen,
    view::{Curve, Point, View},
};
use crate::{failure::Advised, interrupt::Interrupt, output};

/// Between two pictures.
const FRAME: Duration = Duration::from_millis(125);
/// Between two times that the training tells its news.
const NEWS: Duration = Duration::from_millis(50);
/// Between two speeds.
const PACE: Duration = Duration::from_millis(500);
/// For the thread that draws, to end. It never does where reading keys does not: the terminal was closed, or sent the
/// beginning of a key and nothing after it.
const LAST_TIME: Duration = Duration::from_secs(1);
/// Points of a curve in an epoch, as far as the batches allow.
const POINTS_PER_EPOCH: u64 = 40;
/// Between two searches for misread images, which take time from the training: at most 1 in 200 of it.
const SEARCH_PAUSE: Duration = Duration::from_secs(2);
const SEARCH_TIME: Duration = Duration::from_millis(10);

/// A dashboard on the terminal, as the training sees it.
pub(crate) struct Dashboard<'a> {
    news: Arc<News>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
    /// Nothing ever comes; it is closed when the thread has ended.
    ended: mpsc::Receiver<()>,
    interrupt: Interrupt,
    view: View,
    search: Search<'a>,
    samples: u64,
    batches: u64,
    /// Steps that were taken before this process.
    first_step: u64,
    begun: Instant,
    told: Instant,
    /// When the last speed was taken, and the step it was taken at.
    paced: (Instant, u64),
    /// When misread images were last looked for; not in the first moments, which may be all there are.
    searched: Instant,
    /// What the next point of the curve is the mean of.
    segment: Tally,
}

/// What the two threads share.
struct News {
    view: Mutex<View>,
    has_changed: AtomicBool,
    is_over: AtomicBool,
}

/// Checks that there is a terminal for it.
///
/// # Errors
/// When there is none.
pub(crate) fn check() -> Result<()> {
    if screen::is_there() {
        return Ok(());
    }
    let message = "cannot draw a dashboard: expected standard input and output to be a terminal that draws, found that \
                   they are none, or TERM=dumb";
    Err(Advised::new(message, "leave out --tui: then each epoch is a line").into())
}

impl<'a> Dashboard<'a> {
    /// Takes the terminal, and begins to draw: what there is of the training at this place, and what comes.
    ///
    /// # Errors
    /// When the terminal cannot be taken.
    pub(crate) fn start(
        (title, summary): (String, String),
        place: &Place,
        held_out: &'static str,
        search: Search<'a>,
        interrupt: &Interrupt,
    ) -> Result<Dashboard<'a>> {
        let point = |summary: &EpochSummary| {
            let measured = summary.measured();
            let (loss, accuracy) = (measured.mean_loss(), measured.accuracy());
            Point { epoch: summary.epoch.into(), loss, accuracy }
        };
        let mut held = Curve::default();
        place.epochs.iter().map(point).for_each(|point| held.push(point));
        let best = place.best().map(|summary| (summary.epoch, summary.measured().accuracy()));
        let view = View { title, summary, held_out, held, best, ..View::default() };
        let news = Arc::new(News {
            view: Mutex::new(view.clone()),
            has_changed: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
        });
        let screen = Screen::take().context("cannot draw on the terminal")?;
        let palette = Palette { colors: output::wants_color(true) };
        let (of_thread, interrupted) = (Arc::clone(&news), interrupt.clone());
        let (ending, ended) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("dashboard".to_owned())
            .spawn(move || {
                let _ending = ending;
                watch(screen, &of_thread, &interrupted, palette)
            })
            .context("cannot start the thread that draws")?;
        let now = Instant::now();
        Ok(Dashboard {
            news,
            thread: Some(thread),
            ended,
            interrupt: interrupt.clone(),
            view,
            search,
            samples: 0,
            batches: 0,
            first_step: 0,
            begun: now,
            told: now,
            paced: (now, 0),
            searched: now,
            segment: Tally::default(),
        })
    }

    pub(crate) fn fit_started(&mut self, plan: &FitPlan) {
        (self.samples, self.batches) = (plan.samples as u64, plan.batches.max(1));
        self.first_step = plan.steps_done;
        let view = &mut self.view;
        view.epochs = plan.epochs;
        view.steps = u64::from(plan.epochs) * self.batches;
        view.step = plan.steps_done;
        view.first_epoch = plan.steps_done as f64 / self.batches as f64;
        self.begun = Instant::now();
        (self.told, self.paced) = (self.begun, (self.begun, plan.steps_done));
        self.tell();
    }

    pub(crate) fn epoch_started(&mut self, epoch: u32) {
        // The numbers of the epoch before stay until there are some of this one.
        self.view.epoch = epoch;
    }

    /// After some batches, of which the last is reported; `tally` is of all of them.
    pub(crate) fn batches_finished(&mut self, report: &BatchReport, tally: Tally) {
        self.segment += tally;
        let is_point =
            self.segment.samples * POINTS_PER_EPOCH >= self.samples || report.batch == self.batches;
        let view = &mut self.view;
        view.step = u64::from(report.epoch - 1) * self.batches + report.batch;
        view.running = report.running;
        view.rate = report.rate;
        if is_point {
            let epoch = view.step as f64 / self.batches as f64;
            let (loss, accuracy) = (self.segment.mean_loss(), self.segment.accuracy());
            view.train.push(Point { epoch, loss, accuracy });
            self.segment = Tally::default();
        }
        if self.told.elapsed() >= NEWS {
            self.tell();
        }
    }

    pub(crate) fn epoch_finished(&mut self, report: &EpochReport, network: &Network) {
        let held = report.measured();
        let accuracy = held.accuracy();
        let epoch = f64::from(report.epoch);
        self.view.held.push(Point { epoch, loss: held.mean_loss(), accuracy });
        if self.view.best.is_none_or(|(_, best)| accuracy > best) {
            self.view.best = Some((report.epoch, accuracy));
        }
        if self.searched.elapsed() >= SEARCH_PAUSE {
            self.view.misread = self.search.misread(network, SEARCH_TIME);
            self.searched = Instant::now();
        }
        // No sooner than it is due: epochs may be short.
        if self.told.elapsed() >= NEWS {
            self.tell();
        }
    }

    /// Hands the news over, unless the other thread has them in hand.
    fn tell(&mut self) {
        let now = Instant::now();
        let (paced, step) = self.paced;
        let pace = now - paced;
        if pace >= PACE {
            let samples = (self.view.step - step) as f64 * self.samples as f64 / self.batches as f64;
            self.view.push_speed(samples / pace.as_secs_f64());
            self.paced = (now, self.view.step);
        }
        self.view.elapsed = now - self.begun;
        let done = self.view.step - self.first_step;
        self.view.left = (done > 0).then(|| {
            let remaining = self.view.steps.saturating_sub(self.view.step) as f64;
            // Beyond what a clock can tell, it does not matter by how much.
            let seconds = self.view.elapsed.as_secs_f64() * remaining / done as f64;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        });
        self.told = now;
        let mut view = match self.news.view.try_lock() {
            Ok(view) => view,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        view.clone_from(&self.view);
        self.news.has_changed.store(true, Ordering::Release);
    }

    /// Leaves the last picture on the screen, with what has come of the training, until somebody has seen it.
    pub(crate) fn wait(&mut self, outcome: String, network: Option<&Network>) {
        if let Some(network) = network {
            self.view.misread = self.search.misread(network, 20 * SEARCH_TIME);
        }
        self.tell();
        self.view.outcome = Some(outcome);
        // Now there is time to wait.
        lock(&self.news.view).clone_from(&self.view);
        self.news.has_changed.store(true, Ordering::Release);
        self.join();
    }

    fn join(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let mut last_time = None;
        while let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(FRAME) {
            let is_to_end =
                self.news.is_over.load(Ordering::Acquire) || self.interrupt.exit_status().is_some();
            if is_to_end && last_time.get_or_insert_with(Instant::now).elapsed() > LAST_TIME {
                // The thread ends with the program, and draws nothing any more.
                return screen::give_back();
            }
        }
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                output::note(format_args!("the dashboard could not be drawn any more: {error}"));
            }
            // It has said so itself.
            Err(_) => output::note("the dashboard failed; the training did not"),
        }
    }
}

impl Drop for Dashboard<'_> {
    fn drop(&mut self) {
        self.news.is_over.store(true, Ordering::Release);
        self.join();
    }
}

fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws and reads keys until there is nothing left to see, or somebody wants to leave. The terminal is given back at
/// the end, before the training has ended: then a second Ctrl-C does what it always does.
fn watch(mut screen: Screen, news: &News, interrupt: &Interrupt, palette: Palette) -> io::Result<()> {
    let mut view = View::default();
    while !news.is_over.load(Ordering::Acquire) && interrupt.exit_status().is_none() {
        let drawn = Instant::now();
        if news.has_changed.swap(false, Ordering::AcqRel) {
            view.clone_from(&lock(&news.view));
            screen.draw(|frame| draw::draw(frame, &view, palette))?;
        }
        // As long as keys come, they are answered at once.
        while event::poll(FRAME.saturating_sub(drawn.elapsed()))? {
            match event::read()? {
                Event::Key(key) if is_leave(key) => {
                    if view.outcome.is_none() {
                        // Just as if the terminal had sent it.
                        raise(SIGINT)?;
                    }
                    return Ok(());
                }
                Event::Resize(..) => screen.draw(|frame| draw::draw(frame, &view, palette))?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// `q`, and what a terminal makes a signal of when its keys are not read.
fn is_leave(key: KeyEvent) -> bool {
    let is_interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
    key.kind != KeyEventKind::Release && (is_interrupt || matches!(key.code, KeyCode::Char('q' | 'Q')))
}
