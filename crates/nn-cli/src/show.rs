//! `show`: owns which images are drawn and where, and refuses to know how.

mod variants;

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use nn_train::Preprocessing;

use crate::{
    args::{Indices, ShowArgs},
    data, failure,
    output::{self, Output, count, one_line},
    picture::{Picture, png_file, sheet, terminal},
    pictures, target,
};

use self::variants::{Variant, Variants};

/// The images that are shown when none is asked for: one row or two.
const USUAL_COUNT: usize = 10;
/// The same where each has variants beside it, which fill a row.
const USUAL_COUNT_OF_VARIED: usize = 4;
const SHEET_COLUMNS: usize = 5;

pub(crate) fn run(args: &ShowArgs, output: &mut Output) -> Result<()> {
    if !args.files.is_empty() {
        return show_files(args, output);
    }
    if let Some(png) = &args.png {
        target::check(png, "a PNG file", png_file::is_png)?;
    }
    let folder = data::folder(&args.data)?;
    let files = data::open(&folder, args.split.into())?;
    let dataset = files.view();
    let images = files.images().path();
    let mut variants = Variants::new(args, &files)?;
    let is_varied = variants.count() > 1;
    let usual = if is_varied { USUAL_COUNT_OF_VARIED } else { USUAL_COUNT };
    let indices = args.index.clone().unwrap_or_else(|| Indices::first(usual.min(dataset.len())));
    let wanted = indices
        .below(dataset.len())
        .map_err(|message| anyhow!("no such image in {}: {message}", images.display()))?;

    if let Some(png) = &args.png {
        let columns = args.columns.unwrap_or(if is_varied { variants.count() } else { SHEET_COLUMNS });
        // Before the pictures are gathered.
        let pictures = indices.count().saturating_mul(variants.count());
        sheet::check(variants.size(), pictures, columns)?;
        let mut pictures = Vec::new();
        for index in wanted {
            let label = dataset.label(index);
            pictures.extend(variants.of(index).into_iter().map(|variant| (label, variant.picture)));
        }
        write_sheet(png, &pictures, columns)?;
        return output.line(format_args!("{} in {}", count(pictures.len(), "image"), png.display()));
    }
    // One row after the other, so that a reader who has seen enough can go away. All captions are as wide as the
    // widest, so that all rows have as many columns.
    let name = |label: usize| match files.class_names() {
        Some(names) => one_line(&names[label]),
        None => label.to_string(),
    };
    let caption = |label: usize, index: usize| format!("{}  #{index}", name(label));
    let width_of = |caption: String| caption.chars().count();
    let of_images = (0..dataset.classes()).map(|label| width_of(caption(label, indices.greatest())));
    let widest = of_images.chain(variants.names().flatten().map(width_of)).max().unwrap_or(0);
    let (style, width) = (terminal::Style::detect(args.ascii), terminal::width());
    let columns = terminal::columns(variants.size().width, widest, width, args.columns);
    let mut wanted = wanted.peekable();
    let mut is_first = true;
    let mut cells = Vec::new();
    while let Some(index) = wanted.next() {
        let cell = |Variant { name, picture }| {
            let caption = name.unwrap_or_else(|| caption(dataset.label(index).into(), index));
            (format!("{caption:<widest$}"), picture)
        };
        cells.extend(variants.of(index).into_iter().map(cell));
        // The variants of an image begin a row of their own.
        if is_varied || cells.len() == columns || wanted.peek().is_none() {
            for row in cells.chunks(columns) {
                if !std::mem::take(&mut is_first) {
                    output.line("")?;
                }
                output.verbatim(terminal::gallery(row, style, width, args.columns))?;
            }
            cells.clear();
        }
    }
    Ok(())
}

/// Shows pictures in files as a network would see them.
fn show_files(args: &ShowArgs, output: &mut Output) -> Result<()> {
    let files = pictures::files(&args.files)?;
    let (style, width) = (terminal::Style::detect(args.ascii), terminal::width());
    let caption = |file: &Path| one_line(&file.file_name().unwrap_or(file.as_os_str()).to_string_lossy());
    let widest = files.iter().map(|file| caption(file).chars().count()).max().unwrap_or(0);
    let columns = terminal::columns(args.size.0.width, widest, width, args.columns);
    let mut failures = 0;
    let mut is_first = true;
    for files_of_row in files.chunks(columns) {
        let mut row = Vec::new();
        for file in files_of_row {
            match pictures::see(file, args.size.0, &args.pictures) {
                Ok(seen) => {
                    let picture = preprocessed(seen.picture, args.preprocess);
                    row.push((format!("{:<widest$}", caption(file)), picture));
                }
                Err(error) if files.len() == 1 => return Err(error),
                Err(error) => {
                    output.flush()?;
                    output::error(&error, failure::hint(&error));
                    failures += 1;
                }
            }
        }
        if !row.is_empty() {
            if !std::mem::take(&mut is_first) {
                output.line("")?;
            }
            output.verbatim(terminal::gallery(&row, style, width, args.columns))?;
        }
    }
    if failures > 0 {
        bail!("{} of {} could not be used", failures, count(files.len(), "picture"));
    }
    Ok(())
}

/// What is done to a picture of the right size before a network sees it.
fn preprocessed(mut picture: Picture, preprocessing: Preprocessing) -> Picture {
    let original = picture.pixels.clone();
    preprocessing.apply(&original, &[picture.height, picture.width], &mut picture.pixels);
    picture
}

fn write_sheet(path: &Path, pictures: &[(u8, Picture)], columns: usize) -> Result<()> {
    let sheet = sheet::sheet(pictures, columns)?;
    let bytes = png_file::encode(&sheet)?;
    nn_train::write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}
