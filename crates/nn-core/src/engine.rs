//! Owns the fast path: threads and buffers that live as long as a fit, for training steps and
//! evaluations that allocate nothing. The formulas are those of `pass.rs`; here is only who computes
//! what, and when.
//!
//! A step has three phases, and the threads meet at the end of each.
//! 1. Over sections of the inputs: the part of the first layer's X W that comes from a section.
//! 2. Over samples: the batch is cut into shares. From the first layer's sums to the end of the network
//!    and back to the dZ of every layer, the way of a sample has nothing to do with any other sample.
//! 3. Over parameters: the rows of all weights are cut into blocks. The gradient of a row sums over
//!    all samples, in their order, and the row is updated at once.
//!
//! The weights from a section's inputs, nearly all that there are, are read and changed by one thread
//! in phases 1 and 3, step after step: they stay in that core's own cache. What passes between the
//! threads is a few numbers a sample. No sum is cut differently for another number of threads, so the
//! results are the same bits for any.

use crate::dataset::{Batch, Dataset};
use crate::inputs::{InputRows, Inputs, Section};
use crate::loss::{Loss, Target};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::objective::Objective;
use crate::optimizer::{Optimizer, UpdateRows};
use crate::parameters::{Rows, Shape};
use crate::pass::{self, Pass};
use crate::plan::{Block, Plan};
use crate::simd::{Kernel, Line, Simd, dispatch};
use crate::tally::{Evaluation, Tally, predicted_class};
use crate::team::{Parts, Team};
use crate::trace::layer_matrices;
use ndarray::{Array2, s};
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
    team: Team,
    /// A team of the caller alone, for batches too small to share.
    alone: Team,
    buffers: Option<Buffers>,
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
}

/// One thread's part of a batch.
#[derive(Debug)]
struct Share {
    samples: Range<usize>,
    /// A of every layer.
    a: Vec<Matrix>,
    /// dL/dA, then dL/dZ, of every layer.
    d: Vec<Matrix>,
    /// One sample's targets.
    target: Vec<f32>,
    /// Each sample's loss. They are added up one by one in the order of the samples, so that the sum does
    /// not depend on the number of threads.
    losses: Vec<f64>,
    correct: u64,
}

impl Share {
    fn new(network: &Network) -> Self {
        let matrices = || layer_matrices(network.parameters());
        let target = vec![0.0; network.outputs()];
        Self { samples: 0..0, a: matrices(), d: matrices(), target, losses: Vec::new(), correct: 0 }
    }

    fn output(&self) -> &Matrix {
        self.a.last().expect("a network has at least one layer")
    }

    /// The loss of the outputs, and its gradient, which becomes the last matrix of `d`. `scale` is one
    /// over the size of the whole batch.
    #[inline(always)]
    fn judge<S: Simd>(&mut self, simd: S, objective: Objective, batch: Batch<'_>, scale: f32) {
        let output = self.a.last().expect("a network has at least one layer");
        let d_output = self.d.last_mut().expect("a network has at least one layer");
        d_output.set_rows(output.rows());
        self.losses.clear();
        self.correct = 0;
        let Objective { loss, label_smoothing: smoothing, .. } = objective;
        let targets = batch.kind_of_targets();
        let hard = targets.are_labels() && smoothing == 0.0;
        for n in 0..output.rows() {
            let label = batch.label(n);
            let d_output = d_output.row_mut(n);
            d_output.copy_from_slice(output.row(n));
            let judged = usize::from(targets.judged(n, label));
            self.correct += u64::from(predicted_class(output.row_floats(n)) == judged);
            let target = if hard {
                Target::Class(judged)
            } else {
                targets.fill(n, label, smoothing, &mut self.target);
                Target::Each(&self.target)
            };
            self.losses.push(loss.row(simd, d_output, output.columns(), target, scale));
        }
    }

    fn add_to(&self, tally: &mut Tally) {
        tally.samples += self.losses.len() as u64;
        tally.correct += self.correct;
        for loss in &self.losses {
            tally.loss_sum += loss;
        }
    }
}

impl Engine {
    /// An engine of so many threads, the caller's own included. They wait, asleep, between uses.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { team: Team::new(threads), alone: Team::new(NonZeroUsize::MIN), buffers: None }
    }

    /// Number of threads, the caller's own included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// One training step: forward propagation of the batch, its loss, back-propagation, and the
    /// optimizer's change to every parameter. The objective may be a [`Loss`] alone. The tally is that of the
    /// network before the change: its loss is against the [targets](Batch::with_targets), smoothed as the
    /// objective says; right is an answer that is the label, of two mixed ones that with the greater share.
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
        let objective = objective.into();
        objective.check();
        assert!(!batch.is_empty(), "a step over an empty batch");
        check(network, objective.loss, batch);
        let update = optimizer.begin_step(network.parameters());
        let (team, buffers) = self.prepare(network, batch.len());
        let Buffers { plan, inputs, shares, share_lines, first_d_z } = buffers;
        let shares = &mut shares[..share_lines.len()];

        // Phase 1, over sections of the inputs.
        multiply_first(team, network, batch, inputs, true);

        // Phase 2, over samples.
        let scale = 1.0 / batch.len() as f32;
        first_d_z.set_rows(batch.len());
        team.for_each_with(shares, Parts::new(first_d_z.lines_mut(), share_lines), |_, share, first_d_z| {
            dispatch(ThereAndBack { network, inputs, objective, batch, scale, share, first_d_z });
        });
        let mut tally = Tally::default();
        shares.iter().for_each(|share| share.add_to(&mut tally));

        // Phase 3, over parameters.
        let parts = shares.iter().map(|share| (&share.a[..], &share.d[..]));
        let pass = Pass { inputs, first_d_z, parts };
        let [first, second] = optimizer.memories_mut();
        let memory = |lines: &[Line]| if lines.is_empty() { &plan.nothing } else { &plan.lines };
        let (of_first, of_second) = (memory(first), memory(second));
        let parts = [
            Parts::new(network.parameters_mut().all_lines_mut(), &plan.lines),
            Parts::new(first, of_first),
            Parts::new(second, of_second),
        ];
        // Each thread begins with the sections that were its own in phase 1.
        let threads = team.threads();
        let cut = |thread| plan.section_starts[thread * inputs.sections().len() / threads];
        team.for_each_part(parts, cut, |index, [parameters, first, second]| {
            let block = &plan.blocks[index];
            let shape = plan.shapes[block.layer];
            let rows = UpdateRows { update, width: shape.width(), parameters, first, second };
            dispatch(UpdateBlock { block, shape, pass: &pass, rows });
        });
        tally
    }

    /// Loss, accuracy and confusion of a network over a data set.
    ///
    /// # Panics
    /// If the samples don't have as many features as the network inputs, the network has fewer outputs
    /// than the data set classes, or the loss is not defined on the network's outputs.
    #[must_use]
    #[track_caller]
    pub fn evaluate(&mut self, network: &Network, loss: Loss, dataset: Dataset<'_>) -> Evaluation {
        check(network, loss, dataset.all());
        let mut evaluation = Evaluation::new(network.outputs());
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
        evaluation
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
    /// Makes buffers for this network, unless they are there already, cuts a batch of so many samples into
    /// shares, and tells who works on them.
    fn prepare(&mut self, network: &Network, samples: usize) -> (&mut Team, &mut Buffers) {
        let shapes = network.parameters().shapes();
        let fits = self.buffers.as_ref().is_some_and(|buffers| buffers.plan.shapes == shapes);
        if !fits {
            self.buffers = Some(Buffers::new(network));
        }
        let buffers = self.buffers.as_mut().expect("they have just been made");
        let count = self.team.threads().min(samples.div_ceil(LEAST_SHARE)).max(1);
        buffers.cut(network, samples, count);
        (if count == 1 { &mut self.alone } else { &mut self.team }, buffers)
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
        let mut rest = dataset;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(EVALUATION_SHARE * self.threads()));
            rest = later;
            let batch = now.all();
            let (team, Buffers { inputs, shares, share_lines, .. }) = self.prepare(network, batch.len());
            let shares = &mut shares[..share_lines.len()];
            multiply_first(team, network, batch, inputs, false);
            team.for_each(shares, |_, share| {
                dispatch(There { network, inputs, share });
                work(share, batch.slice(share.samples.clone()));
            });
            for share in shares.iter() {
                take(share, batch.slice(share.samples.clone()));
            }
        }
    }
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
        }
    }

    /// Cuts `samples` into `count` shares, as equal as can be.
    fn cut(&mut self, network: &Network, samples: usize, count: usize) {
        while self.shares.len() < count {
            self.shares.push(Share::new(network));
        }
        self.share_lines.clear();
        for (index, share) in self.shares[..count].iter_mut().enumerate() {
            share.samples = index * samples / count..(index + 1) * samples / count;
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
    and_back: bool,
) {
    let weights = network.parameters().rows(0);
    team.for_each(inputs.sections_mut(), |_, section| {
        dispatch(MultiplySection { inputs: batch.into(), section, weights, and_back });
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

/// Phase 1 for one section.
struct MultiplySection<'a, 'b> {
    inputs: Inputs<'b>,
    section: &'a mut Section,
    weights: Rows<'a>,
    /// Whether back-propagation follows.
    and_back: bool,
}

impl Kernel for MultiplySection<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { inputs, section, weights, and_back } = self;
        section.fill(simd, inputs);
        if and_back {
            section.find_lit_rows();
        }
        pass::section_product(simd, inputs, section, weights);
    }
}

/// Forward propagation of one share.
struct There<'a> {
    network: &'a Network,
    inputs: &'a InputRows,
    share: &'a mut Share,
}

impl Kernel for There<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, inputs, share } = self;
        let samples = (inputs, share.samples.clone());
        pass::forward(simd, network.layer_activations(), network.parameters(), samples, &mut share.a);
    }
}

/// The loss of one share.
struct Judge<'a, 'b> {
    loss: Loss,
    batch: Batch<'b>,
    share: &'a mut Share,
}

impl Kernel for Judge<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.share.judge(simd, self.loss.into(), self.batch, 1.0);
    }
}

/// Phase 2 for one share.
struct ThereAndBack<'a, 'b> {
    network: &'a Network,
    inputs: &'a InputRows,
    objective: Objective,
    batch: Batch<'b>,
    scale: f32,
    share: &'a mut Share,
    /// Where the share's dZ of the first layer belongs among those of the whole batch.
    first_d_z: &'a mut [Line],
}

impl Kernel for ThereAndBack<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, inputs, objective, batch, scale, share, first_d_z } = self;
        There { network, inputs, share }.run(simd);
        share.judge(simd, objective, batch.slice(share.samples.clone()), scale);
        pass::backward(simd, network.layer_activations(), network.parameters(), &share.a, &mut share.d);
        first_d_z.copy_from_slice(share.d[0].lines());
    }
}

/// Phase 3 for one block of rows.
struct UpdateBlock<'a, 'b, P> {
    block: &'a Block,
    shape: Shape,
    pass: &'a Pass<'b, P>,
    rows: UpdateRows<'a>,
}

impl<'b, P: Iterator<Item = (&'b [Matrix], &'b [Matrix])> + Clone> Kernel for UpdateBlock<'_, 'b, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { block, shape, pass, mut rows } = self;
        pass::parameter_gradient(simd, block, shape, pass, &mut rows);
    }
}
