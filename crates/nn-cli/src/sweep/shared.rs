//! What all trainings of a sweep share: owns the one opened data set, prepared once in each way that is asked for, and
//! the teachers, and refuses to know who trains on it.

use std::{num::NonZeroUsize, path::Path};

use anyhow::{Context, Result};
use nn_train::{DataFiles, JoinedFiles, Preprocessing, Samples, Teacher};

use super::candidate::Candidate;
use crate::train::{
    school::Teaching,
    sets::{Images, Sets, check_distortions},
    task::{School, Task},
};

/// The images in each way in which some network sees them.
pub(super) type Prepared<'a> = Vec<(Preprocessing, Images<'a>)>;

/// Prepares the images in each way that some candidate asks for.
pub(super) fn prepare<'a>(
    candidates: &[Candidate],
    (train, test): (&'a JoinedFiles, Option<&'a DataFiles>),
    threads: NonZeroUsize,
) -> Result<Prepared<'a>> {
    let mut prepared = Prepared::new();
    for candidate in candidates {
        check_distortions(&candidate.recipe.ingredients, train)?;
        let preprocessing = candidate.recipe.preprocessing;
        if prepared.iter().all(|(done, _)| *done != preprocessing) {
            prepared.push((preprocessing, Images::new(train, test, preprocessing, threads)?));
        }
    }
    Ok(prepared)
}

/// What trainings read, from any thread.
pub(super) struct Shared<'a> {
    pub(super) folder: &'a Path,
    pub(super) files: &'a JoinedFiles,
    /// Samples that are kept for validation.
    pub(super) kept: usize,
    rooms: Vec<Room<'a>>,
    teachings: Vec<(School, Preprocessing, Teaching)>,
}

struct Room<'a> {
    preprocessing: Preprocessing,
    images: &'a Images<'a>,
    sets: Sets<'a>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        folder: &'a Path,
        files: &'a JoinedFiles,
        kept: usize,
        prepared: &'a Prepared<'a>,
    ) -> Result<Shared<'a>> {
        let room = |(preprocessing, images): &'a (Preprocessing, Images<'a>)| {
            Ok(Room { preprocessing: *preprocessing, images, sets: Sets::new(kept, images)? })
        };
        let rooms = prepared.iter().map(room).collect::<Result<_>>()?;
        Ok(Shared { folder, files, kept, rooms, teachings: Vec::new() })
    }

    /// Loads the teachers of these trainings.
    pub(super) fn enroll(&mut self, task: &Task) -> Result<()> {
        if self.teaching(task).is_some() {
            return Ok(());
        }
        if let (Some(school), Some(teaching)) = (&task.school, Teaching::of(task, self.files, None)?) {
            self.teachings.push((school.clone(), task.recipe.preprocessing, teaching));
        }
        Ok(())
    }

    fn teaching(&self, task: &Task) -> Option<&Teaching> {
        let school = task.school.as_ref()?;
        let is_it = |(other, preprocessing, _): &&(School, Preprocessing, Teaching)| {
            other == school && *preprocessing == task.recipe.preprocessing
        };
        self.teachings.iter().find(is_it).map(|(_, _, teaching)| teaching)
    }

    pub(super) fn teacher(&self, task: &Task) -> Option<Teacher<'_>> {
        self.teaching(task).map(Teaching::teacher)
    }

    /// Checksums of the teachers' files.
    pub(super) fn teachers_sha256(&self) -> Vec<String> {
        self.teachings.iter().flat_map(|(_, _, teaching)| teaching.lesson.sha256.iter().cloned()).collect()
    }

    /// The samples to train on and to choose by, as networks of this preprocessing see them.
    pub(super) fn sets(&self, preprocessing: Preprocessing) -> Result<&Sets<'a>> {
        self.room(preprocessing).map(|room| &room.sets)
    }

    /// All samples of the training files, and the test set if there is one.
    pub(super) fn all(&self, preprocessing: Preprocessing) -> Result<(Samples<'a>, Option<Samples<'a>>)> {
        let room = self.room(preprocessing)?;
        Ok((room.images.all()?, room.sets.test))
    }

    fn room(&self, preprocessing: Preprocessing) -> Result<&Room<'a>> {
        let room = self.rooms.iter().find(|room| room.preprocessing == preprocessing);
        room.context("the images are prepared in each way that a candidate asks for")
    }

    /// Inputs and outputs of the networks.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.files.image_shape().iter().product(), self.files.classes())
    }
}
