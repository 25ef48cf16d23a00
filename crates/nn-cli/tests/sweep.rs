//! What `sweep` promises: the same results by any number of threads and however often it is left, a choice that the test
//! set has no part in, and a best network that `train` makes again.

mod common;

use std::{collections::BTreeSet, fs, path::Path, process::Stdio, thread, time::Duration};

use common::{command, names, nn_cli, sample, scratch, tiny_data};
use serde_json::Value;

/// Small networks, of which one diverges.
const GRID: &str = "preset = 'default'\nepochs = 2\nvalidation = 500\nseeds = [3, 4]\n\
                    [grid]\nhidden = [8, [9, 5], 'none']\nrate = [0.1, 0.5]\n";

fn write(folder: &Path, text: &str) {
    fs::write(folder.join("tried.toml"), text).unwrap();
}

/// The rows of a table of trainings, without what the clock says, in an order that no thread decides.
fn rows(folder: &Path) -> BTreeSet<Vec<String>> {
    let text = fs::read_to_string(folder.join("trials.csv")).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let width = reader.headers().unwrap().len() - 2;
    let all: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().take(width).map(str::to_owned).collect()).collect();
    let set: BTreeSet<Vec<String>> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "a training was done twice");
    set
}

fn sweep(folder: &Path, rest: &str) -> common::Run {
    nn_cli(folder, &format!("sweep tried.toml --data {} {rest}", sample()))
}

#[test]
fn the_results_are_the_same_by_any_number_of_threads_and_the_best_is_made_again_by_train() {
    let folder = scratch();
    write(folder.path(), GRID);
    let mut all = Vec::new();
    for threads in [1, 2, 3, 4] {
        let lines =
            sweep(folder.path(), &format!("--json --threads {threads} -o by{threads}")).succeeds().json();
        let (start, end) = (&lines[0], lines.last().unwrap());
        assert_eq!((&start["event"], &start["trainings"]), (&"start".into(), &12.into()));
        assert_eq!((&start["train_samples"], &start["validation_samples"]), (&3500.into(), &500.into()));
        assert_eq!(lines.iter().filter(|line| line["event"] == "trial").count(), 12);
        assert_eq!(
            (&end["event"], &end["complete"], &end["trainings"]),
            (&"end".into(), &true.into(), &12.into())
        );
        let path = folder.path().join(format!("by{threads}"));
        assert_eq!(
            names(&path),
            [
                "best.json",
                "best.model",
                "best.toml",
                "identity.json",
                "lock",
                "report.html",
                "sweep.toml",
                "trials.csv"
            ]
        );
        all.push((rows(&path), fs::read(path.join("best.model")).unwrap(), end["best"].clone()));
    }
    let (rows, model, best) = &all[0];
    assert_eq!(rows.len(), 12);
    for (other_rows, other_model, other_best) in &all[1..] {
        assert!(other_rows == rows && other_model == model);
        assert_eq!(other_best["test_accuracy"], best["test_accuracy"]);
    }

    // The choice is that of the table: the highest mean over the seeds.
    let mean = |number: &str| {
        let of_it = rows.iter().filter(|row| row[1] == number);
        of_it.map(|row| row.last().unwrap().parse::<f64>().unwrap()).sum::<f64>() / 2.0
    };
    let means: Vec<f64> = (1..=6).map(|number| mean(&number.to_string())).collect();
    let chosen = best["combination"].as_u64().unwrap() as usize;
    assert!(means.iter().all(|mean| *mean <= means[chosen - 1]), "{means:?}, {best}");
    assert!((best["validation_accuracy"].as_f64().unwrap() - means[chosen - 1]).abs() < 1e-12);

    let again = nn_cli(folder.path(), "train --config by1/best.toml --output again.model");
    let text = again.succeeds().stdout;
    assert!(fs::read(folder.path().join("again.model")).unwrap() == *model);
    let accuracy = format!("accuracy {:.2} %", 100.0 * best["test_accuracy"].as_f64().unwrap());
    assert!(text.contains(&accuracy), "{accuracy}: {text}");
}

#[test]
fn a_training_is_that_of_train_with_the_same_settings() {
    let folder = scratch();
    write(folder.path(), GRID);
    sweep(folder.path(), "--threads 2").succeeds();
    let line = format!(
        "train --data {} --hidden 9,5 --rate 0.5 --epochs 2 --validation 500 --seed 4 --json -o one.model",
        sample()
    );
    let epochs = nn_cli(folder.path(), &line).succeeds().json();
    let last = &epochs[2];
    let rows = rows(&folder.path().join("sweeps/tried"));
    let row = rows.iter().find(|row| row[2..5] == ["4", "9,5", "0.5"]).unwrap();
    let found: Vec<f64> = row[8..].iter().map(|cell| cell.parse().unwrap()).collect();
    let expected = ["train_loss", "train_accuracy", "held_out_loss", "held_out_accuracy"];
    for (found, expected) in found.into_iter().zip(expected.map(|name| last[name].as_f64().unwrap())) {
        // The reader of JSON may err in the last bit.
        assert!((found - expected).abs() <= 1e-15 * expected, "{found}, {expected}");
    }
}

#[test]
fn a_sweep_that_is_killed_goes_on_with_what_was_left() {
    let folder = scratch();
    write(folder.path(), GRID);
    sweep(folder.path(), "-o whole").succeeds();
    let (expected, whole) = (rows(&folder.path().join("whole")), folder.path().join("whole"));
    let path = folder.path().join("killed");
    let line = format!("sweep tried.toml --data {} -o killed --threads 2", sample());
    for lives in 0.. {
        assert!(lives < 100, "it never comes to its end");
        let mut child = command(folder.path())
            .args(line.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before = fs::read_to_string(path.join("trials.csv")).map_or(0, |text| text.lines().count());
        // Until something more is done, so that the end comes nearer.
        while child.try_wait().unwrap().is_none() {
            let done = fs::read_to_string(path.join("trials.csv")).map_or(0, |text| text.lines().count());
            if done > before + 1 && done < 13 {
                child.kill().unwrap();
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        if child.wait().unwrap().success() {
            assert!(lives > 1, "it was never killed");
            break;
        }
    }
    assert_eq!(rows(&path), expected);
    let read = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();
    assert!(read(&path, "best.model") == read(&whole, "best.model"));
    assert_eq!(read(&path, "best.toml"), read(&whole, "best.toml"));

    // Once it is over, it says so again and trains nothing.
    let model = path.join("best.model").metadata().unwrap().modified().unwrap();
    let lines = nn_cli(folder.path(), &format!("{line} --json")).succeeds().json();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["done"], 12);
    assert_eq!(path.join("best.model").metadata().unwrap().modified().unwrap(), model);
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_trainings_and_the_next_call_goes_on() {
    let folder = scratch();
    let text = GRID.replace("epochs = 2", "epochs = 2000");
    write(folder.path(), &text);
    let line = format!("sweep tried.toml --data {} --json", sample());
    let run = common::interrupt("INT", folder.path(), &line, 1);
    assert_eq!(run.code, Some(130), "{run:?}");
    let end = run.json().pop().unwrap();
    assert_eq!((&end["event"], &end["interrupted"]), (&"end".into(), &true.into()));
    assert!(run.stderr.contains("go on with `nn-cli sweep tried.toml --data "), "{run:?}");
    let path = folder.path().join("sweeps/tried");
    assert!(fs::read_to_string(path.join("report.html")).unwrap().contains("The sweep is not over"));
    assert!(!path.join("best.model").exists());
    // Another length is another sweep.
    write(folder.path(), GRID);
    sweep(folder.path(), "").fails_with(&[
        "cannot go on with sweeps/tried: expected the settings at the top of its file that the sweep was begun with",
        "hint: name another --output",
    ]);
}

#[test]
fn halving_gives_up_the_worst_and_trains_the_rest_anew() {
    let folder = scratch();
    let text = GRID.replace("epochs = 2\n", "") + "[halving]\nrungs = [1, 2, 3]\nkeep = 0.4\n";
    write(folder.path(), &text);
    let lines = sweep(folder.path(), "--json").succeeds().json();
    let rungs: Vec<&Value> = lines.iter().filter(|line| line["event"] == "rung").collect();
    let kept: Vec<(u64, u64)> = rungs
        .iter()
        .map(|rung| (rung["combinations"].as_u64().unwrap(), rung["going_on"].as_u64().unwrap()))
        .collect();
    assert_eq!(kept, [(6, 3), (3, 2)]);
    let rows = rows(&folder.path().join("sweeps/tried"));
    assert_eq!(rows.len(), 2 * (6 + 3 + 2));
    // Those of the second rung are those that were best in the first.
    let mean = |rung: &str, number: &str| {
        let of_it = rows.iter().filter(|row| row[0] == rung && row[1] == number);
        let accuracies: Vec<f64> = of_it.map(|row| row.last().unwrap().parse().unwrap()).collect();
        (!accuracies.is_empty()).then(|| accuracies.iter().sum::<f64>() / 2.0)
    };
    let numbers: Vec<String> = (1..=6).map(|number| number.to_string()).collect();
    let (went_on, gave_up): (Vec<&String>, Vec<&String>) =
        numbers.iter().partition(|number| mean("2", number).is_some());
    let worst = went_on.iter().filter_map(|number| mean("1", number)).fold(1.0, f64::min);
    assert!(gave_up.iter().all(|number| mean("1", number).unwrap() <= worst));
    // A rung is a whole training.
    let one = rows.iter().find(|row| row[0] == "2" && row[2] == "4").unwrap();
    let line = format!(
        "train --data {} --hidden {} --rate {} --epochs 2 --validation 500 --seed 4 --json -o one.model",
        sample(),
        one[3],
        one[4]
    );
    let last = nn_cli(folder.path(), &line).succeeds().json()[2].clone();
    assert_eq!(one.last().unwrap().parse::<f64>().ok(), last["held_out_accuracy"].as_f64());
    let best = &lines.last().unwrap()["best"];
    assert_eq!(best["epochs"], 3);
    let page = fs::read_to_string(folder.path().join("sweeps/tried/report.html")).unwrap();
    assert!(page.contains("Rung by rung") && page.contains("class=\"line early\""));
}

#[test]
fn a_budget_trains_less_and_a_larger_one_goes_on() {
    let folder = scratch();
    let with = |budget: &str| write(folder.path(), &format!("{GRID}[budget]\n{budget}\n"));
    with("epochs = 9");
    let lines = sweep(folder.path(), "--json").succeeds().json();
    assert_eq!((&lines[0]["trainings"], &lines.last().unwrap()["complete"]), (&4.into(), &true.into()));
    let path = folder.path().join("sweeps/tried");
    let few = rows(&path);
    with("epochs = 13");
    sweep(folder.path(), "").succeeds();
    let more = rows(&path);
    assert!(few.len() == 4 && more.len() == 6 && few.is_subset(&more));
    with("epochs = 3");
    sweep(folder.path(), "").fails_with(&["the budget is too small: expected at least the 4 epochs"]);

    with("minutes = 1e-9");
    let run = sweep(folder.path(), "-o late");
    assert!(run.code == Some(1) && run.stderr.contains("hint: a larger budget goes on"), "{run:?}");
    with("minutes = 60");
    sweep(folder.path(), "-o late").succeeds();
    assert_eq!(rows(&folder.path().join("late")).len(), 12);
}

#[test]
fn networks_that_diverge_are_last_and_where_all_do_there_is_no_best() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let text = |rates: &str| {
        format!(
            "hidden = 4\nloss = 'mean-squared-error'\noutput-activation = 'identity'\nactivation = 'identity'\nepochs = 40\n[grid]\nrate = [{rates}]\n"
        )
    };
    write(folder.path(), &text("1e30, 0.01"));
    let run = nn_cli(folder.path(), "sweep tried.toml --data tiny").succeeds();
    assert!(run.stdout.contains("diverged") && run.stdout.contains("best     rate 0.01"), "{run:?}");
    let table = fs::read_to_string(folder.path().join("sweeps/tried/trials.csv")).unwrap();
    assert!(table.contains(",diverged,,,,,"), "{table}");
    write(folder.path(), &text("1e30, 1e31"));
    let run = nn_cli(folder.path(), "sweep tried.toml --data tiny -o wild");
    assert!(run.code == Some(1) && run.stderr.starts_with("error: every network diverged"), "{run:?}");
    assert!(!folder.path().join("wild/best.model").exists());
}

#[test]
fn people_read_a_table_and_what_to_do_next_and_may_look_at_the_plan_before() {
    let folder = scratch();
    write(folder.path(), GRID);
    let run = sweep(folder.path(), "--plan").succeeds();
    for part in ["6 combinations of hidden and rate, 2 seeds each: 12 trainings, 24 epochs", "   9,5   0.5"] {
        assert!(run.stdout.contains(part), "{part}: {run:?}");
    }
    assert_eq!(names(folder.path()), ["tried.toml"]);
    let run = sweep(folder.path(), "").succeeds();
    for part in [
        "3,500 images to train on, 500 to choose by, 1,000 to measure the best on",
        "number  hidden  rate  trained  validation",
        "\nbest     hidden ",
        "\ntest     accuracy ",
        "\nsaved    sweeps/tried/best.model, and sweeps/tried/best.toml",
        "\nnext     nn-cli eval sweeps/tried/best.model --data ",
    ] {
        assert!(run.stdout.contains(part), "{part}: {run:?}");
    }
    assert_eq!(run.stderr, "", "no bar off a terminal");
}

#[test]
fn the_page_is_whole_and_follows_a_combination_everywhere() {
    let folder = scratch();
    write(folder.path(), GRID);
    sweep(folder.path(), "").succeeds();
    let page = fs::read_to_string(folder.path().join("sweeps/tried/report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("content=\"nn-cli sweep\""));
    for part in [
        "All combinations at once",
        "Accuracy against time",
        "Setting by setting",
        "Every combination",
        "The best",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Rung by rung"));
    // Nothing is asked of the network; the name of SVG is no address.
    assert_eq!(page.matches("http://").count(), page.matches("http://www.w3.org/2000/svg").count());
    assert!(!page.contains("https://") && !page.contains(" src="));
    // A line, a dot in each of three figures, and a row.
    for number in 1..=6 {
        assert_eq!(page.matches(&format!("data-c=\"{number}\"")).count(), 5, "{number}");
    }
    let mut figures = 0;
    for piece in page.split("<svg ").skip(1) {
        let svg = format!("<svg {}</svg>", piece.split("</svg>").next().unwrap());
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        let numbers = document
            .descendants()
            .flat_map(|node| node.attributes())
            .map(|attribute| attribute.value().to_owned());
        assert!(!numbers.into_iter().any(|value| value.contains("NaN") || value.contains("inf")), "{svg}");
        figures += 1;
    }
    assert_eq!(figures, 4);
}

#[test]
fn a_file_that_is_wrong_is_answered_with_line_column_and_what_was_meant() {
    let folder = scratch();
    for (text, expected) in [
        ("[grid]\nrat = [1]", "tried.toml, line 2, column 1: unknown key `rat`"),
        ("[grid]\n", "tried.toml, line 1, column 1: expected settings with values to try in [grid]"),
        (
            "[grid]\nloss = ['mean-squared-error', 'softmax-cross-entropy']\noutput-activation = ['softmax']",
            "cannot train with loss softmax-cross-entropy, output-activation softmax: ",
        ),
        ("[random]\ntrials = 3\nbatch = [1, 2]", "expected 3 different combinations"),
        ("[grid]\nhidden = [1000000000]", "is too large"),
        ("validation = 5000\n[grid]\nrate = [1]", "keeps 5,000 of 4,000 training samples"),
    ] {
        write(folder.path(), text);
        sweep(folder.path(), "").fails_with(&[expected, "hint: "]);
    }
    assert_eq!(names(folder.path()), ["tried.toml"], "nothing was begun");
    nn_cli(folder.path(), "sweep tired.toml")
        .fails_with(&["cannot read tired.toml", "hint: did you mean tried.toml?"]);
}

#[test]
fn networks_see_prepared_images_and_learn_from_teachers() {
    let folder = scratch();
    let train = format!("train --data {} --hidden 20 --epochs 1 -o teacher.model", sample());
    nn_cli(folder.path(), &train).succeeds();
    write(
        folder.path(),
        "epochs = 1\nhidden = 8\n[grid]\npreprocess = ['none', 'deskew']\naugment = ['none', 'affine']\n",
    );
    sweep(folder.path(), "-o seen").succeeds();
    let rows = rows(&folder.path().join("seen"));
    assert_eq!(rows.iter().map(|row| row.last().unwrap()).collect::<BTreeSet<_>>().len(), 4, "{rows:?}");
    write(
        folder.path(),
        "epochs = 1\nhidden = 8\nteacher = 'teacher.model'\n[grid]\nteacher-share = [0.1, 0.9]\n",
    );
    sweep(folder.path(), "-o taught").succeeds();
    fs::copy(folder.path().join("seen/best.model"), folder.path().join("teacher.model")).unwrap();
    write(folder.path(), "epochs = 1\nhidden = 8\nteacher = 'missing.model'\n[grid]\nrate = [0.1]\n");
    sweep(folder.path(), "-o missing").fails_with(&["cannot train with rate 0.1: cannot read missing.model"]);
}
