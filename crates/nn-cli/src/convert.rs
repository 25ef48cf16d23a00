//! `convert`: owns which samples go to which half of the new data, in which order and under which labels, and refuses to
//! know how sources are read and files written.

mod labels;
mod source;
mod table;
mod to_pictures;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nn_train::{ClassNames, NewDataFolder, NewSamples, Split, epoch_order};

use self::{
    labels::Labels,
    source::{Half, Source},
};
use crate::{
    args::{ConvertArgs, Form, Validation},
    failure::Advised,
    output::{Output, count},
    picture::Size,
};

/// A tenth, as is usual.
const USUAL_TEST: Validation = Validation::Fraction(0.1);

pub(crate) fn run(args: &ConvertArgs, output: &mut Output) -> Result<()> {
    let source = Source::find(&args.source)?;
    let (train, test) = match source {
        Source::Whole(half) => (Some(half), args.test_from.as_deref().map(test_half).transpose()?),
        Source::Halves(..) if args.test.is_some() || args.test_from.is_some() => {
            let message = format!("{} has its own division into training and test", args.source.display());
            bail!(Advised::new(message, "leave out --test and --test-from"));
        }
        Source::Halves(train, test) => (train, test),
    };
    let has_own_halves = train.is_none() || test.is_some();
    let halves = || train.iter().chain(&test);
    let is_idx = halves().all(Half::is_idx);
    let labels = Labels::new(args, halves())?;
    let size = size(args, halves())?;

    let folder = NewDataFolder::create(&args.output)?;
    let counts = match args.to.unwrap_or(if is_idx { Form::Pictures } else { Form::Idx }) {
        Form::Pictures if !is_idx => {
            let message = format!("cannot make pictures of {}: expected a data set", args.source.display());
            bail!(Advised::new(message, "--to idx makes one"));
        }
        Form::Pictures => to_pictures::write(args, &labels, size, [train.as_ref(), test.as_ref()], &folder)?,
        Form::Idx if has_own_halves => {
            let mut counts = [0; 2];
            for (half, split, number) in [(&train, Split::Train, 0), (&test, Split::Test, 1)] {
                let Some(half) = half else { continue };
                let mut samples = gather(args, half, &labels, size, &folder)?;
                let order = match half.is_by_class() {
                    true => epoch_order(args.seed, 0, samples.len()),
                    false => (0..samples.len()).collect(),
                };
                counts[number] = order.len();
                samples.write(split, order)?;
            }
            counts
        }
        Form::Idx => {
            let half = train.as_ref().context("a source has at least one half")?;
            let mut samples = gather(args, half, &labels, size, &folder)?;
            let test = args.test.unwrap_or(USUAL_TEST).of(samples.len());
            ensure!(
                test < samples.len(),
                "--test takes {} for testing, expected fewer than the {} there are",
                count(test, "sample"),
                samples.len()
            );
            let mut order = epoch_order(args.seed, 0, samples.len());
            let train_order = order.split_off(test);
            let counts = [train_order.len(), test];
            samples.write(Split::Train, train_order)?;
            if test > 0 {
                samples.write(Split::Test, order)?;
            }
            counts
        }
    };
    let classes = match labels.names() {
        Some(names) => {
            folder.write_class_names(names)?;
            format!(", {} with names in {}", count(names.as_slice().len(), "class"), ClassNames::FILE)
        }
        None => String::new(),
    };
    folder.publish()?;
    let [train, test] = counts;
    let path = args.output.display();
    let size = if args.transpose { Size { width: size.height, height: size.width } } else { size };
    output.line(format_args!(
        "{path}: {} to train on and {} to test on, of {}x{}{classes}",
        count(train, "image"),
        count(test, "image"),
        size.height,
        size.width
    ))
}

/// The half that another source is.
fn test_half(path: &Path) -> Result<Half> {
    match Source::find(path)? {
        Source::Whole(half) | Source::Halves(Some(half), None) | Source::Halves(None, Some(half)) => Ok(half),
        Source::Halves(..) => {
            let message = format!("expected one set of samples in {}, found two", path.display());
            bail!(Advised::new(message, "--test-from takes all of a source: name one that has a single set"))
        }
    }
}

/// The size of the images, before they are transposed: one for both halves.
fn size<'a>(args: &ConvertArgs, halves: impl Iterator<Item = &'a Half>) -> Result<Size> {
    let asked = args.size.map(|size| size.0);
    let mut common: Option<(Size, &Half)> = None;
    for half in halves {
        let size = half.size(asked)?;
        match common {
            Some((expected, other)) if expected != size => bail!(
                "expected images of {expected} as in {}, found {size} in {}",
                other.path().display(),
                half.path().display()
            ),
            _ => common = Some((size, half)),
        }
    }
    Ok(common.context("a source has at least one half")?.0)
}

/// Reads all samples of a half.
fn gather(
    args: &ConvertArgs,
    half: &Half,
    labels: &Labels,
    size: Size,
    folder: &NewDataFolder,
) -> Result<NewSamples> {
    let shape = if args.transpose { [size.width, size.height] } else { [size.height, size.width] };
    let mut samples = folder.samples(shape)?;
    half.for_each(&args.pictures, labels, size, |pixels, class| {
        if args.transpose {
            samples.push(&transposed(pixels, size), class)?;
        } else {
            samples.push(pixels, class)?;
        }
        Ok(())
    })?;
    ensure!(!samples.is_empty(), "expected at least one sample in {}, found none", half.path().display());
    Ok(samples)
}

/// Rows as columns.
fn transposed(pixels: &[u8], size: Size) -> Vec<u8> {
    (0..size.width).flat_map(|column| pixels.iter().copied().skip(column).step_by(size.width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        assert_eq!(transposed(&[1, 2, 3, 4, 5, 6], Size { width: 3, height: 2 }), [1, 4, 2, 5, 3, 6]);
    }
}
