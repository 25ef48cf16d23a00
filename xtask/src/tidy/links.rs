//! Owns the rule that links between the project's pages lead somewhere; asks no other host.

use super::{Finding, TextFile};
use crate::workspace;
use std::path::{Component, Path, PathBuf};

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let root = workspace::root();
    check_with(files, &|path| root.join(path).exists())
}

/// As [`check`], with `exists` telling of files from the top of the tree.
fn check_with(files: &[TextFile], exists: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in links(&file.text) {
            if let Err(message) = follow(file, &target, files, exists) {
                findings.push(Finding::at(&file.path, line, message));
            }
        }
    }
    findings
}

/// Whether `target`, as it stands on the page `file`, leads somewhere.
fn follow(
    file: &TextFile,
    target: &str,
    files: &[TextFile],
    exists: &dyn Fn(&Path) -> bool,
) -> Result<(), String> {
    // Other hosts are not asked, and `a::b` is rustdoc's to check.
    if target.contains("://") || target.starts_with("mailto:") || target.contains("::") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { PathBuf::from(&file.path) } else { resolve(&file.path, path) };
    if !exists(&path) {
        return Err(format!("the link to {target} leads to {}, which is not there", path.display()));
    }
    let page = files.iter().find(|page| Path::new(&page.path) == path && page.path.ends_with(".md"));
    match page {
        Some(page) if !anchor.is_empty() && !anchors(&page.text).iter().any(|known| known == anchor) => {
            Err(format!("the link to {target} names no heading of {}", page.path))
        }
        _ => Ok(()),
    }
}

/// The path from the top of the tree of what the page at `page` calls `target`.
fn resolve(page: &str, target: &str) -> PathBuf {
    let joined = match target.strip_prefix('/') {
        Some(from_top) => PathBuf::from(from_top),
        None => Path::new(page).parent().unwrap_or(Path::new("")).join(target),
    };
    let mut resolved = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    resolved
}

/// The targets of the links of a page with the lines (from 1) they stand on; not those in code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        // Inline: [words](target "title").
        for (index, _) in line.match_indices("](") {
            let rest = &line[index + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((number, target.trim_matches(['<', '>']).to_owned()));
        }
        // Definition: [name]: target
        if let Some((name, target)) =
            line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "))
            && !name.contains(']')
        {
            found.push((number, target.split(' ').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

/// The lines of a page, numbered from 1, that are in no fenced block.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The line with spaces for its `code`.
fn without_code(line: &str) -> String {
    let pieces = line.split('`').enumerate();
    pieces
        .map(|(index, piece)| if index % 2 == 0 { piece.to_owned() } else { " ".repeat(piece.len()) })
        .collect()
}

/// The anchors that the headings of a page get.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter_map(|(_, line)| {
        let words = line.trim_start_matches('#');
        (words.len() < line.len()).then(|| words.trim())
    });
    headings.map(anchor).collect()
}

/// The anchor that code hosts make of a heading: lower case, hyphens for spaces, other signs left out.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let page = TextFile::new("docs/page.md", text);
        let other = TextFile::new("README.md", "# The title, in `code`\n\n## Second\n");
        let there = ["docs/page.md", "README.md", "data/sample", "docs/picture.png"];
        let exists = |path: &Path| there.iter().any(|known| Path::new(known) == path);
        check_with(&[page, other], &exists).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_in_order() {
        let text = "# Here\n[a](../README.md) ![b](picture.png \"title\") [c](/data/sample)\n[d](#here)\n\
                    [e](../README.md#the-title-in-code) [f](https://x.example/none) [g](crate::Item)\n\
                    [h]\n\n[h]: ../README.md#second\n";
        assert_eq!(findings(text), [""; 0]);
    }

    #[test]
    fn a_link_to_nowhere_is_found_with_its_line() {
        let found = findings("words\n[a](gone.md)\n");
        assert_eq!(found, ["docs/page.md:2: the link to gone.md leads to docs/gone.md, which is not there"]);
        assert_eq!(findings("[a]: gone.md\n").len(), 1);
    }

    #[test]
    fn an_anchor_that_no_heading_has_is_found() {
        assert_eq!(findings("[a](../README.md#third)\n").len(), 1);
        assert_eq!(findings("[a](#nowhere)\n").len(), 1);
    }

    #[test]
    fn what_looks_like_a_link_in_code_is_none() {
        assert_eq!(findings("`x[1](gone)`\n```rust\nf[0](gone)\n```\n"), [""; 0]);
    }
}
