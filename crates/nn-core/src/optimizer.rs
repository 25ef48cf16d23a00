//! Owns the rules by which a gradient changes the parameters. Knows no network's structure: a rule
//! looks at one number, its gradient and its own memory.

use crate::dense::GradientSink;
use crate::error::{OptimizerError, UnknownName};
use crate::network::Network;
use crate::parameters::Parameters;
use crate::simd::{Kernel, Line, Simd, dispatch, load_lines, store_lines};
use std::{fmt, str::FromStr};
use zerocopy::IntoBytes;

/// How a parameter w follows its gradient g at learning rate r. The memories v and m, u begin at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Gradient descent: w = w - r g.
    Sgd,
    /// v = momentum v + g; w = w - r v, or with Nesterov's look ahead w = w - r (g + momentum v).
    Momentum {
        /// How much of the velocity stays from step to step, usually 0.9.
        momentum: f32,
        /// Whether to look one velocity ahead (Nesterov 1983, in Sutskever's form of 2013).
        nesterov: bool,
    },
    /// Kingma and Ba 2015. m = beta1 m + (1 - beta1) g; u = beta2 u + (1 - beta2) g^2;
    /// w = w - r (m / (1 - beta1^t)) / (sqrt(u / (1 - beta2^t)) + epsilon) at step t, from 1.
    Adam {
        /// Decay of the mean gradient m, usually 0.9.
        beta1: f32,
        /// Decay of the mean squared gradient u, usually 0.999.
        beta2: f32,
        /// Keeps the quotient finite, usually 1e-8.
        epsilon: f32,
    },
}

impl Rule {
    /// The rules with their usual settings, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [
        Self::Sgd,
        Self::Momentum { momentum: 0.9, nesterov: false },
        Self::Momentum { momentum: 0.9, nesterov: true },
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ];

    /// The name that [`FromStr`] reads; it tells the rule but not its settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum { nesterov: false, .. } => "momentum",
            Self::Momentum { nesterov: true, .. } => "nesterov",
            Self::Adam { .. } => "adam",
        }
    }

    /// How many numbers the rule remembers for each parameter.
    #[must_use]
    pub const fn memories(self) -> usize {
        match self {
            Self::Sgd => 0,
            Self::Momentum { .. } => 1,
            Self::Adam { .. } => 2,
        }
    }

    /// How many of them there are after so many steps: the first step makes them.
    #[must_use]
    pub const fn memories_after(self, steps: u64) -> usize {
        if steps == 0 { 0 } else { self.memories() }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rule {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| UnknownName {
            what: "optimizer",
            found: name.to_owned(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// A rule, its learning rate, and its memory of the steps so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    rate: f32,
    steps: u64,
    memories: Vec<Parameters>,
}

impl Optimizer {
    /// An optimizer that has taken no step.
    #[must_use]
    pub fn new(rule: Rule, rate: f32) -> Self {
        Self { rule, rate, steps: 0, memories: Vec::new() }
    }

    /// An optimizer that goes on where another one stopped, as [`rule`](Self::rule), [`rate`](Self::rate),
    /// [`steps`](Self::steps) and [`memories`](Self::memories) told: the next step gives the same bits.
    ///
    /// The numbers in the memories are taken as they are.
    ///
    /// # Errors
    /// [`OptimizerError`] when there are not as many memories as the rule has after so many steps, or they are of
    /// different shapes. Whether they are shaped like a network is seen at its first step.
    ///
    /// # Examples
    /// ```
    /// use nn_core::{Activation, Network, Optimizer, Rule};
    ///
    /// let network = Network::builder(3).dense(2, Activation::Identity).zeros()?;
    /// let rule = Rule::Momentum { momentum: 0.9, nesterov: false };
    /// let velocity = network.parameters().zeros_like();
    /// assert_eq!(Optimizer::resume(rule, 0.1, 40, vec![velocity])?.steps(), 40);
    ///
    /// let error = Optimizer::resume(rule, 0.1, 40, vec![]).unwrap_err();
    /// assert_eq!(error.to_string(), "momentum has 1 memory after 40 steps, found 0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resume(
        rule: Rule,
        rate: f32,
        steps: u64,
        memories: Vec<Parameters>,
    ) -> Result<Self, OptimizerError> {
        let (expected, found) = (rule.memories_after(steps), memories.len());
        if expected != found {
            return Err(OptimizerError::Memories { rule, steps, expected, found });
        }
        if memories.windows(2).any(|pair| pair[0].shapes() != pair[1].shapes()) {
            return Err(OptimizerError::Shapes { rule });
        }
        Ok(Self { rule, rate, steps, memories })
    }

    /// Plain gradient descent.
    #[must_use]
    pub fn sgd(rate: f32) -> Self {
        Self::new(Rule::Sgd, rate)
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The learning rate.
    #[must_use]
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// Changes the learning rate, as a schedule does from step to step.
    pub fn set_rate(&mut self, rate: f32) {
        self.rate = rate;
    }

    /// How many steps were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What the rule remembers, in the order of its formula: the velocity v, or the moments m and u. There are
    /// none before the first step, which makes them.
    #[must_use]
    pub fn memories(&self) -> &[Parameters] {
        &self.memories
    }

    /// Changes every parameter of the network by the rule.
    ///
    /// # Panics
    /// If the gradients, or those of an earlier step, are not shaped like the network's parameters.
    #[track_caller]
    pub fn step(&mut self, network: &mut Network, gradients: &Parameters) {
        let shapes = network.parameters().shapes();
        assert_eq!(gradients.shapes(), shapes, "the gradients are of another network");
        let update = self.begin_step(network.parameters());
        let [first, second] = self.memories_mut();
        let parameters = network.parameters_mut().all_lines_mut();
        dispatch(UpdateAll { update, parameters, first, second, gradients: gradients.all_lines() });
    }

    /// Counts a step, and gives its formula with the step's constants filled in. The memories are made
    /// at the first step.
    #[track_caller]
    pub(crate) fn begin_step(&mut self, parameters: &Parameters) -> Update {
        while self.memories.len() < self.rule.memories() {
            self.memories.push(parameters.zeros_like());
        }
        for memory in &self.memories {
            assert_eq!(memory.shapes(), parameters.shapes(), "the optimizer has stepped another network");
        }
        self.steps += 1;
        let rate = self.rate;
        match self.rule {
            Rule::Sgd => Update::Sgd { rate },
            Rule::Momentum { momentum, nesterov } => Update::Momentum { rate, momentum, nesterov },
            Rule::Adam { beta1, beta2, epsilon } => {
                // In f64, where 1 - beta^t is exact enough from the first step to the last.
                let correction = |beta: f32| 1.0 - f64::from(beta).powf(self.steps as f64);
                let rate = (f64::from(rate) / correction(beta1)) as f32;
                let root = (1.0 / correction(beta2).sqrt()) as f32;
                Update::Adam { rate, beta1, beta2, epsilon, root }
            }
        }
    }

    /// The lines of the memories, empty where the rule has fewer than two.
    pub(crate) fn memories_mut(&mut self) -> [&mut [Line]; 2] {
        match self.memories.as_mut_slice() {
            [] => [&mut [], &mut []],
            [first] => [first.all_lines_mut(), &mut []],
            [first, second, ..] => [first.all_lines_mut(), second.all_lines_mut()],
        }
    }
}

/// A rule at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Update {
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

impl Update {
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

    /// Whether a gradient of 0 changes nothing, so that rows without one need not be touched.
    pub(crate) const fn ignores_zero(self) -> bool {
        matches!(self, Self::Sgd { .. })
    }
}

struct UpdateAll<'a> {
    update: Update,
    parameters: &'a mut [Line],
    first: &'a mut [Line],
    second: &'a mut [Line],
    gradients: &'a [Line],
}

impl Kernel for UpdateAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { update, parameters, first, second, gradients } = self;
        let mut rows = UpdateRows { update, width: 1, parameters, first, second };
        for (line, gradient) in gradients.iter().enumerate() {
            rows.take(simd, line, 0, [simd.load(gradient)]);
        }
    }
}

/// Where a gradient's rows become an update of rows of weights as soon as they are summed.
#[derive(Debug)]
pub(crate) struct UpdateRows<'a> {
    pub(crate) update: Update,
    /// Lines in a row.
    pub(crate) width: usize,
    pub(crate) parameters: &'a mut [Line],
    pub(crate) first: &'a mut [Line],
    pub(crate) second: &'a mut [Line],
}

impl<S: Simd> GradientSink<S> for UpdateRows<'_> {
    #[inline(always)]
    fn ignores_zero(&self) -> bool {
        self.update.ignores_zero()
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
        self.update.apply(simd, &mut self.parameters[from..], first, second, gradient);
    }
}
