//! Pairs of IDX files as they come, whole and broken. Images are 2 x 3 and there are 5 of them.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use nn_train::{
    DataError, DataFiles, Split,
    nn_core::idx_format::{Access, IdxWriter, OpenOptions},
};

const U8: u8 = 0x08;
const I8: u8 = 0x09;
const I16: u8 = 0x0b;
const I32: u8 = 0x0c;
const F32: u8 = 0x0d;

/// A data set of 5 images of 2 x 3 whose pixels count from 0, labelled 3, 0, 4, 1, 0.
const LABELS: [u8; 5] = [3, 0, 4, 1, 0];

fn pixels() -> Vec<u8> {
    (0..5 * 2 * 3).collect()
}

fn idx(code: u8, lengths: &[u32], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, lengths.len() as u8];
    bytes.extend(lengths.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(payload);
    bytes
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn put_images(&self, name: &str) -> PathBuf {
        self.put(name, &idx(U8, &[5, 2, 3], &pixels()))
    }

    fn put_labels(&self, name: &str) -> PathBuf {
        self.put(name, &idx(U8, &[5], &LABELS))
    }
}

/// The whole chain of an error, as a program would print it.
fn chain(error: &DataError) -> String {
    let mut text = error.to_string();
    let mut error: &dyn Error = error;
    while let Some(source) = error.source() {
        text = format!("{text}: {source}");
        error = source;
    }
    text
}

/// Opens images of `image_bytes` with labels of `label_bytes`, and gives the error without the folder's name, and
/// the hint.
fn fails(image_bytes: &[u8], label_bytes: &[u8]) -> (String, Option<String>) {
    let folder = Folder::new();
    let images = folder.put("images", image_bytes);
    let labels = folder.put("labels", label_bytes);
    let error = DataFiles::open_pair(&images, &labels).unwrap_err();
    let prefix = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
    (chain(&error).replace(&prefix, ""), error.hint())
}

#[test]
fn a_pair_of_files_is_a_data_set() {
    let folder = Folder::new();
    folder.put_images("train-images-idx3-ubyte");
    folder.put_labels("train-labels-idx1-ubyte");

    let files = DataFiles::open(folder.path(), Split::Train).unwrap();

    assert_eq!((files.len(), files.image_shape(), files.classes()), (5, &[2, 3][..], 5));
    assert_eq!(files.images().path(), folder.path().join("train-images-idx3-ubyte"));
    assert_eq!(files.labels_path(), folder.path().join("train-labels-idx1-ubyte"));
    assert!(format!("{files:?}").len() < 1_000, "a debugger's line, not the data");
    let dataset = files.view();
    assert_eq!((dataset.features(), dataset.classes()), (6, 5));
    assert_eq!(dataset.row(1), [6, 7, 8, 9, 10, 11]);
    assert_eq!(dataset.labels(), LABELS);
}

#[test]
fn a_large_file_is_mapped_unless_it_is_to_be_read() {
    let folder = Folder::new();
    let images = folder.put("images", &idx(U8, &[40_000, 1, 3], &[7; 120_000]));
    let labels = folder.put("labels", &idx(U8, &[40_000], &[1; 40_000]));
    assert!(DataFiles::open_pair(&images, &labels).unwrap().images().is_mapped());
    let read = OpenOptions::new().access(Access::Read);
    assert!(!DataFiles::open_pair_with(&images, &labels, &read).unwrap().images().is_mapped());
}

#[test]
fn every_usual_name_is_found() {
    for (split, prefix) in [(Split::Train, "train"), (Split::Test, "t10k"), (Split::Test, "test")] {
        for separator in ['-', '.'] {
            for suffix in ["", ".gz"] {
                let folder = Folder::new();
                // Gzip is told by content, so plain content under a gzip name is as good.
                folder.put_images(&format!("{prefix}-images{separator}idx3-ubyte{suffix}"));
                folder.put_labels(&format!("{prefix}-labels{separator}idx1-ubyte{suffix}"));
                assert_eq!(DataFiles::open(folder.path(), split).unwrap().len(), 5);
            }
        }
    }
}

#[test]
fn a_plain_file_is_preferred_to_a_compressed_one() {
    let folder = Folder::new();
    folder.put("train-images-idx3-ubyte.gz", b"not even gzip");
    folder.put_images("train-images.idx3-ubyte");
    folder.put_labels("train-labels-idx1-ubyte");
    assert_eq!(DataFiles::open(folder.path(), Split::Train).unwrap().len(), 5);
}

#[test]
fn missing_files_are_named() {
    let folder = Folder::new();
    let error = DataFiles::open(folder.path(), Split::Train).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no training images in {}, expected one of: train-images-idx3-ubyte, train-images.idx3-ubyte, \
             train-images-idx3-ubyte.gz, train-images.idx3-ubyte.gz",
            folder.path().display()
        )
    );
    assert!(error.hint().unwrap().contains("other names"));

    folder.put_images("t10k-images-idx3-ubyte");
    let error = DataFiles::open(folder.path(), Split::Test).unwrap_err();
    let DataError::NotFound { what: "labels", tried, .. } = &error else { panic!("{error:?}") };
    assert_eq!(tried.len(), 8);

    let error = DataFiles::open(&folder.path().join("nowhere"), Split::Test).unwrap_err();
    assert_eq!(error.hint().unwrap(), "there is no such folder");
}

#[test]
fn what_is_there_but_is_no_file_is_reported_as_such() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("train-images-idx3-ubyte")).unwrap();
    folder.put_labels("train-labels-idx1-ubyte");
    let error = DataFiles::open(folder.path(), Split::Train).unwrap_err();
    assert!(error.to_string().ends_with("expected a file, found a folder"), "{error}");
}

#[test]
fn swapped_files_are_noticed() {
    let (error, hint) = fails(&idx(U8, &[5], &LABELS), &idx(U8, &[5, 2, 3], &pixels()));
    assert_eq!(
        error,
        "cannot use images as images: expected images (rank 2 or more), found labels (rank 1: u8 5)"
    );
    assert!(hint.unwrap().contains("swapped"));
}

#[test]
fn different_counts_are_named_with_both_files() {
    let (error, hint) = fails(&idx(U8, &[5, 2, 3], &pixels()), &idx(U8, &[4], &LABELS[..4]));
    assert_eq!(error, "expected one label for each image, found 5 images in images and 4 labels in labels");
    assert_eq!(hint.unwrap(), "do both files belong to the same split of the same data set?");
}

#[test]
fn images_of_another_type_are_refused() {
    let (error, _) = fails(&idx(I8, &[5, 2, 3], &pixels()), &idx(U8, &[5], &LABELS));
    assert_eq!(error, "cannot use images as images: expected elements of type u8, found i8");
}

#[test]
fn labels_of_floating_point_or_with_no_columns_are_refused() {
    let images = idx(U8, &[5, 2, 3], &pixels());
    let (error, _) = fails(&images, &idx(F32, &[5], &[0; 20]));
    assert_eq!(error, "cannot use labels as labels: expected elements of type u8, found f32");
    let (error, _) = fails(&images, &idx(I32, &[5, 0], &[]));
    assert_eq!(error, "expected at least one column of labels in labels, found the shape 5 x 0");
}

#[test]
fn files_without_samples_or_pixels_are_refused() {
    let (error, _) = fails(&idx(U8, &[0, 2, 3], &[]), &idx(U8, &[0], &[]));
    assert_eq!(
        error,
        "expected at least one image of at least one pixel in images, found the shape 0 x 2 x 3"
    );
    let (error, _) = fails(&idx(U8, &[5, 0, 3], &[]), &idx(U8, &[5], &LABELS));
    assert_eq!(
        error,
        "expected at least one image of at least one pixel in images, found the shape 5 x 0 x 3"
    );
}

#[test]
fn damaged_files_are_refused_with_their_name() {
    let (error, hint) = fails(&idx(U8, &[5, 2, 3], &pixels()[..29]), &idx(U8, &[5], &LABELS));
    assert!(error.starts_with("images is not a valid IDX file: payload truncated"), "{error}");
    assert!(hint.unwrap().contains("download"));
}

#[test]
fn images_may_have_any_rank_from_two() {
    let folder = Folder::new();
    let labels = folder.put_labels("labels");
    for (lengths, image_shape) in [(&[5, 6][..], &[6][..]), (&[5, 1, 2, 3], &[1, 2, 3])] {
        let images = folder.put("images", &idx(U8, lengths, &pixels()));
        let files = DataFiles::open_pair(&images, &labels).unwrap();
        assert_eq!(files.image_shape(), image_shape);
        assert_eq!(files.view().row(4), [24, 25, 26, 27, 28, 29]);
    }
}

#[test]
fn labels_may_be_wider_than_a_byte_and_the_first_column_of_a_table() {
    let folder = Folder::new();
    let images = folder.put_images("images");
    let i16s: Vec<u8> = LABELS.iter().flat_map(|&label| i16::from(label).to_be_bytes()).collect();
    let i32s: Vec<u8> = LABELS.iter().flat_map(|&label| i32::from(label).to_be_bytes()).collect();
    // As in QMNIST, where the other columns tell the writer and the original index.
    let table: Vec<u8> =
        LABELS.iter().flat_map(|&label| [i32::from(label), -1, 70_000]).flat_map(i32::to_be_bytes).collect();
    for labels in [
        idx(I8, &[5], &LABELS),
        idx(I16, &[5], &i16s),
        idx(I32, &[5], &i32s),
        idx(I32, &[5, 1], &i32s),
        idx(I32, &[5, 3], &table),
    ] {
        let labels = folder.put("labels", &labels);
        assert_eq!(DataFiles::open_pair(&images, &labels).unwrap().view().labels(), LABELS);
    }
}

#[test]
fn labels_that_no_byte_can_hold_are_refused_with_their_place() {
    for (found, index) in [(256, 4), (-1, 2), (i32::MIN, 0)] {
        let mut labels = [0_i32; 5];
        labels[index] = found;
        let bytes: Vec<u8> = labels.iter().flat_map(|label| label.to_be_bytes()).collect();
        let (error, _) = fails(&idx(U8, &[5, 2, 3], &pixels()), &idx(I32, &[5], &bytes));
        assert_eq!(error, format!("label {found} of sample {index} in labels, expected 0 to 255"));
    }
}

#[test]
fn label_255_makes_256_classes() {
    let folder = Folder::new();
    let images = folder.put_images("images");
    let labels = folder.put("labels", &idx(U8, &[5], &[0, 0, 255, 0, 0]));
    assert_eq!(DataFiles::open_pair(&images, &labels).unwrap().classes(), 256);
}

#[test]
fn what_the_idx_writer_writes_is_opened() {
    let folder = Folder::new();
    let write = |name: &str, lengths: &[usize], elements: &[u8]| {
        let path = folder.path().join(name);
        let mut writer = IdxWriter::<_, u8>::new(fs::File::create(&path).unwrap(), lengths).unwrap();
        writer.write_elements(elements).unwrap();
        writer.finish().unwrap();
        path
    };
    let images = write("images", &[5, 2, 3], &pixels());
    let labels = write("labels", &[5], &LABELS);
    assert_eq!(DataFiles::open_pair(&images, &labels).unwrap().view().pixels(), pixels());
}
