//! Random values of settings: owns how a number of chance becomes a value, and refuses to know what values are for.
//!
//! The value of a setting in a draw follows from the seed, the number of the draw and the setting's name, and from
//! nothing else: more trials leave the first ones as they are, and another setting changes no value of the others.

use sha2::{Digest, Sha256};

use super::file::{Axis, Values};

/// The values of the settings in draw number `draw`, counted from 0.
pub(super) fn draw(axes: &[Axis], seed: u64, draw: u64) -> Vec<String> {
    axes.iter().map(|axis| at(&axis.values, share(seed, draw, &axis.key))).collect()
}

/// A number from 0 to below 1: the first 53 bits of SHA-256 of seed and number, 8 bytes each, the least first, and the
/// name.
pub(super) fn share(seed: u64, number: u64, name: &str) -> f64 {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(number.to_le_bytes());
    hasher.update(name.as_bytes());
    let hash = hasher.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    (u64::from_be_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The value at a share of all that there are, as a flag spells it.
pub(super) fn at(values: &Values, share: f64) -> String {
    match *values {
        Values::List(ref list) => {
            let index = (share * list.len() as f64) as usize;
            list.get(index.min(list.len().saturating_sub(1))).cloned().unwrap_or_default()
        }
        Values::Range { from, to, is_logarithmic, is_whole } => {
            // Of whole numbers the last one is as likely as the others.
            let end = if is_whole { to + 1.0 } else { to };
            let value = if is_logarithmic {
                (from.ln() + share * (end.ln() - from.ln())).exp()
            } else {
                from + share * (end - from)
            };
            if is_whole { value.floor().clamp(from, to).to_string() } else { rounded(value.clamp(from, to)) }
        }
    }
}

/// To four digits: more say nothing, cannot be read, and would depend on the last bit of a logarithm.
fn rounded(value: f64) -> String {
    format!("{value:.3e}").parse().unwrap_or(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: f64, to: f64, is_logarithmic: bool, is_whole: bool) -> Values {
        Values::Range { from, to, is_logarithmic, is_whole }
    }

    /// By Python:
    /// ```python
    /// import hashlib, math, struct
    /// def share(seed, number, name):
    ///     digest = hashlib.sha256(struct.pack("<QQ", seed, number) + name.encode()).digest()
    ///     return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    /// for number in range(4):
    ///     rate = math.exp(math.log(0.05) + share(7, number, "rate") * (math.log(1) - math.log(0.05)))
    ///     hidden = math.floor(20 + share(7, number, "hidden") * 181)
    ///     batch = [25, 50, 100][int(share(7, number, "batch") * 3)]
    ///     print(f"{rate:.4g} {hidden} {batch}")
    /// ```
    #[test]
    fn draws_are_those_of_another_program() {
        let axis = |key: &str, values| Axis { key: key.to_owned(), values };
        let axes = [
            axis("rate", range(0.05, 1.0, true, false)),
            axis("hidden", range(20.0, 200.0, false, true)),
            axis("batch", Values::List(["25", "50", "100"].map(str::to_owned).to_vec())),
        ];
        let draws: Vec<String> = (0..4).map(|number| draw(&axes, 7, number).join(" ")).collect();
        assert_eq!(draws, GOLDEN);
        // Another setting changes nothing of the others.
        assert_eq!(draw(&axes[..1], 7, 3)[0], draw(&axes, 7, 3)[0]);
    }

    const GOLDEN: [&str; 4] = ["0.06472 81 25", "0.06149 198 50", "0.2609 160 25", "0.2193 80 25"];

    #[test]
    fn every_whole_number_of_a_range_is_as_likely_and_no_other_is_drawn() {
        let values = range(3.0, 6.0, false, true);
        let mut counts = [0; 4];
        for number in 0..4000 {
            let value: usize = at(&values, share(1, number, "x")).parse().unwrap();
            counts[value - 3] += 1;
        }
        // Within four standard deviations, 27 each, of a thousand.
        assert!(counts.iter().all(|count| (890..1110).contains(count)), "{counts:?}");
    }

    #[test]
    fn half_of_a_logarithmic_range_is_below_its_geometric_middle() {
        let values = range(0.001, 10.0, true, false);
        let below =
            (0..1000).filter(|&number| at(&values, share(2, number, "y")).parse::<f64>().unwrap() < 0.1);
        assert!((440..560).contains(&below.count()));
        assert_eq!([0.0, 0.5].map(|share| at(&values, share)), ["0.001", "0.1"]);
        assert_eq!(at(&range(0.0, 0.3, false, false), 1.0 / 3.0), "0.1");
        assert_eq!(at(&range(1e-9, 1e-7, true, false), 0.5), "0.00000001");
    }
}
