//! `eval`: owns the report on a saved network, and refuses to know how it is measured.

use std::path::Path;

use anyhow::{Context, Result};
use nn_train::{ClassReport, Model, nn_core::Evaluation};
use serde::Serialize;

use crate::{
    args::EvalArgs,
    data,
    model::{self, check_images, class_name},
    output::{Output, count, hyphenated, percent, table, thousands},
};

/// The whole report, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    model: String,
    data: String,
    split: String,
    samples: u64,
    loss: f64,
    accuracy: f64,
    errors: u64,
    macro_precision: f64,
    macro_recall: f64,
    macro_f1: f64,
    classes: Vec<ClassLine<'a>>,
    confusion: Vec<Vec<u64>>,
}

#[derive(Serialize)]
struct ClassLine<'a> {
    class: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    samples: u64,
    predicted: u64,
    correct: u64,
    precision: f64,
    recall: f64,
    f1: f64,
}

impl ClassLine<'_> {
    fn text(&self) -> String {
        self.name.map_or_else(|| self.class.to_string(), str::to_owned)
    }
}

pub(crate) fn run(args: &EvalArgs, output: &mut Output) -> Result<()> {
    let mut model = model::load(&args.model)?;
    let folder = data::folder(&args.data)?;
    let files = data::open(&folder, args.split.into())?;
    check_images(&model, &args.model, &files)?;
    model::name_classes(&mut model, &files);
    let evaluation = nn_train::evaluate(&model.network, model.loss, files.view(), args.threads.count())
        .with_context(|| format!("cannot measure {} on {}", args.model.display(), folder.display()))?;

    let report = report(args, &folder, &model, &evaluation);
    if args.json {
        return output.json(&report);
    }
    output.line(format_args!(
        "model     {}: {}\n\
         data      {}: {} of the {} set\n\
         accuracy  {} ({} of {} right, {})\n\
         loss      {:.4}",
        report.model,
        hyphenated(&model::layers(&model.network)),
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

fn report<'a>(args: &EvalArgs, folder: &Path, model: &'a Model, evaluation: &Evaluation) -> Report<'a> {
    let tally = evaluation.tally;
    let scores = ClassReport::new(evaluation.confusion.view());
    let class_line = |(class, score): (usize, &nn_train::ClassScore)| ClassLine {
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
        model: args.model.display().to_string(),
        data: folder.display().to_string(),
        split: nn_train::Split::from(args.split).to_string(),
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
