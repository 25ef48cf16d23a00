//! The file of a sweep: owns its tables and keys, and what is wrong with them and where, and refuses to know what is
//! made of them. A setting has the name, the spelling and the check that it has in a configuration of `train`.

use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    args::{TrainArgs, Validation},
    config::{self, Wrong, in_order, parse_table, spelled, take, take_text, unknown_key},
};

/// What stands beside the settings at the top of a file.
const TABLES: [&str; 5] = ["seeds", "grid", "random", "budget", "halving"];
/// Settings of `train` that a sweep has in another way, or not.
const NOT_SETTINGS: [(&str, &str); 3] = [
    ("seed", "`seeds = [1, 2, 3]` at the top, or a count, says with which seeds each combination is trained"),
    ("patience", "a sweep compares trainings of known length; [halving] gives up what is worse"),
    ("checkpoint-every", "a sweep keeps each training that is over; `epochs` says how long they are"),
];
/// Settings that are the same for all networks: what they were chosen by could not be compared otherwise.
const COMMON: [&str; 2] = ["validation", "data"];

/// As many networks as nobody waits for.
const MOST_SEEDS: u64 = 1000;
const MOST_COMBINATIONS: usize = 100_000;

/// What a file asks for.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    /// The settings of all networks.
    pub(super) base: TrainArgs,
    /// The same as they are spelled, in the order of the file.
    pub(super) base_text: Vec<(String, String)>,
    pub(super) search: Search,
    pub(super) seeds: Vec<u64>,
    pub(super) budget: Budget,
    pub(super) halving: Option<Halving>,
}

/// Which combinations of settings are tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Search {
    Grid { axes: Vec<Axis> },
    Random { trials: usize, seed: u64, axes: Vec<Axis> },
}

/// A setting that is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Axis {
    pub(super) key: String,
    pub(super) values: Values,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Values {
    /// As flags spell them.
    List(Vec<String>),
    Range {
        from: f64,
        to: f64,
        /// Whether each factor is as likely as another one of its size, not each difference.
        is_logarithmic: bool,
        /// Whether only whole numbers are meant.
        is_whole: bool,
    },
}

/// What all trainings may take together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Budget {
    pub(super) epochs: Option<u64>,
    pub(super) minutes: Option<f64>,
}

/// Which combinations are given up early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Halving {
    /// Epochs of each rung, ascending.
    pub(super) rungs: Vec<u32>,
    /// The share of the combinations that goes on to the next rung.
    pub(super) keep: f64,
}

impl Search {
    pub(super) fn axes(&self) -> &[Axis] {
        match self {
            Search::Grid { axes } | Search::Random { axes, .. } => axes,
        }
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Sweep {
    pub(super) fn parse(text: &str) -> Result<Sweep, Wrong> {
        let table = parse_table(text)?;
        let mut sweep = Sweep {
            base: TrainArgs::default(),
            base_text: Vec::new(),
            search: Search::Grid { axes: Vec::new() },
            seeds: vec![1],
            budget: Budget::default(),
            halving: None,
        };
        let (mut search, mut epochs) = (None, None);
        for (key, value) in in_order(table.get_ref()) {
            let name = &**key.get_ref();
            match name {
                "grid" | "random" => {
                    if search.is_some() {
                        let message = "a sweep has one table, [grid] or [random], found both";
                        return Err(wrong(key.span(), message, "a list in [random] is drawn from, too"));
                    }
                    search = Some(if name == "grid" { grid(value)? } else { random(value)? });
                }
                "seeds" => sweep.seeds = seeds(value)?,
                "budget" => sweep.budget = budget(value)?,
                "halving" => sweep.halving = Some(halving(value)?),
                _ => {
                    check_setting(key.span(), name, &TABLES)?;
                    let spelled = take(&mut sweep.base, name, value)?;
                    if name == "epochs" {
                        epochs = Some(key.span());
                    }
                    if name == "validation" {
                        check_validation(sweep.base.validation, value.span())?;
                    }
                    sweep.base_text.push((name.to_owned(), spelled));
                }
            }
        }
        let hint = "such as\n[grid]\nrate = [0.3, 0.5, 0.7]";
        sweep.search = search.ok_or_else(|| {
            wrong(0..0, "expected a table [grid] or [random] with what to try, found none", hint)
        })?;
        let epochs = epochs.or_else(|| {
            let is_varied = sweep.search.axes().iter().any(|axis| axis.key == "epochs");
            is_varied.then_some(0..0)
        });
        if let (Some(_), Some(span)) = (&sweep.halving, epochs) {
            let hint =
                "the last of the `rungs` is for how many epochs the best are trained: leave `epochs` out";
            return Err(wrong(span, "`epochs` and [halving] both say how long trainings are", hint));
        }
        let is_said = |key: &str, base: bool| base || sweep.search.axes().iter().any(|axis| axis.key == key);
        let base = &sweep.base;
        if is_said("teacher-share", base.teacher_share.is_some())
            && !is_said("teacher", base.teacher.is_some())
        {
            let message = "`teacher-share` is how much is learnt from teachers, and there are none";
            return Err(wrong(0..0, message, "`teacher` names them"));
        }
        Ok(sweep)
    }
}

fn wrong(span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Wrong {
    Wrong { span, message: message.into(), hint: hint.into() }
}

/// Checks that a sweep has a setting of that name, or answers with the nearest of those and of `others`.
fn check_setting(span: Range<usize>, name: &str, others: &[&'static str]) -> Result<(), Wrong> {
    if let Some((_, hint)) = NOT_SETTINGS.iter().find(|(setting, _)| *setting == name) {
        return Err(wrong(span, format!("`{name}` is no setting of a sweep"), *hint));
    }
    if config::KEYS.contains(&name) {
        return Ok(());
    }
    let is_setting = |key: &&str| NOT_SETTINGS.iter().all(|(other, _)| other != key);
    let known: Vec<&str> =
        config::KEYS.into_iter().filter(is_setting).chain(others.iter().copied()).collect();
    Err(unknown_key(span, name, &known))
}

fn check_validation(validation: Option<Validation>, span: Range<usize>) -> Result<(), Wrong> {
    match validation {
        Some(Validation::Count(0) | Validation::Fraction(0.0)) => Err(wrong(
            span,
            "expected samples to choose by, found a validation of 0",
            "whoever chooses by the test set has none left to measure with; 0.1 suits any data set",
        )),
        _ => Ok(()),
    }
}

/// Where a key is, the key, and its value.
type Entry<'a, 'b> = (Range<usize>, &'a str, &'a Value<'b>);

/// The entries of a table, in the order of the file.
fn entries<'a, 'b>(name: &str, value: &'a Value<'b>) -> Result<Vec<Entry<'a, 'b>>, Wrong> {
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("expected a table [{name}], found another kind of value");
        return Err(wrong(value.span(), message, format!("`[{name}]` stands on a line of its own")));
    };
    let table: &DeTable<'b> = table;
    Ok(in_order(table).into_iter().map(|(key, value)| (key.span(), &**key.get_ref(), value)).collect())
}

fn grid(value: &Value<'_>) -> Result<Search, Wrong> {
    let mut axes = Vec::new();
    for (span, name, value) in entries("grid", value)? {
        check_setting(span.clone(), name, &[])?;
        check_varied(span, name)?;
        if let DeValue::Table(_) = value.get_ref() {
            let hint = "a range is drawn from: it belongs into [random], with `trials`";
            return Err(wrong(
                value.span(),
                format!("expected a list of values of `{name}`, found a table"),
                hint,
            ));
        }
        axes.push(Axis { key: name.to_owned(), values: Values::List(list(name, value)?) });
    }
    check_any(&axes, "grid", value.span())?;
    let combinations = product(&axes);
    if combinations > MOST_COMBINATIONS {
        let message = format!("expected at most {MOST_COMBINATIONS} combinations, found {combinations}");
        return Err(wrong(value.span(), message, "[random] takes as many of them as `trials` says"));
    }
    Ok(Search::Grid { axes })
}

/// How many combinations the lists have.
fn product(axes: &[Axis]) -> usize {
    axes.iter().fold(1, |product, axis| match &axis.values {
        Values::List(values) => product.saturating_mul(values.len()),
        Values::Range { .. } => product,
    })
}

fn random(value: &Value<'_>) -> Result<Search, Wrong> {
    let (mut axes, mut trials, mut seed) = (Vec::new(), None, 1);
    for (span, name, value) in entries("random", value)? {
        match name {
            "trials" => trials = Some(whole(name, value, 1..=MOST_COMBINATIONS as u64)? as usize),
            "seed" => seed = whole(name, value, 0..=u64::MAX)?,
            _ => {
                check_setting(span.clone(), name, &["trials", "seed"])?;
                check_varied(span, name)?;
                let values = match value.get_ref() {
                    DeValue::Table(_) => range(name, value)?,
                    _ => Values::List(list(name, value)?),
                };
                axes.push(Axis { key: name.to_owned(), values });
            }
        }
    }
    check_any(&axes, "random", value.span())?;
    let hint = "a range has no end of combinations; `trials = 50` draws fifty";
    let trials =
        trials.ok_or_else(|| wrong(value.span(), "expected a key `trials` in [random], found none", hint))?;
    Ok(Search::Random { trials, seed, axes })
}

fn check_varied(span: Range<usize>, name: &str) -> Result<(), Wrong> {
    if COMMON.contains(&name) {
        let hint = format!("`{name}` stands at the top of the file, once");
        return Err(wrong(span, format!("`{name}` is the same for all networks of a sweep"), hint));
    }
    Ok(())
}

fn check_any(axes: &[Axis], name: &str, span: Range<usize>) -> Result<(), Wrong> {
    if axes.is_empty() {
        let message = format!("expected settings with values to try in [{name}], found none");
        return Err(wrong(span, message, "such as rate = [0.3, 0.5, 0.7]"));
    }
    Ok(())
}

/// The values of a setting, each of which a flag would take, and none twice.
fn list(name: &str, value: &Value<'_>) -> Result<Vec<String>, Wrong> {
    let DeValue::Array(items) = value.get_ref() else {
        let message = format!("expected a list of values of `{name}`, found a single one");
        return Err(wrong(
            value.span(),
            message,
            format!("a setting of all networks stands at the top; a list is {name} = [...]"),
        ));
    };
    let mut values: Vec<String> = Vec::new();
    for item in items {
        let text = take(&mut TrainArgs::default(), name, item)?;
        if values.contains(&text) {
            let message = format!("`{text}` stands twice among the values of `{name}`");
            return Err(wrong(item.span(), message, "each combination is trained once with each seed"));
        }
        if text.chars().any(char::is_control) {
            let message = format!("expected a value of `{name}` that fits into a line, found another");
            return Err(wrong(item.span(), message, "every training is a row of a table"));
        }
        values.push(text);
    }
    if values.is_empty() {
        let hint = if name == "hidden" {
            "hidden = [\"none\", 50] has one network without hidden layers"
        } else {
            "such as rate = [0.3, 0.5]"
        };
        return Err(wrong(value.span(), format!("expected values of `{name}`, found an empty list"), hint));
    }
    Ok(values)
}

fn range(name: &str, value: &Value<'_>) -> Result<Values, Wrong> {
    const RANGE_KEYS: [&str; 3] = ["from", "to", "scale"];
    let (mut ends, mut is_whole, mut is_logarithmic) = ([None; 2], true, false);
    for (span, key, item) in entries(name, value)? {
        match key {
            "from" | "to" => {
                is_whole &= matches!(item.get_ref(), DeValue::Integer(_));
                ends[usize::from(key == "to")] = Some(number(key, item)?);
            }
            "scale" => {
                let scale = spelled(item)?;
                is_logarithmic = match scale.as_str() {
                    "log" => true,
                    "linear" => false,
                    _ => {
                        let message = format!("wrong value `{scale}` of `scale`: expected log or linear");
                        return Err(wrong(
                            item.span(),
                            message,
                            "on a logarithmic scale each factor is as likely as another",
                        ));
                    }
                };
            }
            _ => return Err(unknown_key(span, key, &RANGE_KEYS)),
        }
    }
    let example = format!("such as {name} = {{ from = 0.01, to = 1.0, scale = \"log\" }}");
    let [Some(from), Some(to)] = ends else {
        return Err(wrong(
            value.span(),
            format!("expected `from` and `to` of `{name}`, found one or none"),
            example,
        ));
    };
    if from >= to || (is_logarithmic && from <= 0.0) {
        let least = if is_logarithmic { "0 < from < to, as on every logarithmic scale" } else { "from < to" };
        return Err(wrong(value.span(), format!("expected {least}, found {from} and {to}"), example));
    }
    let values = Values::Range { from, to, is_logarithmic, is_whole };
    // The ends, and what lies between them.
    for share in [0.0, 0.3, 0.7, 1.0 - f64::EPSILON] {
        let text = super::draw::at(&values, share);
        if let Err(expected) = take_text(&mut TrainArgs::default(), name, &text) {
            let message = format!("`{name}` cannot be `{text}`, which is in the range: {expected}");
            return Err(wrong(
                value.span(),
                message,
                "whole ends, as from = 20, make whole numbers; what is no number takes a list",
            ));
        }
    }
    Ok(values)
}

fn seeds(value: &Value<'_>) -> Result<Vec<u64>, Wrong> {
    let DeValue::Array(items) = value.get_ref() else {
        return Ok((1..=whole("seeds", value, 1..=MOST_SEEDS)?).collect());
    };
    let mut seeds = Vec::new();
    for item in items {
        let seed = whole("seeds", item, 0..=u64::MAX)?;
        if seeds.contains(&seed) {
            return Err(wrong(
                item.span(),
                format!("the seed {seed} stands twice"),
                "the same seed makes the same network",
            ));
        }
        seeds.push(seed);
    }
    if seeds.is_empty() || seeds.len() as u64 > MOST_SEEDS {
        let message = format!("expected 1 to {MOST_SEEDS} seeds, found {}", seeds.len());
        return Err(wrong(value.span(), message, "such as seeds = [1, 2, 3], or seeds = 3"));
    }
    Ok(seeds)
}

fn budget(value: &Value<'_>) -> Result<Budget, Wrong> {
    let mut budget = Budget::default();
    for (span, name, value) in entries("budget", value)? {
        match name {
            "epochs" => budget.epochs = Some(whole(name, value, 1..=u64::MAX)?),
            "minutes" => {
                let minutes = number(name, value)?;
                if minutes <= 0.0 {
                    return Err(wrong(
                        value.span(),
                        format!("expected minutes above 0, found {minutes}"),
                        "such as minutes = 30",
                    ));
                }
                budget.minutes = Some(minutes);
            }
            _ => return Err(unknown_key(span, name, &["epochs", "minutes"])),
        }
    }
    Ok(budget)
}

fn halving(value: &Value<'_>) -> Result<Halving, Wrong> {
    let (mut rungs, mut keep) = (None, None);
    for (span, name, value) in entries("halving", value)? {
        match name {
            "rungs" => rungs = Some(rung_epochs(value)?),
            "keep" => {
                let share = number(name, value)?;
                if !(share > 0.0 && share < 1.0) {
                    return Err(wrong(
                        value.span(),
                        format!("expected a share between 0 and 1, found {share}"),
                        "keep = 0.5 gives up half",
                    ));
                }
                keep = Some(share);
            }
            _ => return Err(unknown_key(span, name, &["rungs", "keep"])),
        }
    }
    match (rungs, keep) {
        (Some(rungs), Some(keep)) => Ok(Halving { rungs, keep }),
        _ => Err(wrong(
            value.span(),
            "expected `rungs` and `keep` in [halving]",
            "such as rungs = [2, 4, 8] and keep = 0.5",
        )),
    }
}

fn rung_epochs(value: &Value<'_>) -> Result<Vec<u32>, Wrong> {
    let hint = "such as rungs = [2, 4, 8]";
    let DeValue::Array(items) = value.get_ref() else {
        return Err(wrong(value.span(), "expected a list of epochs, found a single value", hint));
    };
    let number = |item: &Value<'_>| whole("rungs", item, 1..=u32::MAX.into()).map(|epochs| epochs as u32);
    let rungs = items.iter().map(number).collect::<Result<Vec<u32>, Wrong>>()?;
    if rungs.len() < 2 || rungs.windows(2).any(|pair| pair[0] >= pair[1]) {
        let message = "expected at least two numbers of epochs, each greater than the one before";
        return Err(wrong(value.span(), message, hint));
    }
    Ok(rungs)
}

fn whole(name: &str, value: &Value<'_>, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
    let text = spelled(value)?;
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let message = format!(
            "wrong value `{text}` of `{name}`: expected a whole number from {} to {}",
            range.start(),
            range.end()
        );
        wrong(value.span(), message, "`nn-cli sweep --help` shows an example")
    })
}

fn number(name: &str, value: &Value<'_>) -> Result<f64, Wrong> {
    let text = spelled(value)?;
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| {
        let message = format!("wrong value `{text}` of `{name}`: expected a finite number");
        wrong(value.span(), message, "`nn-cli sweep --help` shows an example")
    })
}

#[cfg(test)]
mod tests;
