//! The learning rate as a function of the step: owns the four formulas and their spelling, and refuses to know
//! which optimizer uses them.

use std::{fmt, num::NonZeroU32, str::FromStr};

/// How the learning rate moves over a fit.
///
/// In the formulas, `r` is the peak rate, `s` the step (from 0), `T` the number of steps of the whole fit.
///
/// As text (`Display` and `FromStr` are inverses): `constant`, `step:5:0.5`, `cosine`, `one-cycle:0.3`; plain
/// `one-cycle` reads as a warm-up of 0.3.
///
/// # Examples
/// ```
/// use nn_train::Schedule;
///
/// let schedule: Schedule = "one-cycle:0.25".parse()?;
/// let rates: Vec<f32> = (0..8).map(|step| schedule.rate(12.0, step, 4, 2)).collect();
/// assert_eq!(rates, [3.0, 9.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0]);
/// # Ok::<(), nn_train::InvalidSchedule>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// `r`
    Constant,
    /// `r factor^k`, where `k = floor(epoch / every)` and the epoch counts from 0: the rate is multiplied by
    /// `factor` after each `every` epochs.
    Step {
        /// How many epochs share one rate.
        every: NonZeroU32,
        /// What the rate is multiplied by; finite and above 0.
        factor: f32,
    },
    /// `r (1 + cos(pi s / T)) / 2`: the first step has the whole rate, and the step after the last would have
    /// none. Loshchilov and Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017, without the
    /// restarts.
    Cosine,
    /// A triangle: with `t = s + 1/2` (the middle of the step, so that no step is spent at rate zero) and
    /// `w = warmup T`, the rate is `r t / w` while `t < w` and `r (T - t) / (T - w)` afterwards. After Smith and
    /// Topin, *Super-Convergence*, 2018, with both legs ending at zero.
    OneCycle {
        /// The fraction of all steps spent on the way up, between 0 and 1.
        warmup: f32,
    },
}

/// What plain `one-cycle` means.
const DEFAULT_WARMUP: f32 = 0.3;

impl Schedule {
    /// The rate of step `step` (from 0) of a fit of `epochs` epochs of `steps_per_epoch` steps each.
    ///
    /// A pure function. After the last step the decaying schedules stay at zero. A `steps_per_epoch` of 0 is
    /// taken as 1.
    #[must_use]
    pub fn rate(self, peak: f32, step: u64, steps_per_epoch: u64, epochs: u32) -> f32 {
        let steps_per_epoch = steps_per_epoch.max(1);
        let total = steps_per_epoch as f64 * f64::from(epochs);
        let step_number = step as f64;
        let share = match self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, factor } => {
                let decays = step / steps_per_epoch / u64::from(every.get());
                f64::from(factor).powf(decays as f64)
            }
            Schedule::Cosine if step_number < total => {
                f64::midpoint(1.0, (std::f64::consts::PI * step_number / total).cos())
            }
            Schedule::OneCycle { warmup } if step_number < total => {
                let middle = step_number + 0.5;
                let top = f64::from(warmup) * total;
                if middle < top { middle / top } else { (total - middle) / (total - top) }
            }
            Schedule::Cosine | Schedule::OneCycle { .. } => 0.0,
        };
        (f64::from(peak) * share) as f32
    }

    /// Checks the numbers inside.
    ///
    /// # Errors
    /// When a factor is not finite and above 0, or a warm-up is not between 0 and 1.
    pub fn check(self) -> Result<(), InvalidSchedule> {
        match self {
            Schedule::Step { factor: number, .. } | Schedule::OneCycle { warmup: number } => {
                self.check_typed(&number.to_string())
            }
            Schedule::Constant | Schedule::Cosine => Ok(()),
        }
    }

    /// The same of a schedule whose number was typed so: in f32 it may be another one.
    fn check_typed(self, found: &str) -> Result<(), InvalidSchedule> {
        let found = found.to_owned();
        match self {
            Schedule::Step { factor, .. } if !(factor.is_finite() && factor > 0.0) => {
                Err(InvalidSchedule::Factor { found })
            }
            Schedule::OneCycle { warmup } if !(0.0..=1.0).contains(&warmup) => {
                Err(InvalidSchedule::Warmup { found })
            }
            Schedule::Constant | Schedule::Step { .. } | Schedule::Cosine | Schedule::OneCycle { .. } => {
                Ok(())
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Constant => f.write_str("constant"),
            Schedule::Step { every, factor } => write!(f, "step:{every}:{factor}"),
            Schedule::Cosine => f.write_str("cosine"),
            Schedule::OneCycle { warmup } => write!(f, "one-cycle:{warmup}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Schedule, InvalidSchedule> {
        let parts: Vec<&str> = text.split(':').collect();
        let schedule = match parts[..] {
            ["constant"] => Schedule::Constant,
            ["step", every, factor] => Schedule::Step {
                every: every.parse().map_err(|_| InvalidSchedule::Every { found: every.to_owned() })?,
                factor: factor.parse().map_err(|_| InvalidSchedule::Factor { found: factor.to_owned() })?,
            },
            ["cosine"] => Schedule::Cosine,
            ["one-cycle"] => Schedule::OneCycle { warmup: DEFAULT_WARMUP },
            ["one-cycle", warmup] => Schedule::OneCycle {
                warmup: warmup.parse().map_err(|_| InvalidSchedule::Warmup { found: warmup.to_owned() })?,
            },
            _ => return Err(InvalidSchedule::Unknown { found: text.to_owned() }),
        };
        schedule.check_typed(parts.last().copied().unwrap_or_default())?;
        Ok(schedule)
    }
}

/// Why a [`Schedule`] makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSchedule {
    /// The text names no schedule.
    #[error(
        "unknown schedule `{found}`, expected constant, step:<epochs>:<factor>, cosine, one-cycle \
         or one-cycle:<warm-up>"
    )]
    Unknown {
        /// The text.
        found: String,
    },
    /// The epochs of a step schedule.
    #[error("the epochs of a step schedule are `{found}`, expected a whole number above 0")]
    Every {
        /// The number, as it was given.
        found: String,
    },
    /// The factor of a step schedule.
    #[error("the factor of a step schedule is `{found}`, expected a finite number above 0")]
    Factor {
        /// The number, as it was given.
        found: String,
    },
    /// The warm-up of a one-cycle schedule.
    #[error("the warm-up of a one-cycle schedule is `{found}`, expected a fraction between 0 and 1")]
    Warmup {
        /// The number, as it was given.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of a fit of `epochs` epochs of `steps` steps.
    fn rates(schedule: &str, peak: f32, steps: u64, epochs: u32) -> Vec<f32> {
        let schedule: Schedule = schedule.parse().unwrap();
        (0..steps * u64::from(epochs)).map(|step| schedule.rate(peak, step, steps, epochs)).collect()
    }

    #[test]
    fn a_wrong_number_is_shown_as_it_was_typed() {
        for (text, number) in [("step:5:1e-50", "1e-50"), ("step:5:1e39", "1e39"), ("one-cycle:nan", "nan")] {
            let message = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(message.contains(&format!("is `{number}`, expected")), "{message}");
        }
    }

    #[test]
    fn constant_never_moves() {
        assert_eq!(rates("constant", 0.1, 3, 2), [0.1; 6]);
    }

    #[test]
    fn step_multiplies_after_each_run_of_epochs() {
        assert_eq!(rates("step:2:0.5", 0.8, 1, 5), [0.8, 0.8, 0.4, 0.4, 0.2]);
        assert_eq!(rates("step:1:0.25", 8.0, 2, 3), [8.0, 8.0, 2.0, 2.0, 0.5, 0.5]);
    }

    #[test]
    fn cosine_starts_at_the_peak_and_passes_its_half_in_the_middle() {
        assert_eq!(rates("cosine", 2.0, 2, 2), [2.0, 1.707_106_8, 1.0, 0.292_893_23]);
    }

    #[test]
    fn one_cycle_is_a_triangle_sampled_at_the_middle_of_each_step() {
        assert_eq!(rates("one-cycle:0.25", 12.0, 4, 2), [3.0, 9.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0]);
    }

    #[test]
    fn one_cycle_without_a_warm_up_only_falls_and_with_nothing_else_only_rises() {
        assert_eq!(rates("one-cycle:0", 4.0, 2, 1), [3.0, 1.0]);
        assert_eq!(rates("one-cycle:1", 4.0, 2, 1), [1.0, 3.0]);
    }

    #[test]
    fn one_cycle_reaches_its_peak_when_a_step_has_its_middle_there() {
        assert_eq!(rates("one-cycle:0.5", 0.5, 3, 1)[1], 0.5);
    }

    #[test]
    fn every_rate_of_a_fit_is_above_zero_and_none_is_above_the_peak() {
        for schedule in ["constant", "step:1:0.9", "cosine", "one-cycle", "one-cycle:0", "one-cycle:1"] {
            for steps in [1, 2, 938] {
                let rates = rates(schedule, 0.5, steps, 3);
                assert!(rates.iter().all(|&rate| rate > 0.0 && rate <= 0.5), "{schedule}: {rates:?}");
            }
        }
    }

    #[test]
    fn after_the_last_step_the_decaying_schedules_stay_at_zero() {
        for step in [6, 7, u64::MAX] {
            assert_eq!(Schedule::Cosine.rate(1.0, step, 3, 2), 0.0);
            assert_eq!(Schedule::OneCycle { warmup: 1.0 }.rate(1.0, step, 3, 2), 0.0);
        }
    }

    #[test]
    fn a_fit_of_no_steps_has_no_nan_in_it() {
        for schedule in ["constant", "step:1:0.5", "cosine", "one-cycle"] {
            let schedule: Schedule = schedule.parse().unwrap();
            assert!(schedule.rate(1.0, 0, 0, 0).is_finite());
        }
    }

    #[test]
    fn text_and_schedule_are_inverses() {
        for text in ["constant", "step:5:0.5", "step:1:0.1", "cosine", "one-cycle:0.3", "one-cycle:1"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        assert_eq!("one-cycle".parse(), Ok(Schedule::OneCycle { warmup: 0.3 }));
    }

    #[test]
    fn errors_name_what_was_found_and_what_was_expected() {
        let message = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
        assert_eq!(
            message("linear"),
            "unknown schedule `linear`, expected constant, step:<epochs>:<factor>, cosine, one-cycle or \
             one-cycle:<warm-up>"
        );
        assert_eq!(message("constant:1"), message("linear").replace("linear", "constant:1"));
        assert_eq!(
            message("step:0:0.5"),
            "the epochs of a step schedule are `0`, expected a whole number above 0"
        );
        assert_eq!(
            message("step:5:nan"),
            "the factor of a step schedule is `nan`, expected a finite number above 0"
        );
        assert_eq!(
            message("step:5:"),
            "the factor of a step schedule is ``, expected a finite number above 0"
        );
        assert_eq!(
            message("one-cycle:1.5"),
            "the warm-up of a one-cycle schedule is `1.5`, expected a fraction between 0 and 1"
        );
    }
}
