//! How single values are spelled on the command line: owns their parsing and messages, and refuses to know which
//! flags they belong to.

use std::{
    fmt,
    net::SocketAddr,
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use nn_cli::Size;
use nn_train::{
    Augmentation, Averaging, Order, Preprocessing, Schedule,
    interchange::{Format, Layout},
    nn_core::{Activation, Initializer, Loss, Rule},
};

use super::import::Shape;
use crate::suggest::nearest;

/// A parser of names that clap can list, and correct when one is misspelled.
fn names<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

pub(super) fn activation() -> impl TypedValueParser<Value = Activation> {
    names(Activation::ALL.map(Activation::name))
}

pub(super) fn hidden_activation() -> impl TypedValueParser<Value = Activation> {
    names(Activation::ALL.into_iter().filter(|&activation| is_hidden(activation)).map(Activation::name))
}

/// Whether hidden layers may have it: softmax is for the last layer only.
pub(crate) fn is_hidden(activation: Activation) -> bool {
    activation.is_elementwise()
}

pub(super) fn loss() -> impl TypedValueParser<Value = Loss> {
    names(Loss::ALL.map(Loss::name))
}

pub(super) fn preprocessing() -> impl TypedValueParser<Value = Preprocessing> {
    names(Preprocessing::ALL.map(Preprocessing::name))
}

pub(super) fn rule() -> impl TypedValueParser<Value = Rule> {
    names(Rule::ALL.map(Rule::name))
}

/// The names that values of several flags begin with.
pub(crate) mod known {
    use nn_train::Augmentation;

    pub(crate) const INITIALIZERS: [&str; 4] = ["auto", "he", "glorot", "normal"];
    pub(crate) const SCHEDULES: [&str; 4] = ["constant", "step", "cosine", "one-cycle"];
    pub(crate) const ORDERS: [&str; 3] = ["auto", "full", "blocks"];
    pub(crate) const AVERAGES: [&str; 3] = ["ema", "tail", "none"];

    pub(crate) fn augmentations() -> impl Iterator<Item = &'static str> + Clone {
        Augmentation::ALL_NAMED.into_iter().map(|(name, _)| name)
    }

    pub(crate) fn augmentations_or_none() -> impl Iterator<Item = &'static str> + Clone {
        augmentations().chain(["none"])
    }
}

/// Which of the names that such a value begins with was probably meant, where it begins with none.
pub(crate) fn meant(text: &str, names: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let name = text.split(':').next().unwrap_or(text);
    nearest(name, names).filter(|&meant| meant != name)
}

/// A parser of what begins with one of these names, that says which of them was probably meant.
fn corrected<T, N>(names: N) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: fmt::Display> + Clone + Send + Sync + 'static,
    N: IntoIterator<Item = &'static str> + Clone + Send + Sync + 'static,
{
    move |text: &str| {
        text.parse().map_err(|error: T::Err| match meant(text, names.clone()) {
            Some(meant) => format!("{error}; did you mean `{meant}`?"),
            None => error.to_string(),
        })
    }
}

pub(super) fn initializer() -> impl TypedValueParser<Value = InitializerChoice> {
    corrected(known::INITIALIZERS)
}

pub(super) fn schedule() -> impl TypedValueParser<Value = Schedule> {
    corrected(known::SCHEDULES)
}

pub(super) fn order() -> impl TypedValueParser<Value = OrderChoice> {
    corrected(known::ORDERS)
}

pub(super) fn augmentation() -> impl TypedValueParser<Value = Augmentation> {
    corrected(known::augmentations())
}

pub(super) fn augmentation_or_none() -> impl TypedValueParser<Value = OrNone<Augmentation>> {
    corrected(known::augmentations_or_none())
}

pub(super) fn averaging() -> impl TypedValueParser<Value = OrNone<Averaging>> {
    corrected(known::AVERAGES)
}

pub(super) fn format() -> impl TypedValueParser<Value = Format> {
    names(Format::ALL.map(Format::name))
}

pub(super) fn layout() -> impl TypedValueParser<Value = Layout> {
    names(Layout::ALL.map(Layout::name))
}

/// The lengths of an image: 28x28.
pub(super) fn shape(text: &str) -> Result<Shape, String> {
    let length = |part: &str| part.trim().parse().ok().filter(|&length: &usize| length > 0);
    let lengths: Option<Vec<usize>> = text.split('x').map(length).collect();
    lengths.map(Shape).ok_or_else(|| "expected lengths of at least 1, such as 28x28 or 784".to_owned())
}

pub(super) fn finite(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) => Ok(number),
        _ => Err("expected a finite number, such as 0.1307".to_owned()),
    }
}

/// A number to divide by.
pub(super) fn divisor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && number > 0.0 => Ok(number),
        _ => Err("expected a finite number above 0, such as 0.3081".to_owned()),
    }
}

pub(crate) fn rate(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(rate) if f32::is_finite(rate) && rate > 0.0 => Ok(rate),
        _ => Err("expected a finite number above 0, such as 0.1".to_owned()),
    }
}

/// A count of whatever type.
pub(crate) fn at_least_one<T: FromStr + Default + PartialOrd>(text: &str) -> Result<T, String> {
    let is_whole = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    match text.parse() {
        Ok(count) if count > T::default() => Ok(count),
        Err(_) if is_whole => Err("expected a smaller whole number".to_owned()),
        _ => Err("expected a whole number of at least 1".to_owned()),
    }
}

pub(super) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let count = text.parse().ok().filter(|count| *count <= 1024);
    count.and_then(NonZeroUsize::new).ok_or_else(|| "expected a whole number from 1 to 1024".to_owned())
}

/// As many as an IDX file counts.
pub(super) fn images(text: &str) -> Result<u64, String> {
    let count = text.parse::<u64>().ok().filter(|count| (1..=u64::from(u32::MAX)).contains(count));
    count.ok_or_else(|| format!("expected a whole number from 1 to {}, such as 8100000", u32::MAX))
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    local.as_deref().unwrap_or(text).parse().map_err(|_| {
        "expected an address in numbers and a port, such as 127.0.0.1:7878 or [::1]:7878".to_owned()
    })
}

/// The name of a machine, without a port.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    if text.is_empty() || !text.chars().all(is_part) {
        return Err("expected a name without scheme and port, such as workshop.local".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

/// A share of something that is not all of it.
pub(crate) fn share_below_one(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to below 1, such as 0.1".to_owned()),
    }
}

/// A share of something, perhaps all of it.
pub(crate) fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1, such as 0.2".to_owned()),
    }
}

pub(crate) fn weight_decay(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(decay) if f32::is_finite(decay) && decay >= 0.0 => Ok(decay),
        _ => Err("expected a finite number of at least 0, such as 0.01".to_owned()),
    }
}

/// Something, or `none`, which overrides it where a preset or a configuration has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OrNone<T>(pub(crate) Option<T>);

impl<T: FromStr<Err: fmt::Display>> FromStr for OrNone<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<OrNone<T>, String> {
        if text == "none" {
            return Ok(OrNone(None));
        }
        text.parse()
            .map(|value| OrNone(Some(value)))
            .map_err(|error: T::Err| format!("{error}; `none` leaves it out"))
    }
}

impl<T: fmt::Display> fmt::Display for OrNone<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("none"),
        }
    }
}

/// The longest gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clip(pub(crate) f32);

impl FromStr for Clip {
    type Err = String;

    fn from_str(text: &str) -> Result<Clip, String> {
        rate(text).map(Clip)
    }
}

impl fmt::Display for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How much of each layer is dropped: of the hidden ones, or of the inputs and of the hidden ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct DropoutShares {
    pub(crate) input: f32,
    pub(crate) hidden: f32,
}

impl FromStr for DropoutShares {
    type Err = String;

    fn from_str(text: &str) -> Result<DropoutShares, String> {
        let (input, hidden) = text.split_once(',').unwrap_or(("0", text));
        match (share_below_one(input.trim()), share_below_one(hidden.trim())) {
            (Ok(input), Ok(hidden)) => Ok(DropoutShares { input, hidden }),
            _ => {
                Err("expected HIDDEN or INPUTS,HIDDEN, each from 0 to below 1, such as 0.5 or 0.2,0.5"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for DropoutShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.input, self.hidden)
    }
}

/// Files of models that teach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Teachers(pub(crate) Vec<PathBuf>);

impl FromStr for Teachers {
    type Err = String;

    fn from_str(text: &str) -> Result<Teachers, String> {
        let paths: Vec<PathBuf> = text.split(',').map(PathBuf::from).collect();
        let is_missing = |path: &PathBuf| path.as_os_str().is_empty();
        if paths.iter().any(is_missing) {
            return Err("expected a model file or several, such as a.model,b.model".to_owned());
        }
        Ok(Teachers(paths))
    }
}

/// One of several teachers, whose names a configuration separates by commas.
pub(super) fn teacher(text: &str) -> Result<PathBuf, String> {
    match text.contains(',') {
        true => Err("expected a model file whose name has no comma, which separates teachers".to_owned()),
        false => Ok(PathBuf::from(text)),
    }
}

impl fmt::Display for Teachers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> = self.0.iter().map(|path| path.display().to_string()).collect();
        f.write_str(&paths.join(","))
    }
}

/// Width and height of the images that pictures become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageSize(pub(crate) Size);

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<ImageSize, String> {
        let side = |text: &str| text.parse().ok().filter(|side| (1..=1024).contains(side));
        let size = text
            .split_once('x')
            .and_then(|(width, height)| Some(ImageSize(Size { width: side(width)?, height: side(height)? })));
        size.ok_or_else(|| "expected WIDTHxHEIGHT, each from 1 to 1024, such as 28x28".to_owned())
    }
}

/// The folder of a run, as it is named on the command line: a bare name is one in the folder `runs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunName(pub(crate) PathBuf);

impl FromStr for RunName {
    type Err = String;

    fn from_str(text: &str) -> Result<RunName, String> {
        let path = Path::new(text);
        let mut components = path.components();
        match (components.next(), components.next()) {
            (None, _) => Err("expected a name such as first, or a folder".to_owned()),
            // `first/` and `./first` are paths; the latter begins with another component.
            (Some(Component::Normal(name)), None) if name == path.as_os_str() => {
                Ok(RunName(Path::new("runs").join(name)))
            }
            _ => Ok(RunName(path.to_owned())),
        }
    }
}

/// The units of the hidden layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hidden(pub(crate) Vec<usize>);

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Hidden, String> {
        if text == "none" {
            return Ok(Hidden(Vec::new()));
        }
        let units = |part: &str| part.trim().parse().ok().filter(|&units: &usize| units > 0);
        let layers: Option<Vec<usize>> = text.split(',').map(units).collect();
        layers.map(Hidden).ok_or_else(|| {
            "expected the units of each hidden layer, such as 100 or 300,100, or `none`".to_owned()
        })
    }
}

/// How the first weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum InitializerChoice {
    /// What suits the activation of each layer.
    Auto,
    /// The same for all layers.
    Fixed(Initializer),
}

impl fmt::Display for InitializerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitializerChoice::Auto => f.write_str("auto"),
            InitializerChoice::Fixed(Initializer::He) => f.write_str("he"),
            InitializerChoice::Fixed(Initializer::Glorot) => f.write_str("glorot"),
            InitializerChoice::Fixed(Initializer::Normal { deviation }) => write!(f, "normal:{deviation}"),
        }
    }
}

impl FromStr for InitializerChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<InitializerChoice, String> {
        let initializer = match text.split_once(':') {
            None if text == "auto" => return Ok(InitializerChoice::Auto),
            None if text == "he" => Initializer::He,
            None if text == "glorot" => Initializer::Glorot,
            Some(("normal", deviation)) => Initializer::Normal { deviation: rate(deviation)? },
            _ => return Err("expected auto, he, glorot or normal:DEVIATION, such as normal:0.01".to_owned()),
        };
        Ok(InitializerChoice::Fixed(initializer))
    }
}

/// In which order an epoch visits the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderChoice {
    /// What suits the data.
    Auto,
    Fixed(Order),
}

impl fmt::Display for OrderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderChoice::Auto => f.write_str("auto"),
            OrderChoice::Fixed(order) => order.fmt(f),
        }
    }
}

impl FromStr for OrderChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<OrderChoice, String> {
        if text == "auto" {
            return Ok(OrderChoice::Auto);
        }
        let expected =
            |_| "expected auto, full, blocks or blocks:BLOCK,WINDOW, such as blocks:128,512".to_owned();
        text.parse().map(OrderChoice::Fixed).map_err(expected)
    }
}

/// A share of so many things: no fewer than it says, and where it is not 0, at least one.
pub(crate) fn share_of(count: usize, share: f64) -> usize {
    // A share such as 0.3 of ten is three, though it is a little more in binary.
    let least = if share > 0.0 { count.min(1) } else { 0 };
    ((count as f64 * share - 1e-9).ceil() as usize).clamp(least, count)
}

/// How many of the training samples are for validation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Validation {
    Fraction(f64),
    Count(usize),
}

impl Validation {
    /// Of so many samples. A fraction that is not 0 is at least one sample.
    pub(crate) fn of(self, samples: usize) -> usize {
        match self {
            Validation::Fraction(fraction) => share_of(samples, fraction),
            Validation::Count(count) => count,
        }
    }

    /// Whether it is none, of however many samples.
    pub(crate) fn is_none(self) -> bool {
        matches!(self, Validation::Fraction(0.0) | Validation::Count(0))
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // With a point or an exponent: 0.0 is a fraction.
            Validation::Fraction(fraction) => write!(f, "{fraction:?}"),
            Validation::Count(count) => write!(f, "{count}"),
        }
    }
}

impl FromStr for Validation {
    type Err = String;

    fn from_str(text: &str) -> Result<Validation, String> {
        if let Ok(count) = text.parse() {
            return Ok(Validation::Count(count));
        }
        match text.parse() {
            Ok(fraction) if (0.0..1.0).contains(&fraction) => Ok(Validation::Fraction(fraction)),
            _ => Err("expected a number of samples, or a fraction of them such as 0.1".to_owned()),
        }
    }
}

/// Numbers of images, in the order in which they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Indices(Vec<RangeInclusive<usize>>);

impl Indices {
    /// The first so many.
    pub(crate) fn first(count: usize) -> Indices {
        Indices(count.checked_sub(1).map(|last| 0..=last).into_iter().collect())
    }

    /// How many there are, or more than any file has.
    pub(crate) fn count(&self) -> usize {
        let length = |range: &RangeInclusive<usize>| (range.end() - range.start()).saturating_add(1);
        self.0.iter().map(length).fold(0, usize::saturating_add)
    }

    /// The greatest of them.
    pub(crate) fn greatest(&self) -> usize {
        self.0.iter().map(|range| *range.end()).max().unwrap_or(0)
    }

    /// One by one, and never all of them in memory: there may be many more than images.
    ///
    /// # Errors
    /// When one is not below `len`.
    pub(crate) fn below(&self, len: usize) -> Result<impl Iterator<Item = usize>, String> {
        match self.0.iter().map(RangeInclusive::end).max() {
            Some(greatest) if *greatest >= len => {
                Err(format!("expected an index from 0 to {}, found {greatest}", len.saturating_sub(1)))
            }
            _ => Ok(self.0.iter().cloned().flatten()),
        }
    }
}

impl FromStr for Indices {
    type Err = String;

    fn from_str(text: &str) -> Result<Indices, String> {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = first.trim().parse().ok()?..=last.trim().parse().ok()?;
            (!range.is_empty()).then_some(range)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        ranges.map(Indices).ok_or_else(|| "expected numbers and rising ranges, such as 0,5,10-19".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_numbers_and_ranges_in_the_order_typed() {
        let below = |indices: &Indices, len| indices.below(len).map(Iterator::collect::<Vec<_>>);
        let indices = |text: &str| text.parse::<Indices>().and_then(|indices| below(&indices, 20));
        assert_eq!(indices("7,0,10-12"), Ok(vec![7, 0, 10, 11, 12]));
        assert_eq!(indices("19-19"), Ok(vec![19]));
        assert_eq!(below(&Indices::first(3), 3), Ok(vec![0, 1, 2]));
        for text in ["", "a", "3-", "-3", "5-3", "1,,2", "1.5"] {
            assert!(text.parse::<Indices>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_index_past_the_end_is_refused_before_its_range_is_spelled_out() {
        let all: Indices = "0-18446744073709551615".parse().unwrap();
        assert_eq!(
            all.below(1000).err().unwrap(),
            "expected an index from 0 to 999, found 18446744073709551615"
        );
        assert_eq!((all.count(), all.greatest()), (usize::MAX, usize::MAX));
        let some: Indices = "7,0,10-12".parse().unwrap();
        assert_eq!((some.count(), some.greatest()), (5, 12));
    }

    #[test]
    fn validation_is_a_count_or_a_fraction() {
        let of_4000 = |text: &str| text.parse::<Validation>().map(|validation| validation.of(4000));
        assert_eq!(of_4000("0"), Ok(0));
        assert_eq!(of_4000("1"), Ok(1));
        assert_eq!(of_4000("500"), Ok(500));
        assert_eq!(of_4000("0.25"), Ok(1000));
        assert_eq!(of_4000("0.0"), Ok(0));
        assert_eq!(of_4000("0.00001"), Ok(1));
        assert_eq!(of_4000("0.07"), Ok(280));
        assert_eq!(of_4000("0.2699"), Ok(1080));
        for text in ["-1", "1.0", "1.5", "nan", "10%", ""] {
            assert!(of_4000(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_of_things_is_what_its_decimals_say() {
        let shares = [(1, 0.1), (4, 0.5), (5, 0.5), (3, 0.99), (0, 0.5), (10, 0.3), (60_000, 0.27), (9, 0.0)];
        assert_eq!(shares.map(|(count, share)| share_of(count, share)), [1, 2, 3, 3, 0, 3, 16_200, 0]);
    }

    #[test]
    fn counts_are_refused_for_what_is_wrong_with_them() {
        assert_eq!(at_least_one("4294967295"), Ok(u32::MAX));
        for text in ["0", "-1", "1.5", "three", "", "+0"] {
            let expected = Err("expected a whole number of at least 1".to_owned());
            assert_eq!(at_least_one::<u32>(text), expected, "{text}");
        }
        let expected = Err("expected a smaller whole number".to_owned());
        assert_eq!(at_least_one::<u32>("4294967296"), expected);
    }

    #[test]
    fn sizes_have_a_width_and_a_height() {
        assert_eq!("5x3".parse(), Ok(ImageSize(Size { width: 5, height: 3 })));
        for text in ["", "5", "x", "5x", "0x3", "-5x3", "5x3x1", "2000x2000", "5 x 3"] {
            assert!(text.parse::<ImageSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn hidden_layers_are_units_or_none() {
        let hidden = |text: &str| text.parse::<Hidden>().map(|hidden| hidden.0);
        assert_eq!(hidden("300,100"), Ok(vec![300, 100]));
        assert_eq!(hidden("none"), Ok(vec![]));
        for text in ["", "0", "100,0", "100,", "1e3", "-5"] {
            assert!(hidden(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_slip_in_a_name_is_corrected() {
        /// What is said of a text: nothing where it is one.
        fn said<T>(parser: impl TypedValueParser<Value = T>, text: &str) -> String {
            let parsed = parser.parse_ref(&clap::Command::new("nn-cli"), None, text.as_ref());
            parsed.err().map_or_else(String::new, |error| error.to_string())
        }
        assert!(said(augmentation_or_none(), "medum").contains("did you mean `medium`?"));
        assert!(said(augmentation(), "affin").contains("did you mean `affine`?"));
        assert!(said(schedule(), "one_cycle:0.2").contains("did you mean `one-cycle`?"));
        for text in ["rotate", "rotation=many"] {
            let said = said(augmentation(), text);
            assert!(!said.is_empty() && !said.contains("did you mean"), "{said}");
        }
        let said_of_rest = said(schedule(), "step:1");
        assert!(!said_of_rest.is_empty() && !said_of_rest.contains("did you mean"), "{said_of_rest}");
        for text in ["strong", "none", "rotation=5"] {
            assert_eq!(said(augmentation_or_none(), text), "");
        }
    }

    #[test]
    fn initializers_are_spelled_as_they_are_shown() {
        for text in ["auto", "he", "glorot", "normal:0.01"] {
            assert_eq!(text.parse::<InitializerChoice>().unwrap().to_string(), text);
        }
        for text in ["xavier", "normal", "normal:", "normal:-1", "normal:inf", "he:1"] {
            assert!(text.parse::<InitializerChoice>().is_err(), "{text}");
        }
    }
}
