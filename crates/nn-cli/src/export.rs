//! `export`: owns which file gets which format, and refuses to know the formats.

use std::path::Path;

use anyhow::Result;
use nn_train::{
    Preprocessing,
    interchange::{self, Format},
};
use serde::Serialize;

use crate::{
    args::ExportArgs,
    failure::Advised,
    model,
    output::{self, Output, count},
    target,
};

#[derive(Serialize)]
struct Written {
    model: String,
    output: String,
    format: &'static str,
    bytes: u64,
}

pub(crate) fn run(args: &ExportArgs, output: &mut Output) -> Result<()> {
    let Some(format) = args.format.or_else(|| Format::of_path(&args.output)) else {
        let message = format!(
            "cannot write {}: expected a name that ends with .safetensors, .onnx or .npz",
            args.output.display()
        );
        return Err(Advised::new(message, "--format states the format for any other name").into());
    };
    let model = model::load(&args.model)?;
    target::check(&args.output, "an exported network", |path| is_exported(path, format))?;
    interchange::export(&model, &args.output, format)?;
    if model.preprocessing != Preprocessing::None {
        output::note(format_args!(
            "the exported network expects images that were preprocessed, which other programs must do: {}",
            model.preprocessing
        ));
    }
    let written = Written {
        model: args.model.display().to_string(),
        output: args.output.display().to_string(),
        format: format.name(),
        bytes: args.output.metadata().map_or(0, |file| file.len()),
    };
    if args.json {
        return output.json(&written);
    }
    output.line(format_args!(
        "exported  {} to {} ({})",
        written.model,
        written.output,
        count(written.bytes, "byte")
    ))
}

/// Whether there is a file that this command wrote. Somebody else's network is not replaced.
fn is_exported(path: &Path, format: Format) -> bool {
    interchange::describe(path).is_ok_and(|contents| contents.format == format && contents.is_exported())
}
