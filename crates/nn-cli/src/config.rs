//! The configuration of a training as TOML: owns its keys, what is wrong with a file of them and where, and refuses
//! to know what the values mean: each is what a flag of `train` takes.
//!
//! A key is the long name of a flag, and its value is spelled as the flag takes it; numbers need no quotes, and what a
//! flag separates by commas may be a list. So there is one name, one spelling and one check of each setting, whether it is
//! typed, read from a file of the user's, from that of a run, or from a preset.

use std::{
    fmt::{Display, Write as _},
    fs,
    io::{ErrorKind, Read},
    num::NonZeroU64,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result};
use nn_train::{
    Preprocessing,
    nn_core::{Activation, Loss, Rule},
};
use serde::{Deserialize, Serialize};
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::{
    args::{
        TrainArgs, Validation,
        value::{
            DropoutShares, OrNone, OrderChoice, Teachers, at_least_one, is_hidden, known, meant, rate, share,
            share_below_one, weight_decay,
        },
    },
    data::names,
    failure::Advised,
    model::refuse_named_pipe,
    preset::{PresetName, Recipe},
    suggest,
};

/// In the order in which they are written.
pub(crate) const KEYS: [&str; 27] = [
    "preset",
    "hidden",
    "activation",
    "loss",
    "output-activation",
    "initializer",
    "optimizer",
    "rate",
    "schedule",
    "batch",
    "epochs",
    "preprocess",
    "augment",
    "mixup",
    "label-smoothing",
    "dropout",
    "weight-decay",
    "clip",
    "average",
    "teacher",
    "teacher-share",
    "seed",
    "order",
    "validation",
    "data",
    "patience",
    "checkpoint-every",
];

/// Those that take `none`, for which an empty list stands, too.
const MAY_BE_NONE: [&str; 4] = ["hidden", "augment", "clip", "average"];

/// The table that a run adds to its file, and its keys.
const FOUND: &str = "found";
const FOUND_KEYS: [&str; 8] = [
    "release",
    "train-samples",
    "train-sha256",
    "held-out",
    "held-out-samples",
    "held-out-sha256",
    "image-shape",
    "layers",
];

/// The longest file to read: no configuration is a thousandth of it.
const MOST_BYTES: u64 = 1 << 20;

/// What a file says.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// As if it had been typed.
    pub(crate) args: TrainArgs,
    pub(crate) found: Option<Found>,
}

/// What a run was begun with that no flag says. Release, checksums and shape of the images are compared when its file is
/// used again; the rest is for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Found {
    pub(crate) release: String,
    pub(crate) train_samples: u64,
    pub(crate) train_sha256: String,
    pub(crate) held_out: String,
    pub(crate) held_out_samples: u64,
    pub(crate) held_out_sha256: String,
    pub(crate) image_shape: Vec<usize>,
    pub(crate) layers: Vec<usize>,
}

/// What is wrong with the text of a configuration.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is wrong: with line and column, and what was probably meant.
    pub(crate) fn load(path: &Path) -> Result<Config> {
        load(path, "`nn-cli train --print-config` prints one to begin with", Config::parse)
    }

    fn parse(text: &str) -> Result<Config, Wrong> {
        let table = parse_table(text)?;
        let mut config = Config { args: TrainArgs::default(), found: None };
        for (key, value) in in_order(table.get_ref()) {
            let name = &**key.get_ref();
            if name == FOUND {
                config.found = Some(parse_found(text, value)?);
                continue;
            }
            if !KEYS.contains(&name) {
                return Err(unknown_key(key.span(), name, &KEYS));
            }
            take(&mut config.args, name, value)?;
        }
        Ok(config)
    }

    /// A text of the program's own, such as a preset.
    ///
    /// # Panics
    /// If it is wrong, which a test of each such text rules out.
    pub(crate) fn own(text: &str) -> Config {
        Config::parse(text).unwrap_or_else(|wrong| panic!("a preset is wrong: {wrong:?}"))
    }

    /// What was typed, and where nothing was, what the file says, but for the recipe's own settings.
    pub(crate) fn beneath(&self, typed: &TrainArgs) -> TrainArgs {
        let (file, mut args) = (&self.args, typed.clone());
        args.preset = args.preset.or(file.preset);
        args.seed = args.seed.or(file.seed);
        args.validation = args.validation.or(file.validation);
        args.order = args.order.or(file.order);
        if args.data.folders.is_empty() {
            args.data.folders.clone_from(&file.data.folders);
        }
        args.patience = args.patience.or(file.patience);
        args.checkpoint_every = args.checkpoint_every.or(file.checkpoint_every);
        args.teacher = args.teacher.or_else(|| file.teacher.clone());
        args.teacher_share = args.teacher_share.or(file.teacher_share);
        args
    }
}

/// Reads a file of settings by a function that knows what belongs into it. `first` is the hint where there is no such
/// file.
///
/// # Errors
/// As [`Config::load`].
pub(crate) fn load<T>(path: &Path, first: &str, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<T> {
    refuse_named_pipe(path, "a configuration in TOML")?;
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let hint = suggest::path(path, Path::is_file)
                .map_or_else(|| first.to_owned(), |near| format!("did you mean {}?", near.display()));
            return Err(Advised::new(format!("cannot read {}: {error}", path.display()), hint).into());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    parse(&text).map_err(|wrong| {
        let (line, column) = position(&text, wrong.span.start);
        let place = format!("{}, line {line}, column {column}", path.display());
        Advised::new(format!("{place}: {}", wrong.message), wrong.hint).into()
    })
}

/// The text as TOML.
pub(crate) fn parse_table(text: &str) -> Result<Spanned<DeTable<'_>>, Wrong> {
    DeTable::parse(text).map_err(|error| Wrong {
        span: error.span().unwrap_or_default(),
        message: error.message().trim().replace('\n', ", "),
        hint: "a configuration is TOML: a line `key = value` for each setting, text in quotes".to_owned(),
    })
}

/// The entries of a table in the order of the file, so that the first mistake in it is the one that is named.
pub(crate) fn in_order<'a, 'b>(
    table: &'a DeTable<'b>,
) -> Vec<(&'a Spanned<DeString<'b>>, &'a Spanned<DeValue<'b>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Takes the value of a key, and tells how a flag would spell it.
pub(crate) fn take(args: &mut TrainArgs, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Wrong> {
    if let ("data", DeValue::Array(list)) = (key, value.get_ref()) {
        args.data.folders = folders(value.span(), list)?;
        return Ok(names(&args.data.folders));
    }
    let is_empty_list = matches!(value.get_ref(), DeValue::Array(list) if list.is_empty());
    if is_empty_list && !MAY_BE_NONE.contains(&key) {
        return Err(Wrong {
            span: value.span(),
            message: format!("expected a value of `{key}`, found an empty list"),
            hint: format!(
                "`nn-cli train --help` says what --{key} takes; what is left out is the preset's or the usual"
            ),
        });
    }
    let text = spelled(value)?;
    match set(args, key, &text) {
        Ok(()) => Ok(text),
        Err(refused) => Err(wrong_value(value.span(), key, &text, refused)),
    }
}

/// Several folders, as a flag that is typed several times.
fn folders(span: Range<usize>, list: &[Spanned<DeValue<'_>>]) -> Result<Vec<PathBuf>, Wrong> {
    let wrong = |span, found: &str| Wrong {
        span,
        message: format!("wrong value of `data`: expected names of folders, found {found}"),
        hint: "several folders are written as [\"data/mnist\", \"data/more\"]".to_owned(),
    };
    if list.is_empty() {
        return Err(wrong(span, "none"));
    }
    let folder = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) if !text.is_empty() => Ok(PathBuf::from(&**text)),
        _ => Err(wrong(item.span(), "something else in the list")),
    };
    list.iter().map(folder).collect()
}

/// Takes a value that a flag of that name would take, and tells what was expected where it would not.
pub(crate) fn take_text(args: &mut TrainArgs, key: &str, text: &str) -> Result<(), String> {
    set(args, key, text).map_err(|refused| refused.expected)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MOST_BYTES {
        let message = format!("expected a configuration of at most {MOST_BYTES} bytes, found more");
        return Err(std::io::Error::other(message));
    }
    Ok(text)
}

/// Line and column, both from 1; columns are characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Why a value is none of a key: what was expected, and what was probably meant.
struct Refused {
    expected: String,
    meant: Option<String>,
}

impl From<String> for Refused {
    fn from(expected: String) -> Refused {
        Refused { expected, meant: None }
    }
}

/// Takes a value as the flag of that name does.
fn set(args: &mut TrainArgs, key: &str, text: &str) -> Result<(), Refused> {
    match key {
        "preset" => args.preset = Some(named(text, PresetName::ALL, PresetName::name)?),
        "hidden" => args.hidden = Some(text.parse()?),
        "activation" => {
            let hidden = Activation::ALL.into_iter().filter(|&activation| is_hidden(activation));
            args.activation = Some(named(text, hidden, Activation::name)?);
        }
        "loss" => args.loss = Some(named(text, Loss::ALL, Loss::name)?),
        "output-activation" => args.output_activation = Some(named(text, Activation::ALL, Activation::name)?),
        "initializer" => args.initializer = Some(begun(text, known::INITIALIZERS)?),
        "optimizer" => args.optimizer = Some(named(text, Rule::ALL, Rule::name)?),
        "rate" => args.rate = Some(rate(text)?),
        "schedule" => args.schedule = Some(begun(text, known::SCHEDULES)?),
        "batch" => args.batch = Some(at_least_one(text)?),
        "epochs" => args.epochs = Some(at_least_one(text)?),
        "preprocess" => {
            args.preprocess = Some(named(text, Preprocessing::ALL, Preprocessing::name)?);
        }
        "augment" => args.augment = Some(begun(text, known::augmentations_or_none())?),
        "mixup" => args.mixup = Some(share(text)?),
        "label-smoothing" => args.label_smoothing = Some(share_below_one(text)?),
        "dropout" => args.dropout = Some(text.parse()?),
        "weight-decay" => args.weight_decay = Some(weight_decay(text)?),
        "clip" => args.clip = Some(text.parse()?),
        "average" => args.average = Some(begun(text, known::AVERAGES)?),
        "teacher" => args.teacher = Some(text.parse()?),
        "teacher-share" => args.teacher_share = Some(share(text)?),
        "seed" => args.seed = Some(number(text, 0..=u64::MAX)?),
        "order" => args.order = Some(begun(text, known::ORDERS)?),
        "validation" => args.validation = Some(text.parse()?),
        "data" if text.is_empty() => return Err("expected the name of a folder".to_owned().into()),
        "data" => args.data.folders = vec![text.into()],
        "patience" => args.patience = Some(at_least_one(text)?),
        "checkpoint-every" => {
            args.checkpoint_every = NonZeroU64::new(number(text, 1..=u64::MAX)?);
        }
        _ => return Err(format!("expected one of the keys {}", KEYS.join(", ")).into()),
    }
    Ok(())
}

/// The one of that name.
fn named<T: Copy>(
    text: &str,
    all: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> &'static str,
) -> Result<T, Refused> {
    let all: Vec<(&str, T)> = all.into_iter().map(|one| (name(one), one)).collect();
    let names = || all.iter().map(|(name, _)| *name);
    all.iter().find(|(name, _)| *name == text).map(|(_, one)| *one).ok_or_else(|| Refused {
        expected: format!("expected one of {}", names().collect::<Vec<_>>().join(", ")),
        meant: suggest::nearest(text, names()).map(str::to_owned),
    })
}

/// What begins with one of these names.
fn begun<T: FromStr<Err: Display>>(
    text: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> Result<T, Refused> {
    text.parse().map_err(|error: T::Err| Refused {
        expected: error.to_string(),
        meant: meant(text, names).map(str::to_owned),
    })
}

fn number<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Result<T, Refused> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()).into())
}

/// A value as a flag takes it.
pub(crate) fn spelled(value: &Spanned<DeValue<'_>>) -> Result<String, Wrong> {
    let refuse = |found: &str| Wrong {
        span: value.span(),
        message: format!("expected a number, a text or a list of them, found {found}"),
        hint: "a value is what the flag of that name takes, such as rate = 0.1 or schedule = \"cosine\""
            .to_owned(),
    };
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => {
            let number =
                i128::from_str_radix(number.as_str(), number.radix()).map_err(|_| refuse("no number"))?;
            Ok(number.to_string())
        }
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Array(list) if list.is_empty() => Ok("none".to_owned()),
        DeValue::Array(list) => {
            let refuse_item =
                |item: &Spanned<DeValue<'_>>, found| Err(Wrong { span: item.span(), ..refuse(found) });
            let one = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
                // A flag would take it for two.
                DeValue::String(text) if text.contains(',') => {
                    refuse_item(item, "a text with a comma in a list")
                }
                DeValue::Integer(_) | DeValue::Float(_) | DeValue::String(_) => spelled(item),
                _ => refuse_item(item, "another kind of value in a list"),
            };
            Ok(list.iter().map(one).collect::<Result<Vec<_>, _>>()?.join(","))
        }
        DeValue::Boolean(_) => Err(refuse("a truth value")),
        DeValue::Datetime(_) => Err(refuse("a date or time")),
        DeValue::Table(_) => Err(refuse("a table")),
    }
}

pub(crate) fn unknown_key(span: Range<usize>, name: &str, keys: &[&str]) -> Wrong {
    let hint = suggest::nearest(name, keys.iter().copied()).map_or_else(
        || format!("the keys are {}", keys.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Wrong { span, message: format!("unknown key `{name}`"), hint }
}

fn wrong_value(span: Range<usize>, name: &str, value: &str, refused: Refused) -> Wrong {
    let Refused { expected, meant } = refused;
    let hint = meant.map_or_else(
        || format!("`nn-cli train --help` says what --{name} takes"),
        |near| format!("did you mean \"{near}\"?"),
    );
    Wrong { span, message: format!("wrong value `{value}` of `{name}`: {expected}"), hint }
}

fn parse_found(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Found, Wrong> {
    let hint =
        || format!("the table [{FOUND}] is of a run's own file; leave it out to have nothing compared");
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("expected a table [{FOUND}], found another kind of value");
        return Err(Wrong { span: value.span(), message, hint: hint() });
    };
    let mut keys: Vec<_> = table.keys().collect();
    keys.sort_by_key(|key| key.span().start);
    if let Some(key) = keys.into_iter().find(|key| !FOUND_KEYS.contains(&&**key.get_ref())) {
        return Err(unknown_key(key.span(), key.get_ref(), &FOUND_KEYS));
    }
    #[derive(Deserialize)]
    struct Outer {
        found: Found,
    }
    toml::from_str::<Outer>(text).map(|outer| outer.found).map_err(|error| Wrong {
        span: error.span().unwrap_or(value.span()),
        message: error.message().to_owned(),
        hint: hint(),
    })
}

/// All that decides what a training computes, to be written.
pub(crate) struct Effective<'a> {
    pub(crate) preset: PresetName,
    pub(crate) recipe: &'a Recipe,
    pub(crate) seed: u64,
    pub(crate) order: OrderChoice,
    pub(crate) validation: Validation,
    /// Left to be found where nobody named any.
    pub(crate) data: &'a [PathBuf],
    pub(crate) patience: Option<u32>,
    pub(crate) checkpoint_every: Option<u64>,
    pub(crate) teacher: Option<&'a Teachers>,
    pub(crate) teacher_share: Option<f32>,
}

impl<'a> Effective<'a> {
    /// As TOML that [`Config::load`] reads, with these lines of comment above.
    ///
    /// # Errors
    /// When the path of the data is not Unicode, as TOML is.
    pub(crate) fn text(&self, comment: &str, found: Option<&Found>) -> Result<String> {
        let recipe = self.recipe;
        let quoted = |text: &dyn ToString| toml::Value::String(text.to_string()).to_string();
        let units: Vec<String> = recipe.hidden.iter().map(usize::to_string).collect();
        // Numbers of TOML have 63 bits.
        let seed = if i64::try_from(self.seed).is_ok() { self.seed.to_string() } else { quoted(&self.seed) };
        let path = |path: &'a PathBuf| {
            path.to_str().ok_or_else(|| {
                let message = format!("cannot write {} as TOML: expected a path in UTF-8", path.display());
                Advised::new(message, "rename the folder, or name it by a link whose own name is in UTF-8")
            })
        };
        let folders = self.data.iter().map(|folder| path(folder).map(|folder| quoted(&folder)));
        let folders = folders.collect::<Result<Vec<_>, _>>()?;
        let value = |key: &str| match key {
            "preset" => Some(quoted(&self.preset.name())),
            "hidden" => Some(format!("[{}]", units.join(", "))),
            "activation" => Some(quoted(&recipe.activation)),
            "loss" => Some(quoted(&recipe.loss)),
            "output-activation" => Some(quoted(&recipe.output)),
            "initializer" => Some(quoted(&recipe.initializer)),
            "optimizer" => Some(quoted(&recipe.rule)),
            // With an exponent where it is very small or large, and as few digits as give the same number again.
            "rate" => Some(format!("{:?}", recipe.rate)),
            "schedule" => Some(quoted(&recipe.schedule)),
            "batch" => Some(recipe.batch.to_string()),
            "epochs" => Some(recipe.epochs.to_string()),
            "seed" => Some(seed.clone()),
            "validation" => Some(self.validation.to_string()),
            "order" => Some(quoted(&self.order)),
            "data" => match &folders[..] {
                [] => None,
                [folder] => Some(folder.clone()),
                folders => Some(format!("[{}]", folders.join(", "))),
            },
            "patience" => self.patience.map(|epochs| epochs.to_string()),
            "checkpoint-every" => self.checkpoint_every.map(|steps| steps.to_string()),
            "preprocess" => Some(quoted(&recipe.preprocessing)),
            "augment" => Some(quoted(&OrNone(recipe.ingredients.augmentation))),
            "mixup" => Some(format!("{:?}", recipe.ingredients.mixup)),
            "label-smoothing" => Some(format!("{:?}", recipe.ingredients.label_smoothing)),
            "dropout" => Some(quoted(&DropoutShares {
                input: recipe.ingredients.input_dropout,
                hidden: recipe.ingredients.hidden_dropout,
            })),
            "weight-decay" => Some(format!("{:?}", recipe.ingredients.weight_decay)),
            "clip" => Some(quoted(&OrNone(recipe.ingredients.clip))),
            "average" => Some(quoted(&OrNone(recipe.ingredients.average))),
            "teacher" => self.teacher.map(|teachers| quoted(teachers)),
            "teacher-share" => self.teacher_share.map(|share| format!("{share:?}")),
            _ => None,
        };
        let mut text: String = comment.lines().map(|line| format!("# {line}\n")).collect();
        for key in KEYS {
            if let Some(value) = value(key) {
                writeln!(text, "{key} = {value}")?;
            }
        }
        if let Some(found) = found {
            let table = toml::to_string(found).context("cannot write TOML")?;
            write!(
                text,
                "\n# What the run found when it was begun; another finding is noted when this file is used.\n[{FOUND}]\n{table}"
            )?;
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
