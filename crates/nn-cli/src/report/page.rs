//! The page of a report: owns its sections, their order and their words, and refuses to know how numbers are found and
//! curves drawn.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use nn_train::nn_core::Dataset;

use super::{
    MARK,
    chart::{Axis, Chart, Series, Unit},
    findings::{Findings, Training},
    matrix,
    subject::Subject,
    tiles::{self, MOST_UNITS, Tile},
};
use crate::{
    output::{count, hyphenated, percent, shape, thousands},
    picture::Size,
};

/// Colors, letters and lines, for the page and for each figure that is a file.
const FIGURE_STYLE: &str = include_str!("figure.css");
const PAGE_STYLE: &str = include_str!("page.css");

/// Points on the curve of the learning rate.
const RATE_POINTS: u64 = 600;

/// A figure that can be a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Loss,
    Accuracy,
    Rate,
    Confusion,
    Calibration,
    Confidence,
    Mistakes,
    Weights,
}

impl Figure {
    pub(super) const ALL: [Figure; 8] = [
        Figure::Loss,
        Figure::Accuracy,
        Figure::Rate,
        Figure::Confusion,
        Figure::Calibration,
        Figure::Confidence,
        Figure::Mistakes,
        Figure::Weights,
    ];

    pub(super) fn file_name(self) -> &'static str {
        match self {
            Figure::Loss => "loss.svg",
            Figure::Accuracy => "accuracy.svg",
            Figure::Rate => "rate.svg",
            Figure::Confusion => "confusion.svg",
            Figure::Calibration => "calibration.svg",
            Figure::Confidence => "confidence.svg",
            Figure::Mistakes => "mistakes.svg",
            Figure::Weights => "weights.svg",
        }
    }
}

/// A report that is ready to be written.
pub(super) struct Page<'a> {
    subject: &'a Subject,
    findings: &'a Findings<'a>,
    curves: Vec<(Figure, Markup)>,
    confusion: Markup,
    calibration: Vec<(Figure, Markup)>,
    /// None where the images are no pictures.
    pictures: Option<Pictures>,
}

struct Pictures {
    mistakes: Vec<Tile>,
    weights: Vec<Tile>,
}

impl<'a> Page<'a> {
    pub(super) fn new(subject: &'a Subject, findings: &'a Findings<'a>, dataset: Dataset<'_>) -> Page<'a> {
        let names: Vec<String> =
            (0..findings.evaluation.classes.len()).map(|class| findings.class_text(class)).collect();
        let network = &subject.model.network;
        let pictures = Size::of(&subject.model.image_shape).ok().map(|size| Pictures {
            mistakes: tiles::mistakes(findings, size, dataset),
            weights: tiles::weights(network, size, |unit| match network.depth() {
                1 => findings.class_text(unit),
                // As `serve` counts them.
                _ => unit.to_string(),
            }),
        });
        Page {
            subject,
            findings,
            curves: findings.training.as_ref().map_or_else(Vec::new, |training| curves(subject, training)),
            confusion: matrix::confusion(&findings.evaluation.confusion, &names),
            calibration: calibration(findings),
            pictures,
        }
    }

    /// Each figure as a file.
    pub(super) fn figures(&self) -> Vec<(Figure, Markup)> {
        let mut figures: Vec<(Figure, Markup)> = self.curves.clone();
        figures.push((Figure::Confusion, self.confusion.clone()));
        figures.extend(self.calibration.iter().cloned());
        if let Some(pictures) = &self.pictures {
            if !pictures.mistakes.is_empty() {
                let sheet = tiles::sheet(&pictures.mistakes, 8, "The mistakes that it was surest of");
                figures.push((Figure::Mistakes, sheet));
            }
            let sheet = tiles::sheet(&pictures.weights, 10, "The weights into the first layer");
            figures.push((Figure::Weights, sheet));
        }
        figures.into_iter().map(|(figure, svg)| (figure, alone(svg))).collect()
    }

    pub(super) fn html(&self) -> Markup {
        let name = &self.subject.name;
        html! {
            (DOCTYPE)
            html lang="en" {
                (document_head(MARK, &format!("{name} – report"), ""))
                body {
                    main {
                        (self.head())
                        (self.training())
                        (self.classes())
                        (self.confidence())
                        (self.mistakes())
                        (self.weights())
                        (self.origin())
                    }
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let findings = self.findings;
        let measured = &findings.evaluation;
        let model = &self.subject.model;
        let mut facts = vec![
            ("accuracy", percent(measured.accuracy), format!("on the {} set", measured.split)),
            ("errors", thousands(measured.errors), format!("of {}", count(measured.samples, "image"))),
            ("loss", format!("{:.4}", measured.loss), model.loss.to_string()),
            ("macro F1", percent(measured.macro_f1), "mean of the classes".to_owned()),
            (
                "calibration error",
                percent(findings.calibration.expected_error),
                format!("{} sure on average", percent(findings.calibration.mean_confidence)),
            ),
        ];
        if let Some(training) = &findings.training {
            let (done, planned) = (training.epochs.len(), training.epochs_planned);
            let of = format!("of {} planned; the best is {}", thousands(planned), training.best_epoch);
            facts.push(("epochs", thousands(done), of));
        } else {
            facts.push(("parameters", thousands(findings.parameters), "weights and biases".to_owned()));
        }
        html! {
            header {
                p.kind { (if findings.training.is_some() { "Run" } else { "Model" }) }
                h1 { (self.subject.name) }
                p.lead {
                    "A network " (hyphenated(&crate::model::layers(&model.network))) " for images of "
                    (shape(&model.image_shape)) ", measured on " (count(measured.samples, "image")) " of the "
                    (measured.split) " set in " code { (measured.data) } "."
                }
                @if findings.is_data_of_run == Some(false) {
                    p.warning { "This is not the data that the run knows: its checksum is another." }
                }
                dl.facts {
                    @for (name, value, note) in facts {
                        div { dt { (name) } dd { (value) } dd.note { (note) } }
                    }
                }
            }
        }
    }

    fn training(&self) -> Markup {
        let Some(training) = &self.findings.training else { return html! {} };
        html! {
            section {
                h2 { "Training" }
                p {
                    "After each epoch the network was measured on the " (training.held_out)
                    " samples. Those of training were measured before each update, while the network changed."
                }
                div.columns { @for (_, svg) in &self.curves { (svg) } }
            }
        }
    }

    fn classes(&self) -> Markup {
        let measured = &self.findings.evaluation;
        html! {
            section {
                h2 { "What it takes for what" }
                p {
                    "Blue is right, by its share of the row; orange is wrong, by its number. Precision is how far to "
                    "believe a prediction, recall how much of a class is found, F1 their harmonic mean. The accuracy "
                    "is also the micro average of all three."
                }
                div.matrix {
                    (self.confusion)
                    div.scroll {
                        table {
                            thead {
                                tr {
                                    th scope="col" { "class" }
                                    @for heading in ["images", "right", "precision", "recall", "F1"] {
                                        th scope="col" { (heading) }
                                    }
                                }
                            }
                            tbody {
                                @for class in &measured.classes {
                                    tr {
                                        th scope="row" { (class.text()) }
                                        td { (thousands(class.samples)) }
                                        td { (thousands(class.correct)) }
                                        td { (percent(class.precision)) }
                                        td { (percent(class.recall)) }
                                        td { (percent(class.f1)) }
                                    }
                                }
                            }
                            tfoot {
                                tr {
                                    th scope="row" { "macro mean" }
                                    td { (thousands(measured.samples)) }
                                    td { (thousands(measured.samples - measured.errors)) }
                                    td { (percent(measured.macro_precision)) }
                                    td { (percent(measured.macro_recall)) }
                                    td { (percent(measured.macro_f1)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn confidence(&self) -> Markup {
        let calibration = &self.findings.calibration;
        let evaluation = &self.findings.evaluation;
        let verdict = match calibration.mean_confidence - evaluation.accuracy {
            difference if difference > 0.005 => "On average it is surer than it is right.",
            difference if difference < -0.005 => "On average it is right more often than it says.",
            _ => "On average it is right about as often as it says.",
        };
        html! {
            section {
                h2 { "How sure it is, and how rightly" }
                div.columns {
                    @for (_, svg) in &self.calibration { (svg) }
                    div.words {
                        p {
                            "Of the images that it is 80 % sure of, 80 % should be right. " (verdict)
                        }
                        dl.rows {
                            div { dt { "mean confidence" } dd { (percent(calibration.mean_confidence)) } }
                            div { dt { "accuracy" } dd { (percent(evaluation.accuracy)) } }
                            div {
                                dt { "expected calibration error" } dd { (percent(calibration.expected_error)) }
                            }
                            div { dt { "greatest of a bin" } dd { (percent(calibration.greatest_error)) } }
                        }
                        p.note {
                            "In " (count(calibration.bins.len(), "bin")) " of equal width by the probability of the "
                            "class that is predicted. A bin with few images says little."
                        }
                    }
                }
            }
        }
    }

    fn mistakes(&self) -> Markup {
        html! {
            section {
                h2 { "The mistakes that it was surest of" }
                @match &self.pictures {
                    _ if self.findings.mistakes.is_empty() => p { "There are none: every image is told right." },
                    None => {
                        p { (self.no_pictures()) }
                        (self.mistake_table())
                    }
                    Some(pictures) => {
                        p {
                            "The true class, what it was taken for, and the probabilities of the two. Some of these "
                            "labels may be wrong themselves."
                        }
                        (tiles::gallery(&pictures.mistakes, "images"))
                    }
                }
            }
        }
    }

    /// The mistakes where they cannot be drawn.
    fn mistake_table(&self) -> Markup {
        html! {
            div.scroll {
                table {
                    thead {
                        tr {
                            @for heading in ["image", "true class", "taken for", "probability", "of the true class"] {
                                th scope="col" { (heading) }
                            }
                        }
                    }
                    tbody {
                        @for mistake in &self.findings.mistakes {
                            tr {
                                th scope="row" { (thousands(mistake.index)) }
                                td { (self.findings.class_text(mistake.label)) }
                                td { (self.findings.class_text(mistake.predicted)) }
                                td { (percent(mistake.probability.into())) }
                                td { (percent(mistake.label_probability.into())) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn no_pictures(&self) -> String {
        format!(
            "Images of {} are no pictures of height x width, so they are not drawn.",
            shape(&self.subject.model.image_shape)
        )
    }

    fn weights(&self) -> Markup {
        let network = &self.subject.model.network;
        let units = network.units(0);
        let whose = if network.depth() == 1 { "class" } else { "hidden unit" };
        html! {
            section {
                h2 { "What the first layer looks for" }
                @match &self.pictures {
                    None => p { (self.no_pictures()) },
                    Some(pictures) => {
                        p {
                            "The weights into each " (whose) ": ink where it is "
                            span.positive { "blue" } " speaks for it, where it is " span.negative { "orange" }
                            " against it. All are on one scale."
                            @if units > MOST_UNITS {
                                " The first " (thousands(MOST_UNITS)) " of " (thousands(units)) " are shown."
                            }
                        }
                        (tiles::gallery(&pictures.weights, "weights"))
                    }
                }
            }
        }
    }

    fn origin(&self) -> Markup {
        let findings = self.findings;
        html! {
            section {
                h2 { "Where it comes from" }
                dl.rows.wide {
                    @for (name, value) in &findings.configuration { div { dt { (name) } dd { (value) } } }
                }
                h3 { "The data that it was measured on" }
                dl.rows.long {
                    div { dt { "folder" } dd { (findings.evaluation.data) } }
                    div { dt { "set" } dd { (findings.evaluation.split) ", " (count(findings.evaluation.samples, "image")) } }
                    div { dt { "SHA-256" } dd { code { (findings.data_sha256()) } } }
                    @if let Some(is_same) = findings.is_data_of_run {
                        div { dt { "known to the run" } dd { (if is_same { "yes, byte for byte" } else { "no, it knows others" }) } }
                    }
                }
                h3 { "To do it again" }
                @match &findings.command {
                    Some(command) => pre { code { (command) } },
                    None => p {
                        "A model alone does not remember how its first weights were drawn, so no command is known that "
                        "makes it again. A run, by " code { "train --run NAME" } ", remembers all."
                    },
                }
                @if findings.training.is_none() && findings.command.is_some() {
                    p.note { "If it was trained on this data, which a model does not remember." }
                }
            }
        }
    }
}

/// The figure as a file: with the style that it has on the page, and the mark.
fn alone(svg: Markup) -> Markup {
    let text = svg.into_string();
    let content = text.split_once('>').map_or("", |(_, content)| content);
    let opening = text.split_once('>').map_or("", |(opening, _)| opening);
    PreEscaped(format!("{opening} data-generator=\"{MARK}\"><style>{FIGURE_STYLE}</style>{content}\n"))
}

fn curves(subject: &Subject, training: &Training) -> Vec<(Figure, Markup)> {
    let epochs = &training.epochs;
    let last = epochs.last().map_or(1.0, |epoch| f64::from(epoch.epoch));
    let points = |value: fn(&super::findings::Epoch) -> f64| -> Vec<(f64, f64)> {
        epochs.iter().map(|epoch| (f64::from(epoch.epoch), value(epoch))).collect()
    };
    let (train_loss, held_out_loss) = (points(|epoch| epoch.train_loss), points(|epoch| epoch.held_out_loss));
    let (train, held_out) = (points(|epoch| epoch.train_accuracy), points(|epoch| epoch.held_out_accuracy));
    let both =
        |a: &[(f64, f64)], b: &[(f64, f64)]| -> Vec<f64> { a.iter().chain(b).map(|(_, y)| *y).collect() };
    let losses = both(&train_loss, &held_out_loss);
    let accuracies = both(&train, &held_out);
    let chart = |what: &str, y: Axis, series: Vec<Series<'_>>, mark: Option<(f64, String)>| {
        let x = Axis::linear("epoch", 0.0, last, Unit::Count);
        Chart { description: format!("{what} in each epoch"), x, y, series, bars: Vec::new(), mark }.svg()
    };
    let two = |train: Vec<(f64, f64)>, held_out: Vec<(f64, f64)>| {
        vec![
            Series { name: "training", class: "second", points: train },
            Series { name: training.held_out, class: "first", points: held_out },
        ]
    };
    let best = || Some((f64::from(training.best_epoch), format!("best: {}", training.best_epoch)));
    let loss = chart("Loss", Axis::for_losses(losses.into_iter()), two(train_loss, held_out_loss), None);
    let axis = Axis::around("accuracy", accuracies.into_iter(), Unit::Percent);
    let accuracy = chart("Accuracy", axis, two(train, held_out), best());
    let rates = rates(subject, last);
    let greatest = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let axis = Axis::around("learning rate", [0.0, greatest].into_iter(), Unit::Number);
    let rate = chart("Learning rate", axis, vec![Series { name: "", class: "first", points: rates }], None);
    vec![(Figure::Loss, loss), (Figure::Accuracy, accuracy), (Figure::Rate, rate)]
}

/// The rate at steps of the finished epochs, by the schedule.
fn rates(subject: &Subject, epochs: f64) -> Vec<(f64, f64)> {
    let Some(run) = &subject.run else { return Vec::new() };
    let checkpoint = &run.checkpoint;
    let config = &checkpoint.config;
    let per_epoch = checkpoint.train.samples.div_ceil(config.batch_size.get() as u64).max(1);
    let steps = (epochs * per_epoch as f64) as u64;
    let rate = |step: u64| {
        let rate = config.schedule.rate(config.rate, step, per_epoch, config.epochs);
        (step as f64 / per_epoch as f64, f64::from(rate))
    };
    let count = RATE_POINTS.min(steps.max(1));
    let step = |number: u64| (number as f64 / count as f64 * steps as f64) as u64;
    (0..count).map(step).chain([steps.saturating_sub(1)]).map(rate).collect()
}

fn calibration(findings: &Findings<'_>) -> Vec<(Figure, Markup)> {
    let calibration = &findings.calibration;
    let axis = |label| Axis::linear(label, 0.0, 1.0, Unit::Percent);
    let words = |bin: &super::findings::Bin| {
        format!(
            "{} to {} sure: {} of {} right",
            percent(bin.lower),
            percent(bin.upper),
            thousands(bin.correct),
            count(bin.samples, "image")
        )
    };
    let bars = calibration
        .bins
        .iter()
        .filter_map(|bin| Some((bin.lower, bin.upper, bin.accuracy?, words(bin))))
        .collect();
    let means = calibration.bins.iter().filter_map(|bin| Some((bin.confidence?, bin.accuracy?))).collect();
    let reliability = Chart {
        description: "Accuracy of the images of each confidence".to_owned(),
        x: axis("confidence"),
        y: axis("accuracy"),
        series: vec![
            Series { name: "as it should be", class: "ideal", points: vec![(0.0, 0.0), (1.0, 1.0)] },
            Series { name: "as it is", class: "first", points: means },
        ],
        bars,
        mark: None,
    };
    let all = findings.evaluation.samples.max(1) as f64;
    let shares =
        calibration.bins.iter().map(|bin| (bin.lower, bin.upper, bin.samples as f64 / all, words(bin)));
    let confidence = Chart {
        description: "Share of the images of each confidence".to_owned(),
        x: axis("confidence"),
        y: axis("images"),
        series: Vec::new(),
        bars: shares.filter(|(_, _, share, _)| *share > 0.0).collect(),
        mark: None,
    };
    vec![(Figure::Calibration, reliability.svg()), (Figure::Confidence, confidence.svg())]
}
/// The head of a page that looks as a report does, and has `more_style` beside its style. `mark` is what the page is
/// known by.
pub(crate) fn document_head(mark: &str, title: &str, more_style: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="generator" content=(mark);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            style { (PreEscaped(FIGURE_STYLE)) (PreEscaped(PAGE_STYLE)) (PreEscaped(more_style)) }
        }
    }
}
