//! `predict`: owns which images a saved network is asked about and how its answers are shown, and refuses to know how
//! it answers.

use anyhow::{Context, Result, anyhow};
use nn_train::Model;
use serde::Serialize;

use crate::{
    args::{Indices, Invert, PredictArgs},
    data,
    model::{self, Guess, check_images, class_name, class_text},
    output::{self, Output, percent},
    picture::{Size, png_file},
};

/// One answer, as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    image: Image,
    /// The class that is predicted.
    predicted: usize,
    probability: f32,
    top: Vec<NamedGuess<'a>>,
}

/// What was looked at.
#[derive(Serialize)]
#[serde(untagged)]
enum Image {
    Index { index: usize, label: usize, correct: bool },
    File { file: String, inverted: bool },
}

#[derive(Serialize)]
struct NamedGuess<'a> {
    #[serde(flatten)]
    guess: Guess,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

pub(crate) fn run(args: &PredictArgs, output: &mut Output) -> Result<()> {
    let model = model::load(&args.model)?;
    match &args.index {
        Some(indices) => predict_indices(args, &model, indices, output),
        None => predict_files(args, &model, output),
    }
}

fn predict_indices(args: &PredictArgs, model: &Model, indices: &Indices, output: &mut Output) -> Result<()> {
    let folder = data::folder(&args.data)?;
    let files = data::open(&folder, args.split.into())?;
    check_images(model, &args.model, &files)?;
    let dataset = files.view();
    let images = files.images().path();
    let indices = indices
        .below(dataset.len())
        .map_err(|message| anyhow!("no such image in {}: {message}", images.display()))?;
    for index in indices {
        let guesses = model::predict(model, dataset.row(index), args.top)
            .with_context(|| format!("cannot use image {index} of {}", images.display()))?;
        let label = usize::from(dataset.label(index));
        let correct = guesses.first().is_some_and(|guess| guess.class == label);
        let image = Image::Index { index, label, correct };
        answer(args, model, image, &guesses, output)?;
    }
    Ok(())
}

fn predict_files(args: &PredictArgs, model: &Model, output: &mut Output) -> Result<()> {
    let size = Size::of(&model.image_shape).with_context(|| {
        format!("cannot show pictures to {}, whose images are not pictures", args.model.display())
    })?;
    for file in &args.files {
        let mut picture = png_file::read(file, size)?;
        let inverted = match args.invert {
            Invert::Auto => picture.has_light_border(),
            Invert::Yes => true,
            Invert::No => false,
        };
        if inverted {
            picture.invert();
            if args.invert == Invert::Auto && !args.json {
                output::note(format_args!(
                    "{} is dark on light and was inverted; --invert no leaves it as it is",
                    file.display()
                ));
            }
        }
        let guesses = model::predict(model, &picture.pixels, args.top)
            .with_context(|| format!("cannot use {}", file.display()))?;
        answer(args, model, Image::File { file: file.display().to_string(), inverted }, &guesses, output)?;
    }
    Ok(())
}

fn answer(
    args: &PredictArgs,
    model: &Model,
    image: Image,
    guesses: &[Guess],
    output: &mut Output,
) -> Result<()> {
    if args.json {
        let &Guess { class: predicted, probability } =
            guesses.first().context("expected a class to predict, found none")?;
        let named = |&guess: &Guess| NamedGuess { guess, name: class_name(model, guess.class) };
        let top = guesses.iter().map(named).collect();
        return output.json(&Answer { image, predicted, probability, top });
    }
    let (what, verdict) = match image {
        Image::Index { index, label, correct } => (
            format!("{index:>6}: label {}", class_text(model, label)),
            if correct { "  right" } else { "  wrong" },
        ),
        Image::File { file, .. } => (file, ""),
    };
    let top: Vec<String> = guesses
        .iter()
        .map(|guess| {
            format!("{} {:>8}", class_text(model, guess.class), percent(f64::from(guess.probability)))
        })
        .collect();
    output.line(format_args!("{what}, predicted {}{verdict}", top.join("   ")))
}
