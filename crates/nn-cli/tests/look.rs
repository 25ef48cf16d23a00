//! What `show` and `inspect` promise, and how wrong usage is answered.

mod common;

use std::{fs, path::Path};

use common::{command, names, nn_cli, sample, scratch, tiny_data, tiny_model};

#[test]
fn names_of_files_cannot_command_the_terminal() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "train --data tiny --hidden 4 --epochs 1 -o z\u{1b}[31m.model";
    let run = nn_cli(folder.path(), line).succeeds();
    assert!(run.stdout.contains(r"saved    z\u{1b}[31m.model") && !run.stdout.contains('\u{1b}'), "{run:?}");
    // JSON spells it in its own way.
    let run = nn_cli(folder.path(), &format!("{line} --json")).succeeds();
    assert_eq!(run.json().pop().unwrap()["model"], "z\u{1b}[31m.model");
}

#[test]
fn the_first_ten_digits_are_shown_with_their_labels() {
    let folder = scratch();
    let run = nn_cli(folder.path(), &format!("show --data {}", sample())).succeeds();
    // Two beside one another in 80 columns, a caption and 14 lines each, a blank line between rows.
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 5 * 15 + 4, "{}", run.stdout);
    assert!(lines.iter().all(|line| line.len() <= 80 && line.is_ascii()), "{}", run.stdout);
    let captions: Vec<&str> = lines.iter().step_by(16).flat_map(|line| line.split_whitespace()).collect();
    // The labels of the sample run 0, 1, ..., 9.
    let expected = (0..10).flat_map(|n| [n.to_string(), format!("#{n}")]).collect::<Vec<_>>();
    assert_eq!(captions, expected);
}

#[test]
fn a_terminal_of_utf_8_gets_shades_and_ascii_may_be_asked_for() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let show = |locale: &str, flag: &str| {
        let mut command = command(folder.path());
        command.env("LC_ALL", locale).args(format!("show --data tiny --index 0 {flag}").split_whitespace());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(show("de_DE.UTF-8", "").contains('▓'));
    assert!(show("de_DE.UTF-8", "--ascii").is_ascii());
    assert!(show("C", "").is_ascii());
    assert!(!show("de_DE.UTF-8", "").contains('\x1b'), "no colors where there is no terminal");
}

#[test]
fn a_sheet_is_a_png_file_that_replaces_only_its_like() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let run = nn_cli(folder.path(), "show --data tiny --png sheet.png --index 0-11 --columns 4").succeeds();
    assert_eq!(run.stdout, "12 images in sheet.png\n");
    let read = |path: &Path| {
        let file = std::io::BufReader::new(fs::File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    };
    let (width, height, pixels) = read(&folder.path().join("sheet.png"));
    assert_eq!(pixels.len(), (width * height) as usize);
    assert!(pixels.contains(&204), "a pixel of row 4 of the images");

    nn_cli(folder.path(), "show --data tiny --png sheet.png").succeeds();
    assert_ne!(read(&folder.path().join("sheet.png")).2, pixels);
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    for (target, message) in [
        ("notes.txt", "expected a PNG file or nothing there, found another file"),
        ("tiny", "found a folder"),
        ("missing/a.png", "expected a folder missing, found none"),
    ] {
        nn_cli(folder.path(), &format!("show --data tiny --png {target}"))
            .fails_with(&[target, message, "hint: "]);
    }
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
    assert_eq!(names(folder.path()), ["notes.txt", "sheet.png", "tiny"]);
}

#[test]
fn distorted_images_stand_beside_the_one_that_they_are_made_of() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let show = |flags: &str| nn_cli(folder.path(), &format!("show --data tiny {flags}")).succeeds().stdout;
    // Captions of the cells; images of 3 x 5 pixels take 3 lines.
    let captions = |shown: &str| {
        let lines: Vec<String> = shown.lines().step_by(5).map(str::to_owned).collect();
        lines
            .iter()
            .map(|line| line.split("  ").map(str::trim).collect::<Vec<_>>().join("|"))
            .collect::<Vec<_>>()
    };
    let shown = show("--augment strong --versions 2 --index 4,7 --columns 3");
    let rows = captions(&shown);
    assert_eq!(rows.len(), 2, "{shown}");
    for (row, index) in rows.iter().zip(["1|#4", "1|#7"]) {
        assert!(row.starts_with(index) && row.ends_with("epoch 1|epoch 2"), "{shown}");
    }
    // They are functions of the seed.
    assert_eq!(show("--augment strong --versions 2 --index 4,7 --columns 3 --seed 1"), shown);
    assert_ne!(show("--augment strong --versions 2 --index 4,7 --columns 3 --seed 2"), shown);

    let run = "--augment shift=1,elastic-strength=0.5 --preprocess deskew --index 1-3 --png sheet.png";
    // The image, the upright one and four epochs, of each of three.
    assert_eq!(show(run), "18 images in sheet.png\n");
    assert_eq!(show("--augment affine --png sheet.png"), "20 images in sheet.png\n");
    let flags = "--augment affine --index 0-11,0-11 --versions 1000 --columns 10 --png large.png";
    nn_cli(folder.path(), &format!("show --data tiny {flags}")).fails_with(&["the sheet is too large"]);
    assert_eq!(names(folder.path()), ["sheet.png", "tiny"]);
}

#[test]
fn without_a_distortion_the_versions_are_the_image() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "show --data tiny --index 5 --augment rotation=0 --versions 1 --columns 2";
    let run = nn_cli(folder.path(), line).succeeds();
    for line in run.stdout.lines().skip(1) {
        // Cells are as wide as their captions, with two blanks between.
        let halves = line.split_at(line.len().min(9));
        assert_eq!(halves.0.trim_end(), halves.1.trim_end(), "{}", run.stdout);
    }
}

#[test]
fn a_sheet_too_large_is_refused() {
    let folder = scratch();
    let line = format!("show --data {} --index 0-3999,0-3999,0-3999 --png sheet.png", sample());
    nn_cli(folder.path(), &line).fails_with(&["the sheet is too large: expected at most 100,000,000 pixels"]);
    // Forty million pictures, of which none is gathered.
    let many = vec!["0-3999"; 10_000].join(",");
    let line = format!("show --data {} --index {many} --png sheet.png", sample());
    nn_cli(folder.path(), &line).fails_with(&["the sheet is too large: expected at most 100,000,000 pixels"]);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn inspect_describes_the_sample() {
    let folder = scratch();
    let of_folder = &nn_cli(folder.path(), &format!("inspect {} --json", sample())).succeeds().json()[0];
    assert_eq!(of_folder["kind"], "data");
    let train = &of_folder["train"];
    assert_eq!((&train["images"], &train["classes"]), (&4000.into(), &10.into()));
    assert_eq!(train["class_counts"], serde_json::json!(vec![400; 10]));
    let file = format!("{}/train-images-idx3-ubyte.gz", sample());
    let of_file = &nn_cli(folder.path(), &format!("inspect {file} --json")).succeeds().json()[0];
    assert_eq!((&of_file["kind"], &of_file["gzip"]), (&"idx".into(), &true.into()));
    assert_eq!(of_file["shape"], serde_json::json!([4000, 28, 28]));
    assert_eq!(of_file["bytes"], 16 + 4000 * 784);
    assert_eq!(of_file["pixels"], train["pixels"]);
    // import gzip; p = gzip.open("train-images-idx3-ubyte.gz").read()[16:]; n = len(p)
    // m = sum(p) / n; print(m / 255, (sum(v * v for v in p) / n - m * m) ** 0.5 / 255, sum(v > 0 for v in p) / n)
    for (name, expected) in
        [("mean", 0.130859888956), ("deviation", 0.308015564835), ("density", 0.192138392857)]
    {
        let found = train["pixels"][name].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-9, "{name} {found}");
    }

    let labels = nn_cli(folder.path(), &format!("inspect {}/t10k-labels-idx1-ubyte.gz", sample())).succeeds();
    assert!(labels.stdout.contains("IDX of u8, 1000, 1,008 bytes, compressed with gzip"), "{labels:?}");
    let text = nn_cli(folder.path(), &format!("inspect {}", sample())).succeeds();
    assert!(text.stdout.contains("test    1,000 images of 28x28, 10 classes"), "{text:?}");
}

#[test]
fn inspect_describes_a_model_and_half_a_data_set() {
    let folder = scratch();
    tiny_model(folder.path());
    let model = &nn_cli(folder.path(), "inspect tiny.model --json").succeeds().json()[0];
    assert_eq!((&model["kind"], &model["parameters"]), (&"model".into(), &79.into()));
    assert_eq!(model["image_shape"], serde_json::json!([5, 3]));
    assert_eq!(model["layers"][0]["parameters"], 15 * 4 + 4);
    assert_eq!(model["layers"][1]["activation"], "identity");
    assert_eq!(model["training"]["batch"], 4);
    let text = nn_cli(folder.path(), "inspect tiny.model").succeeds();
    assert!(text.stdout.contains("for images of 5x3, 79 parameters"), "{text:?}");

    fs::remove_file(folder.path().join("tiny").join(common::LABELS[0])).unwrap();
    let half = &nn_cli(folder.path(), "inspect tiny --json").succeeds().json()[0];
    assert!(half["train"].is_null() && half["test"]["images"] == 12, "{half}");
}

#[test]
fn files_of_every_element_type_can_be_inspected() {
    let folder = scratch();
    for (code, name, size) in
        [(0x09, "i8", 1), (0x0b, "i16", 2), (0x0c, "i32", 4), (0x0d, "f32", 4), (0x0e, "f64", 8)]
    {
        let bytes = [&[0, 0, code, 2, 0, 0, 0, 2, 0, 0, 0, 3][..], &vec![1; 6 * size]].concat();
        fs::write(folder.path().join("file"), bytes).unwrap();
        let found = &nn_cli(folder.path(), "inspect file --json").succeeds().json()[0];
        assert_eq!((&found["element_type"], &found["bytes"]), (&name.into(), &(12 + 6 * size).into()));
        assert!(found["pixels"].is_null());
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_meant() {
    let folder = scratch();
    for (line, message) in [
        ("", "Usage: nn-cli [OPTIONS] <COMMAND>"),
        ("trian", "a similar subcommand exists: 'train'"),
        ("train --epoch 3", "a similar argument exists: '--epochs'"),
        ("train --activation rleu", "a similar value exists: 'relu'"),
        ("train --loss crossentropy", "softmax-cross-entropy"),
        ("train --activation softmax", "possible values: identity, sigmoid, relu"),
        ("train --optimizer adma", "a similar value exists: 'adam'"),
        ("train --schedule linear", "expected constant, step:<epochs>:<factor>, cosine"),
        ("train --schedule step:0:0.5", "expected a whole number above 0"),
        ("train --rate 0", "expected a finite number above 0"),
        ("train --rate nan", "expected a finite number above 0"),
        ("train --batch 0", "expected a whole number of at least 1"),
        ("train --epochs 0", "expected a whole number of at least 1"),
        ("train --epochs three", "expected a whole number of at least 1"),
        // As others call it.
        ("train --lr 0", "invalid value '0' for '--rate <NUMBER>'"),
        ("train --learning-rate 0", "invalid value '0' for '--rate <NUMBER>'"),
        ("train --schedule one_cycle", "did you mean `one-cycle`?"),
        ("train --threads 0", "expected a whole number from 1 to 1024"),
        ("train --threads 1000000", "expected a whole number from 1 to 1024"),
        ("train --hidden 100,0", "expected the units of each hidden layer"),
        ("train --initializer xavier", "expected auto, he, glorot or normal:DEVIATION"),
        ("train --validation 1.5", "a fraction of them such as 0.1"),
        ("train --seed -1", "invalid value '-1' for '--seed <NUMBER>'"),
        ("train --rate -0.1", "expected a finite number above 0"),
        ("train --validation -1", "a fraction of them such as 0.1"),
        ("train --preset articel", "a similar value exists: 'article'"),
        (
            "train --loss binary-cross-entropy --output-activation relu",
            "--loss binary-cross-entropy is not defined on --output-activation relu",
        ),
        ("eval", "<MODEL>"),
        ("eval a.model --split validation", "possible values: train, test"),
        ("predict a.model", "nn-cli predict [OPTIONS] <MODEL> --index <NUMBERS>"),
        ("predict a.model a.png --index 3", "cannot be used with"),
        ("predict a.model a.png --data data", "cannot be used with"),
        ("predict a.model a.png --split test", "cannot be used with"),
        ("predict a.model --index -3", "expected numbers and rising ranges"),
        ("predict a.model --index 1 --top -1", "expected a whole number of at least 1"),
        ("train --batch -1", "expected a whole number of at least 1"),
        ("train --epochs -1", "invalid value '-1' for '--epochs <COUNT>'"),
        ("train --threads -1", "expected a whole number from 1 to 1024"),
        ("train --hidden -100", "expected the units of each hidden layer"),
        ("show --columns -2", "expected a whole number of at least 1"),
        ("show --index -2", "expected numbers and rising ranges"),
        ("predict a.model --index 9-0", "expected numbers and rising ranges"),
        ("predict a.model --index 1 --top 0", "expected a whole number of at least 1"),
        ("show --augment storng", "unknown augmentation `storng`, expected affine, elastic, medium, strong"),
        ("show --augment angle=3", "expected one of: rotation, scale, shear"),
        (
            "show --augment rotation=-3",
            "the rotation of an augmentation is `-3`, expected a number from 0 to 180",
        ),
        ("show --augment affine a.png", "cannot be used with"),
        ("show --versions 3", "--augment <NAME|LIST>"),
        ("show --augment affine --versions 0", "0 is not in 1..=1000"),
        ("show --preprocess deksew", "a similar value exists: 'deskew'"),
        ("show --columns 0", "expected a whole number of at least 1"),
        ("inspect", "<PATH>"),
        ("show --color sometimes", "possible values: auto, always, never"),
        ("train --config a.toml --resume first", "cannot be used with"),
        ("train --print-config --run first", "cannot be used with"),
    ] {
        let run = nn_cli(folder.path(), line);
        assert_eq!(run.code, Some(2), "{line}: {run:?}");
        assert_eq!(run.stdout, "", "{line}");
        assert!(run.stderr.contains(message), "{line}: {run:?}");
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn help_and_version_are_results() {
    let folder = scratch();
    let version = nn_cli(folder.path(), "--version").succeeds();
    assert_eq!(version.stdout, format!("nn-cli {}\n", env!("CARGO_PKG_VERSION")));
    for line in ["--help", "help", "train --help", "train -h", "help predict", "show --help"] {
        let run = nn_cli(folder.path(), line).succeeds();
        assert!(run.stdout.contains("Examples:") && run.stderr.is_empty(), "{run:?}");
    }
}
