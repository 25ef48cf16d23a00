//! Where values stand on an axis: owns scales of numbers and of names, their ticks, and what is cut off below, and
//! refuses to know what is drawn there.

use crate::{
    report::chart::{nice_step, plain},
    sweep::file::Values,
};

/// Longer names are cut.
const LONGEST_NAME: usize = 18;

/// An axis from 0 to 1, and what stands where on it.
pub(super) struct Scale {
    kind: Kind,
    pub(super) ticks: Vec<(f64, String)>,
}

enum Kind {
    /// As far from one another, whatever they are.
    Names(Vec<String>),
    Numbers {
        from: f64,
        to: f64,
        is_logarithmic: bool,
    },
}

impl Scale {
    /// For the values of a setting.
    pub(super) fn of(values: &Values) -> Scale {
        match values {
            Values::List(list) => Scale::names(list.clone()),
            &Values::Range { from, to, is_logarithmic, .. } => Scale::numbers(from, to, is_logarithmic),
        }
    }

    pub(super) fn names(names: Vec<String>) -> Scale {
        let place = |index: usize| (index as f64 + 0.5) / names.len().max(1) as f64;
        let ticks = names.iter().enumerate().map(|(index, name)| (place(index), short(name))).collect();
        Scale { kind: Kind::Names(names), ticks }
    }

    pub(super) fn numbers(from: f64, to: f64, is_logarithmic: bool) -> Scale {
        let kind = Kind::Numbers { from, to, is_logarithmic };
        let values = if is_logarithmic { powers(from, to) } else { steps(from, to) };
        let scale = Scale { kind, ticks: Vec::new() };
        let ticks = values.into_iter().map(|value| (scale.at(value), number(value))).collect();
        Scale { ticks, ..scale }
    }

    /// For accuracies: wide enough for the better three quarters, and half as far again below them. One network that
    /// learned nothing must not press all others into a line. Tells whether some are cut off.
    pub(super) fn accuracies(values: &[f64]) -> (Scale, bool) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
            return (Scale::percent(0.0, 1.0), false);
        };
        let quarter = sorted[sorted.len() / 4];
        let low = least.max(quarter - 0.5 * (most - quarter).max(0.002));
        let step = nice_step(((most - low) / 5.0).max(2e-4));
        let (from, to) = ((low / step + 1e-9).floor() * step, ((most / step - 1e-9).ceil() * step).min(1.0));
        let from = from.min(to - step).max(0.0);
        (Scale::percent(from, to), least < from - 1e-12)
    }

    fn percent(from: f64, to: f64) -> Scale {
        let step = nice_step((to - from) / 6.0);
        let decimals = (-(100.0 * step).log10().floor()).clamp(0.0, 3.0) as usize;
        let scale = Scale { kind: Kind::Numbers { from, to, is_logarithmic: false }, ticks: Vec::new() };
        let text = |value: f64| format!("{:.decimals$} %", 100.0 * value);
        let ticks =
            steps_of(from, to, step).into_iter().map(|value| (scale.at(value), text(value))).collect();
        Scale { ticks, ..scale }
    }

    /// Seconds, from a little less than the least.
    pub(super) fn seconds(values: &[f64]) -> Scale {
        let (least, most) = values
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, most), &value| (least.min(value), most.max(value)));
        if !(least.is_finite() && least > 0.0) {
            return Scale::numbers(0.0, most.max(1.0), false);
        }
        if most / least > 8.0 {
            return Scale::numbers(least / 1.15, most * 1.15, true);
        }
        let step = nice_step(most / 6.0);
        let from = if most / least > 2.0 { 0.0 } else { (least / step - 0.2).floor().max(0.0) * step };
        Scale::numbers(from, (most / step + 0.2).ceil() * step, false)
    }

    /// Where a number is.
    pub(super) fn at(&self, value: f64) -> f64 {
        let Kind::Numbers { from, to, is_logarithmic } = self.kind else { return 0.5 };
        let share = if is_logarithmic {
            (value.ln() - from.ln()) / (to.ln() - from.ln())
        } else {
            (value - from) / (to - from)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 }
    }

    /// Where the value of a setting is.
    pub(super) fn of_value(&self, value: &str) -> f64 {
        match &self.kind {
            Kind::Names(names) => {
                let index = names.iter().position(|name| name == value).unwrap_or_default();
                (index as f64 + 0.5) / names.len().max(1) as f64
            }
            Kind::Numbers { .. } => value.parse().map_or(0.5, |value| self.at(value)),
        }
    }

    /// How much of the axis a name has for itself; numbers have nothing.
    pub(super) fn room(&self) -> f64 {
        match &self.kind {
            Kind::Names(names) => 1.0 / names.len().max(1) as f64,
            Kind::Numbers { .. } => 0.0,
        }
    }
}

/// 0, 0.01, 1e-6
fn number(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { plain(value) }
}

fn short(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(LONGEST_NAME - 1).collect();
    format!("{kept}…")
}

fn steps(from: f64, to: f64) -> Vec<f64> {
    steps_of(from, to, nice_step((to - from) / 5.0))
}

fn steps_of(from: f64, to: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((from / step - 1e-9).ceil(), (to / step + 1e-9).floor());
    (0..=(last - first).clamp(0.0, 100.0) as u32).map(|number| (first + f64::from(number)) * step).collect()
}

/// Powers of ten, and twice and five times those where there are few.
fn powers(from: f64, to: f64) -> Vec<f64> {
    let factors: &[f64] = if to / from > 1000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let all = decades.flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)));
    all.filter(|value| (from * (1.0 - 1e-9)..=to * (1.0 + 1e-9)).contains(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn names_are_in_their_order_and_numbers_at_their_place() {
        let names = Scale::of(&Values::List(vec!["relu".to_owned(), "tanh".to_owned()]));
        assert_eq!((names.of_value("relu"), names.of_value("tanh"), names.room()), (0.25, 0.75, 0.5));
        let range = |from, to, is_logarithmic| Values::Range { from, to, is_logarithmic, is_whole: false };
        let rate = Scale::of(&range(0.01, 1.0, true));
        assert_eq!(ticks(&rate), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]);
        assert!((rate.of_value("0.1") - 0.5).abs() < 1e-12);
        assert_eq!(ticks(&Scale::of(&range(0.0, 0.5, false))), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(ticks(&Scale::of(&range(1e-6, 1.0, true))).len(), 7);
        assert_eq!(short("rotation=10,scale=0.1,shear=0.1"), "rotation=10,scale…");
    }

    #[test]
    fn one_network_that_learned_nothing_does_not_press_the_others_together() {
        let (scale, is_cut) = Scale::accuracies(&[0.098, 0.97, 0.972, 0.975, 0.978]);
        assert!(is_cut && scale.at(0.098) == 0.0 && scale.at(0.978) - scale.at(0.97) > 0.1);
        let (scale, is_cut) = Scale::accuracies(&[0.97, 0.972, 0.978]);
        assert!(!is_cut && scale.at(0.97) >= 0.0 && scale.at(0.978) <= 1.0);
        assert_eq!(ticks(&scale), ["97.0 %", "97.2 %", "97.4 %", "97.6 %", "97.8 %"]);
    }

    #[test]
    fn nothing_one_value_and_equal_ones_have_a_scale_too() {
        for values in [&[][..], &[0.5], &[1.0, 1.0], &[0.0, 0.0, 0.0]] {
            let (scale, is_cut) = Scale::accuracies(values);
            assert!(!is_cut && !scale.ticks.is_empty() && scale.ticks.len() < 20, "{values:?}");
            assert!(values.iter().all(|value| (0.0..=1.0).contains(&scale.at(*value))));
            let scale = Scale::seconds(values);
            assert!(scale.ticks.len() < 20 && scale.at(0.5).is_finite(), "{values:?}");
        }
    }
}
