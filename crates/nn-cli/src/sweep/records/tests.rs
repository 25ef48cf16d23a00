//! That results outlive what happens to the process, and that they are nobody else's.

use nn_train::{
    Model, Preprocessing,
    nn_core::{Activation, Loss, Network},
};

use super::*;
use crate::sweep::trial::{Figures, Measured};

fn identity() -> Identity {
    let text = |text: &str| text.to_owned();
    Identity {
        release: text("0"),
        settings: text("[]"),
        search: text("{}"),
        seeds: text("[1]"),
        halving: text("null"),
        teachers: text("[]"),
        train_sha256: text("a"),
        validation_sha256: text("b"),
        test_sha256: text("c"),
    }
}

fn columns() -> Columns {
    Columns::new(vec!["rate".to_owned()], vec![vec!["0.1".to_owned()], vec!["0.2".to_owned()]])
}

fn row(combination: usize) -> Row {
    let figures = Figures { loss: 0.25, accuracy: 0.75 };
    let measured = Some(Measured { train: figures, validation: figures });
    Row { combination, rung: 0, seed: 1, epochs: 2, parameters: 3, measured, seconds: 0.5, elapsed: 4.5 }
}

fn open(path: &Path) -> Result<Records> {
    Records::open(path, "the file", &identity(), columns())
}

fn message(result: Result<Records>) -> String {
    result.err().map_or_else(|| panic!("it was opened"), |error| format!("{error:#}"))
}

#[test]
fn what_was_kept_is_there_again_and_a_row_without_an_end_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweeps/first");
    let mut records = open(&path).unwrap();
    assert_eq!((records.rows().len(), records.elapsed()), (0, 0.0));
    records.add(row(1), &["0.2".to_owned()]).unwrap();
    records.add(row(0), &["0.1".to_owned()]).unwrap();
    assert!(message(open(&path)).contains("is in use"));
    drop(records);
    assert_eq!(fs::read_to_string(path.join(FILE)).unwrap(), "the file");

    let whole = fs::read(path.join(TRIALS)).unwrap();
    let second = whole.len() - columns().line(&row(0), &["0.1".to_owned()]).unwrap().len();
    // Wherever it was cut, what has an end is there, and the rest is written anew.
    for cut in [0, 5, second - 1, second, second + 1, whole.len() - 1, whole.len()] {
        fs::write(path.join(TRIALS), &whole[..cut]).unwrap();
        let mut records = open(&path).unwrap();
        let kept = usize::from(cut >= second) + usize::from(cut == whole.len());
        assert_eq!(records.rows().len(), kept, "{cut}");
        for (index, value) in [(1, "0.2"), (0, "0.1")].into_iter().skip(kept) {
            records.add(row(index), &[value.to_owned()]).unwrap();
        }
        drop(records);
        assert_eq!(fs::read(path.join(TRIALS)).unwrap(), whole, "{cut}");
    }
}

#[test]
fn another_sweep_and_other_files_are_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first");
    drop(open(&path).unwrap());
    let other = Identity { seeds: "[2]".to_owned(), ..identity() };
    let found = message(Records::open(&path, "", &other, columns()));
    assert!(found.contains("expected the seeds that the sweep was begun with, found another"), "{found}");
    let other = Identity { train_sha256: "z".to_owned(), seeds: "[2]".to_owned(), ..identity() };
    let found = message(Records::open(&path, "", &other, columns()));
    assert!(found.contains("expected the training data that"), "{found}");
    assert_eq!(fs::read_to_string(path.join(FILE)).unwrap(), "the file");

    fs::write(path.join(TRIALS), "rung,combination\n").unwrap();
    assert!(message(open(&path)).contains("expected the columns rung, combination, seed, rate, "));

    let mine = folder.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("thesis.txt"), "years of work").unwrap();
    assert!(message(open(&mine)).contains("found `thesis.txt` in it"));
    assert!(message(open(&mine.join("thesis.txt"))).contains("found a file"));
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);
    // A process that was killed before the sweep existed leaves these.
    let begun = folder.path().join("begun");
    fs::create_dir(&begun).unwrap();
    fs::write(begun.join(LOCK), "").unwrap();
    fs::write(begun.join(FILE), "half").unwrap();
    drop(open(&begun).unwrap());
    assert_eq!(fs::read_to_string(begun.join(FILE)).unwrap(), "the file");
}

#[test]
fn the_best_is_remembered_only_with_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(&folder.path().join("first")).unwrap();
    let test = Some(TestResult { samples: 8, correct: 6, loss: 0.5 });
    let settings = "rate 0.1".to_owned();
    let best = Best { combination: 1, settings, seed: 1, epochs: 2, train_samples: 9, test };
    records.forget_best().unwrap();
    records.keep_best(&best).unwrap();
    assert_eq!(records.best(), None);
    fs::write(records.file(BEST_MODEL), "").unwrap();
    fs::write(records.file(BEST_CONFIG), "").unwrap();
    assert_eq!(records.best(), None, "a network that cannot be loaded");
    let model = Model {
        network: Network::builder(6).dense(5, Activation::Identity).zeros().unwrap(),
        loss: Loss::SoftmaxCrossEntropy,
        image_shape: vec![2, 3],
        preprocessing: Preprocessing::None,
        class_names: None,
        record: None,
    };
    nn_train::save(&model, &records.file(BEST_MODEL)).unwrap();
    assert_eq!(records.best(), Some(best));
    records.forget_best().unwrap();
    assert_eq!(records.best(), None);
}

#[test]
fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first");
    let mut records = open(&path).unwrap();
    records.add(row(1), &["0.2".to_owned()]).unwrap();
    drop(records);
    let table = fs::read(path.join(TRIALS)).unwrap();
    // What has no end may be anything.
    fs::write(path.join(TRIALS), [&table[..], b"\xff"].concat()).unwrap();
    assert_eq!(open(&path).unwrap().rows().len(), 1);
    let heading = columns().heading().unwrap().len();
    for (name, content, what) in [
        (TRIALS, [&table[..], b"\xff\n"].concat(), "expected UTF-8"),
        (TRIALS, [&table[..], &table[heading..]].concat(), "line 3 is a training that a line before it has"),
        (IDENTITY, b"{".to_vec(), "EOF"),
    ] {
        fs::write(path.join(name), content).unwrap();
        let message = message(open(&path));
        assert!(message.contains(name) && message.contains(what), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn a_sweep_that_was_moved_meanwhile_keeps_nothing_under_its_old_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut moved = open(&path("first")).unwrap();
    fs::rename(path("first"), path("second")).unwrap();
    let other = open(&path("first")).unwrap();
    let error = moved.add(row(1), &["0.2".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("was moved or removed"), "{error}");
    assert!(moved.check_held().is_err() && other.check_held().is_ok());
    fs::remove_file(path("first").join(TRIALS)).unwrap();
    assert!(other.check_held().is_err());
}
