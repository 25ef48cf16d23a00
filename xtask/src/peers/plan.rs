//! Owns what is compared: the peers, the tasks, and who does which in which ways; runs and measures nothing.

/// Somebody who does a task.
#[derive(Debug)]
pub(super) struct Peer {
    /// As it is typed.
    pub(super) name: &'static str,
    /// As it is shown.
    pub(super) title: &'static str,
    pub(super) source: Source,
}

/// What a peer's program is made from.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// A file of `xtask/peers` for Python, and the packages that it imports.
    Python { script: &'static str, packages: &'static [&'static str] },
    /// A package in a folder of `xtask/peers`.
    Cargo { folder: &'static str },
    /// This project.
    Ours,
}

/// The name of this project among the peers.
pub(super) const OURS: &str = "ours";

pub(super) const PEERS: &[Peer] = &[
    Peer { name: OURS, title: "this project", source: Source::Ours },
    python("pytorch", "PyTorch", "pytorch.py", &["numpy", "torch"]),
    python("jax", "JAX", "jax_peer.py", &["jax", "jaxlib", "numpy"]),
    Peer { name: "burn", title: "burn", source: Source::Cargo { folder: "burn" } },
    Peer { name: "candle", title: "candle", source: Source::Cargo { folder: "candle" } },
    python("scikit-learn", "scikit-learn", "scikit_learn.py", &["numpy", "scikit-learn", "scipy"]),
    python("numpy", "NumPy", "numpy_peer.py", &["numpy"]),
    python("onnxruntime", "ONNX Runtime", "onnx_runtime.py", &["numpy", "onnx", "onnxruntime"]),
];

const fn python(
    name: &'static str,
    title: &'static str,
    script: &'static str,
    packages: &'static [&'static str],
) -> Peer {
    Peer { name, title, source: Source::Python { script, packages } }
}

pub(super) fn peer(name: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name)
}

/// Work that is the same for all who do it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What a program is told to do.
    pub(super) word: &'static str,
    /// What a figure is the time of.
    pub(super) figure: &'static str,
    /// What is done and measured, in a paragraph.
    pub(super) about: &'static str,
    /// A folder of `data/`.
    pub(super) data: &'static str,
    /// Whether the time is that of the whole process, start and end included.
    pub(super) is_process: bool,
    /// Whether there is nothing to repeat, because it is not the time that is asked for.
    pub(super) is_once: bool,
    pub(super) entries: &'static [Entry],
}

/// Ways in which a peer does a task: each variant on each number of threads.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) peer: &'static str,
    pub(super) variants: &'static [&'static str],
    pub(super) threads: &'static [u32],
}

const fn entry(peer: &'static str, variants: &'static [&'static str], threads: &'static [u32]) -> Entry {
    Entry { peer, variants, threads }
}

const PLAIN: &[&str] = &[""];
/// The images changed so that no pixel is 0.
pub(super) const LIT: &[&str] = &["no dark pixel"];
/// This project built for the processor at hand.
pub(super) const NATIVE: &str = "native";

const DEFAULTS: Task = Task {
    name: "",
    title: "",
    word: "epoch",
    figure: "an epoch",
    about: "",
    data: "mnist",
    is_process: false,
    is_once: false,
    entries: &[],
};

pub(super) const TASKS: &[Task] = &[
    Task {
        name: "epoch",
        title: "An epoch",
        about: "784-100-10, ReLU, softmax cross-entropy, SGD at 0.1, batches of 64: one shuffled epoch over the \
                60,000 images, which are in memory already (as 32-bit floats for the peers). The first epoch of a \
                process is not timed, so that nobody's compiler is; the next two are. The accuracy is that of the \
                10,000 test images after these three epochs.",
        entries: &[
            entry(OURS, PLAIN, &[1, 2]),
            entry("pytorch", &["eager"], &[1, 2]),
            entry("pytorch", &["compiled"], &[2]),
            entry("jax", PLAIN, &[1, 2]),
            entry("burn", &["flex", "ndarray"], &[1, 2]),
            entry("candle", PLAIN, &[1, 2]),
            entry("scikit-learn", PLAIN, &[1, 2]),
            entry("numpy", PLAIN, &[1, 2]),
        ],
        ..DEFAULTS
    },
    Task {
        name: "process",
        title: "From nothing to a model on disk",
        word: "process",
        figure: "a process",
        about: "From the start of the process to its end: open and check the data, train 784-100-10 by the \
                program's default recipe (batches of 50, SGD with a one-cycle rate up to 0.7, 8 epochs, He's and \
                Glorot's initial weights), measure the test accuracy after each epoch, and leave a model on disk. \
                Compiling is part of it. This project is `nn-cli train` as it stands. Each round has a seed of \
                its own, from 1; the accuracy is the mean.",
        is_process: true,
        entries: &[
            entry(OURS, PLAIN, &[2]),
            entry("pytorch", &["eager"], &[1, 2]),
            entry("jax", PLAIN, &[1, 2]),
        ],
        ..DEFAULTS
    },
    Task {
        name: "one-by-one",
        title: "One sample a step",
        word: "one-by-one",
        about: "An epoch of the textbook program: 784-100-10, sigmoids, their cross-entropy, SGD at 0.1 after each \
                sample, weights from N(0, 0.01²). NumPy computes in float64 columns, as introductions write it, and \
                is given the first 6,000 samples; **its time is multiplied by ten**, and its accuracy is that after \
                6,000. This project trains the whole epoch.",
        entries: &[entry(OURS, PLAIN, &[1]), entry("numpy", PLAIN, &[1])],
        ..DEFAULTS
    },
    Task {
        name: "as-printed",
        title: "The tutorial's program",
        word: "one-by-one",
        about: "An epoch of the program of the tutorial that this project grew from: 784-100-10, one sample a step. \
                NumPy computes what was printed there, with the types that it has there (matrices of integers and \
                of float64), mistakes included, so that it learns nothing; it is given the first 1,500 samples, and \
                **its time is multiplied by forty**. This project trains the whole epoch of what was meant.",
        entries: &[entry(OURS, PLAIN, &[1]), entry("numpy", &["as printed"], &[1, 2])],
        ..DEFAULTS
    },
    Task {
        name: "deep",
        title: "A step of a deep network",
        word: "deep",
        figure: "a step",
        about: "784-2500-2000-1500-1000-500-10, ReLU, softmax cross-entropy, SGD, batches of 128: the median of 12 \
                steps after 4 that are not timed.",
        entries: &[entry(OURS, PLAIN, &[2]), entry("pytorch", &["eager"], &[2]), entry("jax", PLAIN, &[2])],
        ..DEFAULTS
    },
    Task {
        name: "one-image",
        title: "One image",
        word: "one-image",
        figure: "an image",
        about: "Inference by 784-100-10 of a single image on one thread: the median over the 10,000 test images, \
                each asked for alone, from the caller's language. The peers are given 32-bit floats, this project \
                the bytes of the file.",
        entries: &[
            entry(OURS, PLAIN, &[1]),
            entry("onnxruntime", PLAIN, &[1]),
            entry("pytorch", &["eager", "traced"], &[1]),
        ],
        ..DEFAULTS
    },
    Task {
        name: "many-images",
        title: "Many images",
        word: "many-images",
        figure: "10,000 images",
        about: "Inference by 784-100-10 of the 10,000 test images in one call: the median of 20 calls.",
        entries: &[
            entry(OURS, PLAIN, &[1, 2]),
            entry("onnxruntime", PLAIN, &[1, 2]),
            entry("pytorch", &["eager", "traced"], &[1, 2]),
        ],
        ..DEFAULTS
    },
    Task {
        name: "augment",
        title: "Distorted images",
        word: "augment",
        figure: "60,000 images",
        about: "All 60,000 training images turned (15 degrees), scaled (15 %), slanted (0.2), moved (1.5 pixels) and \
                bent (by a Gaussian of 5.5 pixels, 1.2 pixels), each by numbers of its own, with bilinear sampling: \
                the median of 5 passes after one that is not timed. PyTorch takes and gives 32-bit floats, by \
                `affine_grid` and `grid_sample` in batches; the Gaussian is a convolution by rows and columns, or two \
                products of matrices. This project takes and gives bytes, and draws the bends on a coarse grid.",
        entries: &[entry(OURS, PLAIN, &[1, 2]), entry("pytorch", &["convolution", "products"], &[1, 2])],
        ..DEFAULTS
    },
    Task {
        name: "sweep",
        title: "A search for the best settings",
        word: "sweep",
        figure: "a search",
        about: "From the start of the process to its end: eight networks 784-100-10, every combination of two sizes of \
                batches and four constant learning rates (`xtask/peers/sweep.toml`), each trained for three epochs on \
                50,000 images, compared on the other 10,000, and the best trained once more on all 60,000 and measured \
                on the test images. This project is `nn-cli sweep`, a network a thread; scikit-learn is \
                `GridSearchCV` of `MLPClassifier` with as many jobs as threads, on 32-bit floats.",
        is_process: true,
        entries: &[entry(OURS, PLAIN, &[1, 2]), entry("scikit-learn", PLAIN, &[2])],
        ..DEFAULTS
    },
    Task {
        name: "dense",
        title: "Half of the pixels lit",
        about: "The task `epoch` on Fashion-MNIST, half of whose pixels are not 0.",
        data: "fashion-mnist",
        entries: &[
            entry(OURS, PLAIN, &[1, 2]),
            entry("pytorch", &["eager"], &[1, 2]),
            entry("jax", PLAIN, &[1, 2]),
        ],
        ..DEFAULTS
    },
    Task {
        name: "lit",
        title: "All pixels lit",
        about: "The task `epoch` on MNIST with every 0 made a 1 (of 255), so that nothing can be skipped.",
        entries: &[entry(OURS, LIT, &[1, 2]), entry("jax", LIT, &[2])],
        ..DEFAULTS
    },
    Task {
        name: "native",
        title: "A plain build and a native one",
        about: "The task `epoch` by this project built as anybody builds it, and with `-Ctarget-cpu=native`.",
        entries: &[entry(OURS, &["", NATIVE], &[2])],
        ..DEFAULTS
    },
    Task {
        name: "threads",
        title: "The same bits on any number of threads",
        about: "The task `epoch` by this project on 1 to 4 threads, once each, for the SHA-256 of the parameters.",
        is_once: true,
        entries: &[entry(OURS, PLAIN, &[1, 2, 3, 4])],
        ..DEFAULTS
    },
    Task {
        name: "matrix",
        title: "The machine's peak",
        word: "matrix",
        figure: "a product",
        about: "The product of two matrices of 2048 x 2048 32-bit floats, the median of 8. The fastest time of \
                anybody is taken as the peak. candle's product is that of the crate `gemm`.",
        entries: &[
            entry("pytorch", PLAIN, &[2]),
            entry("jax", PLAIN, &[2]),
            entry("numpy", PLAIN, &[2]),
            entry("candle", PLAIN, &[2]),
        ],
        ..DEFAULTS
    },
];

/// One thing to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) task: &'static Task,
    pub(super) peer: &'static Peer,
    pub(super) variant: &'static str,
    pub(super) threads: u32,
}

impl Cell {
    /// As a message names it.
    pub(super) fn name(&self) -> String {
        let way = self.way();
        format!("{}: {}, {way}", self.task.name, self.peer.title)
    }

    /// In which way the peer does the task.
    pub(super) fn way(&self) -> String {
        let threads = if self.threads == 1 { "1 thread".into() } else { format!("{} threads", self.threads) };
        if self.variant.is_empty() { threads } else { format!("{}, {threads}", self.variant) }
    }
}

/// All that these peers do of these tasks, task by task.
pub(super) fn cells(peers: &[&str], tasks: &[&str]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for task in TASKS.iter().filter(|task| tasks.contains(&task.name)) {
        for entry in task.entries.iter().filter(|entry| peers.contains(&entry.peer)) {
            let Some(peer) = peer(entry.peer) else { continue };
            for &variant in entry.variants {
                cells.extend(entry.threads.iter().map(|&threads| Cell { task, peer, variant, threads }));
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn every_entry_names_a_peer_and_every_peer_has_an_entry() {
        let entries = || TASKS.iter().flat_map(|task| task.entries);
        assert!(entries().all(|entry| peer(entry.peer).is_some()));
        for peer in PEERS {
            assert!(entries().any(|entry| entry.peer == peer.name), "{}", peer.name);
        }
    }

    #[test]
    fn the_help_names_every_task_and_every_peer() {
        let help: Vec<&str> = crate::bench::HELP.split([' ', ',', ']', '\n']).collect();
        for name in TASKS.iter().map(|task| task.name).chain(PEERS.iter().map(|peer| peer.name)) {
            assert!(name == OURS || help.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_peer_has_its_program_and_every_package_its_version() {
        let folder = workspace::root().join("xtask/peers");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let requirements = read("requirements.txt");
        for peer in PEERS {
            match peer.source {
                Source::Python { script, packages } => {
                    assert!(read(script).contains("common.report("), "{script}");
                    for package in packages {
                        let pin = format!("{package}==");
                        assert!(requirements.lines().any(|line| line.starts_with(&pin)), "{package}");
                    }
                }
                Source::Cargo { folder } => {
                    assert!(read(&format!("{folder}/Cargo.toml")).contains("[workspace]"));
                    assert!(!read(&format!("{folder}/Cargo.lock")).is_empty());
                    assert!(read(&format!("{folder}/src/main.rs")).starts_with("//! "));
                }
                Source::Ours => {
                    assert!(workspace::root().join("crates/nn-train/benches/peer.rs").exists());
                }
            }
        }
        for name in ["common.py", "launch.py"] {
            assert!(!read(name).is_empty());
        }
    }

    #[test]
    fn every_program_knows_the_words_of_its_tasks() {
        let root = workspace::root();
        for cell in
            cells(&PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>(), &["epoch", "deep", "matrix"])
        {
            let path = match cell.peer.source {
                Source::Python { script, .. } => root.join("xtask/peers").join(script),
                Source::Cargo { folder } => root.join("xtask/peers").join(folder).join("src/main.rs"),
                Source::Ours => root.join("crates/nn-train/benches/peer.rs"),
            };
            let program = std::fs::read_to_string(path).unwrap();
            assert!(program.contains(&format!("\"{}\"", cell.task.word)), "{}", cell.name());
        }
    }

    #[test]
    fn cells_are_those_of_the_peers_and_tasks_that_were_asked_for() {
        let names: Vec<String> = cells(&["jax", OURS], &["deep", "epoch"]).iter().map(Cell::name).collect();
        let expected = [
            "epoch: this project, 1 thread",
            "epoch: this project, 2 threads",
            "epoch: JAX, 1 thread",
            "epoch: JAX, 2 threads",
            "deep: this project, 2 threads",
            "deep: JAX, 2 threads",
        ];
        assert_eq!(names, expected);
    }
}
