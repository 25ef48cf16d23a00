//! Owns the rules on dependencies: the chain of the crates, and what the lower ones are never built from.

use super::{CHAIN, CHORES, Finding};
use serde_json::Value;

/// Compares `cargo metadata --no-deps` with the chain.
pub(super) fn check_metadata(metadata: &Value) -> Vec<Finding> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut findings = Vec::new();
    let expected = CHAIN.iter().chain([&CHORES]);
    for missing in expected.clone().filter(|name| !names.contains(name)) {
        findings.push(Finding::in_file("Cargo.toml", format!("the workspace has no crate {missing}")));
    }
    for surplus in names.iter().filter(|name| !expected.clone().any(|known| known == *name)) {
        findings
            .push(Finding::in_file("Cargo.toml", format!("the crate {surplus} has no place in the chain")));
    }
    for package in &packages {
        let Some(name) = package["name"].as_str() else { continue };
        let position = CHAIN.iter().position(|link| *link == name);
        let beneath = position.and_then(|position| position.checked_sub(1)).map(|below| CHAIN[below]);
        let dependencies: Vec<&Value> = package["dependencies"].as_array().into_iter().flatten().collect();
        let mut has_beneath = false;
        for dependency in dependencies {
            let Some(on) = dependency["name"].as_str().filter(|on| names.contains(on)) else { continue };
            // Build and dev dependencies have a kind; those of the crate itself have none.
            let is_normal = dependency["kind"].is_null();
            if Some(on) != beneath {
                let allowed = beneath.unwrap_or("no crate of the workspace");
                let message = format!("{name} depends on {on}, but may on {allowed} alone");
                findings.push(Finding::in_file("Cargo.toml", message));
            }
            has_beneath |= is_normal && Some(on) == beneath;
        }
        if let Some(beneath) = beneath.filter(|_| !has_beneath) {
            findings.push(Finding::in_file("Cargo.toml", format!("{name} does not depend on {beneath}")));
        }
    }
    findings
}

/// Looks for serde in what `package` is built from: a line `NAME VERSION` each, as `cargo tree` prints it.
///
/// A type of a lower crate that could be serialised would become a file format by accident.
pub(super) fn check_tree(package: &str, tree: &str) -> Vec<Finding> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<&str> =
        names.filter(|name| ["serde", "serde_core", "bincode"].contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    let message = |name| format!("{package} is built from {name}; files are nn-train's business");
    found.into_iter().map(|name| Finding::in_file("Cargo.toml", message(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Metadata of the five crates, with `extra` dependencies of the form (crate, on, kind).
    fn metadata(extra: &[(&str, &str, Value)], without: &str) -> Value {
        let mut packages = Vec::new();
        for (position, name) in CHAIN.iter().chain([&CHORES]).enumerate() {
            let mut dependencies = vec![json!({ "name": "anyhow", "kind": null })];
            if (1..CHAIN.len()).contains(&position) && *name != without {
                dependencies.push(json!({ "name": CHAIN[position - 1], "kind": null }));
            }
            for (_, on, kind) in extra.iter().filter(|(from, ..)| from == name) {
                dependencies.push(json!({ "name": on, "kind": kind }));
            }
            packages.push(json!({ "name": name, "dependencies": dependencies }));
        }
        json!({ "packages": packages })
    }

    fn messages(metadata: &Value) -> Vec<String> {
        check_metadata(metadata).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn the_chain_itself_is_in_order() {
        assert_eq!(messages(&metadata(&[], "")), [""; 0]);
    }

    #[test]
    fn a_step_over_a_link_is_found() {
        let found = messages(&metadata(&[("nn-train", "idx-format", Value::Null)], ""));
        assert_eq!(found, ["nn-train depends on idx-format, but may on nn-core alone"]);
    }

    #[test]
    fn a_step_upwards_is_found_even_in_tests() {
        let found = messages(&metadata(&[("idx-format", "nn-core", json!("dev"))], ""));
        assert_eq!(found, ["idx-format depends on nn-core, but may on no crate of the workspace alone"]);
    }

    #[test]
    fn chores_that_depend_on_a_crate_are_found() {
        assert_eq!(messages(&metadata(&[("xtask", "idx-format", Value::Null)], "")).len(), 1);
    }

    #[test]
    fn a_missing_link_is_found_though_tests_have_it() {
        let found = messages(&metadata(&[("nn-train", "nn-core", json!("dev"))], "nn-train"));
        assert_eq!(found, ["nn-train does not depend on nn-core"]);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        let mut metadata = metadata(&[], "");
        metadata["packages"].as_array_mut().unwrap().push(json!({ "name": "utils", "dependencies": [] }));
        assert_eq!(messages(&metadata), ["the crate utils has no place in the chain"]);
    }

    #[test]
    fn serde_is_found_among_what_a_crate_is_built_from() {
        assert_eq!(check_tree("nn-core", "nn-core v0.1.0\nndarray v0.17.2\nserde_json v1.0.0\n"), []);
        assert_eq!(check_tree("nn-core", "nn-core v0.1.0\nserde v1.0.0\nserde v1.0.0 (*)\n").len(), 1);
    }
}
