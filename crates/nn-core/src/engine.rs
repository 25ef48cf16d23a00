//! Owns the fast path: threads and buffers that live as long as a fit, for training steps and
//! evaluations that allocate nothing. The formulas are those of `pass.rs`; here is only who computes
//! what, and when.
//!
//! A step has two phases, and the threads meet at the end of each.
//! 1. Over samples: the batch is cut into shares. The way of a sample through the network and back, to
//!    the dZ of every layer, has nothing to do with any other sample.
//! 2. Over parameters: the rows of all weights are cut into blocks. The gradient of a row sums over
//!    the samples of all shares, in their order, and the row is updated at once.
//!
//! No sum is split between threads, so the results are the same bits for any number of them.

use crate::dataset::{Batch, Dataset};
use crate::inputs::Form;
use crate::loss::Loss;
use crate::matrix::Matrix;
use crate::network::Network;
use crate::optimizer::{Optimizer, UpdateRows};
use crate::parameters::Shape;
use crate::pass;
use crate::simd::{Kernel, Line, Simd, dispatch};
use crate::tally::{Evaluation, Tally, predicted_class};
use crate::team::{Parts, Team};
use crate::trace::{Pass, Trace, layer_matrices};
use crate::transposed::{PANEL_ROWS, Transposed, transpose};
use ndarray::{Array2, s};
use std::num::NonZeroUsize;
use std::ops::Range;

/// Samples of a share in an evaluation: enough to come back to a weight while it is in the cache.
const EVALUATION_SHARE: usize = 128;

/// Shares of fewer samples are not worth a thread of their own.
const LEAST_SHARE: usize = 4;

/// Above this share of inputs that are not 0, the dense products are faster than the sparse ones.
const DENSE_ABOVE: f64 = 0.4;

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
    shares: Vec<Share>,
    transposed: Transposed,
    plan: Plan,
    form: Form,
}

/// One thread's part of a batch.
#[derive(Debug)]
struct Share {
    samples: Range<usize>,
    trace: Trace,
    /// dL/dA, then dL/dZ, of every layer.
    d: Vec<Matrix>,
    /// Each sample's loss. They are added up one by one in the order of the samples, so that the sum does
    /// not depend on the number of threads.
    losses: Vec<f64>,
    correct: u64,
}

impl Share {
    fn new(network: &Network) -> Self {
        let parameters = network.parameters();
        let (trace, d) = (Trace::new(parameters), layer_matrices(parameters));
        Self { samples: 0..0, trace, d, losses: Vec::new(), correct: 0 }
    }

    /// The loss of the outputs, and its gradient, which becomes the last matrix of `d`. `scale` is one
    /// over the size of the whole batch.
    #[inline(always)]
    fn judge<S: Simd>(&mut self, simd: S, loss: Loss, batch: Batch<'_>, scale: f32) {
        let output = self.trace.last();
        let d_output = self.d.last_mut().expect("a network has at least one layer");
        d_output.set_rows(output.rows());
        self.losses.clear();
        self.correct = 0;
        for n in 0..output.rows() {
            let class = usize::from(batch.label(n));
            let d_output = d_output.row_mut(n);
            d_output.copy_from_slice(output.row(n));
            self.correct += u64::from(predicted_class(output.row_floats(n)) == class);
            self.losses.push(loss.row(simd, d_output, output.columns(), class, scale));
        }
    }

    fn add_to(&self, tally: &mut Tally) {
        tally.samples += self.losses.len() as u64;
        tally.correct += self.correct;
        for loss in &self.losses {
            tally.loss_sum += loss;
        }
    }

    fn pass(&self) -> Pass<'_> {
        Pass { trace: &self.trace, d_z: &self.d }
    }
}

/// How the parameters are cut into blocks of rows.
#[derive(Debug, Default)]
struct Plan {
    shapes: Vec<Shape>,
    blocks: Vec<Block>,
    /// For each block, where it stands among the lines of the parameters...
    lines: Vec<Range<usize>>,
    /// ... and its panel among those of the transposed weights.
    panels: Vec<Range<usize>>,
    /// For each block, nothing: where an optimizer has no memory.
    nothing: Vec<Range<usize>>,
}

#[derive(Clone, Debug)]
struct Block {
    layer: usize,
    /// The last row of a layer, I, is that of the biases.
    rows: Range<usize>,
}

impl Plan {
    fn new(network: &Network, transposed: &Transposed) -> Self {
        let mut plan = Self { shapes: network.parameters().shapes().to_vec(), ..Self::default() };
        for (layer, &shape) in plan.shapes.iter().enumerate() {
            for first in (0..shape.inputs).step_by(PANEL_ROWS) {
                let next = first + PANEL_ROWS;
                // The biases go with the last block.
                let rows = first..if next < shape.inputs { next } else { shape.inputs + 1 };
                plan.lines.push(shape.lines(rows.clone()));
                plan.panels.push(transposed.panel(layer, shape, rows.clone()));
                plan.nothing.push(0..0);
                plan.blocks.push(Block { layer, rows });
            }
        }
        plan
    }
}

impl Engine {
    /// An engine of so many threads, the caller's own included. They wait, asleep, between uses.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Self {
        Self {
            team: Team::new(threads),
            alone: Team::new(NonZeroUsize::MIN),
            shares: Vec::new(),
            transposed: Transposed::default(),
            plan: Plan::default(),
            form: Form::default(),
        }
    }

    /// Number of threads, the caller's own included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// One training step: forward propagation of the batch, its loss, back-propagation, and the
    /// optimizer's change to every parameter. The tally is that of the network before the change.
    ///
    /// # Panics
    /// If the batch is empty, its samples don't have as many features as the network inputs, the
    /// network has fewer outputs than the batch classes, the loss is not defined on the network's
    /// outputs, or the optimizer has stepped a network of other shapes.
    #[track_caller]
    pub fn step(
        &mut self,
        network: &mut Network,
        optimizer: &mut Optimizer,
        loss: Loss,
        batch: Batch<'_>,
    ) -> Tally {
        assert!(!batch.is_empty(), "a step over an empty batch");
        check(network, loss, batch);
        self.prepare(network);
        self.transposed.refresh(network.parameters());
        let update = optimizer.begin_step(network.parameters());
        let share = batch.len().div_ceil(self.threads()).max(LEAST_SHARE);
        let count = self.cut(network, batch.len(), share);
        let Self { team, alone, shares, transposed, plan, form } = self;
        let shares = &mut shares[..count];
        let team = if count == 1 { alone } else { team };

        // Phase 1, over samples.
        let scale = 1.0 / batch.len() as f32;
        team.for_each(shares, |_, share| {
            let batch = batch.slice(share.samples.clone());
            dispatch(ThereAndBack { network, transposed, loss, batch, scale, form: *form, share });
        });
        let mut tally = Tally::default();
        shares.iter().for_each(|share| share.add_to(&mut tally));
        *form = suitable_form(shares, batch);

        // Phase 2, over parameters.
        let passes = shares.iter().map(Share::pass);
        let [first, second] = optimizer.memories_mut();
        let memory = |lines: &[Line]| if lines.is_empty() { &plan.nothing } else { &plan.lines };
        let (of_first, of_second) = (memory(first), memory(second));
        let parts = [
            Parts::new(network.parameters_mut().all_lines_mut(), &plan.lines),
            Parts::new(first, of_first),
            Parts::new(second, of_second),
            Parts::new(transposed.lines_mut(), &plan.panels),
        ];
        team.for_each_part(parts, |index, [parameters, first, second, panel]| {
            let block = &plan.blocks[index];
            let shape = plan.shapes[block.layer];
            let rows = UpdateRows { update, width: shape.width(), parameters, first, second };
            dispatch(UpdateBlock { block, shape, passes: passes.clone(), rows, panel });
        });
        transposed.set_fresh(network.parameters());
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
            |share, dataset| {
                dispatch(Judge { loss, batch: dataset.all(), share });
            },
            |share, dataset| {
                share.add_to(&mut evaluation.tally);
                for (n, &label) in dataset.labels().iter().enumerate() {
                    let predicted = predicted_class(share.trace.last().row_floats(n));
                    evaluation.confusion[[usize::from(label), predicted]] += 1;
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
            |share, dataset| {
                outputs.slice_mut(s![done..done + dataset.len(), ..]).assign(&share.trace.output());
                done += dataset.len();
            },
        );
        outputs
    }
}

impl Engine {
    /// Makes buffers for this network, unless they are there already.
    fn prepare(&mut self, network: &Network) {
        if self.plan.shapes != network.parameters().shapes() {
            self.shares.clear();
            self.transposed = Transposed::new(network.parameters());
            self.plan = Plan::new(network, &self.transposed);
        }
    }

    /// Cuts `samples` into shares of at most `most`, as equal as can be, and tells how many.
    fn cut(&mut self, network: &Network, samples: usize, most: usize) -> usize {
        let count = samples.div_ceil(most);
        while self.shares.len() < count {
            self.shares.push(Share::new(network));
        }
        for (index, share) in self.shares[..count].iter_mut().enumerate() {
            share.samples = index * samples / count..(index + 1) * samples / count;
        }
        count
    }

    /// Forward propagation of a whole data set, some shares at a time. `work` is called for each share
    /// on the thread that has it, `take` on the caller's, in the order of the samples.
    fn forward_shares<'a>(
        &mut self,
        network: &Network,
        dataset: Dataset<'a>,
        work: impl Fn(&mut Share, Dataset<'a>) + Sync,
        mut take: impl FnMut(&Share, Dataset<'a>),
    ) {
        self.prepare(network);
        let mut rest = dataset;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(EVALUATION_SHARE * self.threads()));
            rest = later;
            let share = now.len().div_ceil(self.threads()).max(LEAST_SHARE);
            let count = self.cut(network, now.len(), share);
            let Self { team, alone, shares, form, .. } = self;
            let shares = &mut shares[..count];
            let team = if count == 1 { alone } else { team };
            team.for_each(shares, |_, share| {
                let samples = now.slice(share.samples.clone());
                let trace = &mut share.trace;
                dispatch(There { network, batch: samples.all(), form: *form, trace });
                work(share, samples);
            });
            *form = suitable_form(shares, now.all());
            for share in shares.iter() {
                take(share, now.slice(share.samples.clone()));
            }
        }
    }
}

/// The form that suits inputs as full as the last ones were. Both give the same results.
fn suitable_form(shares: &[Share], batch: Batch<'_>) -> Form {
    let lit: usize = shares.iter().map(|share| share.trace.inputs.lit_count()).sum();
    let density = lit as f64 / (batch.len() * batch.features()) as f64;
    if density > DENSE_ABOVE { Form::Dense } else { Form::Lit }
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
    if let Err(mismatch) = network.check_loss(loss) {
        panic!("{mismatch}");
    }
}

/// Forward propagation of one share.
struct There<'a> {
    network: &'a Network,
    batch: Batch<'a>,
    form: Form,
    trace: &'a mut Trace,
}

impl Kernel for There<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.trace.inputs.fill(simd, self.batch.into(), self.form);
        let Self { network, trace, .. } = self;
        pass::forward(simd, network.layer_activations(), network.parameters(), trace);
    }
}

/// The loss of one share.
struct Judge<'a> {
    loss: Loss,
    batch: Batch<'a>,
    share: &'a mut Share,
}

impl Kernel for Judge<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.share.judge(simd, self.loss, self.batch, 1.0);
    }
}

/// Phase 1 for one share.
struct ThereAndBack<'a> {
    network: &'a Network,
    transposed: &'a Transposed,
    loss: Loss,
    batch: Batch<'a>,
    scale: f32,
    form: Form,
    share: &'a mut Share,
}

impl Kernel for ThereAndBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, transposed, loss, batch, scale, form, share } = self;
        There { network, batch, form, trace: &mut share.trace }.run(simd);
        share.judge(simd, loss, batch, scale);
        pass::backward(simd, network.layer_activations(), transposed, &share.trace, &mut share.d);
    }
}

/// Phase 2 for one block of rows.
struct UpdateBlock<'a, P> {
    block: &'a Block,
    shape: Shape,
    passes: P,
    rows: UpdateRows<'a>,
    panel: &'a mut [Line],
}

impl<'a, P: Iterator<Item = Pass<'a>> + Clone> Kernel for UpdateBlock<'a, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { block, shape, passes, mut rows, panel } = self;
        pass::parameter_gradient(simd, shape, block.layer, block.rows.clone(), passes, &mut rows);
        if !panel.is_empty() {
            let weights = block.rows.end.min(shape.inputs) - block.rows.start;
            transpose(&rows.parameters[..weights * shape.width()], shape, panel);
        }
    }
}
