//! Owns the rules on every text file, whatever it is written in.

use super::{Finding, TextFile};

/// Files whose every byte is as somebody else wrote it.
const FOREIGN: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "Cargo.lock"];

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    files.iter().filter(|file| !FOREIGN.contains(&file.path.as_str())).flat_map(check_file).collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.split('\n')) {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::at(&file.path, number, "trailing white space"));
        }
        if line.ends_with('\r') {
            findings.push(Finding::at(&file.path, number, "a carriage return at the end of the line"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(Finding::in_file(&file.path, "does not end with a line feed"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Option<usize>> {
        check(&[TextFile::new("page.md", text)]).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_found() {
        assert_eq!(lines("a\nb \n\tc\nd\t\n"), [Some(2), Some(4)]);
    }

    #[test]
    fn carriage_returns_are_found() {
        assert_eq!(lines("a\r\nb\n"), [Some(1)]);
    }

    #[test]
    fn a_file_that_ends_within_a_line_is_found() {
        assert_eq!(lines("a\nb"), [None]);
        assert_eq!(lines(""), []);
    }

    #[test]
    fn what_others_wrote_is_left_alone() {
        assert_eq!(check(&[TextFile::new("LICENSE-MIT", "a \nb")]), []);
    }
}
