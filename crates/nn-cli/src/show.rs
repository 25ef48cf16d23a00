//! `show`: owns which images are drawn and where, and refuses to know how.

use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::{
    args::{Indices, ShowArgs},
    data,
    output::{Output, count},
    picture::{Picture, Size, png_file, sheet, terminal},
    target,
};

/// The images that are shown when none is asked for: one row or two.
const USUAL_COUNT: usize = 10;
const SHEET_COLUMNS: usize = 5;

pub(crate) fn run(args: &ShowArgs, output: &mut Output) -> Result<()> {
    if let Some(png) = &args.png {
        target::check(png, "a PNG file", png_file::is_png)?;
    }
    let folder = data::folder(&args.data)?;
    let files = data::open(&folder, args.split.into())?;
    let dataset = files.view();
    let images = files.images().path();
    let size = Size::of(files.image_shape()).with_context(|| format!("cannot draw {}", images.display()))?;
    let indices = args.index.clone().unwrap_or_else(|| Indices::first(USUAL_COUNT.min(dataset.len())));
    let indices = indices
        .below(dataset.len())
        .map_err(|message| anyhow!("no such image in {}: {message}", images.display()))?;

    let picture = |index: usize| Picture::new(size, dataset.row(index));
    if let Some(png) = &args.png {
        let pictures = indices.iter().map(|&index| (dataset.label(index), picture(index)));
        write_sheet(png, &pictures.collect::<Vec<_>>(), args.columns.unwrap_or(SHEET_COLUMNS))?;
        return output.line(format_args!("{} in {}", count(indices.len(), "image"), png.display()));
    }
    let caption = |index: usize| format!("{}  #{index}", dataset.label(index));
    let pictures: Vec<(String, Picture)> =
        indices.iter().map(|&index| (caption(index), picture(index))).collect();
    let style = terminal::Style::detect(args.ascii);
    output.line(terminal::gallery(&pictures, style, terminal::width(), args.columns))
}

fn write_sheet(path: &Path, pictures: &[(u8, Picture)], columns: usize) -> Result<()> {
    let sheet = sheet::sheet(pictures, columns)?;
    let bytes = png_file::encode(&sheet)?;
    nn_train::write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}
