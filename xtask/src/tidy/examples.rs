//! Owns the rule that the numbered examples are one course: 01, 02, ... from the lowest crate up.

use super::{CHAIN, Finding, TextFile};

/// An example `crates/PACKAGE/examples/NN-name.rs`.
#[derive(Debug, PartialEq)]
struct Example<'a> {
    position: usize,
    number: usize,
    path: &'a str,
}

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let (mut findings, mut examples) = (Vec::new(), Vec::new());
    for file in files {
        let parts: Vec<&str> = file.path.split('/').collect();
        let ["crates", package, "examples", name] = parts[..] else { continue };
        if !name.ends_with(".rs") {
            continue;
        }
        let number = name.split_once('-').filter(|(number, _)| number.len() == 2);
        match number.and_then(|(number, _)| number.parse().ok()) {
            Some(number) => {
                let position = CHAIN.iter().position(|link| *link == package).unwrap_or(CHAIN.len());
                examples.push(Example { position, number, path: &file.path });
            }
            None => findings.push(Finding::in_file(&file.path, "expected a name like 01-header.rs")),
        }
    }
    examples.sort_by_key(|example| (example.position, example.number));
    for (expected, example) in (1..).zip(&examples) {
        if example.number != expected {
            let message =
                format!("expected number {expected:02}: examples count on from the lowest crate up");
            findings.push(Finding::in_file(example.path, message));
            break; // every later one would be found too
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<String> {
        let files: Vec<TextFile> = paths.iter().map(|path| TextFile::new(path, "")).collect();
        check(&files).into_iter().map(|finding| finding.path).collect()
    }

    const HEADER: &str = "crates/idx-format/examples/01-header.rs";
    const STEP: &str = "crates/nn-core/examples/02-step.rs";
    const SAVE: &str = "crates/nn-train/examples/03-save.rs";

    #[test]
    fn a_course_through_the_crates_is_in_order() {
        assert_eq!(paths(&[SAVE, HEADER, STEP, "crates/nn-train/examples/data/x.txt"]), [""; 0]);
    }

    #[test]
    fn a_hole_is_found_at_what_comes_after_it() {
        assert_eq!(paths(&[HEADER, SAVE]), [SAVE]);
    }

    #[test]
    fn a_number_that_stands_twice_is_found() {
        let again = "crates/nn-train/examples/02-save.rs";
        assert_eq!(paths(&[HEADER, STEP, again]), [again]);
    }

    #[test]
    fn a_lower_crate_comes_first() {
        let early = "crates/nn-train/examples/01-save.rs";
        let late = "crates/idx-format/examples/02-header.rs";
        assert_eq!(paths(&[early, late]), [late]);
    }

    #[test]
    fn a_name_without_a_number_is_found() {
        assert_eq!(paths(&["crates/nn-core/examples/step.rs"]), ["crates/nn-core/examples/step.rs"]);
    }
}
