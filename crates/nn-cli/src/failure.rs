//! What to advise when the program fails: owns the way from an error to the hint that the user sees, and refuses to
//! know where the error came from.

use std::{
    fmt,
    io::{self, ErrorKind},
    path::Path,
};

use nn_cli::picture_file;
use nn_train::{
    ContainerError, DataError, DataWriteError, DecodeError, EventError, FitError, GenerateError, Ingredients,
    LoadError, Mismatch, PreparationError, RanksError, RunError, RunFolder, SaveError, Split, WriteError,
    WriteStage,
    interchange::ImportError,
    nn_core::{
        Rule,
        idx_format::{MismatchError, OpenError},
    },
};

use crate::{args::RunName, output::shell_word, recipe::usual_rate, suggest};

/// How to come by the data that most people want.
pub(crate) const FETCH_DATA: &str = "`cargo xtask fetch-data` brings MNIST to data/mnist";

/// An error of this program's own, with what to do about it.
#[derive(Debug)]
pub(crate) struct Advised {
    message: String,
    hint: String,
}

impl Advised {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Advised {
        Advised { message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Advised {}

/// What to do about an error: the first advice that one of its causes has.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<Advised>() {
            Some(error.hint.clone())
        } else if let Some(error) = cause.downcast_ref::<DataError>() {
            of_data(error)
        } else if let Some(error) = cause.downcast_ref::<OpenError>() {
            of_open(error)
        } else if let Some(error) = cause.downcast_ref::<MismatchError>() {
            error.hint().map(str::to_owned)
        } else if let Some(error) = cause.downcast_ref::<picture_file::ReadError>() {
            of_picture(error)
        } else if let Some(PreparationError::Blank) = cause.downcast_ref() {
            Some("is the ink dark where it was taken for light? --invert yes or no decides".to_owned())
        } else if let Some(error) = cause.downcast_ref::<GenerateError>() {
            of_generate(error)
        } else if let Some(DataWriteError::Occupied { .. }) = cause.downcast_ref() {
            Some("name a new folder: what is in this one is not touched".to_owned())
        } else if let Some(DataWriteError::InUse { .. }) = cause.downcast_ref() {
            Some("wait until that is done, or name another folder".to_owned())
        } else if let Some(error) = cause.downcast_ref::<LoadError>() {
            of_load(error)
        } else if let Some(error) = cause.downcast_ref::<RunError>() {
            of_run(error)
        } else if let Some(error) = cause.downcast_ref::<Mismatch>() {
            Some(of_mismatch(error))
        } else if let Some(error) = cause.downcast_ref::<ImportError>() {
            of_import(error)
        } else if let Some(error) = cause.downcast_ref::<RanksError>() {
            of_ranks(error)
        } else if let Some(error) = cause.downcast_ref::<FitError>() {
            of_fit(error)
        } else if let Some(SaveError::Write(error)) = cause.downcast_ref() {
            // It stands for its cause in the chain.
            of_write(error)
        } else if let Some(EventError::Create(error)) = cause.downcast_ref() {
            of_write(error)
        } else if let Some(error) = cause.downcast_ref::<WriteError>() {
            of_write(error)
        } else {
            // The last of a chain: whatever knows more stands before it.
            cause.downcast_ref::<io::Error>().and_then(|error| of_system(error.kind()))
        }
    })
}

fn of_system(kind: ErrorKind) -> Option<String> {
    let hint = match kind {
        ErrorKind::NotADirectory => "a part of that path is a file, and no folder: name another path",
        ErrorKind::AlreadyExists => {
            "something of that name, or of a folder above it, is there and no folder: name another path"
        }
        ErrorKind::PermissionDenied => {
            "this user may not: look at the rights of the path and of the folders above it"
        }
        ErrorKind::ReadOnlyFilesystem => "that disk takes no changes: name a path on another one",
        ErrorKind::WouldBlock => {
            "the system gives no further thread or buffer now: end other programs, or raise the limit (`ulimit -u`)"
        }
        kind if is_full(kind) => "make room on that disk, or name a path on another one",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn of_data(error: &DataError) -> Option<String> {
    match error {
        DataError::NotFound { folder, .. } if !folder.is_dir() => {
            let fetch = || format!("{FETCH_DATA}, and --data names any other");
            let what = meant(folder, Path::is_dir).unwrap_or_else(fetch);
            Some(format!("there is no such folder; {what}"))
        }
        DataError::NotFound { split: Split::Test, .. } => {
            Some(format!("{FETCH_DATA}; --split train takes the images to train on"))
        }
        DataError::NotFound { .. } => Some(format!("{FETCH_DATA}; --data names another folder")),
        DataError::Open(error) => {
            let hint = of_open(error);
            match error {
                OpenError::Parse { .. } | OpenError::Gzip { .. } => {
                    let fetch = format!("{FETCH_DATA}, every file of it verified");
                    Some(hint.map_or_else(|| fetch.clone(), |hint| format!("{hint}; {fetch}")))
                }
                _ => hint,
            }
        }
        _ => error.hint(),
    }
}

fn of_open(error: &OpenError) -> Option<String> {
    match error {
        // A file named on the command line; the files of a data set are looked for, not named.
        OpenError::NotFound { path, similar: None } => meant(path, Path::exists),
        // Its own hint is for programmers.
        OpenError::OverLimit { .. } => {
            Some("is the header damaged? a file that is really so large must not be compressed".to_owned())
        }
        _ => error.hint(),
    }
}

fn of_picture(error: &picture_file::ReadError) -> Option<String> {
    match error {
        picture_file::ReadError::Io { path, source } if source.kind() == ErrorKind::NotFound => {
            meant(path, Path::exists)
        }
        _ => error.hint(),
    }
}

fn of_load(error: &LoadError) -> Option<String> {
    let hint = match error {
        LoadError::Read { path, source } if source.kind() == ErrorKind::NotFound => {
            let hint = "`nn-cli train` makes a model and says where it saved it";
            let known = last_of_run(path).or_else(|| meant(path, Path::is_file));
            return Some(known.unwrap_or_else(|| hint.to_owned()));
        }
        LoadError::Invalid { source: DecodeError::Container(error), .. } => match error {
            ContainerError::Magic { kind: "checkpoint", .. } => {
                "a checkpoint is a file that `nn-cli train --run` saved; `nn-cli inspect` tells what a file is"
            }
            ContainerError::Magic { .. } => {
                "a model is a file that `nn-cli train` saved; `nn-cli inspect` tells what a file is"
            }
            ContainerError::Altered { .. } => {
                "was it transferred as text, which changes line ends? copy it again as it is, from where it was made"
            }
            ContainerError::Version { .. } => {
                "a later release saved it, or it is damaged: update this program, or copy it again from where it was made"
            }
            ContainerError::Limit { .. } => return None,
            _ => "copy it again from where it was made, or train it again",
        },
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The last network of the run that has this name.
fn last_of_run(name: &Path) -> Option<String> {
    let RunName(folder) = name.to_str()?.parse().ok()?;
    let network = folder.join(RunFolder::LAST_MODEL);
    network
        .is_file()
        .then(|| format!("{} is a run; its last network is {}", folder.display(), shell_word(&network)))
}

fn of_import(error: &ImportError) -> Option<String> {
    let hint = match error {
        ImportError::NoActivation => "--activation states it, such as --activation relu",
        ImportError::Ambiguous { .. } => {
            "--layout outputs-first is that of PyTorch, --layout inputs-first that of Keras and of X @ W in NumPy"
        }
        ImportError::Unordered => {
            "leave out --layers: such tensors are taken in the order in which they stand"
        }
        ImportError::Chain { .. } | ImportError::Layers { .. } => {
            "layers are taken in the order of their names; --layers states another, such as --layers fc_in,fc_out"
        }
        ImportError::Stranger { found: "an ONNX file" } => {
            "such a file is only described, by `nn-cli inspect`: save the network's numbers as safetensors or npz"
        }
        ImportError::Stranger { found: "a model of this project" } => {
            "it needs no import: `nn-cli eval` and the others take it as it is"
        }
        _ => return error.hint().map(str::to_owned),
    };
    Some(hint.to_owned())
}

fn of_run(error: &RunError) -> Option<String> {
    let hint = match error {
        RunError::Missing { path, .. } => {
            let hint = "`nn-cli train --run NAME` begins a run in runs/NAME; `--resume` takes that name, or a path such as ./NAME";
            return Some(other_runs(path).unwrap_or_else(|| hint.to_owned()));
        }
        RunError::Exists { .. } => {
            "`--resume` goes on with it; name another one to begin, or delete this one first"
        }
        RunError::Occupied { .. } => "name another folder: the files in this one are not touched",
        RunError::Locked { .. } => "wait until that process is done, or stop it; its checkpoints are sound",
        RunError::Lost { .. } => {
            "the folder or the file `lock` in it was moved or removed meanwhile; `--resume` goes on from the checkpoint \
             wherever it is now"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The runs beside one that is not there.
fn other_runs(path: &Path) -> Option<String> {
    let is_run = |path: &Path| path.join(RunFolder::CHECKPOINT).is_file();
    let runs = suggest::neighbours(path, is_run);
    let (last, others) = runs.split_last()?;
    let folder = path.parent()?.display();
    let all = match others {
        [] => last.clone(),
        [.., _] if others.len() < MOST_NAMES => format!("{} and {last}", others.join(", ")),
        _ => format!("{} and {} more", others[..MOST_NAMES].join(", "), runs.len() - MOST_NAMES),
    };
    let there = if folder.to_string().is_empty() {
        format!("there is {all}")
    } else {
        format!("in {folder} there is {all}")
    };
    Some(meant(path, is_run).map_or_else(|| there.clone(), |meant| format!("{meant} {there}")))
}

/// As many names as are read.
const MOST_NAMES: usize = 10;

/// The question whether another name in the same folder was meant.
pub(crate) fn meant(path: &Path, is_such: impl Fn(&Path) -> bool) -> Option<String> {
    suggest::path(path, is_such).map(|near| format!("did you mean {}?", near.display()))
}

fn of_mismatch(error: &Mismatch) -> String {
    let hint = match error.what {
        "training data" | "validation data" | "image shape" => {
            "the run can only go on with the files that it was begun with; --data names their folder"
        }
        "release" => "the run can only go on with the release of this program that it was begun with",
        _ => "the run can only go on with the configuration that it was begun with",
    };
    hint.to_owned()
}

fn of_fit(error: &FitError) -> Option<String> {
    match error {
        FitError::NonFiniteLoss { rate, .. } | FitError::NonFiniteParameters { rate, .. } => {
            Some(lower_rate(*rate))
        }
        _ => None,
    }
}

fn lower_rate(rate: f32) -> String {
    format!(
        "training diverged; try a --rate well below the {} of that step, or, if it was the first, a narrower \
         --initializer",
        four_digits(rate.into())
    )
}

/// Why a fit by this rule and these ingredients ended, with what may have made it diverge, if it did.
pub(crate) fn of_training(error: FitError, rule: Rule, ingredients: &Ingredients) -> anyhow::Error {
    let (FitError::NonFiniteLoss { rate, .. } | FitError::NonFiniteParameters { rate, .. }) = error else {
        return error.into();
    };
    let decay = ingredients.weight_decay;
    let taken = f64::from(rate) * f64::from(decay);
    // Beyond 1 weights change their sign with each step, and from 2 on they grow whatever the gradient is.
    let hint = if taken > 1.0 {
        format!(
            "training diverged: a step takes --weight-decay times --rate of each weight away, which is {decay} times {} \
             here; lower either until it is well below 1",
            four_digits(rate.into())
        )
    } else if rate > usual_rate(rule) {
        let why = match rule {
            Rule::Momentum { momentum, .. } => format!(
                ", for its steps add up to {} times those of sgd",
                four_digits(1.0 / (1.0 - f64::from(momentum)))
            ),
            _ => String::new(),
        };
        format!("{}; with {rule} rates of about {} are usual{why}", lower_rate(rate), usual_rate(rule))
    } else {
        lower_rate(rate)
    };
    Advised::new(error.to_string(), hint).into()
}

/// A number that was computed, so that its last digits say nothing.
fn four_digits(number: f64) -> String {
    format!("{number:.3e}").parse().unwrap_or(number).to_string()
}

fn of_ranks(error: &RanksError) -> Option<String> {
    let hint = match error {
        RanksError::Differ { what: "release", .. } => "all machines need the same build of this program",
        RanksError::Differ { what: "training data" | "validation data", .. } => {
            "all machines need the same files, in the folder of --data"
        }
        RanksError::Differ { .. } => "all ranks need the same flags and files",
        RanksError::Apart { .. } => {
            "processors of another kind round otherwise: use machines of one kind; of a run, --resume goes on from the \
             checkpoint before"
        }
        RanksError::Late { .. } | RanksError::Gone { .. } => {
            "of a run the last checkpoint is sound: --resume goes on from it, on any number of ranks; --rank-timeout \
             has ranks wait longer for each other"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn of_generate(error: &GenerateError) -> Option<String> {
    let hint = match error {
        GenerateError::Write(DataWriteError::Occupied { .. }) => {
            "name a new folder: what is in this one is not touched"
        }
        GenerateError::Write(DataWriteError::Io { source, .. }) if is_full(source.kind()) => {
            FULL_WHILE_GENERATING
        }
        GenerateError::Save(error) if is_full(error.source.kind()) => FULL_WHILE_GENERATING,
        GenerateError::Other { .. } => {
            "the same source, --images, --augment and --seed go on with it; else name another folder, or delete this one"
        }
        GenerateError::Damaged { .. } => "delete the folder that it is in, and begin again",
        GenerateError::Locked { .. } => "wait until that process is done, or stop it",
        GenerateError::Lost { .. } => {
            "moved back, what was made is gone on with by the same command; nothing was given its final name"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

const FULL_WHILE_GENERATING: &str =
    "is the disk full? what was made is kept: make room, and the same command goes on with it";

/// Whether a disk, a user's share of it or a file has no more room.
fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn of_write(error: &WriteError) -> Option<String> {
    let hint = match error.stage {
        WriteStage::Resolve | WriteStage::Create => "name a file in another folder",
        WriteStage::SyncFolder => "the new file is in place, but may be lost if the machine fails now",
        WriteStage::Rename => "is the earlier file protected or mounted? it is unharmed; name another file",
        _ if is_full(error.source.kind()) => "is the disk full? an earlier file of that name is unharmed",
        _ => "an earlier file of that name is unharmed; name a file in another folder",
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_a_divergence_names_what_may_have_made_it() {
        let hint_of = |rate, rule, weight_decay| {
            let error = FitError::NonFiniteLoss { epoch: 1, batch: 2, rate };
            let ingredients = Ingredients { weight_decay, ..Ingredients::NONE };
            let error = of_training(error, rule, &ingredients);
            assert!(error.to_string().starts_with("the loss is not finite at epoch 1, batch 2"), "{error}");
            hint(&error).unwrap()
        };
        let [sgd, momentum, _, adam, _] = Rule::ALL;
        let decay = hint_of(0.5, sgd, 30.0);
        assert!(
            decay.contains("--weight-decay times --rate of each weight away, which is 30 times 0.5"),
            "{decay}"
        );
        let steep = hint_of(0.300_000_04, momentum, 0.01);
        assert!(steep.contains("a --rate well below the 0.3 of that step"), "{steep}");
        assert!(
            steep.ends_with("rates of about 0.05 are usual, for its steps add up to 10 times those of sgd"),
            "{steep}"
        );
        assert!(hint_of(1.0, adam, 0.0).ends_with("with adam rates of about 0.003 are usual"));
        assert!(hint_of(0.5, sgd, 0.0).ends_with("a narrower --initializer"));
    }

    #[test]
    fn what_the_system_says_has_a_hint_of_last_resort() {
        let system = io::Error::from(ErrorKind::ReadOnlyFilesystem);
        let error = anyhow::Error::new(system).context("cannot make the folder far/away");
        assert_eq!(hint(&error).unwrap(), "that disk takes no changes: name a path on another one");
        assert_eq!(hint(&io::Error::from(ErrorKind::BrokenPipe).into()), None);
    }

    #[test]
    fn what_ended_a_fit_otherwise_keeps_its_own_hint() {
        let error = of_training(FitError::NoEpochs, Rule::Sgd, &Ingredients::NONE);
        assert_eq!(hint(&error), None);
    }
}
