//! `import`: owns the way from what was stated about a file to a saved network, and refuses to know the formats.

use anyhow::Result;
use nn_train::interchange::{self, ImportOptions, InputScale};

use crate::{
    args::ImportArgs,
    failure::Advised,
    inspect,
    model::{self, refuse_named_pipe},
    output::Output,
    target,
};

pub(crate) fn run(args: &ImportArgs, output: &mut Output) -> Result<()> {
    if args.file.is_dir() {
        let message = format!("cannot import {}: expected a file, found a folder", args.file.display());
        return Err(Advised::new(message, "name a safetensors or npz file").into());
    }
    refuse_named_pipe(&args.file, "a safetensors or npz file")?;
    let path = args.output.clone().unwrap_or_else(|| args.file.with_extension("model"));
    target::check(&path, "a model", model::is_model)?;
    let model = interchange::import(&args.file, &options(args))?;
    nn_train::save(&model, &path)?;
    inspect::show_model(&path, &model, args.json, output)
}

fn options(args: &ImportArgs) -> ImportOptions {
    let whole = InputScale::default();
    // What is not stated of the three is as usual; if nothing is, the file may say it.
    let is_stated = args.scale.or(args.mean).or(args.deviation).is_some();
    let scale = InputScale {
        divisor: args.scale.unwrap_or(whole.divisor),
        mean: args.mean.unwrap_or(whole.mean),
        deviation: args.deviation.unwrap_or(whole.deviation),
    };
    ImportOptions {
        layers: args.layers.clone(),
        layout: args.layout,
        activations: args.activation.clone(),
        output_activation: args.output_activation,
        loss: args.loss,
        image_shape: args.shape.as_ref().map(|shape| shape.0.clone()),
        class_names: None,
        scale: is_stated.then_some(scale),
    }
}
