//! Owns the rules by which a gradient changes the parameters, and their memories. The formulas are in
//! `update.rs` and `muon.rs`.

use crate::error::{OptimizerError, UnknownName};
use crate::inputs::InputRows;
use crate::muon::Muon;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::plan::Plan;
use crate::simd::Line;
use crate::team::Parts;
use crate::update::{Formula, Update};
use crate::whole;
use std::{fmt, str::FromStr};

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
    /// w = w - r (m / (1 - beta1^t)) / (sqrt(u / (1 - beta2^t)) + epsilon) at step t, from 1. With
    /// [weight decay](Optimizer::set_weight_decay) it is AdamW.
    Adam {
        /// Decay of the mean gradient m, usually 0.9.
        beta1: f32,
        /// Decay of the mean squared gradient u, usually 0.999.
        beta2: f32,
        /// Keeps the quotient finite, usually 1e-8.
        epsilon: f32,
    },
    /// Jordan et al. 2024, in the form of `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`. For the
    /// weights W (I, O) of every layer but the last: V = momentum V + (1 - momentum) G;
    /// W = W - r 0.2 sqrt(max(I, O)) orthogonal(momentum V + (1 - momentum) G), where orthogonal(U S V^T) is
    /// nearly U V^T, by five Newton-Schulz iterations. All biases and the last layer's weights follow
    /// [`Adam`](Self::Adam) at the same rate.
    Muon {
        /// How much of the mean gradient V stays from step to step, usually 0.95.
        momentum: f32,
        /// Decay of Adam's mean gradient, usually 0.9.
        beta1: f32,
        /// Decay of Adam's mean squared gradient, usually 0.999.
        beta2: f32,
        /// Keeps Adam's quotient finite, usually 1e-8.
        epsilon: f32,
    },
}

impl Rule {
    /// The rules with their usual settings, in the order in which they are listed to people.
    pub const ALL: [Self; 5] = [
        Self::Sgd,
        Self::Momentum { momentum: 0.9, nesterov: false },
        Self::Momentum { momentum: 0.9, nesterov: true },
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        Self::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ];

    /// The name that [`FromStr`] reads; it tells the rule but not its settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum { nesterov: false, .. } => "momentum",
            Self::Momentum { nesterov: true, .. } => "nesterov",
            Self::Adam { .. } => "adam",
            Self::Muon { .. } => "muon",
        }
    }

    /// How many numbers the rule remembers for each parameter. Muon's second one is 0 where it needs only one.
    #[must_use]
    pub const fn memories(self) -> usize {
        match self {
            Self::Sgd => 0,
            Self::Momentum { .. } => 1,
            Self::Adam { .. } | Self::Muon { .. } => 2,
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

/// A rule, its settings, and its memory of the steps so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    rate: f32,
    weight_decay: f32,
    clip: Option<f32>,
    steps: u64,
    memories: Vec<Parameters>,
}

impl Optimizer {
    /// An optimizer that has taken no step.
    #[must_use]
    pub fn new(rule: Rule, rate: f32) -> Self {
        Self { rule, rate, weight_decay: 0.0, clip: None, steps: 0, memories: Vec::new() }
    }

    /// An optimizer that goes on where another one stopped, as [`rule`](Self::rule), [`rate`](Self::rate),
    /// [`steps`](Self::steps) and [`memories`](Self::memories) told: the next step gives the same bits.
    ///
    /// The numbers in the memories are taken as they are. Weight decay and clipping are settings and are to be set
    /// again.
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
        Ok(Self { steps, memories, ..Self::new(rule, rate) })
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

    /// The weight decay, 0 unless it was set.
    #[must_use]
    pub fn weight_decay(&self) -> f32 {
        self.weight_decay
    }

    /// Lets every step first multiply all weights, but not the biases, by 1 - rate decay, whatever the rule
    /// (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization").
    pub fn set_weight_decay(&mut self, weight_decay: f32) {
        self.weight_decay = weight_decay;
    }

    /// The greatest norm that a gradient may have, if there is one.
    #[must_use]
    pub fn clip(&self) -> Option<f32> {
        self.clip
    }

    /// Bounds the norm of the whole gradient, the root of the sum of the squares of all its numbers: where it is
    /// greater than `clip`, all of them are made smaller alike (Pascanu et al. 2013).
    pub fn set_clip(&mut self, clip: Option<f32>) {
        self.clip = clip;
    }

    /// How many steps were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What the rule remembers, in the order of its formula: the velocity v, or the moments m and u; Muon's V stands
    /// in the place of m. There are none before the first step, which makes them.
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
        let plan = Plan::new(shapes, &InputRows::new(shapes[0]));
        whole::step_by(&plan, (self, update), gradients, network.parameters_mut());
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
        let formula = match self.rule {
            Rule::Sgd => Formula::Sgd { rate },
            Rule::Momentum { momentum, nesterov } => Formula::Momentum { rate, momentum, nesterov },
            Rule::Adam { beta1, beta2, epsilon } | Rule::Muon { beta1, beta2, epsilon, .. } => {
                // In f64, where 1 - beta^t is exact enough from the first step to the last.
                let correction = |beta: f32| 1.0 - f64::from(beta).powf(self.steps as f64);
                let rate = (f64::from(rate) / correction(beta1)) as f32;
                let root = (1.0 / correction(beta2).sqrt()) as f32;
                Formula::Adam { rate, beta1, beta2, epsilon, root }
            }
        };
        Update { formula, shrink: self.shrink() }
    }

    fn shrink(&self) -> f32 {
        (1.0 - f64::from(self.rate) * f64::from(self.weight_decay)) as f32
    }

    /// Whether a step must know the whole gradient before it changes anything.
    pub(crate) fn needs_whole_gradient(&self) -> bool {
        self.clip.is_some() || self.muon().is_some()
    }

    /// How matrices change as such.
    pub(crate) fn muon(&self) -> Option<Muon> {
        match self.rule {
            Rule::Muon { momentum, .. } => Some(Muon { momentum, rate: self.rate, shrink: self.shrink() }),
            Rule::Sgd | Rule::Momentum { .. } | Rule::Adam { .. } => None,
        }
    }

    /// The parameters and the memories, cut into the blocks of a plan.
    pub(crate) fn parts<'a>(
        &'a mut self,
        parameters: &'a mut Parameters,
        plan: &'a Plan,
    ) -> [Parts<'a, Line>; 3] {
        let [first, second] = self.memories_mut();
        let memory = |lines: &[Line]| if lines.is_empty() { &plan.nothing } else { &plan.lines };
        let (of_first, of_second) = (memory(first), memory(second));
        [
            Parts::new(parameters.all_lines_mut(), &plan.lines),
            Parts::new(first, of_first),
            Parts::new(second, of_second),
        ]
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
