//! Holds averages of parameters against the oracle, which adds them up in f64.

mod oracle;
mod readable;
mod samples;

use nn_core::{Activation, Average, Network};
use oracle::{flat, layers_of};
use readable::{bits, engine};
use samples::{network, panic_of, rng};

fn networks() -> Vec<Network> {
    // The second layer is narrower than a line, the third wider.
    (0..7)
        .map(|seed| network(&[130, 9, 50, 3], Activation::Relu, Activation::Identity, &mut rng(seed)))
        .collect()
}

fn numbers(network: &Network) -> Vec<f64> {
    flat(&layers_of(network.parameters()))
}

#[track_caller]
fn assert_average(decays: &[Option<f32>]) {
    let networks = networks();
    let mut average = Average::new(&networks[6]);
    assert_eq!(average.network(&networks[0]), networks[6], "nothing is taken yet");
    let mut expected = vec![0.0; numbers(&networks[0]).len()];
    for (step, (network, &decay)) in networks.iter().zip(decays).enumerate() {
        average.take(network, decay);
        assert_eq!(average.parts().1, step as u64 + 1);
        let share = match decay {
            _ if step == 0 => 1.0,
            Some(decay) => 1.0 - f64::from(decay),
            None => 1.0 / (step as f64 + 1.0),
        };
        for (expected, new) in expected.iter_mut().zip(numbers(network)) {
            *expected = (1.0 - share) * *expected + share * new;
        }
        for (found, expected) in numbers(&average.network(network)).iter().zip(&expected) {
            assert!((found - expected).abs() <= 3e-7, "step {step}: {found}, expected {expected}");
        }
    }
}

#[test]
fn an_average_is_that_of_the_oracle() {
    assert_average(&[None; 7]);
    assert_average(&[Some(0.9); 7]);
    assert_average(&[Some(0.5), Some(0.9), Some(0.0), Some(1.0), None, None, Some(0.25)]);
}

#[test]
fn a_mean_is_the_sum_divided_by_the_count() {
    let networks = networks();
    let mut average = Average::new(&networks[0]);
    networks.iter().for_each(|network| average.take(network, None));
    let all: Vec<Vec<f64>> = networks.iter().map(numbers).collect();
    for (index, found) in numbers(&average.network(&networks[0])).iter().enumerate() {
        let expected = all.iter().map(|numbers| numbers[index]).sum::<f64>() / 7.0;
        assert!((found - expected).abs() <= 3e-7, "{index}: {found}, expected {expected}");
    }
}

#[test]
fn any_number_of_threads_takes_the_same_bits_and_an_average_goes_on_from_its_parts() {
    let networks = networks();
    for decay in [None, Some(0.75)] {
        let mut expected = Average::new(&networks[0]);
        let mut found: Vec<_> = (1..=4).map(|threads| (engine(threads), expected.clone())).collect();
        for network in &networks {
            expected.take(network, decay);
            let (parameters, count) = expected.parts();
            for (engine, average) in &mut found {
                engine.average(average, network, decay);
                assert_eq!(bits(average.parts().0), bits(parameters));
                assert_eq!(*average, expected);
                *average = Average::from_parts(average.parts().0.clone(), count);
            }
        }
        let mut written = networks[2].clone();
        expected.write_to(&mut written);
        assert_eq!(bits(written.parameters()), bits(expected.parts().0));
        assert_eq!(written, expected.network(&networks[3]));
    }
}

#[test]
fn an_average_of_one_network_is_that_network() {
    let network = &networks()[0];
    for decay in [None, Some(0.9)] {
        let mut average = Average::new(network);
        for _ in 0..20 {
            average.take(network, decay);
            assert_eq!(bits(average.parts().0), bits(network.parameters()));
        }
    }
}

#[test]
fn other_networks_and_decays_are_refused() {
    let network = &networks()[0];
    let mut average = Average::new(network);
    let mut other = samples::network(&[130, 9, 3], Activation::Relu, Activation::Identity, &mut rng(1));
    let message = "the average is of another network";
    assert_eq!(panic_of(|| average.take(&other, None)), message);
    assert_eq!(panic_of(|| average.network(&other)), message);
    assert_eq!(panic_of(|| average.write_to(&mut other)), message);
    assert_eq!(panic_of(|| engine(2).average(&mut average, &other, None)), message);
    for (decay, text) in [(1.5, "1.5"), (-0.5, "-0.5"), (f32::NAN, "NaN")] {
        let expected = format!("a decay of {text}, expected 0 to 1");
        assert_eq!(panic_of(|| average.take(network, Some(decay))), expected);
    }
    assert_eq!(average.parts().1, 0, "what is refused is not counted");
}
