//! What `report` promises: a page that needs nothing else, with the numbers of `eval`, whatever the names, the images and
//! the number of classes are; and files of others that stay.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{IMAGES, LABELS, command, names, nn_cli, scratch, tiny_data, tiny_model};
use nn_train::{
    Model, Preprocessing, initial_rng,
    nn_core::{
        Activation, Loss, Network, idx_format,
        ndarray::{Array, IxDyn},
    },
    save,
};
use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

/// The elements of HTML that have no end.
const VOID: [&str; 2] = ["<meta ", "<img "];

/// The page with its void elements ended, so that a strict parser takes it.
fn as_xml(html: &str) -> String {
    let mut xml = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, element) = rest.split_at(start);
        let end = element.find('>').expect("an element has an end") + 1;
        let (element, after) = element.split_at(end);
        xml += before;
        if VOID.iter().any(|void| element.starts_with(void)) {
            xml += &element[..end - 1];
            xml += "/>";
        } else {
            xml += element;
        }
        rest = after;
    }
    xml + rest
}

#[track_caller]
fn parse(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// All that is written in a document, but for its style.
fn words(document: &Document<'_>) -> String {
    let texts = document.descendants().filter(roxmltree::Node::is_text);
    let texts = texts.filter(|node| node.parent().is_none_or(|parent| !parent.has_tag_name("style")));
    texts.filter_map(|node| node.text()).collect::<Vec<_>>().join("\n")
}

/// Nothing in it is fetched from anywhere, and nothing runs.
#[track_caller]
fn assert_stands_alone(document: &Document<'_>) {
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(!["script", "link", "iframe", "object", "base", "form"].contains(&name), "{name}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            let is_address = ["src", "href", "srcset", "data", "action", "poster"].contains(&name);
            assert!(!is_address || value.starts_with("data:image/png;base64,"), "{name}={value}");
            assert!(!name.starts_with("on") && name != "style", "{name}={value}");
        }
    }
    for style in document.descendants().filter(|node| node.has_tag_name("style")) {
        let style = style.text().unwrap();
        assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
    }
    let text = document.input_text().replace("http://www.w3.org/2000/svg", "");
    assert!(!text.contains("://"), "an address");
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// A model of random weights, in a file.
fn model(path: &Path, image_shape: &[usize], classes: usize, class_names: Option<Vec<String>>) {
    let network = Network::builder(image_shape.iter().product())
        .dense(5, Activation::Relu)
        .dense(classes, Activation::Identity)
        .build(&mut initial_rng(7))
        .unwrap();
    let loss = Loss::SoftmaxCrossEntropy;
    let (image_shape, preprocessing) = (image_shape.to_vec(), Preprocessing::None);
    save(&Model { network, loss, image_shape, preprocessing, class_names, record: None }, path).unwrap();
}

/// A data set of images of this shape with these labels, for training and for testing.
fn data(folder: &Path, image_shape: &[usize], labels: &[u8]) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let shape: Vec<usize> = [labels.len()].iter().chain(image_shape).copied().collect();
    let mut state = 1_u32;
    let pixels = Array::from_shape_simple_fn(IxDyn(&shape), || {
        // Numerical Recipes' linear congruential generator.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let labels = Array::from_vec(labels.to_vec());
    for (images_name, labels_name) in IMAGES.into_iter().zip(LABELS) {
        let images = idx_format::write_array(Vec::new(), &pixels).unwrap();
        fs::write(folder.join(images_name), images).unwrap();
        fs::write(folder.join(labels_name), idx_format::write_array(Vec::new(), &labels).unwrap()).unwrap();
    }
    folder.to_owned()
}

const FIGURES: [&str; 8] = [
    "accuracy.svg",
    "calibration.svg",
    "confidence.svg",
    "confusion.svg",
    "loss.svg",
    "mistakes.svg",
    "rate.svg",
    "weights.svg",
];

#[test]
fn the_page_of_a_run_is_well_formed_and_needs_no_other_file() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let run = "train --data tiny --run first --hidden 4 --epochs 3 --batch 5 --rate 0.01";
    nn_cli(folder.path(), run).succeeds();
    // Of the same name, and no run.
    fs::create_dir(folder.path().join("first")).unwrap();
    let output = nn_cli(folder.path(), "report first --pictures deep/figures").succeeds();
    assert!(output.stdout.contains("page      report.html"), "{output:?}");

    let xml = as_xml(&read(folder.path().join("report.html")));
    let page = parse(&xml);
    assert_stands_alone(&page);
    let headings: Vec<&str> =
        page.descendants().filter(|node| node.has_tag_name("h2")).filter_map(|node| node.text()).collect();
    let expected = [
        "Training",
        "What it takes for what",
        "How sure it is, and how rightly",
        "The mistakes that it was surest of",
        "What the first layer looks for",
        "Where it comes from",
    ];
    assert_eq!(headings, expected);
    let svg = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == "svg";
    assert_eq!(page.descendants().filter(svg).count(), 6);
    // A curve has a point for each epoch, and the network four hidden units.
    let dots = |class: &str| {
        page.descendants().filter(|node| node.attribute("class") == Some(&format!("dot {class}"))).count()
    };
    assert_eq!(dots("second"), 2 * 3);
    let weights = page.descendants().find(|node| node.attribute("class") == Some("gallery weights")).unwrap();
    assert_eq!(weights.children().count(), 4);

    let figures = folder.path().join("deep/figures");
    assert_eq!(names(&figures), FIGURES);
    for name in FIGURES {
        let text = read(figures.join(name));
        let figure = parse(&text);
        assert_stands_alone(&figure);
        assert_eq!(figure.root_element().tag_name().name(), "svg");
    }
}

#[test]
fn the_numbers_are_those_of_eval_and_predict() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --data tiny --run first --hidden 4 --epochs 2 --batch 5 --rate 0.02")
        .succeeds();
    for split in ["test", "train"] {
        let flags = format!("--data tiny --split {split} --json");
        let report = nn_cli(folder.path(), &format!("report runs/first {flags}")).succeeds().json().remove(0);
        let eval =
            nn_cli(folder.path(), &format!("eval runs/first/last.model {flags}")).succeeds().json().remove(0);
        for (name, value) in eval.as_object().unwrap() {
            assert_eq!(&report[name], value, "{name}");
        }

        let line = format!("predict runs/first/last.model --index 0-11 --top 3 {flags}");
        let answers = nn_cli(folder.path(), &line).succeeds().json();
        let sum = |field: &str| -> u64 {
            let bins = report["calibration"]["bins"].as_array().unwrap();
            bins.iter().map(|bin| bin[field].as_u64().unwrap()).sum()
        };
        assert_eq!((sum("samples"), sum("correct")), (12, 12 - eval["errors"].as_u64().unwrap()));
        let mean: f64 =
            answers.iter().map(|answer| answer["probability"].as_f64().unwrap()).sum::<f64>() / 12.0;
        assert!((report["calibration"]["mean_confidence"].as_f64().unwrap() - mean).abs() < 1e-6);

        let mistakes = report["mistakes"].as_array().unwrap();
        let wrong: Vec<&Value> = answers.iter().filter(|answer| answer["correct"] == false).collect();
        assert!(!wrong.is_empty() && mistakes.len() == wrong.len(), "{answers:?}");
        for mistake in mistakes {
            let answer = wrong.iter().find(|answer| answer["index"] == mistake["index"]).unwrap();
            for field in ["label", "predicted", "probability"] {
                assert_eq!(mistake[field], answer[field], "{field}");
            }
        }
        let sure: Vec<f64> =
            mistakes.iter().map(|mistake| mistake["probability"].as_f64().unwrap()).collect();
        assert!(sure.is_sorted_by(|a, b| a >= b), "{sure:?}");

        // What people read is what programs get.
        let xml = as_xml(&read(folder.path().join("report.html")));
        let page = parse(&xml);
        let cells: Vec<String> = page
            .descendants()
            .filter(|node| node.has_tag_name("td"))
            .map(|node| node.text().unwrap().to_owned())
            .collect();
        let percent = |value: &Value| format!("{:.2} %", 100.0 * value.as_f64().unwrap());
        for (class, cells) in eval["classes"].as_array().unwrap().iter().zip(cells.chunks(5)) {
            let expected = [
                class["samples"].to_string(),
                class["correct"].to_string(),
                percent(&class["precision"]),
                percent(&class["recall"]),
                percent(&class["f1"]),
            ];
            assert_eq!(cells, expected);
        }
    }
}

#[test]
fn the_command_on_the_page_trains_the_same_network_again() {
    for flags in [
        "--hidden 4 --epochs 3 --batch 5 --seed 9",
        "--preset article --hidden 6,4 --optimizer momentum --schedule step:1:0.5 --epochs 2 --validation 3 --patience 2",
    ] {
        let folder = scratch();
        tiny_data(folder.path(), "tiny");
        nn_cli(folder.path(), &format!("train --data tiny --run first {flags}")).succeeds();
        let report = nn_cli(folder.path(), "report first --json").succeeds().json().remove(0);
        let line = report["command"].as_str().unwrap();
        assert!(words(&parse(&as_xml(&read(folder.path().join("report.html"))))).contains(line), "{line}");
        nn_cli(folder.path(), line.strip_prefix("nn-cli ").unwrap()).succeeds();
        for name in ["last.model", "best.model", "metrics.csv"] {
            let bytes = |run: &str| fs::read(folder.path().join("runs").join(run).join(name)).unwrap();
            assert!(bytes("first") == bytes("first-again"), "{name} by {line}");
        }
    }
}

#[test]
fn a_model_without_a_run_has_no_curves_and_a_command_if_its_recipe_has_a_name() {
    let folder = scratch();
    tiny_model(folder.path());
    nn_cli(folder.path(), "report tiny.model --data tiny --pictures figures").succeeds();
    let page = as_xml(&read(folder.path().join("report.html")));
    let text = words(&parse(&page));
    assert!(text.contains("A model alone does not remember how its first weights were drawn"), "{text}");
    assert!(!text.contains("Training\n"), "{text}");
    let mut figures = names(&folder.path().join("figures"));
    figures.retain(|name| name != "mistakes.svg");
    assert_eq!(figures, ["calibration.svg", "confidence.svg", "confusion.svg", "weights.svg"]);

    nn_cli(folder.path(), "train --data tiny --seed 3 --output named.model").succeeds();
    let report = nn_cli(folder.path(), "report named.model --data tiny --json").succeeds().json().remove(0);
    let line = report["command"].as_str().unwrap();
    nn_cli(folder.path(), line.strip_prefix("nn-cli ").unwrap()).succeeds();
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(bytes("named.model") == bytes("again.model"), "{line}");
}

#[test]
fn names_are_text_whatever_is_in_them() {
    let folder = scratch();
    data(&folder.path().join("data"), &[3, 5], &[0, 1, 2, 0, 1]);
    let evil = ["<script>alert(1)</script>", "a & b < \"c\" 'd'", "</title></style><img src=x onerror=y>"];
    let path = folder.path().join("<b>&quot;.model");
    model(&path, &[3, 5], 3, Some(evil.map(str::to_owned).to_vec()));
    nn_cli(folder.path(), "report <b>&quot;.model --data data --pictures figures").succeeds();

    let html = read(folder.path().join("report.html"));
    assert!(!html.contains("<script") && !html.contains("<img src=x") && !html.contains("<b>&q"));
    let xml = as_xml(&html);
    let page = parse(&xml);
    assert_stands_alone(&page);
    let text = words(&page);
    for name in evil.iter().chain(&["<b>&quot;.model"]) {
        assert!(text.contains(name), "{name}");
    }
    for name in names(&folder.path().join("figures")) {
        assert_stands_alone(&parse(&read(folder.path().join("figures").join(name))));
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_a_run_is_text_too_and_is_quoted_in_the_command() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let name = "<i>it's</i>";
    // A slash ends a name, so this is a run of two folders.
    let run = format!("./{name}");
    let train = command(folder.path())
        .args(["train", "--data", "tiny", "--hidden", "4", "--epochs", "1", "--run", &run])
        .output()
        .unwrap();
    assert!(train.status.success(), "{train:?}");
    let report = nn_cli(folder.path(), &format!("report {run} --json")).succeeds().json().remove(0);
    assert!(report["command"].as_str().unwrap().contains(r"--run 'i>-again'"), "{report}");
    let html = read(folder.path().join("report.html"));
    assert!(!html.contains("<i>"), "{html}");
    assert_stands_alone(&parse(&as_xml(&html)));
}

#[test]
fn classes_that_never_occur_and_any_number_of_classes_are_no_trouble() {
    let folder = scratch();
    let cases: [(&[usize], usize, Vec<u8>); 5] = [
        (&[3, 5], 4, vec![0, 2, 0, 2]),
        (&[1, 1], 2, vec![1]),
        (&[2, 3], 21, (0..21).collect()),
        (&[4, 3], 256, (0..=255).collect()),
        (&[200, 310], 3, vec![0, 1, 2]),
    ];
    for (number, (image_shape, classes, labels)) in cases.into_iter().enumerate() {
        data(&folder.path().join(format!("data-{number}")), image_shape, &labels);
        model(&folder.path().join("any.model"), image_shape, classes, None);
        let line = format!("report any.model --data data-{number} --pictures figures-{number} --json");
        let report = nn_cli(folder.path(), &line).succeeds().json().remove(0);
        assert_eq!(report["classes"].as_array().unwrap().len(), classes);
        for name in ["accuracy", "loss", "macro_f1", "macro_precision", "macro_recall"] {
            assert!(report[name].is_f64(), "{name} of {number}: {}", report[name]);
        }
        for name in ["expected_error", "greatest_error", "mean_confidence"] {
            assert!(report["calibration"][name].is_f64(), "{name} of {number}");
        }
        let html = read(folder.path().join("report.html"));
        let xml = as_xml(&html);
        let page = parse(&xml);
        assert_stands_alone(&page);
        for text in [&words(&page), page.input_text()] {
            assert!(!text.contains("NaN") && !text.contains("inf\""), "{number}");
        }
        let cells = page.descendants().filter(|node| {
            let class = node.attribute("class");
            node.has_tag_name(("http://www.w3.org/2000/svg", "rect"))
                && (class == Some("right") || class == Some("wrong"))
        });
        let confusion = report["confusion"].as_array().unwrap();
        let counts = confusion.iter().flat_map(|row| row.as_array().unwrap()).filter(|count| **count != 0);
        assert_eq!(cells.count(), counts.count());
        assert!(html.len() < 2_000_000, "{}", html.len());
    }
}

#[test]
fn images_that_are_no_pictures_are_left_out_and_the_page_says_so() {
    let folder = scratch();
    for (image_shape, spelled) in [(&[15][..], "15"), (&[2, 3, 5], "2x3x5")] {
        data(&folder.path().join("data"), image_shape, &[0, 1, 2, 1, 0, 2]);
        model(&folder.path().join("flat.model"), image_shape, 3, None);
        nn_cli(folder.path(), &format!("report flat.model --data data --pictures figures-{spelled}"))
            .succeeds();
        let html = read(folder.path().join("report.html"));
        let xml = as_xml(&html);
        let text = words(&parse(&xml));
        let sentence =
            format!("Images of {spelled} are no pictures of height x width, so they are not drawn.");
        assert!(text.contains(&sentence), "{text}");
        assert!(!html.contains("<img") && html.contains("of the true class"), "{html}");
        let figures = names(&folder.path().join(format!("figures-{spelled}")));
        assert_eq!(figures, ["calibration.svg", "confidence.svg", "confusion.svg"]);
    }
}

#[test]
fn files_of_others_stay_and_earlier_reports_are_replaced() {
    let folder = scratch();
    tiny_model(folder.path());
    let line = "report tiny.model --data tiny --pictures figures";
    nn_cli(folder.path(), line).succeeds();
    nn_cli(folder.path(), line).succeeds();

    for (name, kind) in [("report.html", "a report"), ("figures/loss.svg", "a figure of a report")] {
        for content in
            ["<!DOCTYPE html><p>years of work", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "thesis"]
        {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            let expected = format!("expected {kind} or nothing there, found another file");
            nn_cli(folder.path(), line).fails_with(&[&expected, "hint: it would be lost"]);
            assert_eq!(read(&path), content);
            fs::remove_file(&path).unwrap();
        }
    }
    fs::write(folder.path().join("file"), "no folder").unwrap();
    nn_cli(folder.path(), "report tiny.model --data tiny --pictures file")
        .fails_with(&["cannot make the folder file"]);
    assert_eq!(read(folder.path().join("file")), "no folder");
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let folder = scratch();
    tiny_model(folder.path());
    let fails = |line: &str, expected: &[&str]| {
        nn_cli(folder.path(), line).fails_with(expected);
        assert!(!folder.path().join("report.html").exists(), "{line}");
    };
    fails(
        "report tiny.model --data missing",
        &["missing", "hint: there is no such folder; `cargo xtask fetch-data`"],
    );
    fails("report tiny.model", &["no data: expected a folder data/mnist or data/sample", "hint: "]);
    fails("report nothing", &["expected a model nothing or a run runs/nothing, found neither", "hint: "]);
    fails("report tiny --data tiny", &["expected a model file, found a folder"]);
    fails(
        "report tiny/t10k-images-idx3-ubyte --data tiny",
        &["hint: a model is a file that `nn-cli train` saved"],
    );
    data(&folder.path().join("other"), &[2, 7], &[0, 1]);
    fails(
        "report tiny.model --data other",
        &["does not fit the data: expected images of 5x3, found 2x7", "hint: "],
    );
    data(&folder.path().join("many"), &[5, 3], &[0, 1, 9]);
    fails("report tiny.model --data many", &["cannot measure tiny.model on many", "at most 3 classes"]);
}

#[test]
fn other_data_than_that_of_the_run_is_told() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --data tiny --run first --hidden 4 --epochs 1").succeeds();
    let run = nn_cli(folder.path(), "report first --json").succeeds();
    assert_eq!((run.json()[0]["is_data_of_run"].clone(), run.stderr.as_str()), (true.into(), ""));
    data(&folder.path().join("other"), &[5, 3], &[0, 1, 2, 2]);
    let run = nn_cli(folder.path(), "report first --data other --json").succeeds();
    assert_eq!(run.json()[0]["is_data_of_run"], false);
    assert!(run.stderr.contains("note: the test set in other is not the one that the run knows"), "{run:?}");
    let page = as_xml(&read(folder.path().join("report.html")));
    assert!(words(&parse(&page)).contains("This is not the data that the run knows"));
    // The data has moved: the run's folder is looked for no more.
    fs::rename(folder.path().join("tiny"), folder.path().join("moved")).unwrap();
    nn_cli(folder.path(), "report first").fails_with(&["no data: ", "hint: "]);
    let run = nn_cli(folder.path(), "report first --data moved --json").succeeds();
    assert_eq!(run.json()[0]["is_data_of_run"], true);
    // There is other data where data usually is.
    tiny_data(folder.path(), "data/mnist");
    let run = nn_cli(folder.path(), "report first").succeeds();
    let note = "note: the data of the run is no longer in tiny: measuring on that in data/mnist";
    assert!(run.stderr.contains(note), "{run:?}");
}

#[test]
fn of_several_folders_the_first_is_measured_on_and_that_is_told() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    tiny_data(folder.path(), "more");
    nn_cli(folder.path(), "train --data tiny --data more --run first --hidden 4 --epochs 1").succeeds();
    let run = nn_cli(folder.path(), "report first --split train").succeeds();
    assert!(
        run.stderr.contains("note: the run was trained on 2 folders; measured are the images of tiny alone")
    );
    let run = nn_cli(folder.path(), "report first").succeeds();
    assert_eq!(run.stderr, "");
}
