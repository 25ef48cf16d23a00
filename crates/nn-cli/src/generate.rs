//! `generate`: owns what is seen of a data set while it is made, and of the files that it has in the end, and refuses to
//! know how images are made and kept.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use indicatif::ProgressStyle;
use nn_train::{DataFiles, GeneratedFile, GeneratedFolder, GenerationPlan, Split};
use serde::Serialize;

use crate::{
    Outcome,
    args::GenerateArgs,
    data,
    interrupt::Interrupt,
    output::{self, Output, count, shape, thousands},
    progress,
};

/// What is begun or gone on with, as JSON.
#[derive(Serialize)]
struct StartLine<'a> {
    event: &'static str,
    output: String,
    data: String,
    images: u64,
    image_shape: &'a [usize],
    augment: String,
    seed: u64,
    /// Of an earlier process.
    images_done: u64,
    threads: usize,
}

/// What came of it, as JSON.
#[derive(Serialize)]
struct EndLine<'a> {
    event: &'static str,
    interrupted: bool,
    images_done: u64,
    seconds: f64,
    images_per_second: f64,
    files: Vec<FileLine<'a>>,
}

#[derive(Serialize)]
struct FileLine<'a> {
    name: &'a str,
    bytes: u64,
    sha256: String,
}

pub(crate) fn run(args: &GenerateArgs, output: &mut Output) -> Result<Outcome> {
    let interrupt = Interrupt::watch()?;
    let clock = Instant::now();
    let source = data::folder(&args.data)?;
    let train = data::open(&source, Split::Train)?;
    let test = data::open_if_present(&source, Split::Test)?;
    let plan = GenerationPlan { images: args.images, augmentation: args.augment, seed: args.seed };
    // What is there of it is compared with its checksum, which takes seconds for gigabytes.
    let reading = progress::waiting(format!("reading {} and what is there already", source.display()));
    let folder = GeneratedFolder::open(&args.output, &train, test.as_ref(), plan);
    reading.finish_and_clear();
    let mut folder = folder
        .with_context(|| format!("cannot generate {} of {}", args.output.display(), source.display()))?;
    let begun = folder.images_done();
    let threads = args.threads.count();
    start(args, &source, &train, begun, threads, output)?;
    if args.augment.is_still() {
        output::note(format_args!("the augmentation {} leaves every image as it is", args.augment));
    }
    if test.is_none() {
        output::note(format_args!(
            "{} has no test set, and so {} has none",
            source.display(),
            args.output.display()
        ));
    }

    let style = progress::style("[{wide_bar}] {percent:>3} %  {rate}  {left}", "images");
    let bar = progress::bar(args.images, begun, style);
    let filled = folder.fill(threads, |done| {
        bar.set_position(done);
        if done == args.images {
            bar.set_style(ProgressStyle::default_spinner());
            bar.set_message("all images are made; waiting for the disk");
        }
        if interrupt.exit_status().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    let is_whole = filled?.is_continue() || folder.images_done() == args.images;
    let (done, partial) = (folder.images_done(), folder.partial().to_owned());
    let files = if is_whole {
        let writing = progress::waiting("writing the other files to the disk");
        let files = folder.publish();
        writing.finish_and_clear();
        files?
    } else {
        Vec::new()
    };
    end(args, &train, done - begun, &files, done, clock.elapsed(), output)?;
    match interrupt.exit_status() {
        Some(status) if !is_whole => {
            output.flush()?;
            output::note(format_args!(
                "interrupted: {} of {} are kept in {}; the same command goes on",
                thousands(done),
                count(args.images, "image"),
                partial.display()
            ));
            Ok(Outcome::Interrupted(status))
        }
        _ => Ok(Outcome::Done),
    }
}

fn start(
    args: &GenerateArgs,
    source: &Path,
    train: &DataFiles,
    begun: u64,
    threads: NonZeroUsize,
    output: &mut Output,
) -> Result<()> {
    if args.json {
        output.json(&StartLine {
            event: "start",
            output: args.output.display().to_string(),
            data: source.display().to_string(),
            images: args.images,
            image_shape: train.image_shape(),
            augment: args.augment.to_string(),
            seed: args.seed,
            images_done: begun,
            threads: threads.get(),
        })?;
    } else {
        output.line(format_args!(
            "{} of {}, made of the {} in {}: {}, seed {}",
            count(args.images, "image"),
            shape(train.image_shape()),
            thousands(train.len() as u64),
            source.display(),
            args.augment,
            args.seed
        ))?;
        if begun > 0 {
            output.line(format_args!("going on after {}", count(begun, "image")))?;
        }
    }
    output.flush()
}

fn end<'a>(
    args: &GenerateArgs,
    train: &DataFiles,
    made: u64,
    files: &'a [GeneratedFile],
    done: u64,
    time: Duration,
    output: &mut Output,
) -> Result<()> {
    let seconds = time.as_secs_f64();
    let rate = made as f64 / seconds.max(f64::MIN_POSITIVE);
    if args.json {
        let line = |file: &'a GeneratedFile| {
            let GeneratedFile { name, bytes, .. } = file;
            FileLine { name, bytes: *bytes, sha256: file.hex() }
        };
        return output.json(&EndLine {
            event: "end",
            interrupted: files.is_empty(),
            images_done: done,
            seconds,
            images_per_second: rate,
            files: files.iter().map(line).collect(),
        });
    }
    if files.is_empty() {
        return Ok(());
    }
    for file in files {
        output.line(format_args!("{}  {} ({})", file.hex(), file.name, count(file.bytes, "byte")))?;
    }
    let now = if made == done { String::new() } else { format!(", {} of them now", thousands(made)) };
    output.line(format_args!(
        "{}: {} of {}{now}, in {seconds:.1} s, {} made a second",
        args.output.display(),
        count(done, "image"),
        shape(train.image_shape()),
        thousands(rate as u64)
    ))
}
