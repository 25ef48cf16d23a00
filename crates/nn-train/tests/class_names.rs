//! What files of class names promise, by themselves and beside the data.

use std::fs;

use nn_train::{
    ClassNames, DataError, DataFiles, InvalidClassNames, NewDataFolder, Split,
    nn_core::idx_format::{self, ndarray::Array},
};

fn parsed(text: &str) -> Vec<String> {
    ClassNames::parse(text).unwrap().as_slice().to_vec()
}

#[test]
fn names_stand_one_a_line_whatever_ends_the_lines() {
    for text in
        ["red\ngreen\nlight blue\n", "\u{feff}red\r\ngreen\r\nlight blue", "  red\n green \nlight blue\n\n\n"]
    {
        assert_eq!(parsed(text), ["red", "green", "light blue"], "{text:?}");
    }
    let names = ClassNames::parse("a\nä\n7\n").unwrap();
    assert_eq!(ClassNames::parse(&names.to_text()).unwrap(), names);
    // Numbers alone are names, and no mapping without a second one.
    assert_eq!(parsed("10\n20\n"), ["10", "20"]);
}

#[test]
fn names_that_look_like_a_mapping_are_written_as_one_and_read_again() {
    for names in [&["0 65", "1 66"][..], &["7 48", "9 99 65"], &["0 65", "plain"]] {
        let names = ClassNames::new(names.iter().map(ToString::to_string).collect()).unwrap();
        assert_eq!(ClassNames::parse(&names.to_text()).unwrap(), names);
    }
}

#[test]
fn names_move_with_the_labels() {
    let names = ClassNames::parse("none\nA\nB\n").unwrap();
    let shifted = |by| names.shifted(by).map(|names| names.as_slice().to_vec());
    assert_eq!(shifted(0).unwrap(), ["none", "A", "B"]);
    assert_eq!(shifted(-1).unwrap(), ["A", "B"]);
    assert_eq!(shifted(2).unwrap(), ["0", "1", "none", "A", "B"]);
    for by in [-3, i32::MIN, i32::MAX] {
        assert!(matches!(shifted(by), Err(InvalidClassNames::Count { .. })), "{by}");
    }
}

#[test]
fn mappings_name_labels_in_any_order_and_gaps_have_numbers() {
    assert_eq!(parsed("2 50\n0 48\n4 65 97\n"), ["0", "1", "2", "3", "Aa"]);
    assert!(matches!(
        ClassNames::parse_shifted("0 48\n1 49\n", -1),
        Err(InvalidClassNames::Label { found: -1 })
    ));
    assert!(matches!(ClassNames::parse("256 48\n"), Err(InvalidClassNames::Label { found: 256 })));
    assert!(matches!(ClassNames::parse("9223372036854775807 48\n"), Err(InvalidClassNames::Label { .. })));
    assert!(matches!(ClassNames::parse("1 48\n1 49\n"), Err(InvalidClassNames::Mapped { class: 1, .. })));
    // A surrogate is no character, so that these are names.
    assert_eq!(parsed("0 55296\n"), ["0 55296"]);
}

#[test]
fn what_is_no_name_is_refused() {
    let numbered = |count: usize| (0..count).map(|class| format!("class {class}\n")).collect::<String>();
    assert_eq!(parsed(&numbered(256)).len(), 256);
    for (text, message) in [
        (String::new(), "expected 1 to 256 names, one a line, found 0"),
        (" \n\n".to_owned(), "expected 1 to 256 names, one a line, found 0"),
        (numbered(257), "expected 1 to 256 names, one a line, found 257"),
        ("a\n\nb\n".to_owned(), "for class 1, found \"\""),
        ("a\nb\tc\n".to_owned(), "without control characters for class 1, found \"b\\tc\""),
        ("a\n\u{1b}[31mred\n".to_owned(), "without control characters for class 1"),
        (format!("{}\n", "n".repeat(101)), "expected a name of 1 to 100 bytes"),
        ("a\nb\na\n".to_owned(), "expected another name for class 2 than for class 0, found \"a\" for both"),
    ] {
        let error = ClassNames::parse(&text).unwrap_err().to_string();
        assert!(error.contains(message), "{text:?}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names");
    for (content, message) in [
        (b"n".repeat(100_000), "expected a file of at most 26112 bytes"),
        (b"a\n\xff\n".to_vec(), "cannot read the class names in"),
    ] {
        fs::write(&path, content).unwrap();
        let error = ClassNames::read(&path).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(format!("{error}: {source}").contains(message), "{error}: {source}");
    }
}

#[test]
fn a_data_folder_has_as_many_classes_as_names() {
    let folder = tempfile::tempdir().unwrap();
    let (images, labels) = Split::Test.file_names();
    let pixels = Array::<u8, _>::zeros((3, 5, 2));
    fs::write(folder.path().join(images), idx_format::write_array(Vec::new(), &pixels).unwrap()).unwrap();
    let classes = Array::from_vec(vec![2_u8, 0, 2]);
    fs::write(folder.path().join(labels), idx_format::write_array(Vec::new(), &classes).unwrap()).unwrap();
    let open = || DataFiles::open(folder.path(), Split::Test);
    let plain = open().unwrap();
    assert_eq!((plain.classes(), plain.class_names()), (3, None));

    let names = folder.path().join(ClassNames::FILE);
    fs::write(&names, "a\nb\nc\nd\n").unwrap();
    let named = open().unwrap();
    assert_eq!((named.classes(), named.view().classes(), named.class_names().unwrap().len()), (4, 4, 4));

    fs::write(&names, "a\nb\n").unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, DataError::TooFewNames { found: 2, greatest: 2, .. }), "{error}");
    assert!(error.to_string().starts_with("expected a name for each class up to 2"), "{error}");
    fs::write(&names, "a\n\nc\n").unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, DataError::ClassNames(_)) && error.hint().is_some(), "{error}");
}

#[test]
fn a_new_data_folder_that_is_not_published_leaves_nothing_and_one_that_is_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let new = NewDataFolder::create(&path).unwrap();
    let mut samples = new.samples([2, 3]).unwrap();
    samples.push(&[1; 6], 4).unwrap();
    assert_eq!(samples.push(&[1; 5], 4).unwrap_err().to_string(), "expected an image of 6 pixels, found 5");
    samples.write(Split::Train, [0, 0]).unwrap();
    // Itself, and the file that is locked meanwhile.
    assert_eq!((names(), path.exists()), (2, false));
    let error = NewDataFolder::create(&path).unwrap_err();
    assert!(error.to_string().contains("another process is making it"), "{error}");
    assert!(new.staging().join("train-images-idx3-ubyte").exists());
    drop((samples, new));
    assert_eq!(names(), 0);

    fs::write(&path, "mine").unwrap();
    let error = NewDataFolder::create(&path).unwrap_err();
    assert!(error.to_string().contains("expected nothing there"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn a_link_to_an_empty_folder_is_occupied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("link");
    fs::create_dir(folder.path().join("empty")).unwrap();
    std::os::unix::fs::symlink("empty", &path).unwrap();
    for path in [path.clone(), path.join("")] {
        let error = NewDataFolder::create(&path).unwrap_err();
        assert!(error.to_string().contains("expected nothing there"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn samples_can_be_written_in_any_order_twice_and_grow_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let new = NewDataFolder::create(&path).unwrap();
    let mut samples = new.samples([1, 2]).unwrap();
    // More than a buffer holds.
    for number in 0..9000_u32 {
        samples.push(&[(number % 251) as u8, (number % 241) as u8], (number % 7) as u8).unwrap();
    }
    samples.write(Split::Test, [8999, 3, 4, 3]).unwrap();
    samples.push(&[250, 251], 9).unwrap();
    samples.write(Split::Train, (0..9001).rev()).unwrap();
    new.publish().unwrap();
    let test = DataFiles::open(&path, Split::Test).unwrap();
    let expected = [8999_u32, 3, 4, 3].map(|number| [(number % 251) as u8, (number % 241) as u8]);
    assert_eq!(test.view().pixels(), expected.as_flattened());
    assert_eq!(test.view().labels(), [8999 % 7, 3, 4, 3].map(|label| label as u8));
    let train = DataFiles::open(&path, Split::Train).unwrap();
    assert_eq!((train.view().row(0), train.view().label(0)), (&[250, 251][..], 9));
    assert_eq!(train.view().row(9000), [0, 0]);
}
