//! What only the inside can tell: the random numbers themselves.

use super::random::Draws;

#[test]
fn numbers_are_those_of_an_independent_program() {
    // tests/golden/augmentation.py
    let bits =
        |draws: Draws, places: &[u64]| places.iter().map(|&place| draws.bits(place)).collect::<Vec<_>>();
    let expected = [15_175_569_134_353_322_057, 3_083_594_651_611_524_859, 1_387_852_741_584_116_624];
    assert_eq!(bits(Draws::new(42, 3, 17), &[0, 1, 99]), expected);
    let expected = [6_623_673_974_694_828_908, 5_243_488_614_825_055_135];
    assert_eq!(bits(Draws::new(u64::MAX, u32::MAX, 59_999), &[0, 1]), expected);
}

#[test]
fn numbers_have_the_moments_of_their_distributions() {
    let (mut uniform, mut normal) = ([0.0; 3], [0.0; 3]);
    let count = 200_000;
    for index in 0..count / 100 {
        let draws = Draws::new(1, 1, index);
        for place in 0..100 {
            for (sums, value) in
                [(&mut uniform, draws.uniform(place)), (&mut normal, f64::from(draws.normal(place)))]
            {
                for (sum, power) in sums.iter_mut().zip([1, 2, 4]) {
                    *sum += value.powi(power) / count as f64;
                }
            }
        }
    }
    // The fourth moment of a sum of four uniform numbers is 3 - 6 / 20. Tolerances are five standard errors.
    for (found, expected, tolerance) in [
        (uniform[0], 0.0, 0.0065),
        (uniform[1], 1.0 / 3.0, 0.0034),
        (uniform[2], 0.2, 0.003),
        (normal[0], 0.0, 0.0112),
        (normal[1], 1.0, 0.0146),
        (normal[2], 2.7, 0.09),
    ] {
        assert!((found - expected).abs() < tolerance, "{found}, expected {expected}");
    }
}

#[test]
fn keys_of_neighbours_share_no_bits() {
    // Each pair of samples that differ in one bit of epoch or index has numbers that differ in about half of theirs.
    let first = Draws::new(1, 1, 0);
    for other in
        (0..32).map(|bit| Draws::new(1, 1 ^ 1 << bit, 0)).chain((0..20).map(|bit| Draws::new(1, 1, 1 << bit)))
    {
        let differing: u32 = (0..64).map(|place| (first.bits(place) ^ other.bits(place)).count_ones()).sum();
        assert!((1850..2250).contains(&differing), "{differing} of 4096");
    }
}
