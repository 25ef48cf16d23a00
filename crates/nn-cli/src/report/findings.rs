//! What was found out for a report: owns its numbers, as the page shows them and as JSON, and refuses to know formulas
//! and looks.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use nn_train::{Answer, Calibration, CalibrationBin, EpochSummary, answers, evaluate, surest_mistakes};
use serde::Serialize;

use super::subject::{Data, Run, Subject, shell_line};
use crate::{args::ReportArgs, eval::Report, model, output};

/// Bins of confidence.
const BINS: NonZeroUsize = NonZeroUsize::new(15).unwrap();
/// Mistakes that are shown.
const MISTAKES: usize = 24;

/// The numbers of a report.
#[derive(Serialize)]
pub(super) struct Findings<'a> {
    pub(super) subject: String,
    pub(super) kind: &'static str,
    /// What `eval --json` says.
    #[serde(flatten)]
    pub(super) evaluation: Report<'a>,
    data_sha256: String,
    /// Whether it is the data that the run was measured or trained on.
    pub(super) is_data_of_run: Option<bool>,
    image_shape: &'a [usize],
    layers: Vec<usize>,
    pub(super) parameters: usize,
    pub(super) calibration: CalibrationLine,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) training: Option<Training>,
    pub(super) configuration: Vec<(&'static str, String)>,
    /// What trains it again.
    pub(super) command: Option<String>,
}

/// How sure the network is, and how rightly.
#[derive(Serialize)]
pub(super) struct CalibrationLine {
    pub(super) expected_error: f64,
    pub(super) greatest_error: f64,
    pub(super) mean_confidence: f64,
    pub(super) bins: Vec<Bin>,
}

#[derive(Serialize)]
pub(super) struct Bin {
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) samples: u64,
    pub(super) correct: u64,
    pub(super) accuracy: Option<f64>,
    pub(super) confidence: Option<f64>,
}

impl From<&CalibrationBin> for Bin {
    fn from(bin: &CalibrationBin) -> Bin {
        let &CalibrationBin { lower, upper, samples, correct, .. } = bin;
        Bin { lower, upper, samples, correct, accuracy: bin.accuracy(), confidence: bin.confidence() }
    }
}

/// One of the mistakes that the network was surest of.
#[derive(Serialize)]
pub(super) struct Mistake {
    pub(super) index: usize,
    pub(super) label: usize,
    pub(super) predicted: usize,
    pub(super) probability: f32,
    pub(super) label_probability: f32,
}

impl From<Answer> for Mistake {
    fn from(answer: Answer) -> Mistake {
        Mistake {
            index: answer.sample,
            label: answer.label,
            predicted: answer.predicted,
            probability: answer.confidence,
            label_probability: answer.label_probability,
        }
    }
}

/// The epochs of a run.
#[derive(Serialize)]
pub(super) struct Training {
    pub(super) epochs_planned: u32,
    pub(super) best_epoch: u32,
    /// What each epoch was measured on.
    pub(super) held_out: &'static str,
    pub(super) epochs: Vec<Epoch>,
}

#[derive(Serialize)]
pub(super) struct Epoch {
    pub(super) epoch: u32,
    pub(super) train_loss: f64,
    pub(super) train_accuracy: f64,
    pub(super) held_out_loss: f64,
    pub(super) held_out_accuracy: f64,
    pub(super) rate: f32,
}

impl From<&EpochSummary> for Epoch {
    fn from(summary: &EpochSummary) -> Epoch {
        let measured = summary.measured();
        Epoch {
            epoch: summary.epoch,
            train_loss: summary.train.mean_loss(),
            train_accuracy: summary.train.accuracy(),
            held_out_loss: measured.mean_loss(),
            held_out_accuracy: measured.accuracy(),
            rate: summary.rate,
        }
    }
}

impl Training {
    fn new(run: &Run) -> Option<Training> {
        let place = &run.checkpoint.place;
        Some(Training {
            epochs_planned: run.checkpoint.config.epochs,
            best_epoch: place.best()?.epoch,
            held_out: if run.settings.validation > 0 { "validation" } else { "test" },
            epochs: place.epochs.iter().map(Epoch::from).collect(),
        })
    }
}

impl<'a> Findings<'a> {
    pub(super) fn new(subject: &'a Subject, args: &ReportArgs, data: &Data) -> Result<Findings<'a>> {
        let (model, threads) = (&subject.model, args.threads.count());
        let dataset = data.seen()?;
        let cannot =
            || format!("cannot measure {} on {}", subject.model_path.display(), data.folder.display());
        let evaluation = evaluate(&model.network, model.loss, dataset, threads).with_context(cannot)?;
        let answers = answers(&model.network, model.loss, dataset, threads).with_context(cannot)?;
        let calibration = Calibration::new(&answers, BINS);
        if data.is_of_run == Some(false) {
            output::note(format_args!(
                "the {} set in {} is not the one that the run knows",
                nn_train::Split::from(args.split),
                data.folder.display()
            ));
        }
        Ok(Findings {
            subject: subject.path.display().to_string(),
            kind: if subject.run.is_some() { "run" } else { "model" },
            evaluation: Report::new(
                &subject.model_path.display().to_string(),
                &data.folder,
                args.split.into(),
                model,
                &evaluation,
            ),
            data_sha256: data.fingerprint.hex(),
            is_data_of_run: data.is_of_run,
            image_shape: &model.image_shape,
            layers: model::layers(&model.network),
            parameters: model.network.parameter_count(),
            calibration: CalibrationLine {
                expected_error: calibration.expected_error,
                greatest_error: calibration.greatest_error,
                mean_confidence: calibration.mean_confidence,
                bins: calibration.bins.iter().map(Bin::from).collect(),
            },
            mistakes: surest_mistakes(&answers, MISTAKES).into_iter().map(Mistake::from).collect(),
            training: subject.run.as_ref().and_then(Training::new),
            configuration: subject.configuration()?,
            command: subject.command(data)?.map(|words| shell_line(&words)),
        })
    }

    pub(super) fn data_sha256(&self) -> &str {
        &self.data_sha256
    }

    /// What a class is called.
    pub(super) fn class_text(&self, class: usize) -> String {
        self.evaluation.classes.get(class).map_or_else(|| class.to_string(), crate::eval::ClassLine::text)
    }
}
