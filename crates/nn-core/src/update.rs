//! Owns the formulas of the rules on some lines of parameters, and the rows of a gradient that become updates.
//! Knows no steps.

use crate::dense::GradientSink;
use crate::simd::{Line, Simd, load_lines, store_lines};
use zerocopy::IntoBytes;

/// A rule at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update {
    pub(crate) formula: Formula,
    /// What a weight is multiplied by before anything else, 1 - rate decay. Biases are not.
    pub(crate) shrink: f32,
}

/// The formula of a rule with the step's constants filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Formula {
    Sgd {
        rate: f32,
    },
    Momentum {
        rate: f32,
        momentum: f32,
        nesterov: bool,
    },
    /// `rate` is r / (1 - beta1^t), `root` is 1 / sqrt(1 - beta2^t).
    Adam {
        rate: f32,
        beta1: f32,
        beta2: f32,
        epsilon: f32,
        root: f32,
    },
}

impl Formula {
    /// Changes the first `T` lines of `w`, and of the memories `first` and `second`, by the gradient `g`;
    /// a memory that the rule does not have is empty.
    #[inline(always)]
    fn apply<S: Simd, const T: usize>(
        self,
        simd: S,
        w: &mut [Line],
        first: &mut [Line],
        second: &mut [Line],
        g: [S::Vector; T],
    ) {
        let mut new_w: [S::Vector; T] = load_lines(simd, w);
        match self {
            Self::Sgd { rate } => {
                for t in 0..T {
                    new_w[t] = simd.mul_add(simd.splat(-rate), g[t], new_w[t]);
                }
            }
            Self::Momentum { rate, momentum, nesterov } => {
                let mut v: [S::Vector; T] = load_lines(simd, first);
                for t in 0..T {
                    v[t] = simd.mul_add(simd.splat(momentum), v[t], g[t]);
                    let ahead = simd.mul_add(simd.splat(momentum), v[t], g[t]);
                    let change = if nesterov { ahead } else { v[t] };
                    new_w[t] = simd.mul_add(simd.splat(-rate), change, new_w[t]);
                }
                store_lines(simd, v, first);
            }
            Self::Adam { rate, beta1, beta2, epsilon, root } => {
                let mut m: [S::Vector; T] = load_lines(simd, first);
                let mut u: [S::Vector; T] = load_lines(simd, second);
                for t in 0..T {
                    let square = simd.mul(g[t], g[t]);
                    m[t] = simd.mul_add(simd.splat(beta1), m[t], simd.mul(simd.splat(1.0 - beta1), g[t]));
                    u[t] = simd.mul_add(simd.splat(beta2), u[t], simd.mul(simd.splat(1.0 - beta2), square));
                    let scale = simd.mul_add(simd.sqrt(u[t]), simd.splat(root), simd.splat(epsilon));
                    new_w[t] = simd.mul_add(simd.splat(-rate), simd.div(m[t], scale), new_w[t]);
                }
                store_lines(simd, m, first);
                store_lines(simd, u, second);
            }
        }
        store_lines(simd, new_w, w);
    }
}

impl Formula {
    /// Whether a gradient of 0 changes nothing, so that rows without one need not be touched.
    const fn ignores_zero(self) -> bool {
        matches!(self, Self::Sgd { .. })
    }
}

/// Where a gradient's rows become an update of rows of weights as soon as they are summed.
#[derive(Debug)]
pub(crate) struct UpdateRows<'a> {
    update: Update,
    /// Lines in a row.
    width: usize,
    parameters: &'a mut [Line],
    first: &'a mut [Line],
    second: &'a mut [Line],
}

impl<'a> UpdateRows<'a> {
    /// The rows of a block of lines of `width`, and its part of the memories, empty where the rule has none.
    pub(crate) fn new(
        update: Update,
        width: usize,
        [parameters, first, second]: [&'a mut [Line]; 3],
    ) -> Self {
        Self { update, width, parameters, first, second }
    }

    /// Decays the first rows, those of so many weights. To be called before they are updated: then a block is
    /// gone over twice, but in the first cache, and plain updates need not ask what decays.
    #[inline(always)]
    pub(crate) fn decay<S: Simd>(&mut self, simd: S, rows: usize) {
        if self.update.shrink == 1.0 {
            return;
        }
        for line in &mut self.parameters[..rows * self.width] {
            simd.store(simd.mul(simd.splat(self.update.shrink), simd.load(line)), line);
        }
    }
}

impl<S: Simd> GradientSink<S> for UpdateRows<'_> {
    #[inline(always)]
    fn ignores_zero(&self) -> bool {
        self.update.formula.ignores_zero()
    }

    #[inline(always)]
    fn prefetch<const T: usize>(&self, simd: S, row: usize, start: usize) {
        let from = row * self.width + start;
        for lines in [&*self.parameters, &*self.first, &*self.second] {
            if let Some(lines) = lines.get(from..from + T) {
                simd.prefetch(lines.as_bytes());
            }
        }
    }

    #[inline(always)]
    fn take<const T: usize>(&mut self, simd: S, row: usize, start: usize, gradient: [S::Vector; T]) {
        let from = row * self.width + start;
        let memory = |lines: usize| if lines == 0 { 0 } else { from };
        let (first, second) = (memory(self.first.len()), memory(self.second.len()));
        let (first, second) = (&mut self.first[first..], &mut self.second[second..]);
        self.update.formula.apply(simd, &mut self.parameters[from..], first, second, gradient);
    }
}
