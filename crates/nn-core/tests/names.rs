//! Holds the names of the choices, as they are printed and read.

use nn_core::{Activation, LEAKY_SLOPE, Loss, PROBABILITY_CLIP, Rule, UnknownName};
use std::fmt::{Debug, Display};
use std::str::FromStr;

#[track_caller]
fn assert_named<T>(all: &[T], names: &[&str], what: &str)
where
    T: Copy + PartialEq + Debug + Display + FromStr<Err = UnknownName>,
{
    assert_eq!(all.len(), names.len());
    for (&choice, &name) in all.iter().zip(names) {
        assert_eq!(choice.to_string(), name);
        assert_eq!(format!("{choice:>30}|{choice:<30}|"), format!("{name:>30}|{name:<30}|"));
        assert_eq!(name.parse(), Ok(choice));
    }
    for wrong in ["", "Relu", " relu", "nothing"] {
        let error = wrong.parse::<T>().unwrap_err();
        let expected = names.join(", ");
        assert_eq!(error.to_string(), format!("unknown {what} {wrong:?}, expected one of: {expected}"));
        assert_eq!((error.what, error.found.as_str(), error.expected), (what, wrong, expected));
    }
}

#[test]
fn every_choice_is_read_from_the_name_that_it_is_shown_by() {
    let names = ["identity", "sigmoid", "relu", "leaky-relu", "tanh", "softmax"];
    assert_named(&Activation::ALL, &names, "activation");
    let names =
        ["softmax-cross-entropy", "sigmoid-cross-entropy", "binary-cross-entropy", "mean-squared-error"];
    assert_named(&Loss::ALL, &names, "loss");
    assert_named(&Rule::ALL, &["sgd", "momentum", "nesterov", "adam", "muon"], "optimizer");
    for activation in Activation::ALL {
        assert_eq!(activation.name(), activation.to_string());
        assert_eq!(activation.is_elementwise(), activation != Activation::Softmax);
    }
    assert!(Loss::ALL.iter().all(|loss| loss.name() == loss.to_string()));
    assert!(Rule::ALL.iter().all(|rule| rule.name() == rule.to_string()));
}

#[test]
fn rules_tell_how_much_they_remember() {
    assert_eq!(Rule::ALL.map(Rule::memories), [0, 1, 1, 2, 2]);
    assert_eq!(Rule::ALL[3], Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    let muon = Rule::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    assert_eq!(Rule::ALL[4], muon);
    assert_eq!(Rule::ALL[2], Rule::Momentum { momentum: 0.9, nesterov: true });
}

#[test]
fn constants_are_those_of_the_formulas() {
    assert_eq!((LEAKY_SLOPE, PROBABILITY_CLIP), (0.01, 1e-10));
}
