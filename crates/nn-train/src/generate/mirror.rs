//! What is written about a generated data set: owns the two JSON files, and refuses to know when they are written.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{GenerateError, GeneratedFile, GenerationPlan};
use crate::{Checkpoint, DataFiles, Fingerprint, dataset::spelled, fingerprint::hex};

/// The version of both files.
const FORMAT: u32 = 1;

/// Everything that decides the bytes of a generated data set.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Description {
    format: u32,
    release: String,
    images: u64,
    image_shape: Vec<usize>,
    classes: usize,
    seed: u64,
    /// As it is typed.
    augment: String,
    /// And what that means in this release.
    settings: String,
    source_samples: u64,
    /// Of pixels and labels, however their files are packed.
    source_sha256: String,
}

impl Description {
    pub(super) fn new(plan: &GenerationPlan, source: &DataFiles) -> Description {
        let fingerprint = Fingerprint::of(source.view());
        Description {
            format: FORMAT,
            release: Checkpoint::RELEASE.to_owned(),
            images: plan.images,
            image_shape: source.image_shape().to_vec(),
            classes: source.classes(),
            seed: plan.seed,
            augment: plan.augmentation.to_string(),
            settings: plan.augmentation.settings(),
            source_samples: fingerprint.samples,
            source_sha256: fingerprint.hex(),
        }
    }

    /// Whether what was begun as `found` can be gone on with as this; the first difference, if not.
    pub(super) fn check(&self, found: &Description, path: &Path) -> Result<(), GenerateError> {
        let pairs = [
            ("format", self.format.to_string(), found.format.to_string()),
            ("release", self.release.clone(), found.release.clone()),
            ("image count", self.images.to_string(), found.images.to_string()),
            ("seed", self.seed.to_string(), found.seed.to_string()),
            ("augmentation", self.settings.clone(), found.settings.clone()),
            ("image shape", spelled(&self.image_shape), spelled(&found.image_shape)),
            ("class count", self.classes.to_string(), found.classes.to_string()),
            ("sample count", self.source_samples.to_string(), found.source_samples.to_string()),
            ("samples of SHA-256", self.source_sha256.clone(), found.source_sha256.clone()),
        ];
        match pairs.into_iter().find(|(_, expected, found)| expected != found) {
            Some((what, expected, found)) => {
                Err(GenerateError::Other { path: path.to_owned(), what, expected, found })
            }
            None => Ok(()),
        }
    }
}

/// How far an unfinished data set is.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct State {
    #[serde(flatten)]
    pub(super) description: Description,
    /// Images that are on the disk.
    pub(super) images_done: u64,
    /// Of the images file up to the end of these.
    pub(super) sha256: String,
}

impl State {
    pub(super) fn to_json(&self) -> String {
        json(self)
    }

    pub(super) fn parse(text: &str) -> Result<State, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// What a data set is made of and by, and the sums of its files.
#[derive(Serialize)]
pub(super) struct Manifest<'a> {
    #[serde(flatten)]
    description: &'a Description,
    source_files: Vec<FileMirror<'a>>,
    files: Vec<FileMirror<'a>>,
}

#[derive(Serialize)]
struct FileMirror<'a> {
    name: &'a str,
    bytes: u64,
    sha256: String,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(
        description: &'a Description,
        source_files: &'a [GeneratedFile],
        files: &'a [GeneratedFile],
    ) -> Manifest<'a> {
        let mirrors = |files: &'a [GeneratedFile]| files.iter().map(FileMirror::new).collect();
        Manifest { description, source_files: mirrors(source_files), files: mirrors(files) }
    }

    pub(super) fn to_json(&self) -> String {
        json(self)
    }
}

impl<'a> FileMirror<'a> {
    fn new(file: &'a GeneratedFile) -> FileMirror<'a> {
        FileMirror { name: &file.name, bytes: file.bytes, sha256: hex(&file.sha256) }
    }
}

fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("texts and whole numbers are JSON");
    text.push('\n');
    text
}
