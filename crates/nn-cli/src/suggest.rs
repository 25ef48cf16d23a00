//! What was probably meant: owns how a name is compared with those that there are, and refuses to know what bears
//! them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use strsim::osa_distance;

/// The candidate nearest to a name, if one is near enough to have been meant: one slip (a letter too few, too many,
/// wrong, or two swapped) for every three letters. The first of equals.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let slips = (name.chars().count() / 3).max(1);
    let near =
        candidates.into_iter().map(|candidate| (osa_distance(&name, &candidate.to_lowercase()), candidate));
    near.filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// As much of a folder as is compared: one of a million pictures is no place to look for a slip.
const MOST_ENTRIES: usize = 10_000;

/// The names in the folder of `path` that are of the kind wanted, in order.
pub(crate) fn neighbours(path: &Path, is_such: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.take(MOST_ENTRIES).flatten().filter(|entry| is_such(&entry.path()));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    names
}

/// The path that was probably meant by one of the same folder, and never that path itself: it may be there, and of no use.
pub(crate) fn path(path: &Path, is_such: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let mut names = neighbours(path, is_such);
    names.retain(|neighbour| neighbour != name);
    let nearest = nearest(name, names.iter().map(String::as_str))?;
    Some(path.with_file_name(nearest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slip_in_it_is_recognised() {
        let keys = ["batch", "rate", "epochs", "output-activation"];
        for (typed, meant) in [
            ("epohcs", Some("epochs")),
            ("epoch", Some("epochs")),
            ("Rate", Some("rate")),
            ("rat", Some("rate")),
            ("output_activation", Some("output-activation")),
            ("momentum", None),
            ("", None),
            ("r", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
        assert_eq!(nearest("a1", ["a2", "a3"]), Some("a2"));
        assert_eq!(nearest("rate", []), None);
    }

    #[test]
    fn a_path_is_compared_with_what_is_in_its_folder_and_of_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("first")).unwrap();
        fs::write(folder.path().join("fisrt"), "").unwrap();
        fs::write(folder.path().join(".frist"), "").unwrap();
        let typed = folder.path().join("frist");
        assert_eq!(path(&typed, Path::is_dir), Some(folder.path().join("first")));
        assert_eq!(path(&folder.path().join("first"), Path::is_dir), None, "it cannot mean itself");
        assert_eq!(neighbours(&typed, Path::is_file), ["fisrt"]);
        assert_eq!(path(&folder.path().join("none/frist"), Path::is_dir), None);
        assert_eq!(path(Path::new("/"), Path::is_dir), None);
    }
}
