//! Data, one file or a folder of them: owns its description and statistics, and refuses to know where it is read.

use std::path::Path;

use anyhow::Result;
use nn_train::{
    DataError, DataFiles, Split,
    nn_core::idx_format::{IdxFile, Storage},
};
use serde::Serialize;

use super::Description;
use crate::{
    data,
    output::{count, percent, shape, table, thousands},
};

/// One IDX file.
#[derive(Serialize)]
pub(super) struct IdxDescription {
    kind: &'static str,
    path: String,
    element_type: &'static str,
    shape: Vec<usize>,
    /// Of the file once decompressed.
    bytes: usize,
    gzip: bool,
    pixels: Option<PixelStatistics>,
    /// How often each value occurs, for labels.
    value_counts: Option<Vec<u64>>,
}

pub(super) fn idx_file(path: &Path, file: &IdxFile) -> IdxDescription {
    let idx = file.view();
    let bytes = idx.elements::<u8>().ok();
    let header_bytes = 4 + 4 * idx.rank();
    IdxDescription {
        kind: "idx",
        path: path.display().to_string(),
        element_type: idx.element_type().name(),
        shape: idx.shape().to_vec(),
        bytes: header_bytes + idx.payload().len(),
        gzip: file.storage() == Storage::Decompressed,
        pixels: bytes.filter(|_| idx.rank() > 1).and_then(PixelStatistics::new),
        value_counts: bytes.filter(|_| idx.rank() == 1).map(value_counts),
    }
}

impl Description for IdxDescription {
    fn text(&self) -> String {
        let shape = self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let compressed = if self.gzip { ", compressed with gzip" } else { "" };
        let mut lines = vec![
            format!("file    {}", self.path),
            format!(
                "format  IDX of {}, {shape}, {}{compressed}",
                self.element_type,
                count(self.bytes, "byte")
            ),
        ];
        lines.extend(self.pixels.as_ref().map(PixelStatistics::text));
        lines.extend(self.value_counts.as_deref().map(|counts| counts_table("value", counts, None)));
        lines.join("\n")
    }
}

/// The files of a data set.
#[derive(Serialize)]
pub(super) struct FolderDescription {
    kind: &'static str,
    path: String,
    train: Option<SplitDescription>,
    test: Option<SplitDescription>,
}

#[derive(Serialize)]
struct SplitDescription {
    images: usize,
    image_shape: Vec<usize>,
    classes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_names: Option<Vec<String>>,
    class_counts: Vec<u64>,
    pixels: Option<PixelStatistics>,
}

pub(super) fn folder(path: &Path) -> Result<FolderDescription> {
    let mut missing = None;
    let mut open = |split| -> Result<_> {
        match data::open(path, split) {
            Ok(files) => Ok(Some(SplitDescription::new(&files))),
            Err(error) => match error.downcast::<DataError>()? {
                error @ DataError::NotFound { .. } => {
                    missing.get_or_insert(error);
                    Ok(None)
                }
                error => Err(error.into()),
            },
        }
    };
    let (train, test): (Option<_>, Option<_>) = (open(Split::Train)?, open(Split::Test)?);
    match missing {
        Some(error) if train.is_none() && test.is_none() => Err(error.into()),
        _ => Ok(FolderDescription { kind: "data", path: path.display().to_string(), train, test }),
    }
}

impl SplitDescription {
    fn new(files: &DataFiles) -> SplitDescription {
        let dataset = files.view();
        SplitDescription {
            images: dataset.len(),
            image_shape: files.image_shape().to_vec(),
            classes: dataset.classes(),
            class_names: files.class_names().map(<[String]>::to_vec),
            class_counts: value_counts(dataset.labels()),
            pixels: PixelStatistics::new(dataset.pixels()),
        }
    }

    fn text(&self, name: &str) -> String {
        let mut lines = vec![format!(
            "\n{name:<8}{} of {}, {}",
            count(self.images, "image"),
            shape(&self.image_shape),
            count(self.classes, "class")
        )];
        lines.extend(self.pixels.as_ref().map(PixelStatistics::text));
        lines.push(counts_table("class", &self.class_counts, self.class_names.as_deref()));
        lines.join("\n")
    }
}

impl Description for FolderDescription {
    fn text(&self) -> String {
        let split = |name, split: &Option<SplitDescription>| {
            split.as_ref().map_or_else(|| format!("\n{name:<8}not there"), |split| split.text(name))
        };
        format!("folder  {}\n{}\n{}", self.path, split("train", &self.train), split("test", &self.test))
    }
}

/// Of pixels scaled to 0 (background) to 1 (ink), as the network sees them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct PixelStatistics {
    mean: f64,
    /// The standard deviation.
    deviation: f64,
    /// The share of pixels that are not 0.
    density: f64,
}

impl PixelStatistics {
    fn new(pixels: &[u8]) -> Option<PixelStatistics> {
        // In whole numbers, which are exact for 2^47 pixels and more.
        let (mut sum, mut squares, mut lit) = (0_u64, 0_u64, 0_u64);
        for &pixel in pixels {
            let pixel = u64::from(pixel);
            sum += pixel;
            squares += pixel * pixel;
            lit += u64::from(pixel != 0);
        }
        let count = pixels.len() as f64;
        let mean = sum as f64 / count;
        let variance = (squares as f64 / count - mean * mean).max(0.0);
        let statistics = PixelStatistics {
            mean: mean / 255.0,
            deviation: variance.sqrt() / 255.0,
            density: lit as f64 / count,
        };
        (!pixels.is_empty()).then_some(statistics)
    }

    fn text(&self) -> String {
        format!(
            "pixels  mean {:.4}, standard deviation {:.4} (0 to 1), {} not 0",
            self.mean,
            self.deviation,
            percent(self.density)
        )
    }
}

/// How often each value occurs, up to the greatest.
fn value_counts(values: &[u8]) -> Vec<u64> {
    let mut counts = vec![0; values.iter().max().map_or(0, |&greatest| usize::from(greatest) + 1)];
    for &value in values {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// Two lines for ten values each, which is as many as a terminal has room for.
fn counts_table(heading: &str, counts: &[u64], names: Option<&[String]>) -> String {
    let name = |value: usize| match names.and_then(|names| names.get(value)) {
        Some(name) => name.clone(),
        None => value.to_string(),
    };
    let numbered: Vec<(usize, &u64)> = counts.iter().enumerate().collect();
    let block = |block: &[(usize, &u64)]| {
        let values = std::iter::once(heading.to_owned()).chain(block.iter().map(|(value, _)| name(*value)));
        let counts =
            std::iter::once("count".to_owned()).chain(block.iter().map(|(_, count)| thousands(**count)));
        table(&[values.collect(), counts.collect()])
    };
    numbered.chunks(10).map(block).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_statistics_are_those_of_the_scaled_pixels() {
        // from statistics import *; p = [v / 255 for v in [0, 0, 51, 102, 255, 0]]; print(fmean(p), pstdev(p))
        let statistics = PixelStatistics::new(&[0, 0, 51, 102, 255, 0]).unwrap();
        assert!((statistics.mean - 0.266_666_666_666_666_66).abs() < 1e-12);
        assert!((statistics.deviation - 0.359_010_987_142_300_3).abs() < 1e-12);
        assert_eq!(statistics.density, 0.5);
        assert_eq!(PixelStatistics::new(&[]), None);
    }

    #[test]
    fn values_are_counted_up_to_the_greatest() {
        assert_eq!(value_counts(&[3, 0, 3]), [1, 0, 0, 2]);
        assert_eq!(value_counts(&[]), [0; 0]);
    }
}
