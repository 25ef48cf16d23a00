//! Owns the fast path: threads and buffers that live as long as a fit, for training steps and
//! evaluations that allocate nothing. The formulas are those of `pass.rs`; here is only who computes
//! what, and when.
//!
//! A step has three phases, and the threads meet at the end of each.
//! 1. Over sections of the inputs: the part of the first layer's X W that comes from a section.
//! 2. Over samples: the batch is cut into shares. From the first layer's sums to the end of the network
//!    and back to the dZ of every layer, the way of a sample has nothing to do with any other sample.
//! 3. Over parameters: the rows of all weights are cut into blocks. The gradient of a row sums over
//!    all samples, in their order, and the row is updated at once, unless the whole gradient must be known
//!    first (`whole.rs`).
//!
//! The weights from a section's inputs, nearly all that there are, are read and changed by one thread
//! in phases 1 and 3, step after step: they stay in that core's own cache. What passes between the
//! threads is a few numbers a sample. No sum is cut differently for another number of threads, so the
//! results are the same bits for any.
//!
//! An evaluation changes no weights, so every core may have all of them in its cache: each thread goes with
//! samples of its own from the first layer to the last, and they meet once for some hundred samples.

mod part;
mod share;

use crate::average::Average;
use crate::dataset::{Batch, Dataset};
use crate::dropout::Masks;
use crate::inputs::InputRows;
use crate::loss::Loss;
use crate::matrix::Matrix;
use crate::network::Network;
use crate::objective::Objective;
use crate::optimizer::Optimizer;
use crate::pass::Pass;
use crate::plan::Plan;
use crate::simd::dispatch;
use crate::tally::{Evaluation, Tally, predicted_class};
use crate::team::{Parts, Team};
use crate::update::UpdateRows;
use crate::whole::{Exchange, Whole};
use ndarray::{Array2, s};
pub use part::Part;
use share::{EvaluationShare, Forward, ForwardBackward, Judge, MultiplySection, Share, UpdateBlock};
use std::num::NonZeroUsize;
use std::ops::Range;

/// Samples of a share in an evaluation: enough to come back to a weight while it is in the cache.
const EVALUATION_SHARE: usize = 128;

/// Shares of fewer samples are not worth a thread of their own.
const LEAST_SHARE: usize = 4;

/// Threads and buffers for training and evaluating networks.
///
/// # Examples
/// ```
/// use nn_core::{Activation, Dataset, Engine, Loss, Network, Optimizer};
/// use nn_core::rand::{SeedableRng, rngs::StdRng};
/// use std::num::NonZeroUsize;
/// let pixels = [255, 0, 0,  0, 128, 255]; // two samples of three pixels
/// let dataset = Dataset::new(&pixels, 3, &[0, 1], 2)?;
/// let mut network =
///     Network::builder(3).dense(2, Activation::Identity).build(&mut StdRng::seed_from_u64(1))?;
/// let mut engine = Engine::new(NonZeroUsize::MIN);
/// let mut sgd = Optimizer::sgd(0.5);
/// for _ in 0..100 {
///     engine.step(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, dataset.all());
/// }
/// let evaluation = engine.evaluate(&network, Loss::SoftmaxCrossEntropy, dataset);
/// assert_eq!(evaluation.tally.accuracy(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    teams: Teams,
    buffers: Option<Buffers>,
}

/// Who works on what is cut into shares.
#[derive(Debug)]
struct Teams {
    all: Team,
    /// The caller alone, for what is too small to share.
    alone: Team,
}

impl Teams {
    /// Those who work on so many shares.
    fn of(&mut self, shares: usize) -> &mut Team {
        if shares == 1 { &mut self.alone } else { &mut self.all }
    }

    /// Into how many shares so many samples are cut.
    fn shares(&self, samples: usize) -> usize {
        self.all.threads().min(samples.div_ceil(LEAST_SHARE)).max(1)
    }
}

/// What a step writes to before it changes the parameters, made for networks of the same shapes.
#[derive(Debug)]
struct Buffers {
    plan: Plan,
    inputs: InputRows,
    /// As many as there have ever been: their memory is kept from one batch to the next.
    shares: Vec<Share>,
    /// For each share in use, the lines of its samples in `first_d_z`.
    share_lines: Vec<Range<usize>>,
    /// dL/dZ of the first layer for the whole batch.
    first_d_z: Matrix,
    /// For evaluations: as many as there have ever been.
    evaluation_shares: Vec<EvaluationShare>,
    /// Made by the first step that needs it.
    whole: Option<Whole>,
}

impl Engine {
    /// An engine of so many threads, the caller's own included. They wait, asleep, between uses. Where the system has
    /// fewer to give there are fewer, as [`threads`](Self::threads) tells; the results are the same.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Self {
        let teams = Teams { all: Team::new(threads), alone: Team::new(NonZeroUsize::MIN) };
        Self { teams, buffers: None }
    }

    /// Number of threads, the caller's own included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.teams.all.threads()
    }

    /// One training step: forward propagation of the batch, its loss, back-propagation, and the
    /// optimizer's change to every parameter. The objective may be a [`Loss`] alone. The tally is that of the
    /// network before the change, with what is dropped left out: its loss is against the
    /// [targets](Batch::with_targets), smoothed as the objective says; right is an answer that is the label, of
    /// two mixed ones that with the greater share.
    ///
    /// # Panics
    /// If the batch is empty, its samples don't have as many features as the network inputs, the
    /// network has fewer outputs than the batch classes or another number than the batch has probabilities, the
    /// loss is not defined on the network's outputs, a number of the objective is out of its range, or the
    /// optimizer has stepped a network of other shapes.
    #[track_caller]
    pub fn step(
        &mut self,
        network: &mut Network,
        optimizer: &mut Optimizer,
        objective: impl Into<Objective>,
        batch: Batch<'_>,
    ) -> Tally {
        assert!(!batch.is_empty(), "a step over an empty batch");
        let part = Part { batch, first: 0, of: batch.len() };
        self.step_towards(network, optimizer, objective.into(), part, None)
            .expect("nobody is there to stop it")
    }

    /// The step itself is no generic function, so that it is compiled here, with the settings of this crate. There
    /// is none, and nothing has changed, where the exchange says so.
    #[track_caller]
    fn step_towards(
        &mut self,
        network: &mut Network,
        optimizer: &mut Optimizer,
        objective: Objective,
        part: Part<'_>,
        exchange: Option<&mut Exchange<'_>>,
    ) -> Option<Tally> {
        let Part { batch, first, of } = part;
        objective.check();
        check(network, objective.loss, batch);
        let masks = Masks::new(&objective.dropout, optimizer.steps()).map(|masks| masks.starting_at(first));
        let (team, buffers) = self.prepare(network, batch.len());
        let Buffers { plan, inputs, shares, share_lines, first_d_z, whole, .. } = buffers;
        let shares = &mut shares[..share_lines.len()];
        let mut tally = Tally::default();
        if !batch.is_empty() {
            // Phase 1, over sections of the inputs.
            multiply_first(team, network, batch, inputs, masks);

            // Phase 2, over samples.
            let scale = 1.0 / of as f32;
            first_d_z.set_rows(batch.len());
            let rows_of_shares = Parts::new(first_d_z.lines_mut(), share_lines);
            team.for_each_with(shares, rows_of_shares, |_, share, first_d_z| {
                dispatch(ForwardBackward {
                    network,
                    inputs,
                    objective,
                    masks,
                    batch,
                    scale,
                    share,
                    first_d_z,
                });
            });
            shares.iter().for_each(|share| share.add_to(&mut tally));
        }

        // Phase 3, over parameters.
        let parts = shares.iter().map(|share| (&share.a[..], &share.d[..]));
        let pass = Pass { inputs, first_d_z, parts };
        if exchange.is_some() || optimizer.needs_whole_gradient() {
            let whole = whole.get_or_insert_with(|| Whole::new(network.parameters(), plan));
            let is_clipped = optimizer.clip().is_some();
            // Of an exchanged gradient, the norm that matters is that of the sum.
            let pass = (!batch.is_empty()).then_some(&pass);
            whole.store(team, plan, pass, is_clipped && exchange.is_none());
            if let Some(exchange) = exchange
                && !whole.exchange(team, plan, is_clipped, exchange, &mut tally)
            {
                return None;
            }
            let update = optimizer.begin_step(network.parameters());
            whole.apply(team, plan, (optimizer, update), network.parameters_mut());
            return Some(tally);
        }
        let update = optimizer.begin_step(network.parameters());
        let parts = optimizer.parts(network.parameters_mut(), plan);
        // Each thread begins with the sections that were its own in phase 1.
        team.for_each_part(parts, plan.first_blocks(team.threads()), |index, lines| {
            let block = &plan.blocks[index];
            let shape = plan.shapes[block.layer];
            let rows = UpdateRows::new(update, shape.width(), lines);
            dispatch(UpdateBlock { block, shape, pass: &pass, rows });
        });
        Some(tally)
    }

    /// As [`Average::take`], on all threads.
    ///
    /// # Panics
    /// If the network has other shapes than the average, or the decay is not between 0 and 1.
    #[track_caller]
    pub fn average(&mut self, average: &mut Average, network: &Network, decay: Option<f32>) {
        let (teams, buffers) = self.buffers_for(network);
        average.take_by(&mut teams.all, &buffers.plan, network, decay);
    }

    /// Loss, accuracy and confusion of a network over a data set.
    ///
    /// # Panics
    /// If the samples don't have as many features as the network inputs, the network has fewer outputs
    /// than the data set classes, or the loss is not defined on the network's outputs.
    #[must_use]
    #[track_caller]
    pub fn evaluate(&mut self, network: &Network, loss: Loss, dataset: Dataset<'_>) -> Evaluation {
        let mut evaluation = Evaluation::new(network.outputs());
        self.evaluate_into(&mut evaluation, network, loss, dataset);
        evaluation
    }

    /// [`evaluate`](Self::evaluate), added to the evaluation of the samples before: over the parts of a data set, in
    /// their order, it comes to the bits of one over the whole.
    ///
    /// # Panics
    /// As [`evaluate`](Self::evaluate), and if the evaluation is of a network of another number of outputs.
    #[track_caller]
    pub fn evaluate_into(
        &mut self,
        evaluation: &mut Evaluation,
        network: &Network,
        loss: Loss,
        dataset: Dataset<'_>,
    ) {
        check(network, loss, dataset.all());
        let (expected, found) = (network.outputs(), evaluation.confusion.nrows());
        assert_eq!(expected, found, "an evaluation of {found} outputs for a network of {expected}");
        self.forward_shares(
            network,
            dataset,
            |share, batch| dispatch(Judge { loss, batch, share }),
            |share, batch| {
                share.add_to(&mut evaluation.tally);
                for n in 0..batch.len() {
                    let predicted = predicted_class(share.output().row_floats(n));
                    evaluation.confusion[[usize::from(batch.label(n)), predicted]] += 1;
                }
            },
        );
    }

    /// What a network puts out for every sample of a data set, shape (N, C).
    ///
    /// # Panics
    /// If the samples don't have as many features as the network inputs.
    #[must_use]
    #[track_caller]
    pub fn forward(&mut self, network: &Network, dataset: Dataset<'_>) -> Array2<f32> {
        check_features(network, dataset.all());
        let mut outputs = Array2::zeros((dataset.len(), network.outputs()));
        let mut done = 0;
        self.forward_shares(
            network,
            dataset,
            |_, _| {},
            |share, batch| {
                outputs.slice_mut(s![done..done + batch.len(), ..]).assign(&share.output().view());
                done += batch.len();
            },
        );
        outputs
    }
}

impl Engine {
    /// Makes buffers for this network, unless they are there already.
    fn buffers_for(&mut self, network: &Network) -> (&mut Teams, &mut Buffers) {
        let shapes = network.parameters().shapes();
        let fits = self.buffers.as_ref().is_some_and(|buffers| buffers.plan.shapes == shapes);
        if !fits {
            self.buffers = None;
        }
        (&mut self.teams, self.buffers.get_or_insert_with(|| Buffers::new(network)))
    }

    /// The buffers for this network, a batch of so many samples cut into shares, and who works on them.
    fn prepare(&mut self, network: &Network, samples: usize) -> (&mut Team, &mut Buffers) {
        let (teams, buffers) = self.buffers_for(network);
        let count = teams.shares(samples);
        buffers.cut(network, samples, count);
        (teams.of(count), buffers)
    }

    /// Forward propagation of a whole data set, some shares at a time. `work` is called for each share
    /// on the thread that has it, `take` on the caller's, in the order of the samples.
    fn forward_shares<'a>(
        &mut self,
        network: &Network,
        dataset: Dataset<'a>,
        work: impl Fn(&mut Share, Batch<'a>) + Sync,
        mut take: impl FnMut(&Share, Batch<'a>),
    ) {
        let (teams, Buffers { evaluation_shares: shares, .. }) = self.buffers_for(network);
        let mut rest = dataset;
        while !rest.is_empty() {
            let count = teams.shares(rest.len());
            let (now, later) = rest.split_at(rest.len().min(EVALUATION_SHARE * count));
            shares.resize_with(shares.len().max(count), || EvaluationShare::new(network));
            let shares = &mut shares[..count];
            for (index, EvaluationShare { share, .. }) in shares.iter_mut().enumerate() {
                share.samples = share_of(now.len(), index, count);
            }
            teams.of(count).for_each(shares, |_, share| {
                let Range { start, end } = share.share.samples;
                let next = |sample: usize| rest.len().min(sample + now.len());
                let batch = rest.run(start..end, next(start)..next(end));
                dispatch(Forward { network, batch, share });
                work(&mut share.share, batch);
            });
            for EvaluationShare { share, .. } in &*shares {
                take(share, now.slice(share.samples.clone()).all());
            }
            rest = later;
        }
    }
}

/// The samples of share `index` where so many are cut into `count`, as equal as can be.
fn share_of(samples: usize, index: usize, count: usize) -> Range<usize> {
    index * samples / count..(index + 1) * samples / count
}

impl Buffers {
    fn new(network: &Network) -> Self {
        let shapes = network.parameters().shapes();
        let inputs = InputRows::new(shapes[0]);
        Self {
            plan: Plan::new(shapes, &inputs),
            inputs,
            shares: Vec::new(),
            share_lines: Vec::new(),
            first_d_z: Matrix::zeros(0, shapes[0].outputs),
            evaluation_shares: Vec::new(),
            whole: None,
        }
    }

    /// Cuts `samples` into `count` shares, as equal as can be.
    fn cut(&mut self, network: &Network, samples: usize, count: usize) {
        while self.shares.len() < count {
            self.shares.push(Share::new(network));
        }
        self.share_lines.clear();
        for (index, share) in self.shares[..count].iter_mut().enumerate() {
            share.samples = share_of(samples, index, count);
            let width = self.first_d_z.width();
            self.share_lines.push(share.samples.start * width..share.samples.end * width);
        }
    }
}

/// Phase 1: every section's part of the first layer's X W.
fn multiply_first(
    team: &mut Team,
    network: &Network,
    batch: Batch<'_>,
    inputs: &mut InputRows,
    masks: Option<Masks>,
) {
    let weights = network.parameters().rows(0);
    let mask = masks.and_then(Masks::inputs);
    team.for_each(inputs.sections_mut(), |_, section| {
        dispatch(MultiplySection { inputs: batch.into(), section, weights, mask });
    });
}

#[track_caller]
fn check_features(network: &Network, batch: Batch<'_>) {
    let (inputs, features) = (network.inputs(), batch.features());
    assert_eq!(inputs, features, "samples of {features} features for a network of {inputs} inputs");
}

#[track_caller]
fn check(network: &Network, loss: Loss, batch: Batch<'_>) {
    check_features(network, batch);
    let (outputs, classes) = (network.outputs(), batch.classes());
    assert!(classes <= outputs, "{classes} classes for a network of {outputs} outputs");
    batch.kind_of_targets().check_outputs(outputs);
    if let Err(mismatch) = network.check_loss(loss) {
        panic!("{mismatch}");
    }
}
