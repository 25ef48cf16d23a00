//! Owns the tests of `fetch-data` as a whole: real curl, a server of our own, a small catalogue.

mod mirrors;
mod places;
mod server;

use super::*;
use crate::digest::sha256;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

/// Bytes that gzip cannot shorten, so that a download can be cut where one likes. Those of seeds 1 and 2
/// begin with `<`, as a web page does.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); // Numerical Recipes' generator
        (state >> 24) as u8
    };
    (0..length).map(step).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A set of two files, what is in them, and a folder to bring them to.
struct Scene {
    images: Vec<u8>,
    labels: Vec<u8>,
    set: DataSet,
    request: super::Request,
    /// What the user was told.
    said: Vec<String>,
    scratch: ScratchFolder,
}

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

impl Scene {
    fn new(mirrors: Vec<String>) -> Self {
        let scratch = ScratchFolder::create("fetch").unwrap();
        let (images, labels) = (noise(200_000, 1), noise(3_000, 2));
        let file = |name: &str, bytes: &[u8]| DataFile {
            name: name.into(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        };
        let files = vec![file(IMAGES, &images), file(LABELS, &labels)];
        let set = DataSet { name: "mnist".into(), title: "Noise".into(), files, mirrors, package: None };
        let patience = Patience {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(60),
            slow: Duration::from_secs(1),
            retries: 1,
            pause: Duration::from_millis(1),
        };
        let to = scratch.path().join("to");
        let request = super::Request { to, from: None, offline: false, patience };
        Self { images, labels, set, request, said: Vec::new(), scratch }
    }

    fn fetch(&mut self) -> Result<()> {
        let said = &mut self.said;
        fetch(&self.set, &self.request, &mut |line| said.push(line.to_owned()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.request.to.join(name)
    }

    /// Whether both files stand there, and nothing else.
    fn is_complete(&self) -> bool {
        fs::read(self.path(IMAGES)).is_ok_and(|bytes| bytes == self.images)
            && fs::read(self.path(LABELS)).is_ok_and(|bytes| bytes == self.labels)
            && self.names_there() == [IMAGES, LABELS]
    }

    fn names_there(&self) -> Vec<String> {
        Self::names_in(&self.request.to)
    }

    /// The names of what waits for the rest, and of what has come in part.
    fn names_waiting(&self) -> Vec<String> {
        Self::names_in(&self.waiting(""))
    }

    /// Where a file waits while the set has no folder.
    fn waiting(&self, name: &str) -> PathBuf {
        self.scratch.path().join(".to.incoming").join(name)
    }

    /// None where there is no folder.
    fn names_in(folder: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
