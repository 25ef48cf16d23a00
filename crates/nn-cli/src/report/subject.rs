//! What a report is about: owns the way from a name to a run or a model, its data, and the command that makes it again,
//! and refuses to know what is found out about it.

use std::{
    borrow::Cow,
    iter::once,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nn_train::{
    Checkpoint, DataFiles, Fingerprint, Model, Order, Preprocessing, RunFolder, Split, load_checkpoint,
    nn_core::Dataset,
};

use crate::{
    args::{ReportArgs, RunName, value::Teachers},
    data,
    failure::{Advised, meant},
    model,
    output::{count, invocation, percent, shape, shell_word, thousands},
    train::Settings,
};

/// A run, or a model without one.
pub(super) struct Subject {
    /// As it is called on the page.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) model_path: PathBuf,
    pub(super) model: Model,
    pub(super) run: Option<Run>,
}

/// What is known of a run beside its model.
pub(super) struct Run {
    pub(super) checkpoint: Checkpoint<'static>,
    pub(super) settings: Settings,
}

/// The data that is measured on.
pub(super) struct Data {
    pub(super) folder: PathBuf,
    files: DataFiles,
    /// The images as the network sees them, where those are others than in the files.
    seen: Option<Vec<u8>>,
    pub(super) fingerprint: Fingerprint,
    /// Whether these are the samples that the run knows them to be, where it knows.
    pub(super) is_of_run: Option<bool>,
}

impl Data {
    pub(super) fn dataset(&self) -> Dataset<'_> {
        self.files.view()
    }

    /// As the network sees it.
    pub(super) fn seen(&self) -> Result<Dataset<'_>> {
        Ok(match &self.seen {
            Some(pixels) => self.dataset().with_pixels(pixels)?,
            None => self.dataset(),
        })
    }
}

impl Subject {
    /// Finds what the user named: a run by its folder, a model by its file, or a run by its name.
    pub(super) fn open(typed: &Path) -> Result<Subject> {
        let is_run = |path: &Path| path.join(RunFolder::CHECKPOINT).is_file();
        if is_run(typed) {
            return Subject::open_run(typed);
        }
        // A folder of that name that is no run, as one of data, does not hide the run.
        if !typed.is_file()
            && let Some(Ok(RunName(path))) = typed.to_str().map(str::parse)
        {
            if is_run(&path) {
                return Subject::open_run(&path);
            }
            if !typed.exists() {
                let message = format!(
                    "nothing to report on: expected a model {} or a run {}, found neither",
                    typed.display(),
                    path.display()
                );
                let hint =
                    meant(&path, is_run).or_else(|| meant(typed, |path| is_run(path) || path.is_file()));
                let hint = hint.unwrap_or_else(|| {
                    "`nn-cli train --run NAME` makes a run, `nn-cli train` a model".to_owned()
                });
                return Err(Advised::new(message, hint).into());
            }
        }
        let model = model::load(typed)?;
        let name = typed.file_name().map_or_else(|| typed.to_string_lossy(), |name| name.to_string_lossy());
        Ok(Subject {
            name: name.into_owned(),
            path: typed.to_owned(),
            model_path: typed.to_owned(),
            model,
            run: None,
        })
    }

    fn open_run(path: &Path) -> Result<Subject> {
        let checkpoint = load_checkpoint(&path.join(RunFolder::CHECKPOINT))?;
        let settings = Settings::of(&checkpoint)?;
        let model_path = path.join(Settings::chosen_model(settings.patience));
        if checkpoint.place.epochs.is_empty() {
            let message =
                format!("nothing to report on in {}: expected a finished epoch, found none", path.display());
            bail!(Advised::new(message, "`nn-cli train --resume` goes on with the run"));
        }
        let model = model::load(&model_path)?;
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name =
            canonical.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        Ok(Subject {
            name: name.into_owned(),
            path: path.to_owned(),
            model_path,
            model,
            run: Some(Run { checkpoint, settings }),
        })
    }

    /// The data to measure on: where the user says, or where the run had it, or where it usually is.
    pub(super) fn data(&self, args: &ReportArgs) -> Result<Data> {
        let folders = match &self.run {
            Some(run) if args.data.folder.is_none() && run.settings.data.is_dir() => run.settings.folders(),
            Some(run) if args.data.folder.is_none() => {
                let gone =
                    format!("the data of the run is no longer in {}", data::names(&run.settings.folders()));
                let folder = data::folder(&args.data).with_context(|| gone.clone())?;
                crate::output::note(format_args!("{gone}: measuring on that in {}", folder.display()));
                vec![folder]
            }
            _ => vec![data::folder(&args.data)?],
        };
        let split = args.split.into();
        let (folder, files) = match data::open_first(&folders, split)? {
            Some(found) => found,
            // It says what is missing.
            None => (folders[0].clone(), data::open(&folders[0], split)?),
        };
        if split == Split::Train && folders.len() > 1 {
            crate::output::note(format_args!(
                "the run was trained on {} folders; measured are the images of {} alone",
                folders.len(),
                folder.display()
            ));
        }
        model::check_images(&self.model, &self.model_path, &files)?;
        let seen = model::see_all(&self.model, files.view(), args.threads.count());
        // A run knows the images as its network sees them.
        let fingerprint = Fingerprint::of(files.view().with_pixels(&seen)?);
        let seen = match seen {
            Cow::Borrowed(_) => None,
            Cow::Owned(pixels) => Some(pixels),
        };
        // With samples kept for validation, neither of what the run knows is a whole file; nor is what it was trained on
        // where that was in several.
        let known =
            self.run.as_ref().filter(|run| run.settings.validation == 0).and_then(|run| match split {
                Split::Train => run.settings.more_data.is_empty().then_some(run.checkpoint.train),
                Split::Test => run.checkpoint.validation,
            });
        let is_of_run = known.map(|known| known.sha256 == fingerprint.sha256);
        Ok(Data { folder, files, seen, fingerprint, is_of_run })
    }

    /// What it was trained by, as far as it is known: names and values, in the order to show them.
    pub(super) fn configuration(&self) -> Result<Vec<(&'static str, String)>> {
        let network = &self.model.network;
        let hidden: Vec<&str> = (0..network.depth()).map(|layer| network.activation(layer).name()).collect();
        let layers = model::layers(network);
        let mut rows = vec![
            ("network", crate::output::hyphenated(&layers)),
            ("activations", hidden.join(", ")),
            ("parameters", thousands(network.parameter_count())),
            ("images", shape(&self.model.image_shape)),
            ("loss", self.model.loss.to_string()),
        ];
        if self.model.preprocessing != Preprocessing::None {
            rows.push(("preprocessing", self.model.preprocessing.to_string()));
        }
        if let Some(run) = &self.run {
            let (preset, recipe) = run.settings.recipe(&run.checkpoint)?;
            let changed = if recipe == preset.recipe() { "" } else { ", changed" };
            rows.extend([
                ("preset", format!("{}{changed}", preset.name())),
                ("initial weights", recipe.initializer.to_string()),
            ]);
        } else if let Some(preset) = self.model.record.as_ref().and_then(|record| record.preset.clone()) {
            rows.push(("preset", preset));
        }
        if let Some(record) = &self.model.record {
            rows.extend([
                ("optimizer", record.rule.to_string()),
                ("rate", format!("{} {}", record.rate, record.schedule)),
                ("batch", thousands(record.batch_size)),
                ("epochs", format!("{} of {}", thousands(record.finished_epochs), thousands(record.epochs))),
                ("ingredients", record.ingredients.to_string()),
                ("seed", record.seed.to_string()),
                ("trained on", count(record.samples, "sample")),
            ]);
            rows.extend(record.train.map(|tally| ("accuracy in the last epoch", percent(tally.accuracy()))));
        }
        if let Some(run) = &self.run {
            let settings = &run.settings;
            if settings.validation > 0 {
                rows.push(("validated on", count(settings.validation, "sample")));
            }
            if let Some(lesson) = &settings.school {
                let teachers: Vec<String> =
                    lesson.teachers.iter().map(|path| path.display().to_string()).collect();
                rows.push(("taught by", teachers.join(", ")));
            }
            rows.extend(settings.patience.map(|patience| ("patience", count(patience, "epoch"))));
            rows.push(("release", run.checkpoint.release.to_string()));
        }
        Ok(rows)
    }

    /// The words of the command that trains it again after the name of the program, if enough is known of it.
    pub(super) fn command(&self, data: &Data) -> Result<Option<Vec<String>>> {
        let mut words = vec!["train".to_owned()];
        if let Some(Run { checkpoint, settings }) = &self.run {
            let (preset, recipe) = settings.recipe(checkpoint)?;
            // The run is there, and is not replaced by another.
            words.extend(["--run".to_owned(), format!("{}-again", self.name)]);
            for folder in settings.folders() {
                words.extend(["--data".to_owned(), folder.display().to_string()]);
            }
            words.extend(recipe.flags(preset));
            words.extend(["--seed".to_owned(), checkpoint.config.seed.to_string()]);
            if checkpoint.config.order != Order::Full {
                words.extend(["--order".to_owned(), checkpoint.config.order.to_string()]);
            }
            if settings.validation > 0 {
                words.extend(["--validation".to_owned(), settings.validation.to_string()]);
            }
            if let Some(lesson) = &settings.school {
                let teachers = Teachers(lesson.teachers.clone()).to_string();
                words.extend(["--teacher".to_owned(), teachers]);
                words.extend(["--teacher-share".to_owned(), lesson.share.to_string()]);
            }
            if let Some(patience) = settings.patience {
                words.extend(["--patience".to_owned(), patience.to_string()]);
            }
            return Ok(Some(words));
        }
        let Some(record) = &self.model.record else { return Ok(None) };
        let Some(preset) = &record.preset else { return Ok(None) };
        words.extend(["--data".to_owned(), data.folder.display().to_string()]);
        words.extend(["--preset".to_owned(), preset.clone(), "--seed".to_owned(), record.seed.to_string()]);
        words.extend(["--output".to_owned(), "again.model".to_owned()]);
        Ok(Some(words))
    }
}

/// The command as a shell reads it, of these words after the name of the program.
pub(super) fn shell_line(words: &[String]) -> String {
    let words = words.iter().map(|word| shell_word(Path::new(word)));
    once(invocation().to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
