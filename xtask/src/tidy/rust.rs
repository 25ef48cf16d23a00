//! Owns the rules on Rust files: how they open, where unsafe code stands, what libraries must not do.

use super::source::{Source, lines_with_word};
use super::{CHAIN, Finding, TextFile};

/// The files that may hold unsafe code; each has its reasons in comments, and in ARCHITECTURE.md.
const UNSAFE_ALLOWED: &[&str] = &[
    "crates/idx-format/src/map.rs", // mapping a file, giving pages of it back
    "crates/idx-format/tests/allocation.rs", // an allocator that counts
    "crates/nn-cli/src/cut/handler.rs", // a handler of SIGBUS, for mapped files that are cut
    "crates/nn-core/src/simd/x86.rs", // kernels of CPU features that are found at run time
    "crates/nn-core/src/team.rs",   // threads that live as long as a fit borrow what a step borrows
    "crates/nn-core/tests/no_allocation.rs", // an allocator that counts
    "crates/nn-train/tests/allocation.rs", // an allocator that counts
];

/// Something that a library does not do, with the words that give it away.
struct Ban {
    packages: &'static [&'static str],
    what: &'static str,
    words: &'static [&'static str],
}

const LIBRARIES: &[&str] = &["idx-format", "nn-core", "nn-train"];

const BANS: &[Ban] = &[
    Ban {
        packages: LIBRARIES,
        what: "a library does not print (return the value, or call an observer)",
        words: &["print", "println", "eprint", "eprintln", "stdout", "stderr"],
    },
    Ban {
        packages: LIBRARIES,
        what: "a library does not look at its surroundings (take an argument)",
        words: &[
            "std::env",
            "env::var",
            "env::var_os",
            "env::args",
            "available_parallelism",
            "process::exit",
        ],
    },
    Ban {
        packages: LIBRARIES,
        what: "a library does not pick a seed (take a generator or a seed)",
        words: &[
            "thread_rng",
            "ThreadRng",
            "OsRng",
            "from_os_rng",
            "from_entropy",
            "rand::rng",
            "rand::random",
        ],
    },
    Ban {
        packages: &["idx-format", "nn-core"],
        what: "clocks belong to nn-train and above",
        words: &["Instant", "SystemTime"],
    },
    Ban {
        packages: &["nn-core"],
        what: "files belong to idx-format below and nn-train above",
        words: &["std::fs", "fs::File", "std::path", "std::io"],
    },
];

/// Lines of code above which a file is listed.
const LONG: usize = 500;

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in rust_files(files) {
        let source = Source::parse(&file.text);
        findings.extend(opening(file));
        findings.extend(marks(file, &source));
        findings.extend(unsafe_code(file, &source));
        findings.extend(bans(file, &source));
    }
    findings.extend(stale_permissions(files));
    findings
}

/// Files with more than [`LONG`] lines of code, tests and comments not counted.
pub(super) fn long_files(files: &[TextFile]) -> Vec<(&str, usize)> {
    let lengths = rust_files(files).map(|file| {
        let code = Source::parse(&file.text).code_without_tests();
        (file.path.as_str(), code.lines().filter(|line| !line.trim().is_empty()).count())
    });
    lengths.filter(|(_, lines)| *lines > LONG).collect()
}

fn rust_files(files: &[TextFile]) -> impl Iterator<Item = &TextFile> {
    files.iter().filter(|file| file.path.ends_with(".rs"))
}

fn opening(file: &TextFile) -> Option<Finding> {
    // A crate's root may open with the crate's README in place of a sentence of its own.
    let openings = ["//! ", "#![doc = include_str!("];
    let message = "opens with no `//!` sentence on what it owns and what it refuses to know";
    let is_open = openings.iter().any(|opening| file.text.starts_with(opening));
    (!is_open).then(|| Finding::at(&file.path, 1, message))
}

/// Words of the wish to do something later: an issue holds it better than a comment.
fn marks(file: &TextFile, source: &Source) -> Vec<Finding> {
    let of_word = |word| {
        lines_with_word(&source.comments, word).into_iter().map(move |line| {
            Finding::at(&file.path, line, format!("a comment says {word}: do it, or open an issue"))
        })
    };
    ["TODO", "FIXME", "XXX"].into_iter().flat_map(of_word).collect()
}

fn unsafe_code(file: &TextFile, source: &Source) -> Vec<Finding> {
    if UNSAFE_ALLOWED.contains(&file.path.as_str()) {
        return Vec::new();
    }
    lines_with_word(&source.code, "unsafe")
        .into_iter()
        .map(|line| {
            Finding::at(
                &file.path,
                line,
                "unsafe code in a file that is not allowed any (xtask/src/tidy/rust.rs)",
            )
        })
        .collect()
}

/// A permission that nobody uses hides the next unsafe block from review.
fn stale_permissions(files: &[TextFile]) -> Vec<Finding> {
    let uses = |path: &&&str| {
        let file = files.iter().find(|file| file.path == **path);
        file.is_some_and(|file| !lines_with_word(&Source::parse(&file.text).code, "unsafe").is_empty())
    };
    let stale = UNSAFE_ALLOWED.iter().filter(|path| !uses(path));
    stale
        .map(|path| Finding::in_file(path, "is allowed unsafe code but has none (xtask/src/tidy/rust.rs)"))
        .collect()
}

fn bans(file: &TextFile, source: &Source) -> Vec<Finding> {
    let Some(package) = file.package() else { return Vec::new() };
    if !CHAIN.contains(&package) || !is_library_code(&file.path) {
        return Vec::new();
    }
    let code = source.code_without_tests();
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| ban.packages.contains(&package)) {
        for word in ban.words {
            for line in lines_with_word(&code, word) {
                findings.push(Finding::at(&file.path, line, format!("`{word}`: {}", ban.what)));
            }
        }
    }
    findings
}

/// Whether a file is part of what users of the crate link, and not of its tests.
fn is_library_code(path: &str) -> bool {
    path.contains("/src/") && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let findings = check(&[TextFile::new(path, text)]);
        // The fixture has none of the allowed files.
        findings
            .into_iter()
            .filter(|finding| finding.path == path)
            .map(|finding| finding.to_string())
            .collect()
    }

    #[test]
    fn a_file_that_opens_with_code_is_found() {
        assert_eq!(messages("a.rs", "//! Owns.\nfn f() {}\n"), [""; 0]);
        assert!(messages("a.rs", "fn f() {}\n")[0].starts_with("a.rs:1: opens with no"));
    }

    #[test]
    fn a_mark_is_found_in_a_comment_but_not_in_a_string() {
        let text = concat!("//! Owns.\nlet x = \"TODO\";\n", "// TO", "DO: later\n");
        assert_eq!(messages("a.rs", text).len(), 1);
        assert!(messages("a.rs", text)[0].starts_with("a.rs:3: "));
    }

    #[test]
    fn unsafe_code_is_found_outside_the_allowed_files() {
        let text = "//! Owns.\n#![deny(unsafe_code)]\nunsafe fn f() {}\n";
        assert!(
            messages("crates/nn-core/src/loss.rs", text)[0]
                .starts_with("crates/nn-core/src/loss.rs:3: unsafe")
        );
        assert_eq!(messages(UNSAFE_ALLOWED[0], text), [""; 0]);
    }

    #[test]
    fn a_permission_without_use_is_found() {
        let text = "//! Owns.\nfn f() {}\n";
        assert!(messages(UNSAFE_ALLOWED[0], text)[0].contains("but has none"));
    }

    #[test]
    fn each_ban_holds_in_its_crates_alone() {
        let clock = "//! Owns.\nlet now = Instant::now();\n";
        assert_eq!(messages("crates/nn-core/src/engine.rs", clock).len(), 1);
        assert_eq!(messages("crates/nn-train/src/fit.rs", clock), [""; 0]);
        let environment = "//! Owns.\nlet home = std::env::var(\"HOME\");\n";
        assert!(!messages("crates/nn-train/src/fit.rs", environment).is_empty());
        assert_eq!(messages("crates/nn-cli/src/main.rs", environment), [""; 0]);
        assert_eq!(messages("crates/nn-train/tests/fit.rs", environment), [""; 0]);
        let in_tests = "//! Owns.\n#[cfg(test)]\nmod tests { fn f() { println!(); } }\n";
        assert_eq!(messages("crates/nn-train/src/fit.rs", in_tests), [""; 0]);
        let seed = "//! Owns.\nlet mut rng = rand::rng();\n";
        assert_eq!(messages("crates/nn-train/src/fit.rs", seed).len(), 1);
    }

    #[test]
    fn only_lines_of_code_make_a_file_long() {
        let code = "let x = 1;\n".repeat(501);
        assert_eq!(long_files(&[TextFile::new("a.rs", &code)]), [("a.rs", 501)]);
        let comments = "// why\n\n".repeat(501);
        assert_eq!(long_files(&[TextFile::new("a.rs", &comments)]), []);
    }
}
