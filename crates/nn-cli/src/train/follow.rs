//! A rank other than 0: owns how it comes to the training that rank 0 begins, and refuses to say or to save anything.

use std::{borrow::Cow, ops::ControlFlow};

use anyhow::{Context, Result};
use nn_train::{
    BatchReport, Checkpoint, Observer, Ranks as _, Snapshot, Split, TrainingSet, fit_on, nn_core::Network,
};

use super::{
    State,
    keeper::About,
    school::Teaching,
    sets::{Images, Sets},
    task::{Settings, Task},
};
use crate::{
    Outcome,
    args::TrainArgs,
    data,
    interrupt::Interrupt,
    output,
    ranks::{self, World},
};

/// What rank 0 tells the others: a checkpoint holds all that decides how a training goes on.
pub(super) fn message(about: &About, state: &State) -> Result<Vec<u8>> {
    let State { network, optimizer, place, .. } = state;
    let snapshot = Snapshot { network, optimizer, place, judged: network, stopping: false };
    let checkpoint = Checkpoint {
        validation: Some(about.held_out),
        settings: Cow::Borrowed(&about.settings),
        ..Checkpoint::new(&snapshot, &about.config, &about.image_shape, about.train)
    };
    checkpoint.to_bytes().context("cannot tell the other ranks where to begin")
}

/// Takes part in the training that rank 0 tells of.
pub(super) fn run(args: &TrainArgs, mut world: World) -> Result<Outcome> {
    let rank = world.rank();
    let outcome = take_part(args, &mut world).with_context(|| format!("rank {rank} on {}", World::host()))?;
    world.finish();
    Ok(outcome)
}

fn take_part(args: &TrainArgs, world: &mut World) -> Result<Outcome> {
    // Rank 0 says the same.
    output::hold_notes();
    let interrupt = Interrupt::watch()?;
    let bytes = world.receive();
    if bytes.is_empty() {
        // There is nothing left to train.
        return Ok(Outcome::Done);
    }
    let checkpoint = Checkpoint::from_bytes(&bytes).context("cannot begin from what rank 0 sent")?;
    checkpoint.check_release()?;
    let settings = Settings::of(&checkpoint)?;
    let task = Task::of(args, &checkpoint, &settings, settings.recipe(&checkpoint)?)?;
    let train_files = data::open_joined(&task.data)?;
    let test_files = data::open_first(&task.data, Split::Test)?.map(|(_, files)| files);
    let teaching = Teaching::of(&task, &train_files, settings.school.as_ref())?;
    let images = Images::new(&train_files, test_files.as_ref(), task.recipe.preprocessing, task.threads)?;
    let sets = Sets::new(settings.validation, &images)?;
    checkpoint.check_image_shape(train_files.image_shape())?;

    let (mut network, mut optimizer): (Network, _) =
        (checkpoint.network.into_owned(), checkpoint.optimizer.into_owned());
    let (image_shape, teacher) = (train_files.image_shape(), teaching.as_ref().map(Teaching::teacher));
    let train = TrainingSet { samples: sets.train, image_shape, teacher, pages: sets.pages };
    let (place, held_out) = (checkpoint.place.into_owned(), Some(sets.held_out()));
    let (both, config) = ((&mut network, &mut optimizer), task.config());
    let history = fit_on(world, place, both, train, held_out, &config, &mut Follower(&interrupt))?;
    ranks::share_signals(world, &interrupt)?;
    Ok(match interrupt.exit_status() {
        Some(status) if history.stopped_early => Outcome::Interrupted(status),
        _ => Outcome::Done,
    })
}

/// Listens for signals to this rank.
struct Follower<'a>(&'a Interrupt);

impl Observer for Follower<'_> {
    fn batch_finished(&mut self, _report: &BatchReport) -> ControlFlow<()> {
        if self.0.exit_status().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
