//! What the network answers: owns the way from bytes that were sent to JSON, and refuses to know connections.

use hyper::StatusCode;
use nn_cli::picture_file::DecodeError;
use nn_train::{
    Model, PreparationError, Preprocessing,
    nn_core::{Inputs, ndarray::ArrayView2},
};
use serde::Serialize;

use super::{
    numbers::{self, Image},
    question::{Question, Unit},
    reply::Refusal,
};
use crate::{
    args::PictureArgs,
    model::{self, Guess, class_name},
    output::shape,
    picture::{Size, picture_file},
    pictures,
};

/// The most pixels of a picture: four of such a size in memory at a time are no trouble.
const MOST_PIXELS: u64 = 16 << 20;

/// The answer to `/predict`.
#[derive(Serialize)]
struct Answer<'a> {
    predicted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    probability: f32,
    top: Vec<NamedGuess<'a>>,
    /// Whether the picture was dark on light; null for numbers, which are taken as they are.
    inverted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<Vec<u8>>,
    /// For each hidden layer, what its units put out.
    #[serde(skip_serializing_if = "Option::is_none")]
    activations: Option<Vec<Vec<f32>>>,
}

#[derive(Serialize)]
struct NamedGuess<'a> {
    #[serde(flatten)]
    guess: Guess,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// The answer to `/unit`.
#[derive(Serialize)]
struct Weights {
    layer: usize,
    unit: usize,
    bias: f32,
    /// One for each input of the layer.
    weights: Vec<f32>,
}

/// What a network is asked about.
#[derive(Debug)]
enum Asked {
    /// As in a data set: 0 to 255.
    Bytes { pixels: Vec<u8>, inverted: Option<bool> },
    /// From 0 to 1.
    Floats(Vec<f32>),
}

/// Answers what a body asks, as JSON.
///
/// # Errors
/// When the body is no image of the model's.
pub(super) fn predict(model: &Model, body: &[u8], question: &Question) -> Result<Vec<u8>, Refusal> {
    let asked =
        if numbers::is_json(body) { in_numbers(model, body)? } else { in_picture(model, body, question)? };
    let asked = seen(model, asked);
    let row = (1, model.network.inputs());
    let view = match &asked {
        Asked::Bytes { pixels, .. } => ArrayView2::from_shape(row, pixels).map(Inputs::from),
        Asked::Floats(values) => ArrayView2::from_shape(row, values).map(Inputs::from),
    };
    let trace = model.network.trace(view.map_err(|error| internal(&error))?);
    let named = |guess: Guess| NamedGuess { guess, name: class_name(model, guess.class) };
    let top: Vec<NamedGuess<'_>> =
        model::guesses(model, trace.output(), question.top).into_iter().map(named).collect();
    let &NamedGuess { guess: Guess { class: predicted, probability }, name } =
        top.first().ok_or_else(|| internal(&"no class"))?;
    let hidden = 0..model.network.depth() - 1;
    let activations = question
        .activations
        .then(|| hidden.map(|layer| trace.activations(layer).iter().copied().collect()).collect());
    let (inverted, pixels) = match asked {
        Asked::Bytes { pixels, inverted } => (inverted, pixels),
        Asked::Floats(values) => (None, to_bytes(&values)),
    };
    let pixels = question.pixels.then_some(pixels);
    to_json(&Answer { predicted, name, probability, top, inverted, pixels, activations })
}

/// What a network that has a preprocessing sees of it.
fn seen(model: &Model, asked: Asked) -> Asked {
    if model.preprocessing == Preprocessing::None {
        return asked;
    }
    let (pixels, inverted) = match asked {
        Asked::Bytes { pixels, inverted } => (pixels, inverted),
        Asked::Floats(values) => (to_bytes(&values), None),
    };
    Asked::Bytes { pixels: model::see(model, &pixels).into_owned(), inverted }
}

fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().map(|value| (255.0 * value).round() as u8).collect()
}

/// Answers what the weights of a unit are, as JSON.
///
/// # Errors
/// When there is no such unit.
pub(super) fn unit(model: &Model, Unit { layer, unit }: Unit) -> Result<Vec<u8>, Refusal> {
    let network = &model.network;
    let missing = |what: &str, count: usize, found: usize| {
        let error = format!("expected {what} from 0 to {}, found {found}", count - 1);
        Refusal::new(StatusCode::NOT_FOUND, error)
    };
    if layer >= network.depth() {
        return Err(missing("a layer", network.depth(), layer));
    }
    if unit >= network.units(layer) {
        return Err(missing("a unit", network.units(layer), unit));
    }
    let parameters = network.parameters();
    let weights = parameters.weights(layer).column(unit).to_vec();
    to_json(&Weights { layer, unit, bias: parameters.biases(layer)[unit], weights })
}

/// The image in a body of JSON: numbers as the network sees them, which are not prepared.
fn in_numbers(model: &Model, body: &[u8]) -> Result<Asked, Refusal> {
    let image = numbers::read(body).map_err(|error| {
        Refusal::bad_request(format!(
            "expected the numbers of an image as JSON, found something else: {error}"
        ))
        .hint(format!("such as [0, 0, 255, ...], {} numbers in all", model.network.inputs()))
    })?;
    let Image { numbers, white } = image;
    let (expected, found) = (model.network.inputs(), numbers.values.len());
    if found != expected {
        let error =
            format!("expected {expected} numbers for images of {}, found {found}", shape(&model.image_shape));
        return Err(Refusal::bad_request(error));
    }
    if !numbers.rows.is_empty() && !is_shape(&numbers.rows, &model.image_shape) {
        let first = numbers.rows.first().copied().unwrap_or_default();
        let error = format!(
            "expected images of {}, found {} rows, the first of {first} numbers",
            shape(&model.image_shape),
            numbers.rows.len(),
        );
        return Err(Refusal::bad_request(error));
    }
    let Some(white) = white else {
        let byte = |(place, &value): (usize, &f64)| {
            if value.fract() == 0.0 && (0.0..=255.0).contains(&value) {
                return Ok(value as u8);
            }
            Err(Refusal::bad_request(format!(
                "expected whole numbers from 0 to 255, found {value} at place {place}"
            ))
            .hint("numbers from 0 to 1 are sent as {\"pixels\": [...], \"white\": 1}"))
        };
        let pixels = numbers.values.iter().enumerate().map(byte).collect::<Result<_, _>>()?;
        return Ok(Asked::Bytes { pixels, inverted: None });
    };
    if !(white > 0.0 && white.is_finite()) {
        return Err(Refusal::bad_request(format!("expected a number above 0 for white, found {white}")));
    }
    let float = |(place, &value): (usize, &f64)| {
        if (0.0..=white).contains(&value) {
            return Ok((value / white) as f32);
        }
        Err(Refusal::bad_request(format!(
            "expected numbers from 0 to {white}, found {value} at place {place}"
        )))
    };
    Ok(Asked::Floats(numbers.values.iter().enumerate().map(float).collect::<Result<_, _>>()?))
}

/// Whether rows of these lengths are an image of the shape, height first.
fn is_shape(rows: &[usize], image_shape: &[usize]) -> bool {
    matches!(*image_shape, [height, width] if rows.len() == height && rows.iter().all(|&row| row == width))
}

/// What a picture becomes on its way to the network, as for `predict`.
fn in_picture(model: &Model, body: &[u8], question: &Question) -> Result<Asked, Refusal> {
    let size = Size::of(&model.image_shape).map_err(|error| Refusal::bad_request(error.to_string()))?;
    let picture = picture_file::decode_within(body, MOST_PIXELS).map_err(|error| {
        let refusal = Refusal::bad_request(error.to_string());
        match error {
            DecodeError::OtherFormat { .. } => refusal.hint(
                "send a picture, or the numbers of an image as JSON, such as [0, 0, 255, ...]; with curl by \
                 --data-binary @FILE",
            ),
            _ => refusal,
        }
    })?;
    let args = PictureArgs { prepare: question.prepare, invert: question.invert };
    let seen = pictures::as_seen(picture, size, &args).map_err(|error| {
        // What it has to advise is for the command line.
        let refused = |status| Refusal::new(status, format!("{error:#}"));
        match error.downcast_ref() {
            Some(PreparationError::Blank) => refused(StatusCode::UNPROCESSABLE_ENTITY),
            _ => refused(StatusCode::BAD_REQUEST).hint("prepare=auto scales pictures of other sizes"),
        }
    })?;
    Ok(Asked::Bytes { pixels: seen.picture.pixels, inverted: Some(seen.inverted) })
}

fn to_json(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|error| internal(&error))
}

/// What cannot be.
fn internal(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the answer could not be computed: {error}"))
}
