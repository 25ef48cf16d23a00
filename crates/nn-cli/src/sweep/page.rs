//! The page of a sweep: owns its sections, their order and their words, and refuses to know how figures are drawn and
//! numbers come about.

mod figures;
mod scale;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::{
    figures::{Climb, Mark},
    scale::Scale,
};
use super::{
    Intent,
    records::{BEST_CONFIG, BEST_MODEL, Best, Records},
    shared::Shared,
    standings::{self, Standing},
};
use crate::{
    output::{count, invocation, percent, shell_word, thousands},
    report::page::document_head,
};

/// What is near the beginning of a page.
const MARK: &str = concat!(env!("CARGO_PKG_NAME"), " sweep");

/// What a sweep has beside the style of a report.
const PAGE_STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// More lines than these cannot be told apart; the best are drawn.
const MOST_MARKS: usize = 1000;

/// The page of a sweep, whether it is over or not.
pub(super) struct Page<'a> {
    pub(super) name: &'a str,
    pub(super) intent: &'a Intent,
    pub(super) shared: &'a Shared<'a>,
    pub(super) records: &'a Records,
    pub(super) standings: &'a [Standing],
    pub(super) best: Option<&'a Best>,
}

impl Page<'_> {
    pub(super) fn html(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                (document_head(MARK, &format!("{} – sweep", self.name), PAGE_STYLE))
                body {
                    main {
                        (self.head())
                        (self.figures())
                        (self.climbs())
                        (self.table())
                        (self.the_best())
                        (self.how())
                    }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }

    /// The number of the combination that was chosen, or of the first so far.
    fn chosen(&self) -> Option<usize> {
        self.best
            .map(|best| best.combination)
            .or_else(|| self.standings.first().map(|first| first.combination + 1))
    }

    fn marks(&self) -> Vec<Mark> {
        let last = self.intent.plan.rungs.len() - 1;
        let mark = |standing: &Standing| {
            let score = standing.score?;
            Some(Mark {
                number: standing.combination + 1,
                values: self.intent.candidates[standing.combination].values.clone(),
                accuracy: score.accuracy,
                accuracies: standing.accuracies.clone(),
                seconds: standing.seconds,
                is_early: standing.rung < last,
                words: self.words(standing),
            })
        };
        self.standings.iter().filter_map(mark).take(MOST_MARKS).collect()
    }

    /// A combination in a line.
    fn words(&self, standing: &Standing) -> String {
        let result = standing.score.map_or_else(
            || "diverged".to_owned(),
            |score| format!("{}{}", percent(score.accuracy), spread(score.deviation)),
        );
        format!(
            "{}. {}: {result}, {}, {:.2} s",
            standing.combination + 1,
            self.intent.described(standing.combination),
            count(standing.epochs, "epoch"),
            standing.seconds
        )
    }

    fn head(&self) -> Markup {
        let plan = &self.intent.plan;
        let rows = plan.of_plan(self.records.rows());
        let mut facts = Vec::new();
        if let Some(score) = self.standings.first().and_then(|first| first.score) {
            let note = format!(
                "{}on the validation samples",
                score.deviation.map_or_else(String::new, |deviation| format!("± {:.2}, ", 100.0 * deviation))
            );
            facts.push(("best combination", percent(score.accuracy), note));
        }
        if let Some(test) = self.best.and_then(|best| best.test) {
            let note = format!("retrained: {} of {}", thousands(test.correct), thousands(test.samples));
            facts.push(("best on the test set", percent(test.accuracy()), note));
        }
        let diverged = rows.iter().filter(|row| row.measured.is_none()).count();
        let note = if diverged > 0 {
            format!("{} diverged", thousands(diverged))
        } else {
            format!("of {} planned", thousands(plan.trials_planned()))
        };
        facts.push(("trainings", thousands(rows.len()), note));
        let epochs: u64 = rows.iter().map(|row| u64::from(row.epochs)).sum();
        facts.push(("epochs", thousands(epochs), format!("{} each", count(plan.seeds.len(), "seed"))));
        let busy: f64 = rows.iter().map(|row| row.seconds).sum();
        facts.push(("of training", duration(busy), format!("in {}", duration(self.records.elapsed()))));
        let settings = self.intent.settings().join(", ");
        html! {
            header {
                p.kind { "Sweep" }
                h1 { (self.name) }
                p.lead {
                    (count(plan.tried.len(), "combination")) " of " (settings) ", trained on "
                    (count(self.shared.files.len() - self.shared.kept, "image")) " of " code { (self.shared.folder.display()) }
                    " and compared on " (thousands(self.shared.kept)) " others. The test set chose nothing."
                }
                @if self.best.is_none() {
                    p.warning { "The sweep is not over: this is what there is so far." }
                }
                dl.facts {
                    @for (name, value, note) in facts {
                        div { dt { (name) } dd { (value) } dd.note { (note) } }
                    }
                }
            }
        }
    }

    fn figures(&self) -> Markup {
        let marks = self.marks();
        if marks.is_empty() {
            return html! {};
        }
        let axes = self.intent.sweep.search.axes();
        let settings: Vec<(&str, Scale)> =
            axes.iter().map(|axis| (axis.key.as_str(), Scale::of(&axis.values))).collect();
        let accuracies: Vec<f64> = marks.iter().map(|mark| mark.accuracy).collect();
        let (accuracy, is_cut) = Scale::accuracies(&accuracies);
        let best = self.chosen();
        let early = marks.iter().any(|mark| mark.is_early);
        html! {
            section {
                h2 { "All combinations at once" }
                p {
                    "Each line is a combination of settings, and ends at its accuracy: the bluer, the better."
                    @if early { " Dashed ones were given up in an earlier rung." }
                    @if is_cut { " What is far below the others stands at the lower edge." }
                    @if self.standings.len() > MOST_MARKS { " The best " (thousands(MOST_MARKS)) " are drawn." }
                }
                div.wide { (figures::parallel(&settings, &accuracy, &marks, best)) }
                p.readout aria-live="polite" { "Point at a line, a dot or a row to follow a combination; click to keep it." }
            }
            section {
                h2 { "Accuracy against time" }
                p {
                    "The mean time of a training, on one thread while others trained beside it. The bar of a dot goes from "
                    "its worst seed to its best. Along the stepped line are those that nothing faster is as good as."
                }
                div.wide { (figures::against_time(&accuracy, &marks, best)) }
            }
            section {
                h2 { "Setting by setting" }
                p { "The same combinations by one setting at a time; the others vary. Bars are medians." }
                div.columns {
                    @for (axis, (name, scale)) in settings.iter().enumerate() {
                        (figures::by_setting((axis, name, scale), &accuracy, &marks, best))
                    }
                }
            }
        }
    }

    fn climbs(&self) -> Markup {
        let plan = &self.intent.plan;
        let epochs: Vec<u32> = plan.rungs.iter().filter_map(|rung| rung.epochs).collect();
        if epochs.len() < 2 {
            return html! {};
        }
        let mut climbs: Vec<Climb> =
            self.standings.iter().map(|standing| (standing.combination + 1, Vec::new())).collect();
        for rung in 0..epochs.len() {
            let all: Vec<usize> = climbs.iter().map(|(number, _)| number - 1).collect();
            for standing in standings::of_rung(plan, self.records.rows(), rung, &all) {
                let points = climbs.iter_mut().find(|(number, _)| *number == standing.combination + 1);
                if let (Some((_, points)), Some(score)) = (points, standing.score) {
                    points.push((rung, score.accuracy));
                }
            }
        }
        climbs.truncate(MOST_MARKS);
        let keep = self.intent.sweep.halving.as_ref().map_or(0.0, |halving| halving.keep);
        html! {
            section {
                h2 { "Rung by rung" }
                p {
                    "Of each rung the best " (format!("{:.0} %", 100.0 * keep)) " went on. A rung is a training of its own, from new weights, "
                    "by a schedule of its length."
                }
                div.wide { (figures::climbs(&epochs, &climbs, self.chosen())) }
            }
        }
    }

    fn table(&self) -> Markup {
        if self.standings.is_empty() {
            return html! {};
        }
        let settings = self.intent.settings();
        let best = self.chosen();
        html! {
            section {
                h2 { "Every combination" }
                p {
                    "Means over " (count(self.intent.plan.seeds.len(), "seed"))
                    ", and the standard deviation between them. Click a heading to sort."
                }
                div.scroll {
                    table.sortable {
                        thead {
                            tr {
                                th scope="col" { "number" }
                                @for name in &settings { th scope="col" { (name) } }
                                @for name in ["epochs", "validation", "±", "loss", "training", "parameters", "seconds"] {
                                    th scope="col" { (name) }
                                }
                            }
                        }
                        tbody {
                            @for standing in self.standings {
                                @let number = standing.combination + 1;
                                tr data-c=(number) class=[(best == Some(number)).then_some("chosen")] {
                                    th scope="row" { (number) }
                                    @for value in &self.intent.candidates[standing.combination].values { td.setting { (value) } }
                                    td { (thousands(standing.epochs)) }
                                    @match standing.score {
                                        Some(score) => {
                                            td { (percent(score.accuracy)) }
                                            td { (score.deviation.map_or_else(|| "–".to_owned(), |all| format!("{:.2}", 100.0 * all))) }
                                            td { (format!("{:.4}", score.loss)) }
                                            td { (percent(score.train_accuracy)) }
                                        }
                                        None => { td { "diverged" } td { "–" } td { "–" } td { "–" } }
                                    }
                                    td { (thousands(standing.parameters)) }
                                    td { (format!("{:.2}", standing.seconds)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn the_best(&self) -> Markup {
        let Some(best) = self.best else { return html! {} };
        let model = self.records.file(BEST_MODEL);
        let config = self.records.file(BEST_CONFIG);
        html! {
            section {
                h2 { "The best" }
                p {
                    "The combination of the highest mean on the validation samples, trained once more on all "
                    (count(best.train_samples, "image")) ", those included"
                    @if best.test.is_some() { ", and measured once on the test set." }
                    @else { ". There is no test set to measure it on." }
                }
                dl.rows.long {
                    div { dt { "settings" } dd { (best.settings) } }
                    div { dt { "trained" } dd { (count(best.epochs, "epoch")) ", seed " (best.seed) } }
                    @if let Some(test) = best.test {
                        div { dt { "test accuracy" } dd { (percent(test.accuracy())) ", loss " (format!("{:.4}", test.loss)) } }
                    }
                    div { dt { "network" } dd { code { (model.display()) } } }
                }
                @if best.test.is_some() {
                    h3 { "To do it again" }
                    pre { code { (invocation()) " train --config " (shell_word(&config)) " --output best.model" } }
                }
            }
        }
    }

    fn how(&self) -> Markup {
        let sweep = &self.intent.sweep;
        let seeds: Vec<String> = sweep.seeds.iter().map(u64::to_string).collect();
        html! {
            section {
                h2 { "What was the same for all" }
                dl.rows.long {
                    @if sweep.base_text.is_empty() { div { dt { "preset" } dd { "default" } } }
                    @for (name, value) in &sweep.base_text { div { dt { (name) } dd { (value) } } }
                    div { dt { "seeds" } dd { (seeds.join(", ")) } }
                }
                p.note { "Everything that is not named here is the preset's." }
            }
        }
    }
}

fn spread(deviation: Option<f64>) -> String {
    deviation.map_or_else(String::new, |deviation| format!(" ± {:.2}", 100.0 * deviation))
}

/// 12.3 s, 4 min 5 s, 3 h 12 min
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", thousands(whole / 3600), whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_units_that_people_use() {
        for (seconds, text) in
            [(0.04, "0.0 s"), (59.4, "59.4 s"), (245.0, "4 min 5 s"), (11_520.0, "3 h 12 min")]
        {
            assert_eq!(duration(seconds), text);
        }
    }
}
