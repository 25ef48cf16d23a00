//! `show`: owns which images are drawn and where, and refuses to know how.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    args::{Indices, ShowArgs},
    data, failure,
    output::{self, Output, count},
    picture::{Picture, Size, png_file, sheet, terminal},
    pictures, target,
};

/// The images that are shown when none is asked for: one row or two.
const USUAL_COUNT: usize = 10;
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
    let size = Size::of(files.image_shape()).with_context(|| format!("cannot draw {}", images.display()))?;
    let indices = args.index.clone().unwrap_or_else(|| Indices::first(USUAL_COUNT.min(dataset.len())));
    let wanted = indices
        .below(dataset.len())
        .map_err(|message| anyhow!("no such image in {}: {message}", images.display()))?;

    let picture = |index: usize| Picture::new(size, dataset.row(index));
    if let Some(png) = &args.png {
        let columns = args.columns.unwrap_or(SHEET_COLUMNS);
        // Before the pictures are gathered.
        sheet::check(size, indices.count(), columns)?;
        let pictures = wanted.map(|index| (dataset.label(index), picture(index)));
        write_sheet(png, &pictures.collect::<Vec<_>>(), columns)?;
        return output.line(format_args!("{} in {}", count(indices.count(), "image"), png.display()));
    }
    // One row after the other, so that a reader who has seen enough can go away. All captions are as wide as the
    // widest, so that all rows have as many columns.
    let name = |label: usize| match files.class_names() {
        Some(names) => names[label].clone(),
        None => label.to_string(),
    };
    let caption = |label: usize, index: usize| format!("{}  #{index}", name(label));
    let caption_width = |label| caption(label, indices.greatest()).chars().count();
    let widest = (0..dataset.classes()).map(caption_width).max().unwrap_or(0);
    let (style, width) = (terminal::Style::detect(args.ascii), terminal::width());
    let columns = terminal::columns(size.width, widest, width, args.columns);
    let mut wanted = wanted.peekable();
    while wanted.peek().is_some() {
        let cell = |index: usize| {
            (format!("{:<widest$}", caption(dataset.label(index).into(), index)), picture(index))
        };
        let row: Vec<(String, Picture)> = wanted.by_ref().take(columns).map(cell).collect();
        output.line(terminal::gallery(&row, style, width, args.columns))?;
        if wanted.peek().is_some() {
            output.line("")?;
        }
    }
    Ok(())
}

/// Shows pictures in files as a network would see them.
fn show_files(args: &ShowArgs, output: &mut Output) -> Result<()> {
    let files = pictures::files(&args.files)?;
    let (style, width) = (terminal::Style::detect(args.ascii), terminal::width());
    let caption = |file: &Path| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let widest = files.iter().map(|file| caption(file).chars().count()).max().unwrap_or(0);
    let columns = terminal::columns(args.size.0.width, widest, width, args.columns);
    let mut failures = 0;
    let mut is_first = true;
    for files_of_row in files.chunks(columns) {
        let mut row = Vec::new();
        for file in files_of_row {
            match pictures::see(file, args.size.0, &args.pictures) {
                Ok(seen) => row.push((format!("{:<widest$}", caption(file)), seen.picture)),
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
            output.line(terminal::gallery(&row, style, width, args.columns))?;
        }
    }
    if failures > 0 {
        bail!("{} of {} could not be used", failures, count(files.len(), "picture"));
    }
    Ok(())
}

fn write_sheet(path: &Path, pictures: &[(u8, Picture)], columns: usize) -> Result<()> {
    let sheet = sheet::sheet(pictures, columns)?;
    let bytes = png_file::encode(&sheet)?;
    nn_train::write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}
