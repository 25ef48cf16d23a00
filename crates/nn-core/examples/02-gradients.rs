//! Forward and back-propagation on a network small enough to print: the gradient of one weight, by
//! back-propagation and by nudging the weight. Run with `cargo run -p nn-core --example 02-gradients`.
#![allow(clippy::print_stdout, reason = "an example talks to people")]

use nn_core::ndarray::array;
use nn_core::rand::{SeedableRng, rngs::StdRng};
use nn_core::{Activation, Loss, Network};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = StdRng::seed_from_u64(3);
    let mut network =
        Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Identity).build(&mut rng)?;
    let inputs = array![[0.5_f32, -1.0, 2.0], [1.5, 0.0, -0.5]];
    let classes = [1, 0];

    let trace = network.trace(&inputs);
    println!("hidden activations, shape {:?}:\n{:.4}", trace.activations(0).dim(), trace.activations(0));
    println!("logits, shape {:?}:\n{:.4}", trace.output().dim(), trace.output());

    let loss = Loss::SoftmaxCrossEntropy.evaluate(trace.output(), &classes);
    println!("loss {:.6} nats; its gradient:\n{:.4}", loss.value, loss.gradient);

    let gradients = network.backward(&trace, loss.gradient.view());
    let by_backpropagation = gradients.weights(0)[[2, 1]];

    // The same by the definition of a derivative, with a nudge to both sides.
    let nudge = 1e-2;
    let mut loss_at = |change: f32| {
        network.parameters_mut().weights_mut(0)[[2, 1]] += change;
        let loss = Loss::SoftmaxCrossEntropy.evaluate(network.forward(&inputs).view(), &classes).value;
        network.parameters_mut().weights_mut(0)[[2, 1]] -= change;
        loss
    };
    let by_nudging = (loss_at(nudge) - loss_at(-nudge)) / (2.0 * nudge);
    println!("dL/dW[2, 1] of the first layer: {by_backpropagation:.5} and {by_nudging:.5}");
    if (by_backpropagation - by_nudging).abs() > 1e-3 {
        return Err("back-propagation and the definition disagree".into());
    }
    Ok(())
}
