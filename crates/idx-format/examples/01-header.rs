//! Prints what the header of a file says: `cargo run -p idx-format --example 01-header -- train-images-idx3-ubyte`.
//! Without an argument it writes a small file of its own and prints that one's.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, iter, process};

use idx_format::ndarray::Array3;
use idx_format::{IdxFile, OpenError, write_array};

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to people")]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let given = env::args_os().nth(1).map(PathBuf::from);
    let path = match &given {
        Some(path) => path.clone(),
        None => write_sample()?,
    };

    let file = match IdxFile::open(&path) {
        Ok(file) => file,
        Err(error) => {
            eprintln!("error: {}", with_causes(&error));
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let view = file.view();
    println!("file      {} ({})", file.path().display(), file.storage());
    println!("elements  {}, {} bytes each", view.element_type(), view.element_type().size());
    println!("shape     {}", view.shape());
    println!("items     {} of {}", view.item_count(), view.item_shape());
    println!("payload   {} bytes", view.payload().len());

    if given.is_none() {
        fs::remove_file(path)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The path is in the error, what is wrong with the file in its causes.
fn with_causes(error: &OpenError) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Writes 2 x 3 x 5 numbers to a file in the folder for temporary files.
fn write_sample() -> Result<PathBuf, Box<dyn Error>> {
    let path = env::temp_dir().join(format!("sample-{}.idx3-float", process::id()));
    let numbers =
        Array3::from_shape_fn((2, 3, 5), |(item, row, column)| (100 * item + 10 * row + column) as f32);
    write_array(fs::File::create_new(&path)?, &numbers)?;
    Ok(path)
}
