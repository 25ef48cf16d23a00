//! Owns a second statement of the mathematics, slow, in f64, in plain loops over `Vec<Vec<f64>>`. It
//! shares nothing with the library but the names of the choices, and judges all of it.
#![allow(dead_code, reason = "each test program uses a part of the oracle")]

use nn_core::{Activation, Loss, Network, Optimizer, Parameters, Rule};

/// Rows of numbers.
pub(crate) type Table = Vec<Vec<f64>>;

/// A fully connected layer; also the shape of its gradient.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// `weights[i][o]` leads from input i to output o.
    pub(crate) weights: Table,
    pub(crate) biases: Vec<f64>,
}

/// A network of f64.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    pub(crate) layers: Vec<Layer>,
    pub(crate) activations: Vec<Activation>,
}

/// What forward propagation found at one layer.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) z: Table,
    pub(crate) a: Table,
}

/// f(z) of one sample's layer.
pub(crate) fn activate(f: Activation, z: &[f64]) -> Vec<f64> {
    match f {
        Activation::Identity => z.to_vec(),
        Activation::Sigmoid => z.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect(),
        Activation::Relu => z.iter().map(|&z| if z > 0.0 { z } else { 0.0 }).collect(),
        Activation::LeakyRelu => z.iter().map(|&z| if z > 0.0 { z } else { 0.01 * z }).collect(),
        Activation::Tanh => z.iter().map(|z| z.tanh()).collect(),
        Activation::Softmax => {
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let e: Vec<f64> = z.iter().map(|z| (z - top).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.iter().map(|e| e / sum).collect()
        }
    }
}

/// Multiplies number by number.
pub(crate) fn multiply(numbers: &mut Table, factors: &Table) {
    for (row, factors) in numbers.iter_mut().zip(factors) {
        row.iter_mut().zip(factors).for_each(|(number, factor)| *number *= factor);
    }
}

/// df(z)_i / dz_j of the softmax, as a whole matrix.
fn softmax_jacobian(z: &[f64]) -> Table {
    let a = activate(Activation::Softmax, z);
    let entry = |i: usize, j: usize| if i == j { a[i] * (1.0 - a[i]) } else { -a[i] * a[j] };
    (0..z.len()).map(|i| (0..z.len()).map(|j| entry(i, j)).collect()).collect()
}

/// f'(z), from z and not from f(z).
fn slope(f: Activation, z: f64) -> f64 {
    match f {
        Activation::Identity => 1.0,
        // 1 / (e^(z/2) + e^(-z/2))^2, which is s(z) s(-z).
        Activation::Sigmoid => 1.0 / ((z / 2.0).exp() + (-z / 2.0).exp()).powi(2),
        Activation::Relu => f64::from(u8::from(z > 0.0)),
        Activation::LeakyRelu => [0.01, 1.0][usize::from(z > 0.0)],
        Activation::Tanh => 1.0 / z.cosh().powi(2),
        Activation::Softmax => unreachable!("the softmax has a Jacobian, not a slope"),
    }
}

/// Rows with 1 at the class, else 0, of which each sample's share `smoothing` is spread over all units.
pub(crate) fn label_targets(classes: &[u8], units: usize, smoothing: f64) -> Table {
    let target = |class: u8, unit: usize| {
        let hot = if unit == usize::from(class) { 1.0 } else { 0.0 };
        (1.0 - smoothing) * hot + smoothing / units as f64
    };
    classes.iter().map(|&class| (0..units).map(|unit| target(class, unit)).collect()).collect()
}

/// ln(1 + e^z).
fn softplus(z: f64) -> f64 {
    if z > 0.0 { z + (-z).exp().ln_1p() } else { z.exp().ln_1p() }
}

/// The loss of each sample against its class.
pub(crate) fn sample_losses(loss: Loss, outputs: &Table, classes: &[u8]) -> Vec<f64> {
    let units = outputs.first().map_or(0, Vec::len);
    sample_losses_against(loss, outputs, &label_targets(classes, units, 0.0))
}

/// The loss of each sample against its row of targets.
pub(crate) fn sample_losses_against(loss: Loss, outputs: &Table, targets: &Table) -> Vec<f64> {
    let mut losses = Vec::new();
    for (output, target) in outputs.iter().zip(targets) {
        let top = output.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum_of_exponentials: f64 = output.iter().map(|z| (z - top).exp()).sum();
        let mut sum = 0.0;
        for (&a, &t) in output.iter().zip(target) {
            sum += match loss {
                // What is not wanted at all does not count, however unlikely it is.
                Loss::SoftmaxCrossEntropy if t == 0.0 => 0.0,
                Loss::SoftmaxCrossEntropy => t * (top + sum_of_exponentials.ln() - a),
                Loss::SigmoidCrossEntropy => t * softplus(-a) + (1.0 - t) * softplus(a),
                Loss::BinaryCrossEntropy => {
                    let p = a.clamp(1e-10, 1.0 - 1e-10);
                    -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
                }
                Loss::MeanSquaredError => (a - t) * (a - t) / output.len() as f64,
            };
        }
        losses.push(sum);
    }
    losses
}

/// The mean over the samples.
pub(crate) fn loss_value(loss: Loss, outputs: &Table, classes: &[u8]) -> f64 {
    sample_losses(loss, outputs, classes).iter().sum::<f64>() / outputs.len() as f64
}

/// dL/da of every output.
pub(crate) fn loss_gradient(loss: Loss, outputs: &Table, classes: &[u8]) -> Table {
    let units = outputs.first().map_or(0, Vec::len);
    loss_gradient_against(loss, outputs, &label_targets(classes, units, 0.0))
}

/// dL/da of every output, against rows of targets.
pub(crate) fn loss_gradient_against(loss: Loss, outputs: &Table, targets: &Table) -> Table {
    let samples = outputs.len() as f64;
    let mut gradient = Vec::new();
    for (output, target) in outputs.iter().zip(targets) {
        let softmax = activate(Activation::Softmax, output);
        let whole: f64 = target.iter().sum();
        let mut row = Vec::new();
        for (unit, (&a, &t)) in output.iter().zip(target).enumerate() {
            let slope = match loss {
                Loss::SoftmaxCrossEntropy => whole * softmax[unit] - t,
                Loss::SigmoidCrossEntropy => 1.0 / (1.0 + (-a).exp()) - t,
                Loss::BinaryCrossEntropy => {
                    let p = a.clamp(1e-10, 1.0 - 1e-10);
                    -t / p + (1.0 - t) / (1.0 - p)
                }
                Loss::MeanSquaredError => 2.0 * (a - t) / output.len() as f64,
            };
            row.push(slope / samples);
        }
        gradient.push(row);
    }
    gradient
}

impl Oracle {
    /// The same numbers as a network of the library.
    pub(crate) fn of(network: &Network) -> Self {
        Self {
            layers: layers_of(network.parameters()),
            activations: (0..network.depth()).map(|layer| network.activation(layer)).collect(),
        }
    }

    /// Z = X W + b and A = f(Z) of every layer.
    pub(crate) fn forward(&self, inputs: &Table) -> Vec<Stage> {
        self.forward_times(inputs, &[])
    }

    /// As [`forward`](Self::forward), with the A of the first layers multiplied by `factors`, number by number.
    pub(crate) fn forward_times(&self, inputs: &Table, factors: &[Table]) -> Vec<Stage> {
        let mut stages: Vec<Stage> = Vec::new();
        for (layer, &f) in self.layers.iter().zip(&self.activations) {
            let x = stages.last().map_or(inputs, |stage| &stage.a);
            let mut z = Vec::new();
            for row in x {
                let mut sums = layer.biases.clone();
                for (x, weights) in row.iter().zip(&layer.weights) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += x * weight;
                    }
                }
                z.push(sums);
            }
            let mut a = z.iter().map(|z| activate(f, z)).collect();
            if let Some(factors) = factors.get(stages.len()) {
                multiply(&mut a, factors);
            }
            stages.push(Stage { z, a });
        }
        stages
    }

    pub(crate) fn outputs(&self, inputs: &Table) -> Table {
        self.forward(inputs).pop().expect("a network has layers").a
    }

    pub(crate) fn loss(&self, loss: Loss, inputs: &Table, classes: &[u8]) -> f64 {
        loss_value(loss, &self.outputs(inputs), classes)
    }

    /// dL/dW and dL/db of every layer, by the textbook: the error of a layer is the error of the next,
    /// through its weights and this layer's derivative; the gradient is error times input.
    pub(crate) fn gradient(&self, loss: Loss, inputs: &Table, classes: &[u8]) -> Vec<Layer> {
        let stages = self.forward(inputs);
        let d_output = loss_gradient(loss, &stages[stages.len() - 1].a, classes);
        self.backward(inputs, &stages, d_output)
    }

    pub(crate) fn backward(&self, inputs: &Table, stages: &[Stage], d_output: Table) -> Vec<Layer> {
        self.backward_times(inputs, stages, &[], d_output)
    }

    /// As [`backward`](Self::backward) after [`forward_times`](Self::forward_times).
    pub(crate) fn backward_times(
        &self,
        inputs: &Table,
        stages: &[Stage],
        factors: &[Table],
        d_output: Table,
    ) -> Vec<Layer> {
        let mut d_a = d_output;
        let mut gradients = Vec::new();
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let x = if index == 0 { inputs } else { &stages[index - 1].a };
            if let Some(factors) = factors.get(index) {
                multiply(&mut d_a, factors);
            }
            let mut gradient = Layer {
                weights: vec![vec![0.0; layer.biases.len()]; layer.weights.len()],
                biases: vec![0.0; layer.biases.len()],
            };
            let mut d_x = Vec::new();
            for n in 0..x.len() {
                let d_z = self.through_activation(index, &stages[index].z[n], &d_a[n]);
                for (sum, d) in gradient.biases.iter_mut().zip(&d_z) {
                    *sum += d;
                }
                for (x, row) in x[n].iter().zip(&mut gradient.weights) {
                    for (sum, d) in row.iter_mut().zip(&d_z) {
                        *sum += x * d;
                    }
                }
                // The first layer's inputs are data: nothing asks for their gradient.
                if index > 0 {
                    let through = |row: &Vec<f64>| row.iter().zip(&d_z).map(|(w, d)| w * d).sum();
                    d_x.push(layer.weights.iter().map(through).collect());
                }
            }
            gradients.push(gradient);
            d_a = d_x;
        }
        gradients.reverse();
        gradients
    }

    /// dZ_j = sum over i of dA_i df_i/dz_j.
    fn through_activation(&self, layer: usize, z: &[f64], d_a: &[f64]) -> Vec<f64> {
        let f = self.activations[layer];
        if f != Activation::Softmax {
            return z.iter().zip(d_a).map(|(&z, d_a)| d_a * slope(f, z)).collect();
        }
        let jacobian = softmax_jacobian(z);
        (0..z.len()).map(|j| (0..z.len()).map(|i| d_a[i] * jacobian[i][j]).sum()).collect()
    }

    /// The least distance of a pre-activation from the kink of a ReLU; infinite where there is none.
    pub(crate) fn distance_from_kinks(&self, inputs: &Table) -> f64 {
        let mut least = f64::INFINITY;
        for (stage, &f) in self.forward(inputs).iter().zip(&self.activations) {
            if matches!(f, Activation::Relu | Activation::LeakyRelu) {
                for z in stage.z.iter().flatten() {
                    least = least.min(z.abs());
                }
            }
        }
        least
    }
}

/// Weights and biases, gradients or velocities of the library as plain numbers.
pub(crate) fn layers_of(parameters: &Parameters) -> Vec<Layer> {
    let mut layers = Vec::new();
    for layer in 0..parameters.layers() {
        let mut weights = Vec::new();
        for row in parameters.weights(layer).rows() {
            weights.push(row.iter().map(|&weight| f64::from(weight)).collect());
        }
        let biases = parameters.biases(layer).iter().map(|&bias| f64::from(bias)).collect();
        layers.push(Layer { weights, biases });
    }
    layers
}

/// The numbers of all layers one after the other: rows of weights, then biases.
pub(crate) fn flat(layers: &[Layer]) -> Vec<f64> {
    let mut numbers = Vec::new();
    for layer in layers {
        numbers.extend(layer.weights.iter().flatten());
        numbers.extend(&layer.biases);
    }
    numbers
}

/// As [`flat`], to write to.
pub(crate) fn flat_mut(layers: &mut [Layer]) -> Vec<&mut f64> {
    let mut numbers = Vec::new();
    for layer in layers {
        numbers.extend(layer.weights.iter_mut().flatten());
        numbers.extend(&mut layer.biases);
    }
    numbers
}

/// An optimizer of one number, from its textbook.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    steps: i32,
    /// Velocity, or mean gradient.
    first: f64,
    /// Mean squared gradient.
    second: f64,
}

impl Memory {
    /// The number that follows `w` when its gradient is `g`.
    pub(crate) fn step(&mut self, rule: Rule, rate: f64, w: f64, g: f64) -> f64 {
        self.steps += 1;
        match rule {
            Rule::Sgd => w - rate * g,
            Rule::Momentum { momentum, nesterov } => {
                let momentum = f64::from(momentum);
                self.first = momentum * self.first + g;
                let change = if nesterov { g + momentum * self.first } else { self.first };
                w - rate * change
            }
            Rule::Adam { beta1, beta2, epsilon } => {
                let (beta1, beta2) = (f64::from(beta1), f64::from(beta2));
                self.first = beta1 * self.first + (1.0 - beta1) * g;
                self.second = beta2 * self.second + (1.0 - beta2) * g * g;
                let mean = self.first / (1.0 - beta1.powi(self.steps));
                let square = self.second / (1.0 - beta2.powi(self.steps));
                w - rate * mean / (square.sqrt() + f64::from(epsilon))
            }
            Rule::Muon { .. } => unreachable!("a rule of matrices"),
        }
    }

    /// Muon's momentum with Nesterov's look ahead: what is then made orthogonal.
    fn look_ahead(&mut self, momentum: f64, g: f64) -> f64 {
        self.first = momentum * self.first + (1.0 - momentum) * g;
        momentum * self.first + (1.0 - momentum) * g
    }
}

/// How an optimizer is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    pub(crate) rule: Rule,
    pub(crate) rate: f64,
    pub(crate) weight_decay: f64,
    pub(crate) clip: Option<f64>,
}

impl Training {
    pub(crate) fn of(optimizer: &Optimizer) -> Self {
        Self {
            rule: optimizer.rule(),
            rate: optimizer.rate().into(),
            weight_decay: optimizer.weight_decay().into(),
            clip: optimizer.clip().map(f64::from),
        }
    }
}

/// One training step of the whole oracle; `memories` holds one entry for each number.
pub(crate) fn train_step(
    oracle: &mut Oracle,
    memories: &mut Vec<Memory>,
    training: Training,
    loss: Loss,
    (inputs, classes): (&Table, &[u8]),
) {
    let gradient = oracle.gradient(loss, inputs, classes);
    follow(&mut oracle.layers, memories, training, gradient);
}

/// The layers that follow these when this is their gradient.
pub(crate) fn follow(
    layers: &mut [Layer],
    memories: &mut Vec<Memory>,
    training: Training,
    mut gradient: Vec<Layer>,
) {
    let Training { rule, rate, weight_decay, clip } = training;
    let norm = flat(&gradient).iter().map(|g| g * g).sum::<f64>().sqrt();
    if let Some(clip) = clip
        && norm > clip
    {
        flat_mut(&mut gradient).into_iter().for_each(|g| *g *= clip / norm);
    }
    let depth = layers.len();
    memories.resize(flat(&gradient).len(), Memory::default());
    let mut memories = memories.iter_mut();
    for (index, (layer, gradient)) in layers.iter_mut().zip(gradient).enumerate() {
        for w in layer.weights.iter_mut().flatten() {
            *w *= 1.0 - rate * weight_decay;
        }
        let adam = match rule {
            Rule::Muon { beta1, beta2, epsilon, .. } => Rule::Adam { beta1, beta2, epsilon },
            _ => rule,
        };
        if let Rule::Muon { momentum, .. } = rule
            && index + 1 < depth
        {
            let momentum = f64::from(momentum);
            let direction: Table = gradient
                .weights
                .iter()
                .map(|row| row.iter().map(|g| memories.next().unwrap().look_ahead(momentum, *g)).collect())
                .collect();
            let longer = direction.len().max(direction[0].len()) as f64;
            let change = orthogonal(&direction);
            for (w, x) in layer.weights.iter_mut().flatten().zip(change.iter().flatten()) {
                *w -= rate * 0.2 * longer.sqrt() * x;
            }
        } else {
            for (w, g) in layer.weights.iter_mut().flatten().zip(gradient.weights.iter().flatten()) {
                *w = memories.next().unwrap().step(adam, rate, *w, *g);
            }
        }
        for (b, g) in layer.biases.iter_mut().zip(&gradient.biases) {
            *b = memories.next().unwrap().step(adam, rate, *b, *g);
        }
    }
}

/// U V^T of X = U S V^T, as nearly as five steps of X = a X + b (X X^T) X + c (X X^T)^2 X come.
pub(crate) fn orthogonal(numbers: &Table) -> Table {
    let norm = numbers.iter().flatten().map(|x| x * x).sum::<f64>().sqrt().max(1e-7);
    let mut x: Table = numbers.iter().map(|row| row.iter().map(|x| x / norm).collect()).collect();
    for _ in 0..5 {
        let gram = product(&x, &transpose(&x));
        let once = product(&gram, &x);
        let twice = product(&gram, &once);
        for (i, row) in x.iter_mut().enumerate() {
            for (j, x) in row.iter_mut().enumerate() {
                *x = 3.4445 * *x - 4.7750 * once[i][j] + 2.0315 * twice[i][j];
            }
        }
    }
    x
}

fn transpose(numbers: &Table) -> Table {
    (0..numbers[0].len()).map(|j| numbers.iter().map(|row| row[j]).collect()).collect()
}

fn product(a: &Table, b: &Table) -> Table {
    let b = transpose(b);
    let dot = |row: &Vec<f64>, column: &Vec<f64>| row.iter().zip(column).map(|(a, b)| a * b).sum();
    a.iter().map(|row| b.iter().map(|column| dot(row, column)).collect()).collect()
}
