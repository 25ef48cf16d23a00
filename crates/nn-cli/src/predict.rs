//! `predict`: owns which images a saved network is asked about and how its answers are shown, and refuses to know how
//! it answers.

mod save;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use nn_train::Model;
use serde::Serialize;

use self::save::Saver;
use crate::{
    args::{Indices, PredictArgs},
    data, failure,
    model::{self, Guess, check_images, class_name, class_text},
    output::{self, Output, count, one_line, percent},
    picture::{Picture, Size, terminal},
    pictures,
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
    File { file: String, inverted: bool, prepared: bool },
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
        Some(indices) => predict_indices(args, model, indices, output),
        None => predict_files(args, &model, output),
    }
}

fn predict_indices(
    args: &PredictArgs,
    mut model: Model,
    indices: &Indices,
    output: &mut Output,
) -> Result<()> {
    let folder = data::folder(&args.data)?;
    let files = data::open(&folder, args.split.into())?;
    check_images(&model, &args.model, &files)?;
    model::name_classes(&mut model, &files);
    let dataset = files.view();
    let images = files.images().path();
    let wanted = indices
        .below(dataset.len())
        .map_err(|message| anyhow!("no such image in {}: {message}", images.display()))?;
    let is_drawn = args.show || args.save_prepared.is_some();
    let size = is_drawn.then(|| Size::of(files.image_shape())).transpose();
    let size = size.with_context(|| format!("cannot draw {}", images.display()))?;
    let mut saver = saver(args, size, &[], indices.count())?;
    for index in wanted {
        let seen = model::see(&model, dataset.row(index));
        let guesses = model::predict(&model, &seen, args.top)
            .with_context(|| format!("cannot use image {index} of {}", images.display()))?;
        let label = usize::from(dataset.label(index));
        let correct = guesses.first().is_some_and(|guess| guess.class == label);
        let picture = size.map(|size| Picture::new(size, &seen));
        if let (Some(saver), Some(picture)) = (&mut saver, &picture) {
            saver.save(Path::new(&index.to_string()), picture)?;
        }
        answer(args, &model, Image::Index { index, label, correct }, &guesses, output)?;
        draw(args, picture.as_ref(), output)?;
    }
    Ok(())
}

fn predict_files(args: &PredictArgs, model: &Model, output: &mut Output) -> Result<()> {
    let size = Size::of(&model.image_shape).with_context(|| {
        format!("cannot show pictures to {}, whose images are not pictures", args.model.display())
    })?;
    let files = pictures::files(&args.files)?;
    let mut saver = saver(args, Some(size), &files, files.len())?;
    let mut failures = 0;
    for file in &files {
        match predict_file(args, model, file, size, saver.as_mut(), output) {
            Err(error) if files.len() == 1 => return Err(error),
            // One after the other, so that what went before is known to be done.
            Err(error) => {
                output.flush()?;
                output::error(&error, failure::hint(&error));
                failures += 1;
            }
            Ok(()) => {}
        }
    }
    if failures > 0 {
        bail!("{} of {} could not be used", failures, count(files.len(), "picture"));
    }
    Ok(())
}

fn predict_file(
    args: &PredictArgs,
    model: &Model,
    file: &Path,
    size: Size,
    saver: Option<&mut Saver>,
    output: &mut Output,
) -> Result<()> {
    let taken = pictures::see(file, size, &args.pictures)?;
    if !args.json {
        pictures::note_inversion(file, &taken, &args.pictures);
    }
    let seen = model::see(model, &taken.picture.pixels);
    let shown = Picture::new(size, &seen);
    if let Some(saver) = saver {
        saver.save(file, &shown)?;
    }
    let guesses =
        model::predict(model, &seen, args.top).with_context(|| format!("cannot use {}", file.display()))?;
    let (inverted, prepared) = (taken.inverted, taken.prepared);
    let image = Image::File { file: file.display().to_string(), inverted, prepared };
    answer(args, model, image, &guesses, output)?;
    draw(args, Some(&shown), output)
}

fn saver(args: &PredictArgs, size: Option<Size>, sources: &[PathBuf], count: usize) -> Result<Option<Saver>> {
    let place = args.save_prepared.as_ref().zip(size);
    place.map(|(path, size)| Saver::new(path, size, sources, count)).transpose()
}

/// Draws what the network saw, if that was asked for.
fn draw(args: &PredictArgs, picture: Option<&Picture>, output: &mut Output) -> Result<()> {
    let Some(picture) = picture.filter(|_| args.show) else { return Ok(()) };
    let style = terminal::Style::detect(args.ascii);
    output.verbatim(format_args!("{}\n", terminal::lines(picture, style, terminal::width()).join("\n")))
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
        Image::File { file, .. } => (one_line(&file), ""),
    };
    let top: Vec<String> = guesses
        .iter()
        .map(|guess| {
            format!("{} {:>8}", class_text(model, guess.class), percent(f64::from(guess.probability)))
        })
        .collect();
    output.line(format_args!("{what}, predicted {}{verdict}", top.join("   ")))
}
