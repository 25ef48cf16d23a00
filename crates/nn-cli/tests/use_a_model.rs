//! What `eval` and `predict` promise: that they agree, for images of the data set and for pictures of the same.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use common::{Run, command, nn_cli, png, sample, scratch, tiny_model};
use nn_train::{DataFiles, Split};
use png::{BitDepth, ColorType};
use serde_json::Value;

/// Makes `folder/sample.model`.
fn sample_model(folder: &Path) {
    nn_cli(folder, &format!("train --data {} --epochs 2 -o sample.model", sample())).succeeds();
}

#[test]
fn a_picture_of_a_test_image_is_predicted_exactly_as_the_image() {
    let folder = scratch();
    sample_model(folder.path());
    let test = DataFiles::open(sample().as_ref(), Split::Test).unwrap();
    let count = 200;
    let paths: Vec<PathBuf> = (0..count).map(|index| folder.path().join(format!("{index}.png"))).collect();
    for (index, path) in paths.iter().enumerate() {
        let pixels = test.view().row(index);
        let each =
            |samples: fn(u8) -> Vec<u8>| pixels.iter().flat_map(|&pixel| samples(pixel)).collect::<Vec<_>>();
        // All ways in which a grey picture may be kept, in turn.
        let (color, depth, samples) = match index % 5 {
            0 => (ColorType::Grayscale, BitDepth::Eight, pixels.to_vec()),
            1 => (ColorType::Grayscale, BitDepth::Sixteen, each(|grey| vec![grey; 2])),
            2 => (ColorType::GrayscaleAlpha, BitDepth::Eight, each(|grey| vec![grey, 255])),
            3 => (ColorType::Rgb, BitDepth::Eight, each(|grey| vec![grey; 3])),
            _ => {
                (ColorType::Rgba, BitDepth::Sixteen, each(|grey| [[grey; 6].as_slice(), &[255; 2]].concat()))
            }
        };
        fs::write(path, png((28, 28), color, depth, &samples)).unwrap();
    }
    let line = format!("predict sample.model --json --top 10 --index 0-{} --data {}", count - 1, sample());
    let by_index = nn_cli(folder.path(), &line).succeeds().json();
    let mut predict = command(folder.path());
    let by_file = Run::from(
        predict.args(["predict", "sample.model", "--json", "--top", "10"]).args(&paths).output().unwrap(),
    );
    let by_file = by_file.succeeds().json();
    assert_eq!((by_index.len(), by_file.len()), (count, count));
    for ((index, file), path) in by_index.iter().zip(&by_file).zip(&paths) {
        assert_eq!(file["file"], path.to_str().unwrap());
        assert_eq!(file["inverted"], false);
        assert_eq!(index["top"], file["top"], "{path:?}");
        assert_eq!(index["predicted"], file["predicted"]);
        assert_eq!(index["predicted"], index["top"][0]["class"]);
        let probabilities: f64 = file["top"].as_array().unwrap().iter().map(probability).sum();
        assert!((probabilities - 1.0).abs() < 1e-5, "{probabilities}");
    }
}

fn probability(guess: &Value) -> f64 {
    guess["probability"].as_f64().unwrap()
}

#[test]
fn predictions_add_up_to_what_eval_says() {
    let folder = scratch();
    sample_model(folder.path());
    for (split, last) in [("test", 999), ("train", 3999)] {
        let line =
            format!("predict sample.model --json --index 0-{last} --split {split} --data {}", sample());
        let predictions = nn_cli(folder.path(), &line).succeeds().json();
        let mut confusion = vec![vec![0_u64; 10]; 10];
        for (index, prediction) in predictions.iter().enumerate() {
            assert_eq!(prediction["index"], index);
            let class = |name: &str| prediction[name].as_u64().unwrap() as usize;
            assert_eq!(prediction["correct"], class("label") == class("predicted"));
            confusion[class("label")][class("predicted")] += 1;
        }
        let line = format!("eval sample.model --json --split {split} --data {}", sample());
        let report = &nn_cli(folder.path(), &line).succeeds().json()[0];
        assert_eq!(report["confusion"], serde_json::json!(confusion), "{split}");
        assert_eq!(report["samples"], last + 1);
        for class in 0..10 {
            let support: u64 = confusion[class].iter().sum();
            assert_eq!(report["classes"][class]["samples"], support);
            let recall = confusion[class][class] as f64 / support as f64;
            assert!((report["classes"][class]["recall"].as_f64().unwrap() - recall).abs() < 1e-12);
        }
    }
}

#[test]
fn dark_on_light_is_inverted_by_the_border_unless_told_otherwise() {
    let folder = scratch();
    sample_model(folder.path());
    let test = DataFiles::open(sample().as_ref(), Split::Test).unwrap();
    let light: Vec<u8> = test.view().row(3).to_vec();
    let dark: Vec<u8> = light.iter().map(|pixel| 255 - pixel).collect();
    // Ink with nothing behind it: black, and as opaque as the digit is bright.
    let ink: Vec<u8> = light.iter().flat_map(|&pixel| [0, pixel]).collect();
    let write = |name: &str, color, samples: &[u8]| {
        fs::write(folder.path().join(name), png((28, 28), color, BitDepth::Eight, samples)).unwrap();
    };
    write("light.png", ColorType::Grayscale, &light);
    write("dark.png", ColorType::Grayscale, &dark);
    write("ink.png", ColorType::GrayscaleAlpha, &ink);
    let predict = |line: &str| {
        nn_cli(folder.path(), &format!("predict sample.model --json {line}")).succeeds().json().remove(0)
    };
    let expected = predict("light.png");
    for (line, inverted) in [
        ("light.png --invert no", false),
        ("dark.png", true),
        ("dark.png --invert yes", true),
        ("ink.png", true),
    ] {
        let answer = predict(line);
        assert_eq!((&answer["inverted"], &answer["top"]), (&inverted.into(), &expected["top"]), "{line}");
    }
    assert_ne!(predict("dark.png --invert no")["top"], expected["top"]);
    assert_eq!(predict("light.png --invert yes")["top"], predict("dark.png --invert no")["top"]);

    let run = nn_cli(folder.path(), "predict sample.model dark.png").succeeds();
    assert!(run.stderr.contains("note: dark.png is dark on light and was inverted"), "{run:?}");
}

#[test]
fn people_read_the_label_the_prediction_and_a_verdict() {
    let folder = scratch();
    tiny_model(folder.path());
    let run = nn_cli(folder.path(), "predict tiny.model --data tiny --index 2,0 --top 2").succeeds();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    assert!(lines[0].contains("2: label 2, predicted ") && lines[1].contains("0: label 0, predicted "));
    for line in lines {
        assert_eq!(line.matches('%').count(), 2, "{line}");
        assert!(line.ends_with("  right") || line.ends_with("  wrong"), "{line}");
    }
}

#[test]
fn the_tables_of_eval_have_a_line_for_each_class() {
    let folder = scratch();
    tiny_model(folder.path());
    let plain = nn_cli(folder.path(), "eval tiny.model --data tiny").succeeds().stdout;
    assert_eq!(plain.lines().count(), 4, "{plain}");
    let tables =
        nn_cli(folder.path(), "eval tiny.model --data tiny --confusion --per-class").succeeds().stdout;
    let rest = tables.strip_prefix(&plain).unwrap();
    let lines: Vec<&str> = rest.lines().collect();
    assert!(lines[1].starts_with("confusion: a column for each predicted class"), "{rest}");
    // Headings, three classes, and the mean of the last table.
    assert_eq!(lines.len(), 1 + 1 + 1 + 3 + 1 + 1 + 3 + 1, "{rest}");
    assert!(lines[12 - 1].starts_with(" mean"), "{rest}");
}

#[test]
fn a_model_that_is_twice_in_a_committee_is_told() {
    let folder = scratch();
    tiny_model(folder.path());
    let run = nn_cli(folder.path(), "eval tiny.model ./tiny.model --data tiny").succeeds();
    assert!(run.stderr.contains("count as often in the committee: tiny.model, ./tiny.model\n"), "{run:?}");
}

#[test]
fn a_reader_that_goes_away_is_success() {
    let folder = scratch();
    tiny_model(folder.path());
    let many = "predict tiny.model --data tiny --index ".to_owned() + &["0-11"; 2000].join(",");
    for line in [
        many.as_str(),
        "eval tiny.model --data tiny --confusion",
        "show --data tiny",
        "inspect tiny",
        "--help",
    ] {
        let mut child = command(folder.path())
            .args(line.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run: Run = child.wait_with_output().unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", &line[..20.min(line.len())]);
    }
}
