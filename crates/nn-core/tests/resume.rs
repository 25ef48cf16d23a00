//! Holds an optimizer that was taken apart and put together again to the one that never was.

mod oracle;
mod samples;

use nn_core::{Activation, Network, Optimizer, OptimizerError, Parameters, Rule};
use samples::{network, rng};

const RULES: [Rule; 5] = Rule::ALL;

/// A network of 7-5-3 and gradients of many different numbers for it.
fn network_and_gradients() -> (Network, Parameters) {
    let network = network(&[7, 5, 3], Activation::Relu, Activation::Identity, &mut rng(1));
    let gradients = network.parameters().clone();
    (network, gradients)
}

/// Bit patterns: a comparison of numbers would let 0 be -0.
fn bits(parameters: &Parameters) -> Vec<u32> {
    (0..parameters.layers())
        .flat_map(|layer| {
            let weights = parameters.weights(layer).to_owned();
            weights.into_iter().chain(parameters.biases(layer).to_owned()).map(f32::to_bits)
        })
        .collect()
}

#[test]
fn an_optimizer_put_together_from_its_memories_goes_on_with_the_same_bits_after_any_step() {
    for rule in RULES {
        let (mut network, gradients) = network_and_gradients();
        let mut optimizer = Optimizer::new(rule, 0.1);
        optimizer.set_weight_decay(0.25);
        optimizer.set_clip(Some(0.5));
        for step in 0..4 {
            let mut resumed = Optimizer::resume(
                optimizer.rule(),
                optimizer.rate(),
                optimizer.steps(),
                optimizer.memories().to_vec(),
            )
            .unwrap();
            // Settings, which are not remembered.
            resumed.set_weight_decay(optimizer.weight_decay());
            resumed.set_clip(optimizer.clip());
            assert_eq!(resumed, optimizer, "{rule} after {step} steps");
            let mut other = network.clone();
            resumed.step(&mut other, &gradients);
            optimizer.step(&mut network, &gradients);
            assert_eq!(bits(other.parameters()), bits(network.parameters()), "{rule} after {step} steps");
            for (found, expected) in resumed.memories().iter().zip(optimizer.memories()) {
                assert_eq!(bits(found), bits(expected), "{rule} after {step} steps");
            }
        }
    }
}

#[test]
fn memories_are_made_by_the_first_step() {
    for rule in RULES {
        let (mut network, gradients) = network_and_gradients();
        let mut optimizer = Optimizer::new(rule, 0.1);
        assert_eq!((optimizer.memories().len(), rule.memories_after(0)), (0, 0));
        optimizer.step(&mut network, &gradients);
        assert_eq!((optimizer.memories().len(), rule.memories_after(1)), (rule.memories(), rule.memories()));
    }
}

#[test]
fn another_number_of_memories_than_the_rule_has_is_refused() {
    let (_, memory) = network_and_gradients();
    for rule in RULES {
        for steps in [0, 1, 900] {
            for found in 0..4 {
                let expected = rule.memories_after(steps);
                let resumed = Optimizer::resume(rule, 0.1, steps, vec![memory.clone(); found]);
                if found == expected {
                    assert_eq!(resumed.unwrap().steps(), steps);
                } else {
                    let error = OptimizerError::Memories { rule, steps, expected, found };
                    assert_eq!(resumed, Err(error));
                }
            }
        }
    }
    let error = Optimizer::resume(RULES[3], 0.1, 7, vec![memory]).unwrap_err();
    assert_eq!(error.to_string(), "adam has 2 memories after 7 steps, found 1");
}

#[test]
fn memories_of_different_networks_are_refused() {
    let (_, first) = network_and_gradients();
    let other = network(&[7, 6, 3], Activation::Relu, Activation::Identity, &mut rng(2));
    let error = Optimizer::resume(RULES[3], 0.1, 7, vec![first, other.parameters().clone()]).unwrap_err();
    assert_eq!(error, OptimizerError::Shapes { rule: RULES[3] });
    assert_eq!(
        error.to_string(),
        "the memories of adam are of different shapes, expected those of one network"
    );
}
