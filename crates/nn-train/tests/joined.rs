//! Data in several files, and data that stays in its file while it is trained on. Images are 2 x 3, and there are 5
//! classes.

mod checkpoints;

use std::{
    fs,
    ops::Range,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use checkpoints::{bits, config, network, size};
use nn_train::{
    Augmentation, DataError, DataFiles, Fingerprint, FitConfig, History, Ingredients, JoinedFiles, Order,
    Pages, Samples, Split, TrainingSet, evaluate, fit,
    nn_core::{
        Dataset, Optimizer,
        idx_format::{Access, OpenOptions},
    },
};

const TRAIN: &str = "train-images-idx3-ubyte";

/// So many samples whose class can be seen, from this one on.
fn samples(range: Range<usize>) -> (Vec<u8>, Vec<u8>) {
    let label = |i: usize| i * 7 % 5;
    let pixel = |i: usize, feature: usize| {
        let noise = (i * 31 + feature * 17) % 90;
        if feature == label(i) { 200 + (noise / 2) as u8 } else { noise as u8 }
    };
    let pixels = range.clone().flat_map(|i| (0..6).map(move |feature| pixel(i, feature))).collect();
    (pixels, range.map(|i| label(i) as u8).collect())
}

fn idx(lengths: &[u32], payload: &[u8]) -> Vec<u8> {
    let header = [0, 0, 8, lengths.len() as u8].into_iter();
    let lengths = lengths.iter().flat_map(|length| length.to_be_bytes());
    header.chain(lengths).chain(payload.iter().copied()).collect()
}

/// A folder of these samples, all of them mapped.
fn folder(at: &Path, name: &str, range: Range<usize>) -> DataFiles {
    let (folder, count) = (at.join(name), range.len() as u32);
    let (pixels, labels) = samples(range);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(TRAIN), idx(&[count, 2, 3], &pixels)).unwrap();
    fs::write(folder.join("train-labels-idx1-ubyte"), idx(&[count], &labels)).unwrap();
    open(&folder).unwrap()
}

fn open(folder: &Path) -> Result<DataFiles, DataError> {
    DataFiles::open_with(folder, Split::Train, &OpenOptions::new().access(Access::Map))
}

fn fitted<'a>(
    train: impl Into<TrainingSet<'a>>,
    validation: Samples<'_>,
    config: &FitConfig,
) -> (Vec<u32>, History) {
    let (mut network, mut optimizer) = (network(), Optimizer::sgd(0.5));
    let train = TrainingSet { image_shape: &[2, 3], ..train.into() };
    let history = fit(&mut network, &mut optimizer, train, Some(validation), config, &mut ()).unwrap();
    (bits(network.parameters()), history)
}

/// Plain, distorted and mixed, in both orders.
fn configs() -> Vec<FitConfig> {
    let augmentation = Some(Augmentation { shift: 0.5, ..Augmentation::AFFINE });
    let ingredients = [
        Ingredients::NONE,
        Ingredients { augmentation, ..Ingredients::NONE },
        Ingredients { augmentation, mixup: 0.5, ..Ingredients::NONE },
    ];
    let orders = [Order::Full, "blocks:4,3".parse().unwrap()];
    let both = |ingredients| orders.map(|order| FitConfig { ingredients, order, ..config() });
    ingredients.into_iter().flat_map(both).collect()
}

#[test]
fn several_folders_train_to_the_bits_of_one_with_all_their_samples() {
    let (pixels, labels) = samples(0..103);
    let whole = Dataset::new(&pixels, 6, &labels, 5).unwrap();
    let at = tempfile::tempdir().unwrap();
    let files =
        [("a", 0..31), ("b", 31..32), ("c", 32..103)].map(|(name, range)| folder(at.path(), name, range));
    let files = JoinedFiles::new(files.into()).unwrap();
    assert_eq!((files.len(), files.classes(), files.image_shape()), (103, 5, &[2, 3][..]));
    let parts = files.parts();
    let joined = Samples::joined(&parts).unwrap();
    assert_eq!(Fingerprint::of(joined), Fingerprint::of(whole));

    // The samples to validate on begin within a folder, or are of several.
    for kept in [20, 80] {
        let (train, validation) = Samples::from(whole).split_at(103 - kept);
        let (joined_train, joined_validation) = joined.split_at(103 - kept);
        assert_eq!(Fingerprint::of(joined_validation), Fingerprint::of(validation));
        for config in configs() {
            let expected = fitted(train, validation, &config);
            for threads in 1..=4 {
                let config = FitConfig { threads: size(threads), ..config };
                let set = TrainingSet { pages: Some(&files), ..joined_train.into() };
                let found = fitted(set, joined_validation, &config);
                assert!(found == expected, "{config:?}");
            }
        }
        let (network, loss) = (network(), config().loss);
        let expected = evaluate(&network, loss, train, size(1)).unwrap();
        assert_eq!(evaluate(&network, loss, joined_train, size(3)).unwrap(), expected);
    }
}

#[test]
fn a_single_folder_is_as_its_files_are() {
    let at = tempfile::tempdir().unwrap();
    let files = JoinedFiles::from(folder(at.path(), "a", 0..31));
    let parts = files.parts();
    let joined = Samples::joined(&parts).unwrap();
    assert_eq!(Fingerprint::of(joined), Fingerprint::of(files.files()[0].view()));
    assert_eq!((files.len(), files.class_names()), (31, None));
}

/// Counts the samples of which it is told, and passes it on.
#[derive(Debug)]
struct Counting<'a> {
    files: &'a JoinedFiles,
    asked: AtomicUsize,
    loaded: AtomicUsize,
    released: AtomicUsize,
}

impl Pages for Counting<'_> {
    fn begin(&self) {
        self.files.begin();
    }

    fn will_need(&self, samples: Range<usize>) {
        self.asked.fetch_add(samples.len(), SeqCst);
        self.files.will_need(samples);
    }

    fn load(&self, samples: Range<usize>) {
        self.loaded.fetch_add(samples.len(), SeqCst);
        self.files.load(samples);
    }

    fn release(&self, samples: Range<usize>) {
        self.released.fetch_add(samples.len(), SeqCst);
        self.files.release(samples);
    }
}

#[test]
fn data_that_stays_in_its_files_trains_to_the_same_bits_and_stays_what_it_is() {
    const SAMPLES: usize = 20_003;
    let (pixels, labels) = samples(0..SAMPLES);
    let whole = Dataset::new(&pixels, 6, &labels, 5).unwrap();
    let validation = Samples::from(whole).slice(0..10);
    let at = tempfile::tempdir().unwrap();
    let files =
        [("a", 0..15_000), ("b", 15_000..SAMPLES)].map(|(name, range)| folder(at.path(), name, range));
    assert!(files.iter().all(|files| files.images().is_mapped()));
    let files = JoinedFiles::new(files.into()).unwrap();
    let bytes =
        || files.files().iter().map(|files| fs::read(files.images().path()).unwrap()).collect::<Vec<_>>();
    let before = bytes();
    let parts = files.parts();
    let joined = Samples::joined(&parts).unwrap();
    let order = "blocks:100,20".parse().unwrap();
    for mixup in [0.0, 0.5] {
        let ingredients = Ingredients { mixup, ..Ingredients::NONE };
        let config = FitConfig { order, ingredients, batch_size: size(100), ..config() };
        let [asked, loaded, released] = [0; 3].map(AtomicUsize::new);
        let pages = Counting { files: &files, asked, loaded, released };
        let set = TrainingSet { pages: Some(&pages), ..joined.into() };
        let found = fitted(set, validation, &config);
        assert!(found == fitted(whole, validation, &config));
        // Each sample once in each of three epochs, and only the last window of an epoch stays until the next begins.
        assert_eq!(pages.asked.load(SeqCst), 3 * SAMPLES);
        assert_eq!(pages.loaded.load(SeqCst), 3 * SAMPLES);
        let released = pages.released.load(SeqCst);
        assert!((3 * (SAMPLES - 2_000)..3 * SAMPLES).contains(&released), "{released}");
    }
    assert_eq!(Fingerprint::of(joined), Fingerprint::of(whole));
    assert!(bytes() == before);
}

/// How much of a mapped file is in the memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident(path: &Path) -> usize {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let of_file = maps.lines().skip_while(|line| !line.ends_with(path.to_str().unwrap()));
    let mut lines = of_file.take_while(|line| !line.starts_with("VmFlags"));
    let line = lines.find(|line| line.starts_with("Rss:")).expect("the file is mapped");
    1024 * line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn little_of_a_mapped_file_is_in_memory_while_it_is_trained_on() {
    use nn_train::{
        BatchReport, Observer,
        nn_core::{Activation, Network},
    };
    use std::ops::ControlFlow;

    /// The most that was in memory after any sixteenth batch.
    struct Most<'a>(&'a Path, u64, usize);
    impl Observer for Most<'_> {
        fn batch_finished(&mut self, report: &BatchReport) -> ControlFlow<()> {
            if report.batch.is_multiple_of(self.1) {
                self.2 = self.2.max(resident(self.0));
            }
            ControlFlow::Continue(())
        }
    }
    // 31 MB, in blocks of 2.4 MB: with a page, newer systems map up to 2 MB around it.
    const SAMPLES: usize = 40_000;
    let at = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..SAMPLES * 784).map(|i| if i % 7 == 0 { (i % 251) as u8 } else { 0 }).collect();
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % 5) as u8).collect();
    fs::write(at.path().join(TRAIN), idx(&[SAMPLES as u32, 28, 28], &pixels)).unwrap();
    fs::write(at.path().join("train-labels-idx1-ubyte"), idx(&[SAMPLES as u32], &labels)).unwrap();
    let files = open(at.path()).unwrap();
    let most = |pages: Option<&dyn Pages>| {
        let builder = Network::builder(784).dense(5, Activation::Identity);
        let config = FitConfig {
            epochs: 2,
            batch_size: size(50),
            rate: 0.01,
            order: "blocks:3000,1".parse().unwrap(),
            ..config()
        };
        files.begin();
        let set = TrainingSet { pages, ..files.view().into() };
        let mut most = Most(files.images().path(), 16, 0);
        fit(&mut builder.zeros().unwrap(), &mut Optimizer::sgd(0.01), set, None, &config, &mut most).unwrap();
        most.2
    };
    let (told, untold) = (most(Some(&files)), most(None));
    assert!(untold > 30_000_000, "{untold}");
    assert!(told < 12_000_000, "{told}");
}

#[test]
fn a_full_order_asks_for_nothing() {
    #[derive(Debug)]
    struct Never;
    impl Pages for Never {
        fn begin(&self) {
            panic!("an order of blocks begins");
        }
        fn will_need(&self, samples: Range<usize>) {
            panic!("{samples:?} are asked for");
        }
        fn load(&self, samples: Range<usize>) {
            panic!("{samples:?} are loaded");
        }
        fn release(&self, samples: Range<usize>) {
            panic!("{samples:?} are given up");
        }
    }
    let (pixels, labels) = samples(0..23);
    let whole = Samples::from(Dataset::new(&pixels, 6, &labels, 5).unwrap());
    let set = TrainingSet { pages: Some(&Never), ..whole.into() };
    fitted(set, whole, &config());
}

#[test]
fn an_order_of_blocks_trains_to_other_bits_than_a_full_one() {
    let (pixels, labels) = samples(0..23);
    let whole = Samples::from(Dataset::new(&pixels, 6, &labels, 5).unwrap());
    let blocks = FitConfig { order: "blocks:4,3".parse().unwrap(), ..config() };
    assert_ne!(fitted(whole, whole, &blocks), fitted(whole, whole, &config()));
}

#[test]
fn files_that_do_not_go_together_are_refused_by_name() {
    let at = tempfile::tempdir().unwrap();
    let path = |name: &str| at.path().join(name);
    let join =
        |names: &[&str]| JoinedFiles::new(names.iter().map(|name| open(&path(name)).unwrap()).collect());
    let message = |names: &[&str]| {
        let error = join(names).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.to_string().replace(&format!("{}/", at.path().display()), "")
    };
    for name in ["a", "b", "c"] {
        folder(at.path(), name, 0..10);
    }
    fs::create_dir(path("tall")).unwrap();
    fs::write(path("tall").join(TRAIN), idx(&[2, 3, 2], &[0; 12])).unwrap();
    fs::write(path("tall").join("train-labels-idx1-ubyte"), idx(&[2], &[0, 6])).unwrap();
    assert_eq!(
        message(&["a", "tall"]),
        format!("expected images of 2 x 3 in tall/{TRAIN}, as in a/{TRAIN}, found 3 x 2")
    );
    assert!(matches!(JoinedFiles::new(Vec::new()), Err(DataError::Nothing)));

    // Names are those of all folders that have some.
    fs::write(path("b").join("classes.txt"), "nought\none\ntwo\nthree\nfour\nfive\n").unwrap();
    let named = join(&["a", "b"]).unwrap();
    assert_eq!((named.classes(), named.class_names().unwrap()[5].as_str()), (6, "five"));
    fs::write(path("c").join("classes.txt"), "nought\none\ntwo\nthree\nfour\nsix\n").unwrap();
    assert_eq!(
        message(&["a", "b", "c"]),
        format!("expected the same names of classes beside c/{TRAIN} as beside b/{TRAIN}, found others")
    );
    fs::write(path("tall").join(TRAIN), idx(&[2, 2, 3], &[0; 12])).unwrap();
    assert_eq!(
        message(&["tall", "b"]),
        format!(
            "expected a name for each class up to 6, the greatest label in tall/train-labels-idx1-ubyte, found 6 \
             beside b/{TRAIN}"
        )
    );
    assert_eq!(join(&["tall", "a"]).unwrap().classes(), 7);
}
