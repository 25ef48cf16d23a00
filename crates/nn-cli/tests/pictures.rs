//! What `predict` and `show` promise about pictures that people have: any size, place, colors, format and light.

#![allow(
    clippy::print_stdout,
    reason = "the accuracies are worth reading, and a test that is skipped says so"
)]

mod common;

use std::{env, fs, io::Write, path::Path, process::Stdio};

use common::{Run, command, names, nn_cli, png, sample, scratch, tiny_model};
use image::{GrayImage, ImageFormat, Luma};
use nn_train::{
    ChaCha8Rng, DataFiles, Split, initial_rng,
    nn_core::rand::{Rng, seq::index},
};

/// All of MNIST where it is, else the sample.
fn data() -> String {
    let mnist = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/mnist");
    if Path::new(mnist).join("train-images-idx3-ubyte").exists() {
        return mnist.to_owned();
    }
    assert!(env::var_os("MNIST_REQUIRED").is_none(), "MNIST_REQUIRED is set, and there is no {mnist}");
    println!("there is no {mnist}, so the sample is used; `cargo xtask fetch-data` brings it");
    sample().to_owned()
}

/// A digit as somebody might have it: larger by any factor, anywhere on a sheet, dark on light or light on dark.
fn sheet(digit: &[u8], rng: &mut ChaCha8Rng) -> GrayImage {
    let factor: f32 = rng.random_range(1.3..9.0);
    let side = 28.0 * factor;
    let [width, height] = [0; 2].map(|_| side as u32 + rng.random_range(2..(1.5 * side) as u32));
    let (left, top) =
        (rng.random_range(0.0..width as f32 - side), rng.random_range(0.0..height as f32 - side));
    let paper: f32 = rng.random_range(0.0..40.0);
    let ink: f32 = rng.random_range(180.0..255.0);
    let is_dark = rng.random_bool(0.5);
    let at = |x: i32, y: i32| match (usize::try_from(x), usize::try_from(y)) {
        (Ok(x @ 0..28), Ok(y @ 0..28)) => f32::from(digit[y * 28 + x]) / 255.0,
        _ => 0.0,
    };
    GrayImage::from_fn(width, height, |x, y| {
        // Between the four pixels around the place.
        let [u, v] = [(x, left), (y, top)].map(|(place, first)| (place as f32 + 0.5 - first) / factor - 0.5);
        let (column, row) = (u.floor() as i32, v.floor() as i32);
        let (across, down) = (u - u.floor(), v - v.floor());
        let upper = at(column, row) * (1.0 - across) + at(column + 1, row) * across;
        let lower = at(column, row + 1) * (1.0 - across) + at(column + 1, row + 1) * across;
        let grey = paper + (ink - paper) * (upper * (1.0 - down) + lower * down);
        Luma([if is_dark { 255 - grey as u8 } else { grey as u8 }])
    })
}

/// A photo of a sheet of paper: light from one side, more in the middle, and grain.
fn photo(sheet: &GrayImage, rng: &mut ChaCha8Rng) -> GrayImage {
    let corner = sheet.get_pixel(0, 0).0[0];
    let (width, height) = sheet.dimensions();
    let angle: f32 = rng.random_range(0.0..6.3);
    let (across, down) = (0.3 * angle.cos(), 0.3 * angle.sin());
    let grain: f32 = rng.random_range(2.0..10.0);
    let mut photo = sheet.clone();
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let [u, v] = [x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5];
        let light = 0.7 + across * u + down * v - 0.5 * (u * u + v * v);
        // Ink is dark on paper.
        let grey = if corner < 128 { 255 - pixel.0[0] } else { pixel.0[0] };
        let noise: f32 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum::<f32>() * grain;
        pixel.0[0] = (f32::from(grey) * light + noise).clamp(0.0, 255.0) as u8;
    }
    photo
}

/// The share of right answers.
fn accuracy(answers: &[serde_json::Value], labels: &[u8]) -> f64 {
    assert_eq!(answers.len(), labels.len());
    let right = answers.iter().zip(labels).filter(|(answer, label)| answer["predicted"] == **label);
    right.count() as f64 / labels.len() as f64
}

#[test]
fn digits_on_sheets_and_photos_are_read_nearly_as_well_as_the_test_images_they_were() {
    const COUNT: usize = 500;
    let folder = scratch();
    let data = data();
    nn_cli(folder.path(), &format!("train --data {data} -o digits.model")).succeeds();
    let test = DataFiles::open(data.as_ref(), Split::Test).unwrap();
    let test = test.view();
    for seed in 1..=3 {
        let mut rng = initial_rng(seed);
        let chosen: Vec<usize> = index::sample(&mut rng, test.len(), COUNT).into_vec();
        let labels: Vec<u8> = chosen.iter().map(|&index| test.label(index)).collect();
        let indices = chosen.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let line = format!("predict digits.model --json --data {data} --index {indices}");
        let own = accuracy(&nn_cli(folder.path(), &line).succeeds().json(), &labels);
        for (kind, format) in [("sheets", ImageFormat::Png), ("photos", ImageFormat::Jpeg)] {
            let pictures = folder.path().join(kind);
            fs::create_dir_all(&pictures).unwrap();
            for (number, &index) in chosen.iter().enumerate() {
                let sheet = sheet(test.row(index), &mut rng);
                let path = pictures.join(format!("{number:03}.{}", format.extensions_str()[0]));
                let picture = if kind == "photos" { photo(&sheet, &mut rng) } else { sheet };
                picture.save_with_format(path, format).unwrap();
            }
            let line = format!("predict digits.model --json {kind}");
            let found = accuracy(&nn_cli(folder.path(), &line).succeeds().json(), &labels);
            println!(
                "seed {seed}: {:.1} % of the test images, {:.1} % of the {kind}",
                100.0 * own,
                100.0 * found
            );
            assert!(found >= own - 0.015, "seed {seed}, {kind}: {found}, test images {own}");
        }
    }
}

/// A picture of 40 x 30 pixels, a bar on paper.
fn bar(ink: u8, paper: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..40 * 30)
        .map(|place| if (18..23).contains(&(place % 40)) && place / 40 > 8 { ink } else { paper })
        .collect();
    png((40, 30), png::ColorType::Grayscale, png::BitDepth::Eight, &pixels)
}

#[test]
fn many_files_folders_and_standard_input_are_done_in_order_and_what_cannot_be_used_is_told() {
    let folder = scratch();
    tiny_model(folder.path());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("b.png", &bar(0, 255));
    write("scans/2.PNG", &bar(255, 0));
    write("scans/10.png", &bar(20, 200));
    write("scans/.hidden.png", b"no picture");
    write("scans/notes.txt", b"no picture");
    write("scans/below/3.png", b"no picture");
    write("blank.png", &bar(255, 255));

    let run = nn_cli(folder.path(), "predict tiny.model b.png scans --json").succeeds();
    let answers = run.json();
    let files: Vec<&str> = answers.iter().map(|answer| answer["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["b.png", "scans/10.png", "scans/2.PNG"]);
    let flags: Vec<_> = answers.iter().map(|answer| (&answer["prepared"], &answer["inverted"])).collect();
    assert_eq!(flags.iter().filter(|(prepared, _)| **prepared == true).count(), 3);
    assert_eq!(flags.iter().map(|(_, inverted)| **inverted == true).collect::<Vec<_>>(), [true, true, false]);
    assert!(answers.iter().all(|answer| answer["top"].as_array().unwrap().len() == 3));

    let run = nn_cli(folder.path(), "predict tiny.model blank.png b.png scans/notes.txt scans --json");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.json().len(), 3);
    for part in [
        "cannot use blank.png: expected a picture of something, found a blank one",
        "scans/notes.txt: expected a PNG, JPEG, GIF or BMP file, found the first bytes",
        "error: 2 of 5 pictures could not be used",
    ] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    nn_cli(folder.path(), "predict tiny.model blank.png").fails_with(&["blank one", "hint: "]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    nn_cli(folder.path(), "predict tiny.model empty").fails_with(&["no pictures in empty", "hint: "]);

    let mut child = command(folder.path())
        .args(["predict", "tiny.model", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bar(0, 255)).unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).succeeds();
    assert_eq!(run.json()[0]["file"], "-");
    assert_eq!(run.json()[0]["top"], answers[0]["top"]);
}

#[test]
fn preparing_can_be_asked_for_and_refused() {
    let folder = scratch();
    tiny_model(folder.path());
    let (width, height) = (3, 5);
    let small = png(
        (width, height),
        png::ColorType::Grayscale,
        png::BitDepth::Eight,
        &[9, 0, 0, 255, 0, 0, 255, 0, 0, 9, 0, 0, 0, 0, 0],
    );
    fs::write(folder.path().join("small.png"), small).unwrap();
    fs::write(folder.path().join("large.png"), bar(0, 255)).unwrap();
    let seen = |line: &str| {
        let line = format!("predict tiny.model {line} --save-prepared seen.png --json");
        let answer = nn_cli(folder.path(), &line).succeeds().json().remove(0);
        let seen = image::open(folder.path().join("seen.png")).unwrap().into_luma8();
        assert_eq!(seen.dimensions(), (width, height));
        (answer["prepared"] == true, seen.into_raw())
    };
    let (prepared, as_it_is) = seen("small.png");
    assert!(!prepared && as_it_is[3] == 255 && as_it_is[0] == 9, "{as_it_is:?}");
    assert_eq!(seen("small.png --prepare no"), (false, as_it_is.clone()));
    let (prepared, moved) = seen("small.png --prepare yes");
    assert!(prepared && moved != as_it_is && moved.contains(&255), "{moved:?}");
    assert!(seen("large.png").0);
    nn_cli(folder.path(), "predict tiny.model large.png --prepare no")
        .fails_with(&["large.png: expected a picture of 3x5 pixels, found 40x30", "hint: --prepare auto"]);
}

#[test]
fn what_the_network_saw_is_saved_and_replaces_nothing_else() {
    let folder = scratch();
    tiny_model(folder.path());
    for path in ["a/1.png", "b/1.png", "c/1.png"] {
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join(path), bar(0, 255)).unwrap();
    }
    for _ in 0..2 {
        nn_cli(folder.path(), "predict tiny.model a b --save-prepared seen").succeeds();
        assert_eq!(names(&folder.path().join("seen")), ["1-2.png", "1.png"]);
    }
    // Neither a picture that is looked at nor another of that name.
    for target in ["a", "c", "a/1.png"] {
        let line = format!("predict tiny.model a/1.png --save-prepared {target}");
        nn_cli(folder.path(), &line).fails_with(&["cannot write", "1.png", "hint: "]);
    }
    assert_eq!(fs::read(folder.path().join("c/1.png")).unwrap(), bar(0, 255));
    nn_cli(folder.path(), "predict tiny.model a b --save-prepared one.png")
        .fails_with(&["cannot save 2 pictures in one.png: expected one", "hint: name a folder"]);

    let line = "predict tiny.model --data tiny --index 3,7 --save-prepared images";
    nn_cli(folder.path(), line).succeeds();
    assert_eq!(names(&folder.path().join("images")), ["3.png", "7.png"]);
}

#[test]
fn what_the_network_saw_is_drawn_by_predict_and_show_alike() {
    let folder = scratch();
    tiny_model(folder.path());
    fs::write(folder.path().join("bar.png"), bar(0, 255)).unwrap();
    let predicted = nn_cli(folder.path(), "predict tiny.model bar.png --show").succeeds().stdout;
    let shown = nn_cli(folder.path(), "show bar.png --size 3x5").succeeds().stdout;
    assert!(predicted.starts_with("bar.png, predicted "), "{predicted}");
    let drawing =
        |text: &str| text.lines().skip(1).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(drawing(&predicted), drawing(&shown));
    assert!(shown.contains('@'), "{shown}");
    let shown = nn_cli(folder.path(), "show bar.png").succeeds().stdout;
    assert_eq!(shown.lines().count(), 1 + 14, "{shown}");
    nn_cli(folder.path(), "show missing.png").fails_with(&["cannot read missing.png"]);
    let both = nn_cli(folder.path(), "show missing.png bar.png");
    assert_eq!((both.code, both.stdout.lines().count()), (Some(1), 1 + 14), "{both:?}");
}
