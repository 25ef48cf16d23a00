//! `inspect`: owns the description of files and folders, and refuses to know their formats.

mod checkpoint;
mod data;
mod interchange;
pub(crate) mod model;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use nn_train::{
    ContainerError, DecodeError, LoadError, Model, RunFolder,
    interchange::{FileError, ImportError, describe},
    nn_core::idx_format::{OpenError, ParseError},
};
use serde::Serialize;

use crate::{args::InspectArgs, cut, data as files, model::refuse_named_pipe, output::Output};

pub(crate) fn run(args: &InspectArgs, output: &mut Output) -> Result<()> {
    let path = &args.path;
    if path.is_dir() {
        // A run is known by its checkpoint.
        let checkpoint = path.join(RunFolder::CHECKPOINT);
        if checkpoint.is_file() {
            let loaded = nn_train::load_checkpoint(&checkpoint)?;
            return show(args, &checkpoint::describe(&checkpoint, &loaded), output);
        }
        return show(args, &data::folder(path)?, output);
    }
    refuse_named_pipe(path, "a file")?;
    match nn_train::load(path) {
        Ok(model) => return show(args, &model::describe(path, &model), output),
        Err(error) if !is_something_else(&error) => return Err(error.into()),
        Err(_) => {}
    }
    match nn_train::load_checkpoint(path) {
        Ok(loaded) => return show(args, &checkpoint::describe(path, &loaded), output),
        Err(error) if !is_something_else(&error) => return Err(error.into()),
        Err(_) => {}
    }
    match describe(path) {
        Ok(contents) => return show(args, &interchange::Described::new(path, &contents), output),
        // What cannot be read as one of the three formats may be data, or is known by its hint.
        Err(FileError::Read { .. }) => {}
        Err(FileError::Invalid {
            source:
                ImportError::Format { .. } | ImportError::Zip { .. } | ImportError::Limit { what: "file", .. },
            ..
        }) => {}
        Err(error) => return Err(error.into()),
    }
    match files::open_file(path) {
        Ok(file) => {
            cut::watch(&file)?;
            show(args, &data::idx_file(path, &file), output)
        }
        Err(error @ OpenError::Parse { source: ParseError::BadMagic { .. }, .. }) => {
            Err(error).with_context(|| format!("{} is neither an IDX file nor a model", path.display()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Shows a model that another command has just saved, as `inspect` shows it.
pub(crate) fn show_model(path: &Path, model: &Model, as_json: bool, output: &mut Output) -> Result<()> {
    let description = model::describe(path, model);
    if as_json { output.json(&description) } else { output.line(description.text()) }
}

/// The ingredients of a training, to go on with in a line.
fn listed(ingredients: &BTreeMap<&str, String>) -> String {
    ingredients.iter().map(|(name, value)| format!(", {name} {value}")).collect()
}

/// Whether the file does not even begin as a model or a checkpoint does, or cannot be read as anything.
fn is_something_else(error: &LoadError) -> bool {
    match error {
        LoadError::Read { .. } => true,
        LoadError::Invalid { source: DecodeError::Container(error), .. } => {
            matches!(error, ContainerError::Magic { .. } | ContainerError::CutOff { found: 0, .. })
        }
        _ => false,
    }
}

/// What can be said of a path: in lines for people, or as JSON.
trait Description: Serialize {
    fn text(&self) -> String;
}

fn show(args: &InspectArgs, description: &impl Description, output: &mut Output) -> Result<()> {
    if args.json { output.json(description) } else { output.line(description.text()) }
}
