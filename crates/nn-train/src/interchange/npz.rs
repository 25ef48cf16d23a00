//! NumPy's archives: owns how arrays stand in a zip file and how much they may unpack to, and refuses to know what they
//! are for.
//!
//! `name.npy` in the archive is the array `name`. What is written here is stored without compression and without a
//! date, so that equal arrays give equal bytes.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use flate2::bufread::DeflateDecoder;
use nn_core::ndarray::{ArrayView1, ArrayView2};
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter, path::EntryPath};

use super::{ImportError, npy, tensor::Tensor};

/// The most arrays that are read.
const MAX_ENTRIES: usize = 4096;

/// Arrays by their names, on their way to a `.npz` file, which `numpy.load` opens.
///
/// # Examples
/// ```
/// use nn_train::{interchange::Npz, nn_core::ndarray::array};
/// let bytes = Npz::default()
///     .with_floats("logits", array![[0.5, -1.0, 2.0], [1.0, 0.0, 0.25]].view())
///     .with_bytes("labels", array![2, 0].view())
///     .to_bytes();
/// assert_eq!(bytes[..2], *b"PK");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Npz {
    files: Vec<(String, Vec<u8>)>,
}

impl Npz {
    /// With a matrix of `f32`.
    #[must_use]
    pub fn with_floats(mut self, name: &str, array: ArrayView2<'_, f32>) -> Npz {
        let bytes = npy::of_floats(array.shape(), array.iter().copied());
        self.files.push((name.to_owned(), bytes));
        self
    }

    /// With a vector of `f32`.
    #[must_use]
    pub fn with_vector(mut self, name: &str, array: ArrayView1<'_, f32>) -> Npz {
        let bytes = npy::of_floats(array.shape(), array.iter().copied());
        self.files.push((name.to_owned(), bytes));
        self
    }

    /// With a vector of bytes.
    #[must_use]
    pub fn with_bytes(mut self, name: &str, array: ArrayView1<'_, u8>) -> Npz {
        let bytes = npy::of_bytes(array.shape(), array.iter().copied());
        self.files.push((name.to_owned(), bytes));
        self
    }

    /// With a text, an array of no dimensions.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: &str) -> Npz {
        self.files.push((name.to_owned(), npy::of_text(text)));
        self
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.archive().expect("a vector takes whatever is written to it")
    }

    fn archive(&self) -> Result<Vec<u8>, rawzip::Error> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, bytes) in &self.files {
            // As it is: a name of Keras, `dense/kernel:0`, would otherwise be read as one of a drive and a folder.
            let path = EntryPath::verbatim(format!("{name}.npy").into_bytes());
            let (mut entry, config) = archive.new_file(path).start()?;
            let mut writer = config.wrap(&mut entry);
            writer.write_all(bytes)?;
            let (_, descriptor) = writer.finish()?;
            entry.finish(descriptor)?;
        }
        archive.finish()
    }
}

/// The arrays of a file, in their order. Together they may unpack to `max_bytes`.
pub(super) fn read(bytes: &[u8], max_bytes: u64) -> Result<Vec<Tensor<'_>>, ImportError> {
    let malformed = |error: rawzip::Error| ImportError::Zip { reason: error.to_string().to_lowercase() };
    let archive = ZipArchive::from_slice(bytes).map_err(malformed)?;
    let mut entries = archive.entries();
    let mut tensors = Vec::new();
    let mut left = max_bytes;
    while let Some(record) = entries.next_entry().map_err(malformed)? {
        if tensors.len() == MAX_ENTRIES {
            return Err(ImportError::TooMany { what: "arrays", limit: MAX_ENTRIES });
        }
        let path = record.file_path();
        let Ok(path) = str::from_utf8(path.as_bytes()) else {
            return Err(ImportError::Zip { reason: "expected names in UTF-8".to_owned() });
        };
        if path.ends_with("data.pkl") {
            return Err(ImportError::Stranger { found: "a file of torch.save" });
        }
        let Some(name) = path.strip_suffix(".npy") else {
            return Err(ImportError::Zip { reason: format!("expected arrays named *.npy, found {path:?}") });
        };
        let array = |reason| ImportError::Array { name: name.to_owned(), reason };
        if record.flags().is_encrypted() {
            return Err(array("it is encrypted".to_owned()));
        }
        let entry = archive.get_entry(record.wayfinder()).map_err(malformed)?;
        let damaged = |error: io::Error| array(format!("cannot unpack it: {error}").to_lowercase());
        let content = match record.compression_method() {
            CompressionMethod::STORE => {
                io::copy(&mut entry.verifying_reader(entry.data()), &mut io::sink()).map_err(damaged)?;
                let (start, end) = entry.compressed_data_range();
                Cow::Borrowed(&bytes[start as usize..end as usize])
            }
            CompressionMethod::DEFLATE => {
                // One byte more than allowed shows that there are too many. The vector grows with what arrives.
                let mut content = Vec::new();
                let unpacked = entry.verifying_reader(DeflateDecoder::new(entry.data()));
                unpacked.take(left.saturating_add(1)).read_to_end(&mut content).map_err(damaged)?;
                Cow::Owned(content)
            }
            method => return Err(array(format!("expected it stored or deflated, found {method:?}"))),
        };
        left = left
            .checked_sub(content.len() as u64)
            .ok_or(ImportError::Limit { what: "unpacked arrays", limit: max_bytes })?;
        tensors.push(npy::parse(name, content).map_err(array)?);
    }
    Ok(tensors)
}
