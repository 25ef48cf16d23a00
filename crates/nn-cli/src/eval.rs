//! `eval`: owns the report on a saved network, and refuses to know how it is measured.

use std::{num::NonZeroUsize, path::Path};

use anyhow::{Context, Result, bail};
use nn_train::{
    ClassReport, ClassScore, Committee, DataFiles, Incompatible, InvalidCommittee, Model, Outputs, Split,
    interchange::{self, Format, Npz},
    nn_core::{Evaluation, ndarray::ArrayView1},
    write_atomically,
};
use serde::Serialize;

use crate::{
    args::EvalArgs,
    data,
    failure::Advised,
    model::{self, check_images, class_name},
    output::{Output, count, hyphenated, one_line, percent, table, thousands},
    target,
};

/// The whole report, as JSON.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) model: String,
    /// Of a committee.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Member>,
    pub(crate) data: String,
    pub(crate) split: String,
    pub(crate) samples: u64,
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
    pub(crate) errors: u64,
    pub(crate) macro_precision: f64,
    pub(crate) macro_recall: f64,
    pub(crate) macro_f1: f64,
    pub(crate) classes: Vec<ClassLine<'a>>,
    /// A row for each true class.
    pub(crate) confusion: Vec<Vec<u64>>,
}

/// A model of a committee, measured alone.
#[derive(Serialize)]
struct Member {
    model: String,
    accuracy: f64,
    errors: u64,
}

#[derive(Serialize)]
pub(crate) struct ClassLine<'a> {
    class: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    pub(crate) samples: u64,
    pub(crate) predicted: u64,
    pub(crate) correct: u64,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub(crate) f1: f64,
}

impl ClassLine<'_> {
    pub(crate) fn text(&self) -> String {
        self.name.map_or_else(|| self.class.to_string(), one_line)
    }
}

/// What comes of a model that is twice in a committee.
pub(crate) const COUNTS_AGAIN: &str = "their words count as often in the committee";

pub(crate) fn run(args: &EvalArgs, output: &mut Output) -> Result<()> {
    if let Some(path) = &args.outputs {
        if args.models.len() > 1 {
            let message = format!("cannot write {}: a committee has no outputs of its own", path.display());
            bail!(Advised::new(message, "--outputs goes with a single model"));
        }
        target::check(path, "outputs of a network", are_outputs)?;
    }
    let mut models = args.models.iter().map(|path| model::load(path)).collect::<Result<Vec<Model>>>()?;
    let folder = data::folder(&args.data)?;
    let files = data::open(&folder, args.split.into())?;
    for (model, path) in models.iter_mut().zip(&args.models) {
        check_images(model, path, &files)?;
        model::name_classes(model, &files);
    }
    let paths: Vec<String> = args.models.iter().map(|path| path.display().to_string()).collect();
    let committee = Committee::new(models).map_err(|error| no_committee(error, &paths))?;
    let model = &committee.members()[0];
    let is_committee = paths.len() > 1;
    let (evaluation, members) = if is_committee {
        measure_together(args, &committee, &paths, &files)?
    } else {
        (measure(args, model, &args.models[0], &files)?, Vec::new())
    };
    data::note_repeated(&args.models, COUNTS_AGAIN);
    if let Some(path) = &args.outputs {
        write_outputs(path, model, &files, args.threads.count())?;
    }
    let mut report = Report::new(&paths.join(", "), &folder, args.split.into(), model, &evaluation);
    report.members = members;
    if args.json {
        return output.json(&report);
    }
    let what = if is_committee {
        let member = |Member { model, accuracy, errors }: &Member| {
            format!("  {model}: {} ({})", percent(*accuracy), count(*errors, "error"))
        };
        let members: Vec<String> = report.members.iter().map(member).collect();
        format!("committee of {}\n{}", count(members.len(), "model"), members.join("\n"))
    } else {
        format!("model     {}: {}", report.model, hyphenated(&model::layers(&model.network)))
    };
    output.line(format_args!(
        "{what}\n\
         data      {}: {} of the {} set\n\
         accuracy  {} ({} of {} right, {})\n\
         loss      {:.4}",
        report.data,
        count(report.samples, "image"),
        report.split,
        percent(report.accuracy),
        thousands(report.samples - report.errors),
        thousands(report.samples),
        count(report.errors, "error"),
        report.loss,
    ))?;
    if args.confusion {
        output.line(confusion_table(&report))?;
    }
    if args.per_class {
        output.line(class_table(&report))?;
    }
    Ok(())
}

fn measure(args: &EvalArgs, model: &Model, path: &Path, files: &DataFiles) -> Result<Evaluation> {
    let threads = args.threads.count();
    let seen = model::see_all(model, files.view(), threads);
    nn_train::evaluate(&model.network, model.loss, files.view().with_pixels(&seen)?, threads)
        .with_context(|| format!("cannot measure {} on {}", path.display(), files.images().path().display()))
}

/// Measures a committee, and each of its members in passing.
fn measure_together(
    args: &EvalArgs,
    committee: &Committee,
    paths: &[String],
    files: &DataFiles,
) -> Result<(Evaluation, Vec<Member>)> {
    let dataset = files.view();
    let data = files.images().path().display();
    for (model, path) in committee.members().iter().zip(paths) {
        Incompatible::check(&model.network, model.loss, dataset)
            .with_context(|| format!("cannot measure {path} on {data}"))?;
    }
    let (evaluation, correct) = committee
        .evaluate_with_members(dataset, args.threads.count())
        .with_context(|| format!("cannot measure the committee on {data}"))?;
    let samples = evaluation.tally.samples;
    let member = |(path, correct): (&String, u64)| Member {
        model: path.clone(),
        accuracy: correct as f64 / samples.max(1) as f64,
        errors: samples - correct,
    };
    Ok((evaluation, paths.iter().zip(correct).map(member).collect()))
}

/// Why the models of these files cannot be asked together.
fn no_committee(error: InvalidCommittee, paths: &[String]) -> anyhow::Error {
    let (member, what, expected, found) = match error {
        InvalidCommittee::Inputs { member, expected, found } => (member, "input", expected, found),
        InvalidCommittee::Outputs { member, expected, found } => (member, "output", expected, found),
        _ => return anyhow::Error::new(error).context("these models are no committee"),
    };
    let message = format!(
        "{} cannot be asked together with {}: expected {}, as that has, found {found}",
        paths[member],
        paths[0],
        count(expected, what)
    );
    Advised::new(message, "models of a committee take the same images and know the same classes").into()
}

/// The arrays of a file of outputs, in their order.
const OUTPUTS: [&str; 3] = ["logits", "probabilities", "labels"];

fn write_outputs(path: &Path, model: &Model, files: &DataFiles, threads: NonZeroUsize) -> Result<()> {
    let dataset = files.view();
    let outputs = Outputs::of(model, dataset, threads)?;
    let [logits, probabilities, labels] = OUTPUTS;
    let bytes = Npz::default()
        .with_floats(logits, outputs.logits.view())
        .with_floats(probabilities, outputs.probabilities.view())
        .with_bytes(labels, ArrayView1::from(dataset.labels()))
        .to_bytes();
    write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}

/// Whether there is an earlier file of outputs.
fn are_outputs(path: &Path) -> bool {
    let is_name = |(tensor, name): (&interchange::TensorDescription, &str)| tensor.name == name;
    interchange::describe(path).is_ok_and(|contents| {
        contents.format == Format::Npz
            && contents.tensors.len() == OUTPUTS.len()
            && contents.tensors.iter().zip(OUTPUTS).all(is_name)
    })
}

impl<'a> Report<'a> {
    /// The report on the model of a file, measured on one half of the data in a folder.
    pub(crate) fn new(
        name: &str,
        folder: &Path,
        split: Split,
        model: &'a Model,
        evaluation: &Evaluation,
    ) -> Report<'a> {
        let tally = evaluation.tally;
        let scores = ClassReport::new(evaluation.confusion.view());
        let class_line = |(class, score): (usize, &ClassScore)| ClassLine {
            class,
            name: class_name(model, class),
            samples: score.support,
            predicted: score.predicted,
            correct: score.correct,
            precision: score.precision,
            recall: score.recall,
            f1: score.f1,
        };
        Report {
            model: name.to_owned(),
            members: Vec::new(),
            data: folder.display().to_string(),
            split: split.to_string(),
            samples: tally.samples,
            loss: tally.mean_loss(),
            accuracy: tally.accuracy(),
            errors: tally.samples - tally.correct,
            macro_precision: scores.macro_precision,
            macro_recall: scores.macro_recall,
            macro_f1: scores.macro_f1,
            classes: scores.classes.iter().enumerate().map(class_line).collect(),
            confusion: evaluation.confusion.rows().into_iter().map(|row| row.to_vec()).collect(),
        }
    }
}

/// A row for each true class, a column for each predicted one. Zeros are dots, so that the errors can be seen.
fn confusion_table(report: &Report<'_>) -> String {
    let names = report.classes.iter().map(ClassLine::text);
    let mut rows = vec![std::iter::once("true".to_owned()).chain(names).collect::<Vec<_>>()];
    for (class, counts) in report.classes.iter().zip(&report.confusion) {
        let cell = |&count: &u64| if count == 0 { ".".to_owned() } else { thousands(count) };
        rows.push(std::iter::once(class.text()).chain(counts.iter().map(cell)).collect());
    }
    format!("\nconfusion: a column for each predicted class\n{}", table(&rows))
}

fn class_table(report: &Report<'_>) -> String {
    let heading = ["class", "images", "predicted", "right", "precision", "recall", "F1"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for class in &report.classes {
        rows.push(vec![
            class.text(),
            thousands(class.samples),
            thousands(class.predicted),
            thousands(class.correct),
            percent(class.precision),
            percent(class.recall),
            percent(class.f1),
        ]);
    }
    let (precision, recall, f1) = (report.macro_precision, report.macro_recall, report.macro_f1);
    let mut mean = vec!["mean".to_owned()];
    mean.extend([String::new(), String::new(), String::new()]);
    mean.extend([precision, recall, f1].map(percent));
    rows.push(mean);
    format!("\n{}", table(&rows))
}
