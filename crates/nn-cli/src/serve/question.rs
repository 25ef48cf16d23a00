//! What may stand behind the question mark of an address: owns names, spellings and defaults, and refuses to act on
//! them.

use super::reply::Refusal;
use crate::args::{Invert, Prepare};

/// What is wanted of an answer to `/predict`, and how pictures are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Question {
    /// How many classes to name.
    pub(super) top: usize,
    /// Whether to show what the network saw.
    pub(super) pixels: bool,
    /// Whether to show what the units of the hidden layers put out.
    pub(super) activations: bool,
    /// Whether to find the ink of a picture, scale it and put it in the middle.
    pub(super) prepare: Prepare,
    /// Whether a picture is dark on light.
    pub(super) invert: Invert,
}

impl Question {
    /// The question of a query string, `top=3&pixels=true`.
    ///
    /// # Errors
    /// What was expected in place of what is there.
    pub(super) fn parse(query: Option<&str>) -> Result<Question, Refusal> {
        const YES_OR_NO: [(&str, bool); 2] = [("yes", true), ("no", false)];
        let (prepare, invert) = (Prepare::Auto, Invert::Auto);
        let mut question = Question { top: 3, pixels: false, activations: false, prepare, invert };
        for (name, value) in fields(query) {
            match name {
                "top" => question.top = whole(name, value, 1)?,
                "pixels" => question.pixels = choice(name, value, &YES_OR_NO)?,
                "activations" => question.activations = choice(name, value, &YES_OR_NO)?,
                // As they are spelled for `predict`.
                "prepare" => {
                    let choices = [("auto", Prepare::Auto), ("yes", Prepare::Yes), ("no", Prepare::No)];
                    question.prepare = choice(name, value, &choices)?;
                }
                "invert" => {
                    let choices = [("auto", Invert::Auto), ("yes", Invert::Yes), ("no", Invert::No)];
                    question.invert = choice(name, value, &choices)?;
                }
                _ => return Err(unknown(name, "top, pixels, activations, prepare or invert")),
            }
        }
        Ok(question)
    }
}

/// A unit, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) layer: usize,
    pub(super) unit: usize,
}

impl Unit {
    /// The unit of a query string, `layer=0&unit=17`.
    ///
    /// # Errors
    /// What was expected in place of what is there.
    pub(super) fn parse(query: Option<&str>) -> Result<Unit, Refusal> {
        let (mut layer, mut unit) = (None, None);
        for (name, value) in fields(query) {
            match name {
                "layer" => layer = Some(whole(name, value, 0)?),
                "unit" => unit = Some(whole(name, value, 0)?),
                _ => return Err(unknown(name, "layer or unit")),
            }
        }
        match (layer, unit) {
            (Some(layer), Some(unit)) => Ok(Unit { layer, unit }),
            _ => Err(Refusal::bad_request(
                "expected layer and unit, both counted from 0, such as ?layer=0&unit=17",
            )),
        }
    }
}

fn fields(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let fields = query.unwrap_or_default().split('&').filter(|field| !field.is_empty());
    fields.map(|field| field.split_once('=').unwrap_or((field, "")))
}

fn whole(name: &str, value: &str, least: usize) -> Result<usize, Refusal> {
    value.parse().ok().filter(|number| *number >= least).ok_or_else(|| {
        Refusal::bad_request(format!(
            "expected a whole number of at least {least} for {name}, found {value:?}"
        ))
    })
}

fn choice<T: Copy>(name: &str, value: &str, choices: &[(&str, T)]) -> Result<T, Refusal> {
    choices.iter().find(|(spelling, _)| *spelling == value).map(|&(_, meaning)| meaning).ok_or_else(|| {
        let spellings: Vec<&str> = choices.iter().map(|&(spelling, _)| spelling).collect();
        Refusal::bad_request(format!("expected {} for {name}, found {value:?}", spellings.join(" or ")))
    })
}

fn unknown(name: &str, expected: &str) -> Refusal {
    Refusal::bad_request(format!("expected {expected} behind the question mark, found {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default() {
        let (prepare, invert) = (Prepare::Auto, Invert::Auto);
        let default = Question { top: 3, pixels: false, activations: false, prepare, invert };
        assert_eq!(Question::parse(None).unwrap(), default);
        assert_eq!(Question::parse(Some("&&")).unwrap(), default);
        let all = Question::parse(Some("top=5&pixels=yes&activations=yes&prepare=no&invert=yes")).unwrap();
        let (prepare, invert) = (Prepare::No, Invert::Yes);
        assert_eq!(all, Question { top: 5, pixels: true, activations: true, prepare, invert });
        assert_eq!(Unit::parse(Some("unit=17&layer=0")).unwrap(), Unit { layer: 0, unit: 17 });
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (query, message) in [
            ("top=0", "expected a whole number of at least 1 for top, found \"0\""),
            ("top=-1", "found \"-1\""),
            ("top", "found \"\""),
            ("pixels=true", "expected yes or no for pixels, found \"true\""),
            ("invert=dark", "expected auto or yes or no for invert, found \"dark\""),
            (
                "tops=3",
                "expected top, pixels, activations, prepare or invert behind the question mark, found \"tops\"",
            ),
        ] {
            let refusal = Question::parse(Some(query)).unwrap_err();
            assert!(refusal.error().contains(message), "{query}: {}", refusal.error());
        }
        for query in ["", "layer=0", "unit=1", "layer=0&unit=x", "layer=0&unit=1&x=2", "layer=-1&unit=0"] {
            assert!(Unit::parse(Some(query)).is_err(), "{query}");
        }
    }
}
