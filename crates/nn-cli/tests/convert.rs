//! What `convert` promises: pictures and tables become data that everything else reads, and come back as they were.

mod common;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use common::{names, nn_cli, png, scratch, tiny_data};
use nn_train::{DataFiles, Split};

/// A picture of the size 3 x 5 of which each pixel says from which sample it is.
fn pixels(class: u8, number: u8) -> Vec<u8> {
    (0..15).map(|place| if place % 3 == 1 { 255 - class } else { number.wrapping_mul(place) % 90 }).collect()
}

/// Makes folders of pictures, `counts` of each class.
fn folders(root: &Path, classes: &[(&str, u8)]) -> PathBuf {
    for (class, (name, count)) in (0..).zip(classes) {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..*count {
            let file = png((3, 5), png::ColorType::Grayscale, png::BitDepth::Eight, &pixels(class, number));
            fs::write(folder.join(format!("{number}.png")), file).unwrap();
        }
    }
    root.to_owned()
}

/// All samples of a split, in an order that does not depend on that in the files.
fn samples(data: &Path, split: Split) -> Vec<(u8, Vec<u8>)> {
    let files = DataFiles::open(data, split).unwrap();
    let view = files.view();
    let mut samples: Vec<_> =
        (0..view.len()).map(|index| (view.label(index), view.row(index).to_vec())).collect();
    samples.sort();
    samples
}

/// The bytes of all files in a folder.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    names(folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn a_folder_for_each_class_becomes_a_data_set_that_is_divided_by_the_seed() {
    let folder = scratch();
    folders(&folder.path().join("mine"), &[("0", 20), ("1", 10), ("2", 0), ("10", 10)]);
    let run = nn_cli(folder.path(), "convert mine -o first --size 3x5 --test 0.2").succeeds();
    assert_eq!(run.stdout, "first: 32 images to train on and 8 images to test on, of 5x3\n");
    nn_cli(folder.path(), "convert mine -o again --size 3x5 --test 8").succeeds();
    nn_cli(folder.path(), "convert mine -o other --size 3x5 --test 8 --seed 2").succeeds();
    let [first, again, other] = ["first", "again", "other"].map(|name| folder.path().join(name));
    assert_eq!(content(&first), content(&again));
    assert_ne!(content(&first), content(&other));

    let all = |data: &Path| {
        let mut all = [samples(data, Split::Train), samples(data, Split::Test)].concat();
        all.sort();
        all
    };
    // The names of the folders are the labels, 10 behind 2 and not behind 1.
    let expected = |class: u8, name: u8, count| (0..count).map(move |number| (name, pixels(class, number)));
    let mut expected: Vec<_> =
        expected(0, 0, 20).chain(expected(1, 1, 10)).chain(expected(3, 10, 10)).collect();
    expected.sort();
    assert_eq!(all(&first), expected);
    assert_eq!(all(&other), expected);
    // Class by class, the last tenth would be of one class.
    let files = DataFiles::open(&first, Split::Train).unwrap();
    assert!(files.view().labels()[24..].contains(&0));

    nn_cli(folder.path(), "convert mine -o whole --size 3x5 --test 0").succeeds();
    assert_eq!(names(&folder.path().join("whole")), ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]);
}

#[test]
fn folders_with_names_name_the_classes_and_the_names_are_used_everywhere() {
    let folder = scratch();
    folders(&folder.path().join("shapes"), &[("circle", 9), ("square", 9), ("triangle", 9)]);
    nn_cli(folder.path(), "convert shapes -o data --size 3x5 --test 0.3").succeeds();
    let names = fs::read_to_string(folder.path().join("data/classes.txt")).unwrap();
    assert_eq!(names, "circle\nsquare\ntriangle\n");
    nn_cli(folder.path(), "train --data data -o shapes.model --hidden 4 --epochs 2 --batch 4").succeeds();
    nn_cli(folder.path(), "train --data data --run r --hidden 4 --epochs 2 --batch 4").succeeds();
    for line in [
        "show --data data",
        "inspect data",
        "inspect shapes.model",
        "inspect runs/r/last.model",
        "eval shapes.model --data data --confusion",
        "eval shapes.model --data data --per-class",
        "predict shapes.model --data data --index 0-7",
    ] {
        let run = nn_cli(folder.path(), line).succeeds();
        for name in ["circle", "square", "triangle"] {
            assert!(run.stdout.contains(name), "{line}: {run:?}");
        }
    }
    let data = &nn_cli(folder.path(), "inspect data --json").succeeds().json()[0];
    assert_eq!(data["train"]["class_names"], serde_json::json!(["circle", "square", "triangle"]));

    // The order of a file of names is that of the classes.
    fs::write(folder.path().join("order.txt"), "triangle\nunseen\ncircle\nsquare\n").unwrap();
    nn_cli(folder.path(), "convert shapes -o ordered --size 3x5 --classes order.txt").succeeds();
    let files = DataFiles::open(&folder.path().join("ordered"), Split::Train).unwrap();
    assert_eq!((files.classes(), files.class_names().unwrap()[1].as_str()), (4, "unseen"));
    assert!(!files.view().labels().contains(&1));
    fs::write(folder.path().join("order.txt"), "triangle\ncircle\n").unwrap();
    nn_cli(folder.path(), "convert shapes -o few --size 3x5 --classes order.txt")
        .fails_with(&["square: expected a label that is one of the 2 class names, found \"square\""]);
}

#[test]
fn data_becomes_pictures_and_comes_back_as_it_was() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    fs::write(folder.path().join("tiny/classes.txt"), "T-shirt/top\nb\nc\n").unwrap();
    let run = nn_cli(folder.path(), "convert tiny -o pictures").succeeds();
    assert!(
        run.stdout.contains("12 images to train on and 12 images to test on, of 5x3, 3 classes"),
        "{run:?}"
    );
    assert_eq!(
        names(&folder.path().join("pictures")),
        ["classes.txt", "test", "test.csv", "train", "train.csv"]
    );
    let table = fs::read_to_string(folder.path().join("pictures/train.csv")).unwrap();
    assert_eq!(
        table.lines().take(3).collect::<Vec<_>>(),
        ["path,label", "train/0/000000.png,0", "train/1/000001.png,1"]
    );
    for (line, data) in [
        ("convert pictures -o by-folder --size 3x5 --invert no", "by-folder"),
        (
            "convert pictures/train.csv --test-from pictures/test.csv -o by-table --size 3x5 --invert no",
            "by-table",
        ),
    ] {
        nn_cli(folder.path(), line).succeeds();
        for split in [Split::Train, Split::Test] {
            let [found, expected] = [data, "tiny"].map(|data| samples(&folder.path().join(data), split));
            assert_eq!(found, expected, "{line}");
        }
        assert_eq!(
            fs::read(folder.path().join(data).join("classes.txt")).unwrap(),
            fs::read(folder.path().join("tiny/classes.txt")).unwrap()
        );
    }
}

#[test]
fn a_table_of_pixels_keeps_its_order_with_or_without_a_heading() {
    let folder = scratch();
    let mut table = String::new();
    for number in 0..10_u8 {
        let pixels: Vec<String> = (0..6).map(|place| (number * 7 + place).to_string()).collect();
        writeln!(table, "{},{}", number % 4, pixels.join(",")).unwrap();
    }
    fs::write(folder.path().join("plain.csv"), &table).unwrap();
    fs::write(folder.path().join("heading.csv"), format!("label,1x1,1x2,1x3,2x1,2x2,2x3\r\n{table}"))
        .unwrap();
    nn_cli(folder.path(), "convert plain.csv --test-from heading.csv -o data --size 3x2").succeeds();
    for split in [Split::Train, Split::Test] {
        let files = DataFiles::open(&folder.path().join("data"), split).unwrap();
        assert_eq!((files.len(), files.image_shape()), (10, &[2, 3][..]));
        assert_eq!((files.view().row(9), files.view().label(9)), (&[63, 64, 65, 66, 67, 68][..], 1));
    }
    nn_cli(folder.path(), "convert plain.csv -o turned --size 3x2 --transpose --label-offset 1 --test 0")
        .succeeds();
    let files = DataFiles::open(&folder.path().join("turned"), Split::Train).unwrap();
    assert_eq!(files.image_shape(), [3, 2]);
    assert!(
        samples(&folder.path().join("turned"), Split::Train).contains(&(2, vec![63, 66, 64, 67, 65, 68]))
    );
    nn_cli(folder.path(), "convert plain.csv -o other")
        .fails_with(&["expected pixels of a square", "found 6"]);
}

/// Files named like EMNIST's, whose images are transposed and whose labels count from 1, with its mapping.
#[test]
fn emnist_stands_upright_and_has_letters_for_names() {
    let folder = scratch();
    let tiny = tiny_data(folder.path(), "tiny");
    for (name, emnist) in [
        ("train-images-idx3-ubyte", "x-letters-train-images-idx3-ubyte"),
        ("train-labels-idx1-ubyte", "x-letters-train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "x-letters-test-images-idx3-ubyte"),
        ("t10k-labels-idx1-ubyte", "x-letters-test-labels-idx1-ubyte"),
    ] {
        let mut bytes = fs::read(tiny.join(name)).unwrap();
        if name.contains("labels") {
            bytes[8..].iter_mut().for_each(|label| *label += 1);
        }
        fs::write(folder.path().join(emnist), bytes).unwrap();
    }
    fs::write(folder.path().join("mapping.txt"), "1 65 97\n2 66 98 \n3 67 99\n").unwrap();
    let line = "convert x-letters --to idx -o data --transpose --label-offset -1 --classes mapping.txt";
    nn_cli(folder.path(), line).succeeds();
    let files = DataFiles::open(&folder.path().join("data"), Split::Test).unwrap();
    let plain = DataFiles::open(&tiny, Split::Test).unwrap();
    assert_eq!(files.image_shape(), [3, 5]);
    assert_eq!(files.class_names().unwrap(), ["Aa", "Bb", "Cc"]);
    for index in 0..12 {
        let (turned, upright) = (files.view().row(index), plain.view().row(index));
        assert!((0..15).all(|place| turned[place] == upright[place % 5 * 3 + place / 5]));
        assert_eq!(files.view().label(index), plain.view().label(index));
    }
    let line = "convert x-letters --to idx -o other --label-offset -2";
    nn_cli(folder.path(), line).fails_with(&["expected labels from 0 to 255, found 1 with -2", "hint: "]);
    // The names beside a source move with its labels.
    nn_cli(folder.path(), "convert data --to idx -o moved --label-offset 1").succeeds();
    let files = DataFiles::open(&folder.path().join("moved"), Split::Train).unwrap();
    assert_eq!(files.class_names().unwrap(), ["0", "Aa", "Bb", "Cc"]);
    // Half of a half is an error, as in a folder.
    fs::remove_file(folder.path().join("x-letters-test-labels-idx1-ubyte")).unwrap();
    nn_cli(folder.path(), "convert x-letters --to idx -o other")
        .fails_with(&["no test labels in .", "x-letters-test-labels-idx1-ubyte"]);
}

#[test]
fn a_folder_without_pictures_is_no_class() {
    let folder = scratch();
    let root = folder.path();
    folders(&root.join("mine"), &[("0", 3), ("2", 3), ("10", 3)]);
    fs::create_dir(root.join("mine/notes")).unwrap();
    let run = nn_cli(root, "convert mine -o new --size 3x5 --test 0").succeeds();
    assert_eq!(run.stderr, "note: no pictures in mine/notes: it is no class\n");
    let files = DataFiles::open(&root.join("new"), Split::Train).unwrap();
    assert_eq!((files.class_names(), files.classes()), (None, 11));
}

#[test]
fn a_path_in_a_table_is_never_standard_input_and_a_quote_without_an_end_no_endless_line() {
    let folder = scratch();
    let root = folder.path();
    let file = png((3, 5), png::ColorType::Grayscale, png::BitDepth::Eight, &pixels(0, 1));
    fs::write(root.join("-"), file).unwrap();
    fs::write(root.join("dash.csv"), "-,0\n-,1\n").unwrap();
    // Standard input is empty.
    nn_cli(root, "convert dash.csv -o new --size 3x5 --test 0").succeeds();
    assert_eq!(DataFiles::open(&root.join("new"), Split::Train).unwrap().len(), 2);
    fs::write(root.join("quote.csv"), format!("\"{}", "a,0\n".repeat(1 << 22))).unwrap();
    nn_cli(root, "convert quote.csv -o other").fails_with(&["expected lines of at most 8388608 bytes"]);
    // As many bytes in lines of their own are no harm.
    fs::write(root.join("many.csv"), "0,1,2,3,4\n".repeat(1 << 20)).unwrap();
    nn_cli(root, "convert many.csv -o other").succeeds();
}

#[test]
fn what_cannot_be_used_ends_the_conversion_and_nothing_is_written() {
    let folder = scratch();
    let root = folder.path();
    folders(&root.join("mine"), &[("0", 3), ("1", 3)]);
    fs::write(root.join("mine/1/broken.png"), b"\x89PNG\r\n\x1a\nbroken").unwrap();
    fs::create_dir(root.join("nothing")).unwrap();
    folders(&root.join("none"), &[("0", 0)]);
    for (name, text) in [
        ("empty.csv", ""),
        ("one.csv", "5\n6\n"),
        ("missing.csv", "path,label\nmine/0/0.png,0\nmine/0/99.png,0\n"),
        ("ragged.csv", "1,2,3,4,5\n1,2,3,4\n"),
        ("pixel.csv", "1,2,3,4,5\n1,2,3,4,256\n"),
        ("label.csv", "1,2,3,4,5\n-1,2,3,4,5\n"),
        ("word.csv", "1,2,3,4,5\n1,2,x,4,5\n"),
        ("first.csv", "1,2,0.5,4,5\n1,2,3,4,5\n"),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    fs::write(root.join("long.csv"), vec![b'1'; 9 << 20]).unwrap();
    fs::write(root.join("twice.txt"), "a\nb\na\n").unwrap();
    fs::write(root.join("thesis"), "years of work").unwrap();
    fs::create_dir(root.join("full")).unwrap();
    fs::write(root.join("full/notes"), "mine").unwrap();
    let before = names(root);
    for (line, message) in [
        ("convert mine -o new --size 3x5", &["mine/1/broken.png", "the PNG file is damaged"][..]),
        ("convert nowhere -o new", &["no source nowhere: expected a folder, a CSV file", "hint: "]),
        ("convert nothing -o new", &["no data in nothing", "hint: "]),
        ("convert none -o new", &["no data in none", "hint: "]),
        ("convert empty.csv -o new", &["found nothing in empty.csv"]),
        ("convert one.csv -o new", &["found one field in the first line"]),
        ("convert missing.csv -o new --size 3x5", &["line 3 of missing.csv", "99.png"]),
        ("convert ragged.csv -o new", &["line 2 of ragged.csv: expected 5 fields, found 4"]),
        (
            "convert pixel.csv -o new",
            &["line 2 of pixel.csv: expected a pixel from 0 to 255 in field 5, found \"256\""],
        ),
        ("convert label.csv -o new", &["line 2 of label.csv: expected labels from 0 to 255, found -1"]),
        ("convert word.csv -o new", &["line 2 of word.csv: expected a pixel", "found \"x\""]),
        ("convert first.csv -o new", &["line 1 of first.csv: expected a pixel", "found \"0.5\""]),
        ("convert long.csv -o new", &["expected lines of at most 8388608 bytes"]),
        ("convert mine -o new --classes twice.txt", &["twice.txt: expected another name for class 2"]),
        (
            "convert mine -o thesis --size 3x5",
            &["cannot make the data folder thesis", "hint: name a new folder"],
        ),
        ("convert mine -o full --size 3x5", &["cannot make the data folder full"]),
        ("convert mine/0 -o new", &["no data in mine/0"]),
        ("convert mine --to pictures -o new", &["cannot make pictures of mine: expected a data set"]),
    ] {
        nn_cli(root, line).fails_with(message);
        assert_eq!(names(root), before, "{line}");
    }
    fs::remove_file(root.join("mine/1/broken.png")).unwrap();
    nn_cli(root, "convert mine -o new --size 3x5 --test 6").fails_with(&["--test takes 6 samples"]);
    tiny_data(root, "tiny");
    nn_cli(root, "convert tiny --to idx --test 0.5 -o new").fails_with(&["has its own division", "hint: "]);
    nn_cli(root, "convert tiny --to idx --size 4x4 -o new")
        .fails_with(&["expected images of 4x4", "found 3x5"]);
    // An empty folder may be there, and what a process that was ended left is no harm.
    fs::create_dir(root.join("new")).unwrap();
    fs::create_dir(root.join(".new.making")).unwrap();
    fs::write(root.join(".new.making/train-images-idx3-ubyte"), "half").unwrap();
    nn_cli(root, "convert mine -o new --size 3x5").succeeds();
    assert!(!root.join(".new.making").exists());
    assert_eq!(DataFiles::open(&root.join("new"), Split::Train).unwrap().len(), 5);
}
