//! What a model is besides its numbers, as texts with keys: owns their spelling in the files of all formats, and
//! refuses to know how a format keeps them.
//!
//! | key | value |
//! |---|---|
//! | `nn-train` | the version of these keys: 1 |
//! | `activations` | of each layer, the last included: `relu, identity` |
//! | `loss` | what it was trained on: `softmax-cross-entropy` |
//! | `image_shape` | of the images it takes: `28, 28` |
//! | `pixel_scale` | what the pixels, 0 to 255, are divided by: `255` |
//! | `layout` | of the weights: `outputs-first` as in PyTorch, `inputs-first` as in NumPy and Keras |
//! | `preprocessing` | what is to be done to images before the network sees them, if anything: `deskew` |
//! | `class_names` | a JSON list of texts, if the classes have names |

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use nn_core::{Activation, Loss};

use super::{ImportError, Layout};
use crate::{Model, Preprocessing};

pub(super) const VERSION_KEY: &str = "nn-train";
const VERSION: &str = "1";

/// What pixels are divided by before a network sees them.
pub(super) const PIXEL_SCALE: f32 = 255.0;

/// What a file says of itself, as far as it does.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    pub(super) activations: Option<Vec<Activation>>,
    pub(super) loss: Option<Loss>,
    pub(super) image_shape: Option<Vec<usize>>,
    pub(super) layout: Option<Layout>,
    pub(super) class_names: Option<Vec<String>>,
    pub(super) pixel_scale: Option<f64>,
    pub(super) preprocessing: Option<Preprocessing>,
}

/// The texts of a model whose weights stand in such a layout.
pub(super) fn texts(model: &Model, layout: Layout) -> BTreeMap<String, String> {
    let network = &model.network;
    let activations: Vec<Activation> = (0..network.depth()).map(|layer| network.activation(layer)).collect();
    let mut texts = BTreeMap::from([
        (VERSION_KEY, VERSION.to_owned()),
        ("activations", list(&activations)),
        ("loss", model.loss.to_string()),
        ("image_shape", list(&model.image_shape)),
        ("pixel_scale", PIXEL_SCALE.to_string()),
        ("layout", layout.to_string()),
    ]);
    if let Some(names) = &model.class_names {
        texts.insert("class_names", serde_json::to_string(names).expect("texts can be written as JSON"));
    }
    if model.preprocessing != Preprocessing::None {
        texts.insert("preprocessing", model.preprocessing.to_string());
    }
    texts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

impl Metadata {
    /// What the texts of a file say, if they are by this project.
    pub(super) fn read(texts: &BTreeMap<String, String>) -> Result<Metadata, ImportError> {
        match texts.get(VERSION_KEY).map(String::as_str) {
            // Whoever else has a key of the name `loss` means something else.
            None => return Ok(Metadata::default()),
            Some(VERSION) => {}
            Some(found) => return Err(unreadable(VERSION_KEY, VERSION, found)),
        }
        let names = |text: &str| serde_json::from_str::<Vec<String>>(text).ok();
        Ok(Metadata {
            activations: value(texts, "activations", "names of activations", elements)?,
            loss: value(texts, "loss", "the name of a loss", |text| text.parse().ok())?,
            image_shape: value(texts, "image_shape", "lengths such as 28, 28", elements)?,
            layout: value(texts, "layout", "outputs-first or inputs-first", |text| text.parse().ok())?,
            class_names: value(texts, "class_names", "a JSON list of texts", names)?,
            pixel_scale: value(texts, "pixel_scale", "a number", |text| text.parse().ok())?,
            preprocessing: value(texts, "preprocessing", "none or deskew", |text| text.parse().ok())?,
        })
    }
}

fn value<T>(
    texts: &BTreeMap<String, String>,
    key: &'static str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ImportError> {
    let Some(text) = texts.get(key) else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| unreadable(key, expected, text))
}

fn unreadable(key: &'static str, expected: &'static str, found: &str) -> ImportError {
    let found: String = found.chars().take(100).collect();
    ImportError::Metadata { key, expected, found }
}

fn list<T: Display>(elements: &[T]) -> String {
    elements.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn elements<T: FromStr>(text: &str) -> Option<Vec<T>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|element| element.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use nn_core::Network;

    use super::*;

    fn model() -> Model {
        let network = Network::builder(6)
            .dense(5, Activation::LeakyRelu)
            .dense(3, Activation::Identity)
            .zeros()
            .unwrap();
        Model {
            network,
            loss: Loss::SigmoidCrossEntropy,
            image_shape: vec![2, 3],
            preprocessing: Preprocessing::None,
            class_names: Some(["a, b", "\"", "ä"].map(str::to_owned).to_vec()),
            record: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let model = model();
        let texts = texts(&model, Layout::OutputsFirst);
        assert_eq!(texts["activations"], "leaky-relu, identity");
        assert_eq!(
            Metadata::read(&texts).unwrap(),
            Metadata {
                activations: Some(vec![Activation::LeakyRelu, Activation::Identity]),
                loss: Some(model.loss),
                image_shape: Some(vec![2, 3]),
                layout: Some(Layout::OutputsFirst),
                class_names: model.class_names,
                pixel_scale: Some(255.0),
                preprocessing: None,
            }
        );
    }

    #[test]
    fn a_preprocessing_is_told_where_there_is_one() {
        let plain = texts(&model(), Layout::InputsFirst);
        assert!(!plain.contains_key("preprocessing"));
        let model = Model { preprocessing: Preprocessing::Deskew, ..model() };
        let texts = texts(&model, Layout::InputsFirst);
        assert_eq!(texts["preprocessing"], "deskew");
        assert_eq!(Metadata::read(&texts).unwrap().preprocessing, Some(Preprocessing::Deskew));
    }

    #[test]
    fn texts_of_others_say_nothing_and_those_of_a_later_version_are_refused() {
        let texts = |version: Option<&str>| {
            let version = version.map(|version| (VERSION_KEY.to_owned(), version.to_owned()));
            BTreeMap::from_iter([("loss".to_owned(), "0.0312".to_owned())].into_iter().chain(version))
        };
        assert_eq!(Metadata::read(&texts(None)).unwrap(), Metadata::default());
        for (version, expected) in [
            ("1", "metadata loss: expected the name of a loss, found \"0.0312\""),
            ("2", "metadata nn-train: expected 1, found \"2\""),
        ] {
            assert_eq!(Metadata::read(&texts(Some(version))).unwrap_err().to_string(), expected);
        }
    }
}
