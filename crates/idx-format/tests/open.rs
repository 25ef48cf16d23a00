//! Opening files: mapped, read and decompressed alike; every refusal in its words, with the path and the advice.

mod common;

use std::error::Error as _;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use common::{IMAGES, LABELS, gzip, header};
use idx_format::ndarray::Ix3;
use idx_format::{
    Access, GzipError, IdxFile, OpenError, OpenOptions, ParseError, ReadError, Storage, Trailing,
};
use tempfile::TempDir;

/// A folder that goes with the value, and files in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// 3 x 5 x 7001 bytes of `u8`: long enough to be mapped unasked.
fn large() -> Vec<u8> {
    let payload: Vec<u8> = (0..3 * 5 * 7001_u32).map(|i| (i * 7 % 251) as u8).collect();
    common::file(0x08, &[3, 5, 7001], &payload)
}

fn open_as(path: &Path, access: Access) -> Result<IdxFile, OpenError> {
    IdxFile::open_with(path, &OpenOptions::new().access(access))
}

/// The whole message: the error and its causes, joined as a program would show them, without the folder's name.
fn full_message(error: &OpenError, folder: &Folder) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message.replace(&format!("{}{}", folder.0.path().display(), std::path::MAIN_SEPARATOR), "")
}

fn refused(folder: &Folder, name: &str, bytes: &[u8]) -> OpenError {
    IdxFile::open(folder.file(name, bytes)).expect_err(name)
}

#[test]
fn mapped_read_and_decompressed_files_are_equal() {
    let folder = Folder::new();
    for (name, bytes) in [("small", IMAGES.to_vec()), ("large", large())] {
        let plain = folder.file(name, &bytes);
        let compressed = folder.file(&format!("{name}.gz"), &gzip(&bytes));
        for access in [Access::Auto, Access::Map, Access::Read] {
            let file = open_as(&plain, access).unwrap();
            let from_gzip = open_as(&compressed, access).unwrap();
            let expected = idx_format::Idx::parse(&bytes).unwrap();
            assert_eq!(file.view(), expected, "{name} {access:?}");
            assert_eq!(from_gzip.view(), expected, "{name}.gz {access:?}");
            assert_eq!(from_gzip.storage(), Storage::Decompressed);
            assert_eq!(file.path(), plain);
        }
    }
}

#[test]
fn only_large_plain_files_are_mapped_unasked() {
    let folder = Folder::new();
    let small = folder.file("small", &IMAGES);
    let large = folder.file("large", &large());
    for (path, access, storage) in [
        (&small, Access::Auto, Storage::Read),
        (&large, Access::Auto, Storage::Mapped),
        (&small, Access::Map, Storage::Mapped),
        (&large, Access::Map, Storage::Mapped),
        (&small, Access::Read, Storage::Read),
        (&large, Access::Read, Storage::Read),
    ] {
        let file = open_as(path, access).unwrap();
        assert_eq!(file.storage(), storage, "{} {access:?}", path.display());
        assert_eq!(file.is_mapped(), storage == Storage::Mapped);
    }
}

#[test]
fn how_long_a_file_is_mapped_unasked_can_be_chosen() {
    let folder = Folder::new();
    let bytes = large();
    let path = folder.file("large", &bytes);
    let len = bytes.len() as u64;
    for (map_from, mapped) in [(0, true), (len, true), (len + 1, false), (u64::MAX, false)] {
        let file = IdxFile::open_with(&path, &OpenOptions::new().map_from(map_from)).unwrap();
        assert_eq!(file.is_mapped(), mapped, "from {map_from}");
    }
}

#[test]
fn gzip_is_known_by_content_and_not_by_name() {
    let folder = Folder::new();
    let misnamed = folder.file("labels-idx1-ubyte", &gzip(&LABELS));
    assert_eq!(IdxFile::open(misnamed).unwrap().view().payload(), &LABELS[8..]);
    let misnamed = folder.file("labels-idx1-ubyte.gz", &LABELS);
    assert_eq!(IdxFile::open(misnamed).unwrap().view().payload(), &LABELS[8..]);
}

#[test]
fn several_gzip_members_are_one_file() {
    let folder = Folder::new();
    let members = [gzip(&IMAGES[..7]), gzip(&IMAGES[7..30]), gzip(&[]), gzip(&IMAGES[30..])].concat();
    let file = IdxFile::open(folder.file("members.gz", &members)).unwrap();
    assert_eq!(file.view().payload(), &IMAGES[16..]);
}

/// Gives one byte, and is interrupted before each.
struct Interrupted<'a> {
    bytes: &'a [u8],
    is_due: bool,
}

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_due = !self.is_due;
        if self.is_due {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = buffer.len().min(1);
        self.bytes.read(&mut buffer[..count])
    }
}

#[test]
fn an_interruption_is_neither_damage_nor_the_end() {
    let members = [gzip(&IMAGES[..7]), gzip(&IMAGES[7..])].concat();
    for bytes in [&IMAGES[..], &members] {
        let stream = Interrupted { bytes, is_due: false };
        assert_eq!(idx_format::read(stream, &OpenOptions::new()).unwrap(), IMAGES);
    }
    let garbage = [&members[..], b"garbage"].concat();
    let stream = Interrupted { bytes: &garbage, is_due: false };
    let error = idx_format::read(stream, &OpenOptions::new()).unwrap_err();
    assert!(matches!(error, ReadError::Gzip(GzipError::TrailingBytes { .. })), "{error:?}");
}

#[test]
fn a_view_lends_for_as_long_as_the_file_lives() {
    let folder = Folder::new();
    let file = IdxFile::open(folder.file("large", &large())).unwrap();
    let array = {
        let view = file.view();
        view.array::<u8, Ix3>().unwrap()
    };
    assert_eq!(array.dim(), (3, 5, 7001));
    assert_eq!(array[[2, 4, 7000]], ((3 * 5 * 7001 - 1) * 7 % 251) as u8);
}

#[test]
fn an_opened_file_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<IdxFile>();
    shared::<OpenError>();
}

#[test]
fn every_refusal_names_the_file_and_the_reason() {
    let folder = Folder::new();
    let compressed = gzip(&IMAGES);
    let (length, mut wrong_sum) = (compressed.len(), compressed.clone());
    wrong_sum[length - 8] ^= 1;
    let mut damaged = compressed.clone();
    damaged[10] = 0xff;

    let rows: Vec<(&str, Vec<u8>, String, Option<&str>)> = vec![
        (
            "empty",
            vec![],
            "empty is not a valid IDX file: empty input: expected a header at byte 0, found the end".into(),
            Some("interrupted"),
        ),
        (
            "page",
            b"<html>".to_vec(),
            "page is not a valid IDX file: bad magic number at byte 0: expected 00 00, found 3c 68 74 6d 6c 3e".into(),
            Some("web page"),
        ),
        (
            "short",
            IMAGES[..40].to_vec(),
            "short is not a valid IDX file: payload truncated at byte 40: \
             expected 30 bytes of u8 2 x 3 x 5 from byte 16, found 24"
                .into(),
            Some("interrupted"),
        ),
        (
            "long",
            [IMAGES.as_slice(), &[0]].concat(),
            "long is not a valid IDX file: trailing bytes at byte 46: expected u8 2 x 3 x 5 to end there, found more"
                .into(),
            None,
        ),
        (
            "short-inside.gz",
            gzip(&IMAGES[..40]),
            "short-inside.gz is not a valid IDX file: payload truncated at byte 40: \
             expected 30 bytes of u8 2 x 3 x 5 from byte 16, found 24"
                .into(),
            Some("interrupted"),
        ),
        (
            "long-inside.gz",
            gzip(&[IMAGES.as_slice(), &[0; 9]].concat()),
            "long-inside.gz is not a valid IDX file: trailing bytes at byte 46: \
             expected u8 2 x 3 x 5 to end there, found more"
                .into(),
            None,
        ),
        (
            "twice.gz",
            gzip(&compressed),
            format!(
                "twice.gz is not a valid IDX file: bad magic number at byte 0: expected 00 00, found {}",
                compressed[..8].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
            ),
            Some("twice"),
        ),
        (
            "cut.gz",
            compressed[..length - 9].to_vec(),
            format!(
                "cannot decompress cut.gz: gzip truncated at compressed byte {}: expected more, found the end",
                length - 9
            ),
            Some("interrupted"),
        ),
        (
            "cut-in-its-sums.gz",
            compressed[..length - 1].to_vec(),
            format!(
                "cannot decompress cut-in-its-sums.gz: gzip truncated at compressed byte {}: \
                 expected more, found the end",
                length - 1
            ),
            Some("interrupted"),
        ),
        (
            "magic-only.gz",
            vec![0x1f, 0x8b],
            "cannot decompress magic-only.gz: gzip truncated at compressed byte 2: expected more, found the end".into(),
            Some("interrupted"),
        ),
        (
            "wrong-sum.gz",
            wrong_sum,
            format!(
                "cannot decompress wrong-sum.gz: gzip damaged before compressed byte {length}: \
                 corrupt gzip stream does not have a matching checksum"
            ),
            Some("download"),
        ),
        (
            "garbage.gz",
            [compressed.as_slice(), b"garbage"].concat(),
            format!(
                "cannot decompress garbage.gz: trailing bytes at compressed byte {length}: \
                 expected the end of the gzip stream there, found more"
            ),
            Some("download"),
        ),
    ];
    for (name, bytes, message, hint) in rows {
        let error = refused(&folder, name, &bytes);
        assert_eq!(full_message(&error, &folder), message, "{name}");
        match (error.hint(), hint) {
            (None, None) => {}
            (Some(found), Some(word)) => assert!(found.contains(word), "{name}: {found}"),
            (found, expected) => panic!("{name}: expected a hint with {expected:?}, found {found:?}"),
        }
    }

    // How far the decompressor gets is its own affair.
    let error = refused(&folder, "damaged.gz", &damaged);
    assert!(
        full_message(&error, &folder)
            .starts_with("cannot decompress damaged.gz: gzip damaged before compressed")
    );
}

#[test]
fn mapping_and_reading_refuse_alike() {
    let folder = Folder::new();
    for (name, bytes) in [
        ("empty", vec![]),
        ("page", b"<html>".to_vec()),
        ("one", vec![0]),
        ("four", IMAGES[..4].to_vec()),
        ("short", IMAGES[..45].to_vec()),
        ("long", [IMAGES.as_slice(), b"tail"].concat()),
        ("too large", header(0x0e, &[u32::MAX; 7])),
    ] {
        let path = folder.file(name, &bytes);
        let [mapped, read] =
            [Access::Map, Access::Read].map(|access| open_as(&path, access).expect_err(name));
        assert_eq!(full_message(&mapped, &folder), full_message(&read, &folder), "{name}");
    }
}

#[test]
fn a_gzip_file_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let compressed = gzip(&IMAGES);
    for end in 0..compressed.len() {
        let error = refused(&folder, "cut.gz", &compressed[..end]);
        let expected = if end < 2 {
            matches!(error, OpenError::Parse { .. })
        } else {
            matches!(error, OpenError::Gzip { .. })
        };
        assert!(expected, "cut at {end}: {error:?}");
    }
}

#[test]
fn the_limit_holds_for_reading_and_decompressing_and_not_for_mapping() {
    let folder = Folder::new();
    let plain = folder.file("images", &IMAGES);
    let compressed = folder.file("images.gz", &gzip(&IMAGES));
    let exact = OpenOptions::new().access(Access::Read).max_bytes(46);
    let less = exact.max_bytes(45);
    for path in [&plain, &compressed] {
        assert!(IdxFile::open_with(path, &exact).is_ok());
        let error = IdxFile::open_with(path, &less).unwrap_err();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            full_message(&error, &folder),
            format!("cannot read {name}: expected at most 45 bytes, found 46 or more")
        );
        assert!(error.hint().unwrap().contains("max_bytes"));
    }
    assert!(IdxFile::open_with(&plain, &less.access(Access::Map)).is_ok());
}

#[test]
fn a_gzip_bomb_is_stopped_at_what_its_header_claims_or_at_the_limit() {
    let folder = Folder::new();
    let mut bomb = IMAGES.to_vec();
    bomb.resize(50 << 20, 0);
    let path = folder.file("bomb.gz", &gzip(&bomb));

    let error = IdxFile::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Parse { source: ParseError::TrailingBytes { offset: 46, .. }, .. }));

    // What is to be ignored counts towards the limit.
    let ignore = OpenOptions::new().trailing(Trailing::Ignore);
    let error = IdxFile::open_with(&path, &ignore.max_bytes(1 << 20)).unwrap_err();
    assert!(
        matches!(error, OpenError::OverLimit { limit, claimed, .. } if claimed == limit + 1),
        "{error:?}"
    );
    assert_eq!(IdxFile::open_with(&path, &ignore).unwrap().view().payload(), &IMAGES[16..]);
}

#[test]
fn trailing_bytes_can_be_ignored_in_every_way_of_access() {
    let folder = Folder::new();
    let longer = [IMAGES.as_slice(), b"padding"].concat();
    let options = OpenOptions::new().trailing(Trailing::Ignore);
    for path in [folder.file("long", &longer), folder.file("long.gz", &gzip(&longer))] {
        for access in [Access::Auto, Access::Map, Access::Read] {
            let file = IdxFile::open_with(&path, &options.access(access)).unwrap();
            assert_eq!(file.view().payload(), &IMAGES[16..]);
        }
    }
    // Ignoring what follows the payload does not mean ignoring damage of the gzip stream.
    let mut compressed = gzip(&longer);
    let length = compressed.len();
    compressed[length - 8] ^= 1;
    let error = IdxFile::open_with(folder.file("wrong-sum.gz", &compressed), &options).unwrap_err();
    assert!(matches!(error, OpenError::Gzip { .. }));
}

#[test]
fn a_missing_file_is_looked_for_under_the_other_common_names() {
    for (asked, there) in [
        ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
        ("train-images.idx3-ubyte", "train-images-idx3-ubyte"),
        ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"),
        ("train-images-idx3-ubyte", "train-images.idx3-ubyte.gz"),
        ("train-images.idx3-ubyte.gz", "train-images-idx3-ubyte"),
        ("emnist.letters", "emnist.letters.gz"),
    ] {
        let folder = Folder::new();
        let existing = folder.file(there, &IMAGES);
        let error = IdxFile::open(folder.path(asked)).unwrap_err();
        assert_eq!(
            full_message(&error, &folder),
            format!("cannot open {asked}: expected a file, found nothing by that name")
        );
        assert_eq!(error.hint().unwrap(), format!("there is a {}: open that", existing.display()));
        assert!(matches!(error, OpenError::NotFound { similar: Some(similar), .. } if similar == existing));
    }

    let folder = Folder::new();
    let error = IdxFile::open(folder.path("train-images-idx3-ubyte")).unwrap_err();
    assert_eq!(error.hint(), None);
}

#[test]
fn a_folder_is_named_as_one_and_searched_for_the_file() {
    let folder = Folder::new();
    for access in [Access::Auto, Access::Map, Access::Read] {
        let error = open_as(folder.0.path(), access).unwrap_err();
        assert!(matches!(error, OpenError::IsFolder { inside: None, .. }));
        assert!(error.to_string().ends_with(": expected a file, found a folder"));
        assert_eq!(error.hint(), None);
    }
    for there in ["train-images-idx3-ubyte", "train-images.idx3-ubyte"] {
        let folder = Folder::new();
        fs::create_dir(folder.path("train-images-idx3-ubyte")).unwrap();
        let inside = folder.file(&format!("train-images-idx3-ubyte/{there}"), &IMAGES);
        let error = IdxFile::open(folder.path("train-images-idx3-ubyte")).unwrap_err();
        assert_eq!(
            error.hint().unwrap(),
            format!("the file is {}, in that folder: open that", inside.display())
        );
    }
}

#[test]
fn debug_output_leaves_the_elements_out() {
    let folder = Folder::new();
    let file = IdxFile::open(folder.file("large", &large())).unwrap();
    let text = format!("{file:?}");
    assert!(text.contains("U8") && text.contains("[3, 5, 7001]") && text.contains("Mapped"), "{text}");
    assert!(text.len() < 300, "{} characters", text.len());
}

#[test]
#[cfg(unix)] // Elsewhere a mapped file cannot be replaced.
fn a_mapping_keeps_the_old_file_when_a_new_one_is_renamed_over_it() {
    let folder = Folder::new();
    let path = folder.file("images", &large());
    let before = IdxFile::open(&path).unwrap();
    assert!(before.is_mapped());
    fs::rename(folder.file("images.new", &IMAGES), &path).unwrap();
    assert_eq!(before.view(), idx_format::Idx::parse(&large()).unwrap());
    assert_eq!(IdxFile::open(&path).unwrap().view(), idx_format::Idx::parse(&IMAGES).unwrap());
}

#[test]
fn a_file_that_was_read_does_not_mind_truncation() {
    let folder = Folder::new();
    let path = folder.file("images", &large());
    let file = open_as(&path, Access::Read).unwrap();
    fs::write(&path, b"").unwrap();
    assert_eq!(file.view(), idx_format::Idx::parse(&large()).unwrap());
}

#[test]
#[cfg(unix)]
fn a_pipe_is_read_plain_or_compressed() {
    let folder = Folder::new();
    for (name, bytes) in [("plain", large()), ("gzip", gzip(&large()))] {
        let path = folder.path(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let writer = std::thread::spawn({
            let path = path.clone();
            move || fs::write(path, bytes).unwrap()
        });
        let file = IdxFile::open(&path).unwrap();
        writer.join().unwrap();
        assert_eq!(file.view(), idx_format::Idx::parse(&large()).unwrap());
        assert!(!file.is_mapped());
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_without_a_writer_is_refused_where_only_regular_files_are_asked_for() {
    let folder = Folder::new();
    let path = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for access in [Access::Auto, Access::Map, Access::Read] {
        let options = OpenOptions::new().access(access).regular_files_only(true);
        let error = IdxFile::open_with(&path, &options).unwrap_err();
        let message = "cannot open pipe: expected a regular file, found a pipe or device";
        assert_eq!(full_message(&error, &folder), message);
        assert!(error.hint().is_some());
        // All that can be told of other paths is told as ever.
        let error = IdxFile::open_with(folder.path("missing"), &options).unwrap_err();
        assert!(matches!(error, OpenError::NotFound { .. }));
        let error = IdxFile::open_with(folder.0.path(), &options).unwrap_err();
        assert!(matches!(error, OpenError::IsFolder { .. }));
        assert!(IdxFile::open_with(folder.file("images", &IMAGES), &options).is_ok());
    }
}

#[test]
fn a_stream_is_read_as_a_file_is() {
    let longer = [IMAGES.as_slice(), b"tail"].concat();
    let options = OpenOptions::new();
    for stream in [IMAGES.to_vec(), gzip(&IMAGES)] {
        assert_eq!(idx_format::read(&stream[..], &options).unwrap(), IMAGES);
    }
    for stream in [longer.clone(), gzip(&longer)] {
        let error = idx_format::read(&stream[..], &options).unwrap_err();
        assert!(matches!(error, ReadError::Parse(ParseError::TrailingBytes { offset: 46, .. })), "{error:?}");
        assert_eq!(idx_format::read(&stream[..], &options.trailing(Trailing::Ignore)).unwrap(), IMAGES);
    }
    for stream in [IMAGES[..40].to_vec(), gzip(&IMAGES[..40])] {
        let error = idx_format::read(&stream[..], &options).unwrap_err();
        assert!(matches!(error, ReadError::Parse(ParseError::PayloadTruncated { .. })), "{error:?}");
        let error = idx_format::read(&stream[..], &options.max_bytes(45)).unwrap_err();
        assert!(matches!(error, ReadError::OverLimit { limit: 45, claimed: 46 }), "{error:?}");
    }
    let error = idx_format::read(&gzip(&IMAGES)[..20], &options).unwrap_err();
    assert!(matches!(error, ReadError::Gzip(_)), "{error:?}");
}
