//! Owns what one thread does in a step: the way of a share of the batch through the network and back, and
//! the other phases' part for one section or block. Knows no threads.

use crate::dataset::Batch;
use crate::dropout::{LayerMask, Masks};
use crate::inputs::{InputRows, Inputs, Section};
use crate::loss::{Loss, Target};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::objective::Objective;
use crate::parameters::{Rows, Shape};
use crate::pass::{self, Pass};
use crate::plan::Block;
use crate::simd::{Kernel, Line, Simd};
use crate::tally::{Tally, predicted_class};
use crate::trace::layer_matrices;
use crate::update::UpdateRows;
use std::ops::Range;

/// One thread's part of a batch.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) samples: Range<usize>,
    /// A of every layer.
    pub(super) a: Vec<Matrix>,
    /// dL/dA, then dL/dZ, of every layer.
    pub(super) d: Vec<Matrix>,
    /// One sample's targets.
    pub(super) target: Vec<f32>,
    /// Each sample's loss. They are added up one by one in the order of the samples, so that the sum does
    /// not depend on the number of threads.
    pub(super) losses: Vec<f64>,
    pub(super) correct: u64,
}

impl Share {
    pub(super) fn new(network: &Network) -> Self {
        let matrices = || layer_matrices(network.parameters());
        let target = vec![0.0; network.outputs()];
        Self { samples: 0..0, a: matrices(), d: matrices(), target, losses: Vec::new(), correct: 0 }
    }

    pub(super) fn output(&self) -> &Matrix {
        self.a.last().expect("a network has at least one layer")
    }

    /// The loss of the outputs, and its gradient, which becomes the last matrix of `d`. `scale` is one
    /// over the size of the whole batch.
    #[inline(always)]
    pub(super) fn judge<S: Simd>(&mut self, simd: S, objective: Objective, batch: Batch<'_>, scale: f32) {
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

    pub(super) fn add_to(&self, tally: &mut Tally) {
        tally.samples += self.losses.len() as u64;
        tally.correct += self.correct;
        for loss in &self.losses {
            tally.loss_sum += loss;
        }
    }
}

/// Phase 1 for one section, which back-propagation follows.
pub(super) struct MultiplySection<'a, 'b> {
    pub(super) inputs: Inputs<'b>,
    pub(super) section: &'a mut Section,
    pub(super) weights: Rows<'a>,
    /// What is left out of the inputs.
    pub(super) mask: Option<LayerMask>,
}

impl Kernel for MultiplySection<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { inputs, section, weights, mask } = self;
        pass::section_product(simd, (inputs, mask), section, weights, true);
    }
}

/// One thread's samples in an evaluation, from the inputs on.
#[derive(Debug)]
pub(super) struct EvaluationShare {
    inputs: InputRows,
    pub(super) share: Share,
}

impl EvaluationShare {
    pub(super) fn new(network: &Network) -> Self {
        let inputs = InputRows::new(network.parameters().shape(0));
        Self { inputs, share: Share::new(network) }
    }
}

/// Forward propagation of one share of an evaluation.
pub(super) struct Forward<'a, 'b> {
    pub(super) network: &'a Network,
    pub(super) batch: Batch<'b>,
    pub(super) share: &'a mut EvaluationShare,
}

impl Kernel for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, batch, share: EvaluationShare { inputs, share } } = self;
        let (activations, parameters) = (network.layer_activations(), network.parameters());
        let weights = parameters.rows(0);
        for section in inputs.sections_mut() {
            pass::section_product(simd, (batch.into(), None), section, weights, false);
        }
        pass::forward(simd, activations, parameters, (inputs, 0..batch.len()), None, &mut share.a);
    }
}

/// The loss of one share.
pub(super) struct Judge<'a, 'b> {
    pub(super) loss: Loss,
    pub(super) batch: Batch<'b>,
    pub(super) share: &'a mut Share,
}

impl Kernel for Judge<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.share.judge(simd, self.loss.into(), self.batch, 1.0);
    }
}

/// Phase 2 for one share.
pub(super) struct ForwardBackward<'a, 'b> {
    pub(super) network: &'a Network,
    pub(super) inputs: &'a InputRows,
    pub(super) objective: Objective,
    pub(super) masks: Option<Masks>,
    pub(super) batch: Batch<'b>,
    pub(super) scale: f32,
    pub(super) share: &'a mut Share,
    /// Where the share's dZ of the first layer belongs among those of the whole batch.
    pub(super) first_d_z: &'a mut [Line],
}

impl Kernel for ForwardBackward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, inputs, objective, masks, batch, scale, share, first_d_z } = self;
        let samples = (inputs, share.samples.clone());
        pass::forward(simd, network.layer_activations(), network.parameters(), samples, masks, &mut share.a);
        share.judge(simd, objective, batch.slice(share.samples.clone()), scale);
        pass::backward(
            simd,
            network.layer_activations(),
            network.parameters(),
            (masks, share.samples.start),
            &share.a,
            &mut share.d,
        );
        first_d_z.copy_from_slice(share.d[0].lines());
    }
}

/// Phase 3 for one block of rows.
pub(super) struct UpdateBlock<'a, 'b, P> {
    pub(super) block: &'a Block,
    pub(super) shape: Shape,
    pub(super) pass: &'a Pass<'b, P>,
    pub(super) rows: UpdateRows<'a>,
}

impl<'b, P: Iterator<Item = (&'b [Matrix], &'b [Matrix])> + Clone> Kernel for UpdateBlock<'_, 'b, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { block, shape, pass, mut rows } = self;
        rows.decay(simd, block.weights(shape).len());
        pass::parameter_gradient(simd, block, shape, pass, &mut rows);
    }
}
