//! A data set as pictures: owns the folders and the names of the files, and refuses to know how they are encoded.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
};

use anyhow::{Context, Result};
use nn_train::NewDataFolder;

use super::{labels::Labels, source::Half, transposed};
use crate::{
    args::ConvertArgs,
    picture::{Picture, Size, png_file},
};

/// Writes `train/CLASS/NUMBER.png` and `train.csv` of the first half, and the same of the second under `test`; tells how
/// many pictures there are of each.
///
/// Folders are numbers, for what classes are called may be no name for a folder.
pub(super) fn write(
    args: &ConvertArgs,
    labels: &Labels,
    size: Size,
    halves: [Option<&Half>; 2],
    folder: &NewDataFolder,
) -> Result<[usize; 2]> {
    let mut counts = [0; 2];
    for ((half, name), count) in halves.into_iter().zip(["train", "test"]).zip(&mut counts) {
        let Some(half) = half else { continue };
        let path = folder.staging().join(format!("{name}.csv"));
        let cannot = || format!("cannot write {}", path.display());
        let mut table = BufWriter::new(File::create(&path).with_context(cannot)?);
        writeln!(table, "path,label").with_context(cannot)?;
        let mut has_folder = [false; super::labels::MOST_CLASSES];
        half.for_each(&args.pictures, labels, size, |pixels, class| {
            let class_folder = folder.staging().join(name).join(class.to_string());
            if !std::mem::replace(&mut has_folder[usize::from(class)], true) {
                fs::create_dir_all(&class_folder)
                    .with_context(|| format!("cannot make the folder {}", class_folder.display()))?;
            }
            let picture = match args.transpose {
                true => Picture { width: size.height, height: size.width, pixels: transposed(pixels, size) },
                false => Picture::new(size, pixels),
            };
            let file = format!("{count:06}.png");
            let path = class_folder.join(&file);
            fs::write(&path, png_file::encode(&picture)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(table, "{name}/{class}/{file},{class}").with_context(cannot)?;
            *count += 1;
            Ok(())
        })?;
        table.flush().with_context(cannot)?;
        table.get_ref().sync_all().with_context(cannot)?;
    }
    Ok(counts)
}
