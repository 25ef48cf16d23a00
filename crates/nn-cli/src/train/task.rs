//! What a training is asked to do: owns the way there from what was typed, or from the checkpoint of a run and what
//! was typed beside it, and refuses to know how it is done.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nn_train::{
    Checkpoint, EpochSummary, FitConfig, JoinedFiles, Order, Place, Preprocessing, RunFolder,
    load_checkpoint, nn_core::Activation,
};
use serde::{Deserialize, Serialize};

use super::sets::Sets;
use crate::{
    args::{
        FoldersArgs, TrainArgs, Validation,
        value::{OrderChoice, Teachers},
    },
    config::Effective,
    data,
    failure::Advised,
    model,
    output::{self, count},
    preset::{PresetName, Recipe},
    recipe,
};

/// Where nobody says another.
const USUAL_SEED: u64 = 1;
/// Most of what a teacher knows more than the labels is in the shares of the wrong classes.
const USUAL_TEACHER_SHARE: f32 = 0.9;
const NO_VALIDATION: Validation = Validation::Count(0);
/// Mapped images of so many bytes, 1 GiB, are read block by block: shuffled as a whole, they would have to fit into
/// memory, beside eight bytes a sample for their order.
const LARGE: usize = 1 << 30;

/// The configuration of a training that is not begun, and whose data nobody looks for.
pub(super) fn effective<'a>(args: &'a TrainArgs, recipe: &'a Recipe) -> Effective<'a> {
    Effective {
        preset: args.preset(),
        recipe,
        seed: args.seed.unwrap_or(USUAL_SEED),
        order: args.order.unwrap_or(OrderChoice::Auto),
        validation: args.validation.unwrap_or(NO_VALIDATION),
        data: &args.data.folders,
        patience: args.patience,
        checkpoint_every: args.checkpoint_every.map(Into::into),
        teacher: args.teacher.as_ref(),
        teacher_share: args.teacher.is_some().then(|| args.teacher_share.unwrap_or(USUAL_TEACHER_SHARE)),
    }
}

/// All that decides a training but the data itself, and where the data is.
pub(crate) struct Task {
    pub(crate) recipe: Recipe,
    pub(super) preset: PresetName,
    pub(crate) seed: u64,
    order: OrderChoice,
    pub(super) validation: Validation,
    pub(super) patience: Option<u32>,
    pub(super) checkpoint_every: Option<u64>,
    pub(crate) school: Option<School>,
    pub(super) tensorboard: bool,
    /// The folders, of which there is at least one.
    pub(super) data: Vec<PathBuf>,
    pub(super) threads: NonZeroUsize,
}

/// What the program finds in a checkpoint beside what `nn-train` keeps there. As JSON it is part of the checkpoint's
/// format: **fields keep their names**.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The first folder.
    pub(crate) data: PathBuf,
    pub(crate) preset: String,
    pub(crate) activation: String,
    pub(crate) initializer: String,
    /// Training samples that are kept for validation.
    pub(crate) validation: usize,
    pub(crate) patience: Option<u32>,
    pub(crate) checkpoint_every: Option<u64>,
    // The rest is left out where it says nothing: earlier releases knew nothing of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) preprocessing: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) school: Option<Lesson>,
    /// The folders after the first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) more_data: Vec<PathBuf>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Who teaches.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct School {
    pub(crate) teachers: Teachers,
    pub(crate) share: f32,
}

/// Who taught, in the settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lesson {
    pub(crate) teachers: Vec<PathBuf>,
    /// Of the teachers' files.
    pub(crate) sha256: Vec<String>,
    pub(crate) share: f32,
}

impl Settings {
    pub(crate) fn of(checkpoint: &Checkpoint<'_>) -> Result<Settings> {
        serde_json::from_str(&checkpoint.settings).context("cannot read the settings in the checkpoint")
    }

    /// All folders.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        [&self.data].into_iter().chain(&self.more_data).cloned().collect()
    }

    /// The recipe of a run, of whose checkpoint these are the settings, and the preset that it came from.
    pub(crate) fn recipe(&self, checkpoint: &Checkpoint<'_>) -> Result<(PresetName, Recipe)> {
        let config = &checkpoint.config;
        let unknown = |what: &str, found: &str| format!("this release knows no {what} `{found}`");
        let preset = PresetName::ALL
            .into_iter()
            .find(|preset| preset.name() == self.preset)
            .with_context(|| unknown("preset", &self.preset))?;
        let activation: Activation = self.activation.parse()?;
        let initializer = self
            .initializer
            .parse()
            .map_err(|_| anyhow::Error::msg(unknown("initializer", &self.initializer)))?;
        let network = &checkpoint.network;
        let units = model::layers(network);
        let recipe = Recipe {
            hidden: units[1..units.len() - 1].to_vec(),
            activation,
            loss: config.loss,
            output: network.activation(network.depth() - 1),
            initializer,
            rule: checkpoint.optimizer.rule(),
            rate: config.rate,
            schedule: config.schedule,
            batch: config.batch_size.get(),
            epochs: config.epochs,
            preprocessing: match self.preprocessing.as_str() {
                "" => Preprocessing::None,
                name => name.parse()?,
            },
            ingredients: config.ingredients,
        };
        Ok((preset, recipe))
    }

    /// The file of the network to use: the best one where patience chooses it, else the last one.
    pub(crate) fn chosen_model(patience: Option<u32>) -> &'static str {
        if patience.is_some() { RunFolder::BEST_MODEL } else { RunFolder::LAST_MODEL }
    }
}

/// A run that is gone on with.
pub(super) struct Resumed {
    pub(super) folder: RunFolder,
    pub(super) checkpoint: Checkpoint<'static>,
    pub(super) lesson: Option<Lesson>,
}

impl Resumed {
    /// Whether nothing is left to train.
    pub(super) fn is_over(&self, task: &Task) -> bool {
        is_over(&self.checkpoint.place, task.recipe.epochs, task.patience)
    }
}

/// Whether a training of so many epochs that has come to this place is at its end.
pub(super) fn is_over(place: &Place, epochs: u32, patience: Option<u32>) -> bool {
    place.batches == 0
        && (place.epochs.len() as u64 >= u64::from(epochs)
            || is_out_of_patience(patience, place.best(), place.epochs.last()))
}

/// Whether so many epochs in a row, up to the last, were no better than the best before them.
pub(super) fn is_out_of_patience(
    patience: Option<u32>,
    best: Option<&EpochSummary>,
    last: Option<&EpochSummary>,
) -> bool {
    let (Some(patience), Some(best), Some(last)) = (patience, best, last) else { return false };
    last.epoch - best.epoch >= patience
}

impl Task {
    /// A training from its beginning.
    pub(crate) fn new(args: &TrainArgs, recipe: &Recipe) -> Result<Task> {
        Ok(Task {
            recipe: recipe.clone(),
            preset: args.preset(),
            seed: args.seed.unwrap_or(USUAL_SEED),
            order: args.order.unwrap_or(OrderChoice::Auto),
            validation: args.validation.unwrap_or(NO_VALIDATION),
            patience: args.patience,
            checkpoint_every: args.checkpoint_every.map(Into::into),
            school: args.teacher.clone().map(|teachers| School {
                teachers,
                share: args.teacher_share.unwrap_or(USUAL_TEACHER_SHARE),
            }),
            tensorboard: args.tensorboard,
            data: data::folders(&args.data)?,
            threads: args.threads.count(),
        })
    }

    /// Chooses the order of the samples where it is left to the data, which it must be before a step is made.
    pub(super) fn choose_order(&mut self, files: &JoinedFiles) {
        let of_mapped =
            files.files().iter().map(nn_train::DataFiles::images).filter(|images| images.is_mapped());
        let bytes = of_mapped.fold(0_usize, |sum, images| sum.saturating_add(images.view().payload().len()));
        // Prepared images are in memory.
        let is_large = bytes >= LARGE && self.recipe.preprocessing == Preprocessing::None;
        if self.order == OrderChoice::Auto {
            self.order = OrderChoice::Fixed(if is_large { Order::BLOCKS } else { Order::Full });
        }
    }

    /// The rest of a training, as its run has it. Flags may say where the data and the teachers are now, how often to
    /// save, and with how many threads to compute; others may be repeated.
    pub(super) fn resume(args: &TrainArgs, path: &Path) -> Result<(Task, Resumed)> {
        let folder = RunFolder::open(path)?;
        let checkpoint = load_checkpoint(&folder.file(RunFolder::CHECKPOINT))?;
        let cannot = || format!("cannot go on with {}", path.display());
        // Another release may have other settings.
        checkpoint.check_release().with_context(cannot)?;
        let settings = Settings::of(&checkpoint).with_context(cannot)?;
        let recipe = settings.recipe(&checkpoint).with_context(cannot)?;
        if let (Some(typed), Some(Lesson { teachers, .. })) = (&args.teacher, &settings.school)
            && typed.0.len() != teachers.len()
        {
            let (own, found) = (Teachers(teachers.clone()), typed.0.len());
            let message = format!(
                "cannot go on with {}: expected --teacher with {}, as it was begun with, found {found}",
                path.display(),
                count(teachers.len(), "model")
            );
            bail!(Advised::new(message, format!("it says where {own} are now, in this order")));
        }
        let task = Task::of(args, &checkpoint, &settings, recipe)?;
        task.check_flags(args, path)?;
        Ok((task, Resumed { folder, checkpoint, lesson: settings.school }))
    }

    /// The training of a checkpoint with these settings, and the preset and the recipe that are in them.
    pub(super) fn of(
        args: &TrainArgs,
        checkpoint: &Checkpoint<'_>,
        settings: &Settings,
        (preset, recipe): (PresetName, Recipe),
    ) -> Result<Task> {
        Ok(Task {
            recipe,
            preset,
            seed: checkpoint.config.seed,
            order: OrderChoice::Fixed(checkpoint.config.order),
            validation: Validation::Count(settings.validation),
            patience: settings.patience,
            checkpoint_every: args.checkpoint_every.map(Into::into).or(settings.checkpoint_every),
            school: settings.school.clone().map(|Lesson { teachers, share, .. }| School {
                // Where they are now; what is in the files decides whether they are the same.
                teachers: args.teacher.clone().unwrap_or(Teachers(teachers)),
                share,
            }),
            tensorboard: args.tensorboard,
            data: data_folders(args, settings)?,
            threads: args.threads.count(),
        })
    }

    /// What decides the result, to be written; the validation samples are those that were counted.
    pub(crate) fn effective(&self, kept: usize) -> Effective<'_> {
        Effective {
            preset: self.preset,
            recipe: &self.recipe,
            seed: self.seed,
            order: self.order,
            validation: Validation::Count(kept),
            data: &self.data,
            patience: self.patience,
            checkpoint_every: self.checkpoint_every,
            teacher: self.school.as_ref().map(|school| &school.teachers),
            teacher_share: self.school.as_ref().map(|school| school.share),
        }
    }

    pub(crate) fn config(&self) -> FitConfig {
        let recipe = &self.recipe;
        FitConfig {
            epochs: recipe.epochs,
            batch_size: NonZeroUsize::new(recipe.batch).unwrap_or(NonZeroUsize::MIN),
            loss: recipe.loss,
            rate: recipe.rate,
            schedule: recipe.schedule,
            seed: self.seed,
            threads: self.threads,
            ingredients: recipe.ingredients,
            order: match self.order {
                OrderChoice::Fixed(order) => order,
                OrderChoice::Auto => Order::Full,
            },
        }
    }

    /// The folder of the test set, or else the first.
    pub(super) fn folder_to_measure_in<'a>(&'a self, sets: &Sets<'a>) -> &'a Path {
        sets.test_folder.unwrap_or(&self.data[0])
    }

    pub(super) fn is_preset_changed(&self) -> bool {
        self.recipe != self.preset.recipe()
    }

    /// The name of the recipe, where that and the seed say all; one of the user's own has none.
    pub(crate) fn recipe_name(&self) -> Option<String> {
        let is_all = !self.is_preset_changed()
            && self.school.is_none()
            && self.validation.is_none()
            && self.config().order == Order::Full;
        is_all.then(|| self.preset.name().to_owned())
    }

    pub(super) fn settings(&self, kept: usize, lesson: Option<Lesson>) -> Settings {
        Settings {
            data: self.data[0].clone(),
            more_data: self.data[1..].to_vec(),
            preset: self.preset.name().to_owned(),
            activation: self.recipe.activation.to_string(),
            initializer: self.recipe.initializer.to_string(),
            validation: kept,
            patience: self.patience,
            checkpoint_every: self.checkpoint_every,
            preprocessing: match self.recipe.preprocessing {
                Preprocessing::None => String::new(),
                other => other.to_string(),
            },
            school: lesson,
        }
    }

    /// Checks that no flag asks for something else than the run does. What was not typed asks for nothing; the
    /// validation samples can only be counted, and compared, with the data at hand.
    fn check_flags(&self, args: &TrainArgs, path: &Path) -> Result<()> {
        /// What was typed where it is not the run's own, which may have none.
        type Difference = Option<(Option<String>, String)>;
        fn differ<T: PartialEq + ToString>(typed: Option<T>, own: &T) -> Difference {
            differ_from(typed, Some(own))
        }
        fn differ_from<T: PartialEq + ToString>(typed: Option<T>, own: Option<&T>) -> Difference {
            let typed = typed.filter(|typed| Some(typed) != own)?;
            Some((own.map(ToString::to_string), typed.to_string()))
        }
        fn list(units: &[usize]) -> String {
            let units: Vec<String> = units.iter().map(ToString::to_string).collect();
            if units.is_empty() { "none".to_owned() } else { units.join(",") }
        }
        let recipe = &self.recipe;
        let preset = args.preset.map(PresetName::name);
        let school = self.school.as_ref();
        let differences = [
            ("--preset", differ(preset, &self.preset.name())),
            ("--hidden", differ(args.hidden.as_ref().map(|hidden| list(&hidden.0)), &list(&recipe.hidden))),
            ("--activation", differ(args.activation, &recipe.activation)),
            ("--loss", differ(args.loss, &recipe.loss)),
            ("--output-activation", differ(args.output_activation, &recipe.output)),
            ("--initializer", differ(args.initializer, &recipe.initializer)),
            ("--optimizer", differ(args.optimizer, &recipe.rule)),
            ("--rate", differ(args.rate, &recipe.rate)),
            ("--schedule", differ(args.schedule, &recipe.schedule)),
            ("--batch", differ(args.batch, &recipe.batch)),
            ("--epochs", differ(args.epochs, &recipe.epochs)),
            ("--seed", differ(args.seed, &self.seed)),
            // What is left to the data was chosen when the run began.
            ("--order", differ(args.order.filter(|&order| order != OrderChoice::Auto), &self.order)),
            ("--patience", differ_from(args.patience, self.patience.as_ref())),
            ("--preprocess", differ(args.preprocess, &recipe.preprocessing)),
            ("--teacher", differ_from(args.teacher.clone().filter(|_| school.is_none()), None)),
            ("--teacher-share", differ_from(args.teacher_share, school.map(|school| &school.share))),
        ];
        for (flag, difference) in differences {
            if let Some((expected, found)) = difference {
                bail!(other_flag(path, flag, expected.as_deref(), &found));
            }
        }
        let own = recipe::spelled(&recipe.ingredients);
        let asked = recipe::spelled(&recipe::changed(recipe.ingredients, args));
        match own.into_iter().zip(asked).find(|(own, asked)| own != asked) {
            Some(((name, expected), (_, found))) => {
                bail!(other_flag(path, &format!("--{name}"), Some(&expected), &found))
            }
            None => Ok(()),
        }
    }
}

/// A flag asks for something else than the run does, which may have nothing of the kind.
pub(super) fn other_flag(path: &Path, flag: &str, expected: Option<&str>, found: &str) -> Advised {
    let begun = match expected {
        Some(expected) => format!("expected {flag} {expected}, as it was begun with"),
        None => format!("expected no {flag}, for it was begun without"),
    };
    Advised::new(
        format!("cannot go on with {}: {begun}, found {found}", path.display()),
        "leave out the flags that decide what is computed: a run goes on with its own; `--run NAME` begins another",
    )
}

/// Where the data of a run is: where a flag says, or where it was, or where it usually is. Its checksum decides
/// whether it is the same.
fn data_folders(args: &TrainArgs, settings: &Settings) -> Result<Vec<PathBuf>> {
    let own = settings.folders();
    if !args.data.folders.is_empty() {
        return data::folders(&args.data);
    }
    if own.iter().all(|folder| folder.is_dir()) {
        return data::folders(&FoldersArgs { folders: own });
    }
    let gone = format!("the data of the run is no longer in {}", data::names(&own));
    let folders = data::folders(&args.data).with_context(|| gone.clone())?;
    output::note(format_args!("{gone}: going on with that in {}", data::names(&folders)));
    Ok(folders)
}
