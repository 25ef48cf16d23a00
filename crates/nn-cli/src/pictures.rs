//! Pictures in files on their way to a network: owns which files are meant by what was typed, and whether a picture is
//! prepared, and refuses to know how it is decoded or prepared.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nn_train::Preparation;

use crate::{
    args::{Invert, PictureArgs, Prepare},
    failure::Advised,
    output,
    picture::{Picture, Size, picture_file},
};

/// What standard input is called on the command line.
const STANDARD_INPUT: &str = "-";

/// How the names of files end that are looked for in folders.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "gif", "bmp"];

/// A picture as a network sees it.
pub(crate) struct Seen {
    pub(crate) picture: Picture,
    pub(crate) inverted: bool,
    pub(crate) prepared: bool,
}

/// The files that are meant: those that were named, and those in folders that were.
///
/// # Errors
/// When a folder cannot be read, or holds no picture.
pub(crate) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(of_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The pictures in a folder, by name; hidden files are none, nor is what folders within it hold.
fn of_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = in_folder(folder)?;
    if files.is_empty() {
        let message = format!(
            "no pictures in {}: expected files that end in .{}",
            folder.display(),
            ENDINGS.join(", .")
        );
        return Err(Advised::new(message, "folders within it are not looked into: name them").into());
    }
    Ok(files)
}

/// The same, of a folder that may have none.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if is_picture_name(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_picture_name(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    !is_hidden && ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// Reads a picture and makes of it what a network for images of `size` is shown.
///
/// # Errors
/// When it cannot be read, is blank, or is of another size and must not be prepared.
pub(crate) fn see(path: &Path, size: Size, args: &PictureArgs) -> Result<Seen> {
    let picture = if path == Path::new(STANDARD_INPUT) {
        let stdin: &mut dyn Read = &mut io::stdin().lock();
        picture_file::read_from(stdin, Path::new("standard input"))?
    } else {
        picture_file::read(path)?
    };
    as_seen(picture, size, args).with_context(|| format!("cannot use {}", path.display()))
}

/// The same, of a picture that was read.
pub(crate) fn as_seen(mut picture: Picture, size: Size, args: &PictureArgs) -> Result<Seen> {
    let found = Size { width: picture.width, height: picture.height };
    let prepared = match args.prepare {
        Prepare::Auto => found != size,
        Prepare::Yes => true,
        Prepare::No if found != size => {
            let message = format!("expected a picture of {size} pixels, found {found}");
            return Err(Advised::new(message, "--prepare auto scales pictures of other sizes").into());
        }
        Prepare::No => false,
    };
    if prepared {
        let preparation = Preparation::of(&[size.height, size.width])?.ink(args.invert.into());
        let prepared = preparation.apply(picture.width, picture.height, &picture.pixels)?;
        let picture = Picture { width: size.width, height: size.height, pixels: prepared.pixels };
        return Ok(Seen { picture, inverted: prepared.is_inverted, prepared: true });
    }
    let inverted = match args.invert {
        Invert::Auto => picture.has_light_border(),
        Invert::Yes => true,
        Invert::No => false,
    };
    if inverted {
        picture.invert();
    }
    Ok(Seen { picture, inverted, prepared: false })
}

/// Says that a picture was taken for dark on light though nobody said so and it was not looked into any further.
pub(crate) fn note_inversion(path: &Path, seen: &Seen, args: &PictureArgs) {
    if seen.inverted && !seen.prepared && args.invert == Invert::Auto {
        output::note(format_args!(
            "{} is dark on light and was inverted; --invert no leaves it as it is",
            path.display()
        ));
    }
}
