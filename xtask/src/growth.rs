//! `growth`: owns the measurement of how a training's time and memory grow with samples, units, layers, classes, batch
//! and threads; the page that it makes is in `growth/page.rs`, the model of a step in `growth/cost.rs`.

mod cost;
mod page;
mod trial;

use crate::machine::Machine;
use crate::output::Output;
use crate::publish::{make_folder, write_atomically};
use crate::sample::idx_header;
use crate::workspace;
use anyhow::{Context as _, Result, ensure};
use lexopt::prelude::*;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use trial::{Measured, Trial};

pub(crate) const HELP: &str = "\
Measure how time and memory of a training grow, and write docs/growth.md.

Usage: cargo xtask growth [OPTIONS]

Options:
  --most N      images in the largest data set; 8100000 needs 6.4 GB of disk [default: 960000]
  --rounds N    how often each training has its turn, of which the median counts [default: 3]
  --dry         write nothing, print the page

It trains on data/mnist, and on larger sets that it makes of that and keeps in the folder growth where cargo puts what it
makes. Memory is measured on Linux alone. Nothing else should run meanwhile, which is about ten minutes.

Examples:
  cargo xtask growth
  cargo xtask growth --most 8100000
  cargo xtask growth --rounds 1 --dry
";

/// The images of MNIST, and of every smallest set.
const LEAST: u64 = 60_000;

/// How many images of a set are looked at to tell how many pixels are lit.
const LOOKED_AT: u64 = 2_000;

struct Options {
    most: u64,
    rounds: usize,
    dry: bool,
}

/// What the page tells of.
struct Findings {
    machine: String,
    rounds: usize,
    /// A data set each: trials on it, and the share of its pixels that are lit.
    samples: Vec<(Trial, f64, Measured)>,
    others: Vec<Comparison<(Trial, Measured)>>,
    /// Lit pixels in an image of MNIST.
    lit: f64,
}

/// Trainings that differ in one thing.
struct Comparison<T> {
    title: &'static str,
    /// What differs.
    about: &'static str,
    trials: Vec<T>,
}

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let options = parse(arguments)?;
    let mnist = workspace::root().join("data/mnist");
    ensure!(
        mnist.join(IMAGES).is_file(),
        "expected MNIST in {}, found none\nhint: `cargo xtask fetch-data` brings it",
        workspace::display(&mnist)
    );
    let program = workspace::release_program()?;
    let folder = workspace::target_folder()?.join("growth");
    make_folder(&folder)?;

    let mut sets = vec![mnist.clone()];
    let mut count = 4 * LEAST;
    while count < options.most {
        sets.push(generated(&program, &mnist, &folder, count, output)?);
        count *= 4;
    }
    if options.most > LEAST {
        sets.push(generated(&program, &mnist, &folder, options.most, output)?);
    }
    let on_sets: Vec<Trial> = sets.iter().map(|data| Trial::on(data.clone())).collect();
    let others = comparisons(&mnist, &folder)?;

    let trials: Vec<&Trial> = on_sets.iter().chain(others.iter().flat_map(|one| &one.trials)).collect();
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); trials.len()];
    for round in 1..=options.rounds {
        // In turn, so that a machine that slows down slows all of them.
        for (trial, measured) in trials.iter().zip(&mut measured) {
            let found = trial.carry_out(&program, &folder)?;
            output.line(format_args!(
                "round {round}/{}  {trial}: {:.2} us a sample",
                options.rounds,
                1e6 * found.seconds_a_sample()
            ));
            measured.push(found);
        }
    }
    let mut medians = measured.into_iter().map(Measured::median);
    let mut next = || medians.next().context("a trial was not measured");
    let lit = lit_share(&mnist)?;
    let mut samples = Vec::new();
    for trial in on_sets {
        let share = lit_share(trial.data())?;
        samples.push((trial, share, next()?));
    }
    let mut told = Vec::new();
    for Comparison { title, about, trials } in others {
        let trials: Result<Vec<_>> = trials.into_iter().map(|trial| Ok((trial, next()?))).collect();
        told.push(Comparison { title, about, trials: trials? });
    }
    let machine = Machine::look(BTreeMap::new()).sentence();
    let lit = lit * trial::PIXELS;
    let page = page::page(&Findings { machine, rounds: options.rounds, samples, others: told, lit });
    if options.dry {
        output.text(page);
        return Ok(());
    }
    let path = workspace::root().join("docs/growth.md");
    write_atomically(&path, page.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    output.line(format_args!("wrote {}", workspace::display(&path)));
    Ok(())
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let mut options = Options { most: 16 * LEAST, rounds: 3, dry: false };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("most") => options.most = arguments.value()?.parse()?,
            Long("rounds") => options.rounds = arguments.value()?.parse()?,
            Long("dry") => options.dry = true,
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.rounds == 0 || options.most < LEAST {
        let message = format!("expected at least 1 round, and {LEAST} images");
        return Err(lexopt::Error::from(message).into());
    }
    Ok(options)
}

/// The trainings but for those on larger sets.
fn comparisons(mnist: &Path, folder: &Path) -> Result<Vec<Comparison<Trial>>> {
    let base = || Trial::on(mnist.to_owned());
    let mut classes = vec![base()];
    for count in [26, 62, 256] {
        classes.push(Trial::on(relabelled(mnist, folder, count)?).among(count));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = |trial: &dyn Fn() -> Trial| (1..=cores).map(|count| trial().with_threads(count)).collect();
    Ok(vec![
        Comparison {
            title: "Width",
            about: "One hidden layer of so many units.",
            trials: [25, 50, 100, 200, 400, 800, 1600].map(|units| base().with_hidden(&[units])).into(),
        },
        Comparison {
            title: "Depth",
            about: "So many hidden layers of 400 units.",
            trials: [1, 2, 4, 8].map(|layers| base().with_hidden(&vec![400; layers])).into(),
        },
        Comparison {
            title: "Classes",
            about: "MNIST's images, their labels replaced by others among so many classes.",
            trials: classes,
        },
        Comparison {
            title: "Batch",
            about: "So many samples a step.",
            trials: [1, 4, 16, 64, 256, 1024].map(|batch| base().with_batch(batch)).into(),
        },
        Comparison {
            title: "Threads, the small network",
            about: "784-100-10, 64 samples a step.",
            trials: threads(&base),
        },
        Comparison {
            title: "Threads, a wide network",
            about: "784-800-10, 256 samples a step.",
            trials: threads(&|| base().with_hidden(&[800]).with_batch(256)),
        },
    ])
}

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

/// The folder of a set of so many images, which is made where it is not there.
fn generated(
    program: &Path,
    mnist: &Path,
    folder: &Path,
    count: u64,
    output: &mut Output,
) -> Result<PathBuf> {
    let set = folder.join(format!("{count}-images"));
    if !set.join("manifest.json").is_file() {
        output.line(format_args!("making {count} images"));
        let mut command = Command::new(program);
        command.args(["generate", "--images", &count.to_string(), "--output"]).arg(&set);
        let status = command.arg("--data").arg(mnist).status().context("cannot start nn-cli")?;
        ensure!(status.success(), "nn-cli could not make {}", set.display());
    }
    Ok(set)
}

/// The images of MNIST with labels that go round among so many classes: what they mean is nothing to the time.
fn relabelled(mnist: &Path, folder: &Path, classes: u32) -> Result<PathBuf> {
    let set = folder.join(format!("{classes}-classes"));
    make_folder(&set)?;
    for (images, labels) in [(IMAGES, LABELS), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")] {
        let bytes =
            fs::read(mnist.join(images)).with_context(|| format!("cannot read {images} of data/mnist"))?;
        let count = u32::from_be_bytes(bytes.get(4..8).context("no IDX file")?.try_into()?);
        let mut of_labels = idx_header(&[count]);
        of_labels.extend((0..count).map(|index| (index % classes) as u8));
        write_atomically(&set.join(images), &bytes)?;
        write_atomically(&set.join(labels), &of_labels)?;
    }
    Ok(set)
}

/// The share of pixels that are lit in the training images of a set, by some of them, evenly spread.
fn lit_share(data: &Path) -> Result<f64> {
    let path = data.join(IMAGES);
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(&path).with_context(cannot)?;
    let header = 16;
    let image = trial::PIXELS as usize;
    let images = (file.metadata().with_context(cannot)?.len() - header) / image as u64;
    let mut pixels = vec![0; image];
    let mut lit = 0;
    for number in 0..LOOKED_AT {
        file.seek(SeekFrom::Start(header + number * images / LOOKED_AT * image as u64))
            .with_context(cannot)?;
        file.read_exact(&mut pixels).with_context(cannot)?;
        lit += pixels.iter().filter(|&&pixel| pixel != 0).count();
    }
    Ok(lit as f64 / (LOOKED_AT as f64 * trial::PIXELS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;

    #[test]
    fn options_of_no_measurement_are_wrong_usage() {
        for arguments in [&["--rounds", "0"][..], &["--most", "100"], &["mnist"]] {
            let error = parse(lexopt::Parser::from_args(arguments)).map(drop).unwrap_err();
            assert!(error.is::<lexopt::Error>(), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn lit_pixels_are_those_that_are_not_0() {
        let folder = ScratchFolder::create("growth").unwrap();
        let count = 2 * LOOKED_AT as usize;
        let mut bytes = idx_header(&[count as u32, 28, 28]);
        // A quarter of each image.
        bytes.extend((0..count).flat_map(|_| (0..784_u32).map(|pixel| u8::from(pixel % 4 == 1))));
        fs::write(folder.path().join(IMAGES), bytes).unwrap();
        assert_eq!(lit_share(folder.path()).unwrap(), 0.25);
    }

    #[test]
    fn relabelled_images_keep_their_bytes() {
        let folder = ScratchFolder::create("growth").unwrap();
        let mnist = folder.path().join("mnist");
        fs::create_dir(&mnist).unwrap();
        for (name, count) in [(IMAGES, 5), ("t10k-images-idx3-ubyte", 2)] {
            let mut bytes = idx_header(&[count, 1, 1]);
            bytes.extend((0..count).map(|image| image as u8));
            fs::write(mnist.join(name), bytes).unwrap();
        }
        let set = relabelled(&mnist, folder.path(), 3).unwrap();
        assert_eq!(fs::read(set.join(IMAGES)).unwrap(), fs::read(mnist.join(IMAGES)).unwrap());
        assert_eq!(fs::read(set.join(LABELS)).unwrap()[8..], [0, 1, 2, 0, 1]);
    }
}
