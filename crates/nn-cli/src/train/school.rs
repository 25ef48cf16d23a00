//! Who teaches a network that is trained: owns how the teachers' files become a committee that suits it, and refuses to
//! know how anybody learns.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use nn_train::{Committee, JoinedFiles, Model, Preprocessing, Teacher};
use sha2::{Digest, Sha256};

use super::task::{Lesson, School, Task};
use crate::{
    data,
    eval::COUNTS_AGAIN,
    failure::Advised,
    model::{self, check_images},
};

/// The committee of a training's teachers, and what a run remembers of it.
pub(crate) struct Teaching {
    committee: Committee,
    pub(crate) lesson: Lesson,
}

impl Teaching {
    /// Loads the teachers of a training, if it has any. Those of a run that was `begun` must be the same files.
    ///
    /// # Errors
    /// When one cannot be loaded, is another one than the run was begun with, or sees other images than the student.
    pub(crate) fn of(task: &Task, files: &JoinedFiles, begun: Option<&Lesson>) -> Result<Option<Teaching>> {
        let Some(School { teachers, share }) = &task.school else { return Ok(None) };
        let mut models = Vec::new();
        let mut sha256: Vec<String> = Vec::new();
        for path in &teachers.0 {
            if begun.is_some() && !path.exists() {
                let message = format!("the teacher {} is not there any more", path.display());
                bail!(Advised::new(message, "--teacher FILE,... says where the teachers of the run are now"));
            }
            models.push(model::load(path)?);
            // The file's own bytes: they are not always those that the model would be saved as here.
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            sha256.push(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect());
        }
        // Before anything is advised that a run cannot follow.
        if begun.is_some_and(|begun| begun.sha256 != sha256) {
            bail!(Advised::new(
                "the teachers are others than those that the run was begun with",
                "the run can only go on with the files that it was begun with"
            ));
        }
        check_preprocessing(task.recipe.preprocessing, &models, &teachers.0)?;
        for (model, path) in models.iter().zip(&teachers.0) {
            // All images are of one shape.
            check_images(model, path, &files.files()[0])?;
            let (expected, found) = (files.classes(), model.network.outputs());
            if expected != found {
                bail!(
                    "{} cannot teach here: expected a network of {expected} classes, found one of {found}",
                    path.display()
                );
            }
        }
        if begun.is_none() {
            data::note_repeated(&teachers.0, COUNTS_AGAIN);
        }
        let lesson = Lesson { teachers: teachers.0.clone(), sha256, share: *share };
        Ok(Some(Teaching { committee: Committee::new(models)?, lesson }))
    }

    pub(crate) fn teacher(&self) -> Teacher<'_> {
        Teacher { committee: &self.committee, share: self.lesson.share }
    }
}

/// Checks that all teachers see their images as the student does.
fn check_preprocessing(expected: Preprocessing, models: &[Model], paths: &[PathBuf]) -> Result<()> {
    let Some((first, first_path)) = models.iter().zip(paths).next() else { return Ok(()) };
    // No preprocessing suits teachers that do not agree.
    if let Some((other, path)) =
        models.iter().zip(paths).find(|(other, _)| other.preprocessing != first.preprocessing)
    {
        let message = format!(
            "these cannot teach together: {} sees its images with preprocessing {}, {} with {}",
            first_path.display(),
            first.preprocessing,
            path.display(),
            other.preprocessing
        );
        bail!(Advised::new(message, "take teachers that were trained with one --preprocess"));
    }
    let found = first.preprocessing;
    if expected != found {
        let message = format!(
            "{} cannot teach here: expected a network that sees its images with preprocessing {expected}, found {found}",
            first_path.display()
        );
        bail!(Advised::new(message, format!("--preprocess {found} makes both see the same")));
    }
    Ok(())
}
