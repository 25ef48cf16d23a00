//! Which average of a fit's weights is its result: owns the two kinds and how they are spelled, and refuses to know how
//! an average is computed.

use std::{fmt, str::FromStr};

/// Which weights of the steps are averaged to a network that is better than each of them: what is left of the noise of
/// the last steps cancels out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Averaging {
    /// An exponential moving average from the first step on: a = decay a + (1 - decay) w after each (Polyak and
    /// Juditsky 1992, in the form that deep learning gave it).
    Ema {
        /// Above 0 and below 1: 0.999 remembers some thousand steps.
        decay: f32,
    },
    /// The plain mean over the last part of all steps (stochastic weight averaging, Izmailov et al. 2018).
    Tail {
        /// The share of all steps, above 0 and at most 1.
        share: f32,
    },
}

impl Averaging {
    /// The first step, from 0, whose weights count, of so many in all.
    #[must_use]
    pub fn first_step(self, steps: u64) -> u64 {
        match self {
            Averaging::Ema { .. } => 0,
            // At least the last step.
            Averaging::Tail { share } => {
                // The share that was typed, such as 0.1: in binary it is a little more, and so would be the product.
                let share: f64 = share.to_string().parse().unwrap_or(f64::from(share));
                let counted = (share * steps as f64 - 1e-9).ceil() as u64;
                steps - counted.clamp(1, steps.max(1)).min(steps)
            }
        }
    }

    /// Of a moving average, how much of it stays at each step.
    #[must_use]
    pub fn decay(self) -> Option<f32> {
        match self {
            Averaging::Ema { decay } => Some(decay),
            Averaging::Tail { .. } => None,
        }
    }

    pub(crate) fn check(self) -> Result<(), InvalidAveraging> {
        let (Averaging::Ema { decay: number } | Averaging::Tail { share: number }) = self;
        self.check_typed(&number.to_string())
    }

    /// The same of a number that was typed so: in f32 it may be another one.
    fn check_typed(self, found: &str) -> Result<(), InvalidAveraging> {
        let found = found.to_owned();
        match self {
            Averaging::Ema { decay } if !(decay > 0.0 && decay < 1.0) => {
                Err(InvalidAveraging::Decay { found })
            }
            Averaging::Tail { share } if !(share > 0.0 && share <= 1.0) => {
                Err(InvalidAveraging::Share { found })
            }
            Averaging::Ema { .. } | Averaging::Tail { .. } => Ok(()),
        }
    }
}

impl fmt::Display for Averaging {
    /// As [`FromStr`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Averaging::Ema { decay } => write!(f, "ema:{decay}"),
            Averaging::Tail { share } => write!(f, "tail:{share}"),
        }
    }
}

impl FromStr for Averaging {
    type Err = InvalidAveraging;

    /// Reads `ema:DECAY` or `tail:SHARE`.
    fn from_str(text: &str) -> Result<Averaging, InvalidAveraging> {
        let spelling = || InvalidAveraging::Spelling { found: text.to_owned() };
        let (kind, typed) = text.split_once(':').ok_or_else(spelling)?;
        let number = typed.parse().map_err(|_| spelling())?;
        let averaging = match kind {
            "ema" => Averaging::Ema { decay: number },
            "tail" => Averaging::Tail { share: number },
            _ => return Err(spelling()),
        };
        averaging.check_typed(typed)?;
        Ok(averaging)
    }
}

/// Why there is no such average.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAveraging {
    /// It is not one that is read.
    #[error("expected ema:DECAY or tail:SHARE, such as ema:0.999 or tail:0.25, found {found}")]
    Spelling {
        /// What was found.
        found: String,
    },
    /// No average would stay, or nothing be added to it.
    #[error("expected a decay above 0 and at most 0.99999994, found {found}")]
    Decay {
        /// The decay, as it was given.
        found: String,
    },
    /// Nothing would be averaged, or more than there is.
    #[error("expected a share of the steps above 0 and at most 1, found {found}")]
    Share {
        /// The share, as it was given.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_read_as_they_are_written() {
        for text in ["ema:0.999", "ema:0.5", "tail:0.25", "tail:1"] {
            assert_eq!(text.parse::<Averaging>().unwrap().to_string(), text);
        }
        for text in
            ["", "ema", "ema:", "ema:1", "ema:0", "ema:NaN", "tail:0", "tail:1.01", "mean:0.5", "tail:-1"]
        {
            assert!(text.parse::<Averaging>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_number_is_shown_as_it_was_typed() {
        let message = |text: &str| text.parse::<Averaging>().unwrap_err().to_string();
        assert_eq!(
            message("ema:0.999999999"),
            "expected a decay above 0 and at most 0.99999994, found 0.999999999"
        );
        assert!(message("tail:1.30000001").ends_with("above 0 and at most 1, found 1.30000001"));
    }

    #[test]
    fn a_tail_has_its_share_of_the_steps_and_at_least_one() {
        let first = |share, steps| Averaging::Tail { share }.first_step(steps);
        assert_eq!([first(0.25, 100), first(1.0, 100), first(1e-9, 100), first(0.5, 1)], [75, 0, 99, 0]);
        assert_eq!([first(0.1, 1000), first(0.1, 10), first(0.07, 100), first(0.3, 11)], [900, 9, 93, 7]);
        assert_eq!([first(0.5, 0), Averaging::Ema { decay: 0.9 }.first_step(7)], [0, 0]);
    }
}
