//! Whatever a file holds, every command says which file it is, what was expected and what was found.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{IMAGES, LABELS, nn_cli, png, scratch, tiny_data, tiny_model};
use nn_train::nn_core::{idx_format, ndarray::Array};

/// Something that is wrong with a data set, and what must be said about it.
struct BadData {
    what: &'static str,
    spoil: fn(&Path),
    message: &'static [&'static str],
}

fn both(folder: &Path, names: [&str; 2], spoil: impl Fn(&Path)) {
    for name in names {
        spoil(&folder.join(name));
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

const BAD_DATA: [BadData; 16] = [
    BadData {
        what: "no folder",
        spoil: |folder| fs::remove_dir_all(folder).unwrap(),
        message: &["bad", "hint: there is no such folder", "cargo xtask fetch-data"],
    },
    BadData {
        what: "an empty folder",
        spoil: |folder| {
            fs::remove_dir_all(folder).unwrap();
            fs::create_dir(folder).unwrap();
        },
        message: &["in bad, expected one of: ", "-images-idx3-ubyte", "hint: ", "cargo xtask fetch-data"],
    },
    BadData {
        what: "no labels",
        spoil: |folder| both(folder, LABELS, |path| fs::remove_file(path).unwrap()),
        message: &["labels in bad, expected one of: ", "-labels-idx1-ubyte", "hint: "],
    },
    BadData {
        what: "empty images",
        spoil: |folder| both(folder, IMAGES, |path| fs::write(path, "").unwrap()),
        message: &["-images-idx3-ubyte", "empty input: expected a header at byte 0, found the end", "hint: "],
    },
    BadData {
        what: "images cut off",
        spoil: |folder| both(folder, IMAGES, |path| fs::write(path, &bytes(path)[..100]).unwrap()),
        message: &[
            "-images-idx3-ubyte",
            "payload truncated at byte 100: expected 180 bytes of u8 12 x 5 x 3 from byte 16, found 84",
            "hint: ",
        ],
    },
    BadData {
        what: "a header cut off",
        spoil: |folder| both(folder, LABELS, |path| fs::write(path, &bytes(path)[..6]).unwrap()),
        message: &["-labels-idx1-ubyte", "header truncated at byte 6: expected 8 bytes of header, found 6"],
    },
    BadData {
        what: "bytes after the end",
        spoil: |folder| {
            both(folder, IMAGES, |path| fs::write(path, [bytes(path), vec![0]].concat()).unwrap());
        },
        message: &["-images-idx3-ubyte", "trailing bytes at byte 196", "found more"],
    },
    BadData {
        what: "a folder for a file",
        spoil: |folder| {
            both(folder, IMAGES, |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            });
        },
        message: &["-images-idx3-ubyte", "expected a file, found a folder"],
    },
    BadData {
        what: "a web page",
        spoil: |folder| {
            both(folder, IMAGES, |path| fs::write(path, "<!DOCTYPE html><title>403</title>").unwrap());
        },
        message: &[
            "-images-idx3-ubyte",
            "bad magic number at byte 0: expected 00 00, found 3c 21",
            "hint: ",
            "web page",
            "cargo xtask fetch-data",
        ],
    },
    BadData {
        what: "a header that claims four thousand million images",
        spoil: |folder| {
            both(folder, IMAGES, |path| {
                fs::write(path, [&[0, 0, 8, 3], &[0xff; 4][..], &[0, 0, 0, 5, 0, 0, 0, 3]].concat()).unwrap();
            });
        },
        message: &["-images-idx3-ubyte", "expected at most 1073741824 bytes, found 64424509441", "hint: "],
    },
    BadData {
        what: "a header that claims more than can be addressed",
        spoil: |folder| {
            both(folder, IMAGES, |path| {
                fs::write(path, [&[0, 0, 8, 3][..], &[0xff; 12]].concat()).unwrap();
            });
        },
        message: &["-images-idx3-ubyte", "payload too large at byte 4: expected at most", "found u8"],
    },
    BadData {
        what: "images and labels swapped",
        spoil: |folder| {
            for (images, labels) in IMAGES.into_iter().zip(LABELS) {
                fs::rename(folder.join(images), folder.join("aside")).unwrap();
                fs::rename(folder.join(labels), folder.join(images)).unwrap();
                fs::rename(folder.join("aside"), folder.join(labels)).unwrap();
            }
        },
        message: &[
            "-images-idx3-ubyte",
            "expected images (rank 2 or more), found labels",
            "hint: ",
            "swapped",
        ],
    },
    BadData {
        what: "fewer labels than images",
        spoil: |folder| {
            both(folder, LABELS, |path| {
                fs::write(path, [&[0, 0, 8, 1, 0, 0, 0, 7][..], &[0; 7]].concat()).unwrap();
            });
        },
        message: &["expected one label for each image, found 12 images in", "and 7 labels in", "hint: "],
    },
    BadData {
        what: "no images in a sound file",
        spoil: |folder| {
            both(folder, IMAGES, |path| {
                fs::write(path, [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3]).unwrap();
            });
            both(folder, LABELS, |path| fs::write(path, [0, 0, 8, 1, 0, 0, 0, 0]).unwrap());
        },
        message: &["-images-idx3-ubyte", "expected at least one image", "found the shape 0 x 5 x 3"],
    },
    BadData {
        what: "pixels of another type",
        spoil: |folder| {
            both(folder, IMAGES, |path| {
                let mut images = bytes(path);
                images[2] = 0x09;
                fs::write(path, images).unwrap();
            });
        },
        message: &["-images-idx3-ubyte", "expected elements of type u8, found i8"],
    },
    BadData {
        what: "gzip cut off",
        spoil: |folder| {
            let gzip = bytes(&Path::new(common::sample()).join("t10k-labels-idx1-ubyte.gz"));
            both(folder, LABELS, |path| fs::write(path, &gzip[..30]).unwrap());
        },
        message: &["-labels-idx1-ubyte", "gzip truncated at compressed byte 30", "found the end", "hint: "],
    },
];

#[test]
fn every_command_names_what_is_wrong_with_the_data() {
    for BadData { what, spoil, message } in BAD_DATA {
        let folder = scratch();
        tiny_model(folder.path());
        spoil(&tiny_data(folder.path(), "bad"));
        for line in [
            "train --data bad --output new.model",
            "eval tiny.model --data bad",
            "predict tiny.model --index 0 --data bad",
            "show --data bad",
            "inspect bad",
            "eval tiny.model --data bad --json",
        ] {
            let run = nn_cli(folder.path(), line);
            // What is no folder, `inspect` takes for a file.
            let message = if what == "no folder" { &message[..1] } else { message };
            run.fails_with(message);
        }
        assert!(!folder.path().join("new.model").exists(), "{what}");
    }
}

#[test]
fn data_of_another_shape_does_not_fit_a_model() {
    let folder = scratch();
    tiny_model(folder.path());
    for line in ["eval tiny.model", "predict tiny.model --index 0"] {
        let run = nn_cli(folder.path(), &format!("{line} --data {}", common::sample()));
        run.fails_with(&["tiny.model", "expected images of 5x3, found 28x28", "hint: --data"]);
    }
}

#[test]
fn a_test_set_unlike_the_training_set_is_noticed_before_training() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "data");
    fs::write(data.join(LABELS[1]), [&[0, 0, 8, 1, 0, 0, 0, 12][..], &[7; 12]].concat()).unwrap();
    let run = nn_cli(folder.path(), "train --data data --output new.model");
    run.fails_with(&["expected test labels from 0 to 2", "found 7", LABELS[1]]);

    // Flat images cannot be made upright, wherever they are.
    fs::copy(data.join(LABELS[0]), data.join(LABELS[1])).unwrap();
    let flat = idx_format::write_array(Vec::new(), &Array::from_elem((12, 15), 9_u8)).unwrap();
    fs::write(data.join(IMAGES[1]), &flat).unwrap();
    let upright = || nn_cli(folder.path(), "train --data data --preprocess deskew --output new.model");
    upright().fails_with(&["expected test images of 5x3 like those to train on, found 15"]);
    fs::write(data.join(IMAGES[0]), &flat).unwrap();
    upright().fails_with(&["cannot prepare the images in data/train-images", "hint: --preprocess none"]);

    tiny_data(folder.path(), "data");
    fs::remove_file(data.join(LABELS[1])).unwrap();
    fs::remove_file(data.join(IMAGES[1])).unwrap();
    let run = nn_cli(folder.path(), "train --data data --output new.model");
    run.fails_with(&["no test set", "hint: --validation 0.1"]);
    let run = nn_cli(folder.path(), "train --data data --output new.model --validation 3").succeeds();
    assert!(run.stdout.contains("there is no test set"), "{run:?}");
    assert!(run.stdout.contains("eval new.model --data data --split train --confusion"), "{run:?}");
}

#[test]
fn a_file_named_as_the_data_folder_is_told_from_one() {
    let folder = scratch();
    tiny_model(folder.path());
    for line in ["train", "eval tiny.model", "predict tiny.model --index 0", "show"] {
        nn_cli(folder.path(), &format!("{line} --data tiny/{}", IMAGES[0])).fails_with(&[
            "expected a folder of IDX files at tiny/",
            "found a file",
            "hint: --data names the folder",
        ]);
    }
}

#[test]
fn with_no_data_anywhere_the_places_looked_at_are_named() {
    let folder = scratch();
    tiny_model(folder.path());
    for line in ["train --output new.model", "eval tiny.model", "predict tiny.model --index 0", "show"] {
        let run = nn_cli(folder.path(), line);
        run.fails_with(&["data/mnist", "data/sample", "hint: `cargo xtask fetch-data`", "--data"]);
        assert!(run.stderr.contains(folder.path().to_str().unwrap()), "{run:?}");
    }
}

/// Makes files that are no model, and says what must be said about each.
fn bad_models(folder: &Path) -> Vec<(&'static str, &'static [&'static str])> {
    let sound = bytes(&tiny_model(folder));
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("empty.model", b"");
    write("cut.model", &sound[..sound.len() / 2]);
    write("longer.model", &[&sound[..], b"\n"].concat());
    let mut damaged = sound.clone();
    damaged[sound.len() / 2] ^= 0x10;
    write("damaged.model", &damaged);
    let mut later = sound.clone();
    later[8] = 9;
    write("later.model", &later);
    later[8] = 0;
    write("earlier.model", &later);
    let mut text = sound.clone();
    text.remove(4);
    write("text.model", &text);
    let mut huge = sound.clone();
    huge[12..20].fill(0xff);
    write("huge.model", &huge);
    write("page.model", b"<html>502 Bad Gateway</html>");
    fs::create_dir(folder.join("folder.model")).unwrap();
    vec![
        ("missing.model", &["cannot", "missing.model"]),
        ("folder.model", &["folder.model"]),
        ("empty.model", &["empty.model", "expected", "found"]),
        ("cut.model", &["cut.model", "the file is cut off: expected", "found", "hint: "]),
        ("longer.model", &["longer.model", "goes on after its declared end"]),
        ("damaged.model", &["damaged.model", "the file is damaged", "hint: "]),
        ("later.model", &["later.model", "version 9 at byte 8, expected 1 to 2", "hint: ", "update"]),
        ("earlier.model", &["version 0 at byte 8, expected 1 to 2", "hint: ", "or it is damaged"]),
        ("text.model", &["begins as a model file does, but is damaged", "hint: was it transferred as text"]),
        ("huge.model", &["huge.model", "more than the limit"]),
        ("page.model", &["page.model", "expected", "found", "hint: "]),
    ]
}

#[test]
fn every_command_names_what_is_wrong_with_a_model() {
    let folder = scratch();
    for (name, message) in bad_models(folder.path()) {
        for line in [
            format!("eval {name} --data tiny"),
            format!("predict {name} --index 0 --data tiny"),
            format!("predict {name} missing.png"),
            format!("inspect {name}"),
            format!("inspect {name} --json"),
        ] {
            let run = nn_cli(folder.path(), &line);
            run.fails_with(message);
        }
    }
    // What is no model may be something else that `inspect` knows.
    let run = nn_cli(folder.path(), "eval tiny/train-labels-idx1-ubyte --data tiny");
    run.fails_with(&[
        "train-labels-idx1-ubyte: not a model file",
        "expected the first bytes",
        "hint: a model is",
    ]);
}

#[test]
fn inspect_names_what_is_wrong_with_a_file() {
    let folder = scratch();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("page", b"  <html>404</html>");
    write("text", b"label,pixel0,pixel1");
    write("zip", b"PK\x03\x04 and so on");
    write("cut", &[0, 0, 8, 1, 0, 0, 0, 9, 1, 2, 3]);
    write("type", &[0, 0, 7, 1, 0, 0, 0, 1, 1]);
    for (line, message) in [
        (
            "page",
            &["page is neither an IDX file nor a model", "expected 00 00, found", "hint: ", "web page"][..],
        ),
        ("text", &["text is neither an IDX file nor a model", "expected 00 00, found 6c 61 62"]),
        ("zip", &["zip is neither", "hint: ", "zip archive"]),
        ("cut", &["cut is not a valid IDX file", "expected 9 bytes", "found 3", "hint: "]),
        ("type", &["unknown element type at byte 2: expected 0x08", "found 0x07"]),
        ("missing", &["missing: expected a file, found nothing by that name"]),
    ] {
        nn_cli(folder.path(), &format!("inspect {line}")).fails_with(message);
    }
}

/// The checksum of a PNG chunk, bit by bit.
fn png_checksum(bytes: &[u8]) -> [u8; 4] {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step));
    (!crc).to_be_bytes()
}

#[test]
fn predict_names_what_is_wrong_with_a_picture() {
    use png::{BitDepth::Eight, ColorType::Grayscale};

    let folder = scratch();
    tiny_model(folder.path());
    let sound = png((3, 5), Grayscale, Eight, &[7; 15]);
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("sound.png", &sound);
    write("empty.png", b"");
    write("cut.png", &sound[..sound.len() - 20]);
    write("photo.png", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00");
    write("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0");
    write("turned.png", &png((5, 3), Grayscale, Eight, &[7; 15]));
    write("large.png", &png((2000, 2000), Grayscale, Eight, &vec![0; 4_000_000]));
    let mut huge = sound.clone();
    huge[16..24].fill(0x7f);
    write("huge.png", &huge);
    // Of 8192 x 8192 pixels, the checksum of the header made anew.
    let mut many = sound.clone();
    many[16..24].copy_from_slice(&[0, 0, 0x20, 0, 0, 0, 0x20, 0]);
    let crc = png_checksum(&many[12..29]);
    many[29..33].copy_from_slice(&crc);
    write("many.png", &many);
    write("long.png", &[&sound[..], &vec![0; 65 << 20]].concat());
    fs::create_dir(folder.path().join("folder.png")).unwrap();

    nn_cli(folder.path(), "predict tiny.model sound.png").succeeds();
    for (name, message) in [
        ("missing.png", &["cannot read missing.png"][..]),
        ("folder.png", &["folder.png"]),
        ("empty.png", &["empty.png: expected a PNG, JPEG, GIF or BMP file, found an empty file", "hint: "]),
        ("cut.png", &["cut.png: the PNG file is damaged"]),
        ("photo.png", &["photo.png: the JPEG file is damaged: expected the mark of its end"]),
        ("phone.jpg", &["phone.jpg: expected a PNG, JPEG, GIF or BMP file, found a HEIC file", "hint: save"]),
        (
            "turned.png",
            &["cannot use turned.png: expected a picture of something, found a blank one", "hint: "],
        ),
        ("turned.png --prepare no", &["turned.png: expected a picture of 3x5 pixels, found 5x3", "hint: "]),
        ("large.png", &["large.png: expected a picture of something, found a blank one"]),
        ("huge.png", &["huge.png: the PNG file is damaged"]),
        (
            "many.png",
            &["many.png: expected a picture of at most 52428800 pixels", "one of 8192x8192", "hint: "],
        ),
        ("long.png", &["long.png: expected a picture of at most 67108864 bytes, found more", "hint: "]),
    ] {
        for json in ["", "--json"] {
            nn_cli(folder.path(), &format!("predict tiny.model {name} {json}")).fails_with(message);
        }
    }
}

#[test]
fn an_index_past_the_end_is_refused() {
    let folder = scratch();
    tiny_model(folder.path());
    for line in ["show", "show --png new.png", "predict tiny.model"] {
        for indices in ["12", "0,99999", "0-18446744073709551615"] {
            let run = nn_cli(folder.path(), &format!("{line} --data tiny --index {indices}"));
            run.fails_with(&["images-idx3-ubyte: expected an index from 0 to 11, found"]);
        }
    }
    assert!(!folder.path().join("new.png").exists());
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let folder = scratch();
    tiny_model(folder.path());
    let locked: [PathBuf; 2] = [folder.path().join("tiny.model"), folder.path().join("tiny").join(IMAGES[1])];
    for path in &locked {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    if fs::read(&locked[0]).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    nn_cli(folder.path(), "inspect tiny.model").fails_with(&["tiny.model", "ermission denied"]);
    nn_cli(folder.path(), "eval tiny.model --data tiny").fails_with(&["tiny.model", "ermission denied"]);
    nn_cli(folder.path(), "show --split test --data tiny").fails_with(&[IMAGES[1], "ermission denied"]);
}
