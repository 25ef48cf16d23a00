//! CSV files of samples: owns their two forms, what may stand in a field and how long a line may be, and refuses to know
//! what labels mean.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use csv::ByteRecord;

use super::labels::MOST_CLASSES;
use crate::{failure::Advised, model::refuse_named_pipe, picture::Size};

/// The longest line, or lines where a field in quotes has several: images of 1024 x 1024 pixels of four characters each
/// fit.
const MOST_LINE: usize = 8 << 20;

/// A CSV file.
pub(super) struct Table {
    path: PathBuf,
    /// Fields in a line: a path and a label, or a label and the pixels.
    fields: usize,
    has_heading: bool,
}

/// A line.
pub(super) struct Row<'a> {
    pub(super) label: &'a str,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    Path(PathBuf),
    Pixels(&'a [u8]),
}

impl Table {
    /// Opens a file and looks at its first line.
    pub(super) fn open(path: &Path) -> Result<Table> {
        let mut table = Table { path: path.to_owned(), fields: 0, has_heading: false };
        let mut first = ByteRecord::new();
        let is_there = table.reader()?.read_byte_record(&mut first).map_err(|error| table.failure(&error))?;
        ensure!(is_there, "expected a CSV file with samples, found nothing in {}", path.display());
        table.fields = first.len();
        table.has_heading = if table.is_of_paths() {
            let [path, label] = [0, 1].map(|field| String::from_utf8_lossy(&first[field]).to_lowercase());
            ["path", "file", "filename", "file_name", "image"].contains(&path.trim())
                && ["label", "class", "class_name"].contains(&label.trim())
        } else {
            // Labels are numbers, so that a line that begins with another word names what is under it. What follows does
            // not decide: a pixel that is none is to be heard of.
            first.get(0).is_some_and(|label| !begins_a_sample(label))
        };
        if table.fields < 2 {
            let message = format!(
                "expected a CSV file of path,label or label,pixel,... in {}, found one field in the first line",
                path.display()
            );
            bail!(Advised::new(message, "fields are separated by commas"));
        }
        Ok(table)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where its paths count from.
    pub(super) fn folder(&self) -> &Path {
        match self.path.parent() {
            // Not nothing, so that a path of `-` within it is a file, and not standard input.
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Whether each line has the path of a picture; else it has the pixels of one.
    pub(super) fn is_of_paths(&self) -> bool {
        self.fields == 2
    }

    /// The size of the images whose pixels it has: what was asked for, or a square.
    pub(super) fn size(&self, asked: Option<Size>) -> Result<Option<Size>> {
        if self.is_of_paths() {
            return Ok(None);
        }
        let pixels = self.fields - 1;
        let side = pixels.isqrt();
        match asked {
            Some(size) if size.width * size.height == pixels => Ok(asked),
            Some(size) => bail!("expected {size} pixels a line in {}, found {pixels}", self.path.display()),
            None if side * side == pixels => Ok(Some(Size { width: side, height: side })),
            None => {
                let message =
                    format!("expected pixels of a square in {}, found {pixels}", self.path.display());
                bail!(Advised::new(message, "--size WIDTHxHEIGHT says how they are arranged"));
            }
        }
    }

    /// The labels that occur; of a file of pixels, where they are numbers, none.
    pub(super) fn label_texts(&self) -> Result<BTreeSet<String>> {
        let mut texts = BTreeSet::new();
        if self.is_of_paths() {
            self.for_each_record(|record, _| {
                let label = label(&record[1])?;
                if !texts.contains(label) {
                    texts.insert(label.to_owned());
                }
                ensure!(texts.len() <= MOST_CLASSES, "expected at most {MOST_CLASSES} labels, found more");
                Ok(())
            })?;
        }
        Ok(texts)
    }

    /// Goes through the lines.
    pub(super) fn for_each(&self, mut visit: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
        let mut pixels = Vec::new();
        self.for_each_record(|record, _| {
            if self.is_of_paths() {
                let path = std::str::from_utf8(&record[0]).context("expected a path in UTF-8")?;
                let content = Content::Path(self.folder().join(path));
                return visit(Row { label: label(&record[1])?, content });
            }
            pixels.clear();
            for (place, field) in record.iter().enumerate().skip(1) {
                let pixel = number(field).and_then(|pixel| u8::try_from(pixel).ok());
                pixels.push(pixel.with_context(|| {
                    format!("expected a pixel from 0 to 255 in field {}, found {:?}", place + 1, shown(field))
                })?);
            }
            let label = number(&record[0]).with_context(|| {
                format!("expected a label that is a number, found {:?}", shown(&record[0]))
            })?;
            visit(Row { label: &label.to_string(), content: Content::Pixels(&pixels) })
        })
    }

    fn for_each_record(&self, mut visit: impl FnMut(&ByteRecord, u64) -> Result<()>) -> Result<()> {
        let mut reader = self.reader()?;
        let mut record = ByteRecord::new();
        let mut is_heading = self.has_heading;
        while reader.read_byte_record(&mut record).map_err(|error| self.failure(&error))? {
            reader.get_mut().length = 0;
            if std::mem::take(&mut is_heading) {
                continue;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let at = || format!("cannot use line {line} of {}", self.path.display());
            if record.len() != self.fields {
                return Err(anyhow::anyhow!("expected {} fields, found {}", self.fields, record.len()))
                    .with_context(at);
            }
            visit(&record, line).with_context(at)?;
        }
        Ok(())
    }

    fn reader(&self) -> Result<csv::Reader<ShortRecords<File>>> {
        refuse_named_pipe(&self.path, "a CSV file")?;
        let file = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let file = ShortRecords { inner: file, length: 0 };
        Ok(csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file))
    }

    fn failure(&self, error: &csv::Error) -> anyhow::Error {
        match error.kind() {
            csv::ErrorKind::Io(error) => anyhow::anyhow!("cannot read {}: {error}", self.path.display()),
            _ => anyhow::anyhow!("cannot read {}: {error}", self.path.display()),
        }
    }
}

/// A whole number; tables that were saved by others have 3.0 for 3.
fn number(field: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(field).ok()?.trim();
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

/// Whether a field is a number of any kind, though labels are whole ones.
fn begins_a_sample(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| text.trim().parse::<f64>().is_ok())
}

fn label(field: &[u8]) -> Result<&str> {
    Ok(std::str::from_utf8(field).context("expected a label in UTF-8")?.trim())
}

/// The beginning of a field, for a message.
fn shown(field: &[u8]) -> String {
    String::from_utf8_lossy(field).chars().take(20).collect()
}

/// A reader that refuses endless records, which would be kept in memory.
struct ShortRecords<R> {
    inner: R,
    /// Bytes since the last record ended, of which the buffer before this one may hold some.
    length: usize,
}

impl<R: Read> Read for ShortRecords<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.length += count;
        if self.length > MOST_LINE {
            let message = format!("expected lines of at most {MOST_LINE} bytes, found a longer one");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}
