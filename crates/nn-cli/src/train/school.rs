//! Who teaches a network that is trained: owns how the teachers' files become a committee that suits it, and refuses to
//! know how anybody learns.

use std::fs;

use anyhow::{Context, Result, bail};
use nn_train::{Committee, JoinedFiles, Teacher};
use sha2::{Digest, Sha256};

use super::task::{Lesson, School, Task};
use crate::{
    failure::Advised,
    model::{self, check_images},
};

/// The committee of a training's teachers, and what a run remembers of it.
pub(crate) struct Teaching {
    committee: Committee,
    pub(crate) lesson: Lesson,
}

impl Teaching {
    /// Loads the teachers of a training, if it has any.
    ///
    /// # Errors
    /// When one cannot be loaded, or sees other images than the student.
    pub(crate) fn of(task: &Task, files: &JoinedFiles) -> Result<Option<Teaching>> {
        let Some(School { teachers, share }) = &task.school else { return Ok(None) };
        let mut models = Vec::new();
        let mut sha256 = Vec::new();
        for path in &teachers.0 {
            let model = model::load(path)?;
            // All images are of one shape.
            check_images(&model, path, &files.files()[0])?;
            let (expected, found) = (task.recipe.preprocessing, model.preprocessing);
            if expected != found {
                let message = format!(
                    "{} cannot teach here: expected a network that sees its images with preprocessing {expected}, \
                     found {found}",
                    path.display()
                );
                bail!(Advised::new(message, format!("--preprocess {found} makes both see the same")));
            }
            let (expected, found) = (files.classes(), model.network.outputs());
            if expected != found {
                bail!(
                    "{} cannot teach here: expected a network of {expected} classes, found one of {found}",
                    path.display()
                );
            }
            // The file's own bytes: they are not always those that the model would be saved as here.
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            sha256.push(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect());
            models.push(model);
        }
        let lesson = Lesson { teachers: teachers.0.clone(), sha256, share: *share };
        Ok(Some(Teaching { committee: Committee::new(models)?, lesson }))
    }

    /// Checks that the teachers of a run are those that it was begun with.
    ///
    /// # Errors
    /// When a file is another one.
    pub(super) fn check(teaching: Option<&Teaching>, begun: Option<&Lesson>) -> Result<()> {
        let files = |lesson: &Lesson| lesson.sha256.clone();
        if teaching.map(|teaching| files(&teaching.lesson)) == begun.map(files) {
            return Ok(());
        }
        bail!(Advised::new(
            "the teachers are others than those that the run was begun with",
            "the run can only go on with the files that it was begun with"
        ));
    }

    pub(crate) fn teacher(&self) -> Teacher<'_> {
        Teacher { committee: &self.committee, share: self.lesson.share }
    }
}
