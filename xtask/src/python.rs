//! Owns the Python environment in `.bench-peers/`: that it is there, and which packages are in it. Runs no program of
//! the project.

use crate::output::Output;
use crate::process::run_quietly;
use crate::workspace;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// PyTorch alone is gigabytes.
const PIP_LIMIT: Duration = Duration::from_secs(3600);
const VENV_LIMIT: Duration = Duration::from_secs(300);

/// Where versions are pinned, for all that runs in the environment.
const REQUIREMENTS: &str = "xtask/peers/requirements.txt";

/// The environment, which may not be there yet.
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// The one of the project.
    pub(crate) fn of_project() -> Self {
        Self { folder: folder().join("python") }
    }

    /// The program to start.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Makes the environment where there is none.
    pub(crate) fn make(&self, output: &mut Output) -> Result<()> {
        if self.program().exists() {
            return Ok(());
        }
        output.line(format_args!("making {}", workspace::display(&self.folder)));
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(&self.folder);
        run_quietly(&mut command, VENV_LIMIT).context(
            "a Python environment is needed (hint: install python3 with its venv module, on Debian the packages \
             python3 and python3-venv)",
        )
    }

    /// Whether `packages` were installed for `whom`, in the versions that are pinned now.
    pub(crate) fn has(&self, whom: &str, packages: &[&str]) -> Result<bool> {
        let wanted = wanted(packages)?;
        Ok(fs::read_to_string(self.stamp(whom)).is_ok_and(|installed| installed == wanted))
    }

    /// Installs what `whom` imports. A stamp says when it is done.
    pub(crate) fn install(&self, whom: &str, packages: &[&str], output: &mut Output) -> Result<()> {
        if self.has(whom, packages)? {
            return Ok(());
        }
        let wanted = wanted(packages)?;
        output.line(format_args!("installing {} by pip", wanted.trim().replace('\n', " ")));
        let mut command = Command::new(self.program());
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command.args(wanted.lines());
        run_quietly(&mut command, PIP_LIMIT).with_context(|| {
            format!("cannot install what {whom} needs (hint: does pip reach a package index?)")
        })?;
        let stamp = self.stamp(whom);
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
    }

    fn stamp(&self, whom: &str) -> PathBuf {
        self.folder.join(format!("installed-{whom}"))
    }
}

/// What is built and installed to run others, which git ignores.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join(".bench-peers")
}

fn wanted(packages: &[&str]) -> Result<String> {
    let path = workspace::root().join(REQUIREMENTS);
    let requirements =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    pins(&requirements, packages)
}

/// The lines of the requirements that pin these packages.
fn pins(requirements: &str, packages: &[&str]) -> Result<String> {
    let mut pins = String::new();
    for package in packages {
        let is_it = |line: &&str| line.split_once("==").is_some_and(|(name, _)| name == *package);
        let Some(line) = requirements.lines().find(is_it) else {
            bail!("{REQUIREMENTS} has no version of {package}");
        };
        pins += line;
        pins += "\n";
    }
    Ok(pins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;

    #[test]
    fn pins_are_the_lines_of_the_packages_that_are_asked_for() {
        let requirements = "# versions\njax==0.1\njaxlib==0.2\ntorch==3.0\n";
        assert_eq!(pins(requirements, &["torch", "jax"]).unwrap(), "torch==3.0\njax==0.1\n");
        assert!(pins(requirements, &["numpy"]).unwrap_err().to_string().contains("no version of numpy"));
    }

    #[test]
    fn packages_are_there_when_the_stamp_says_so_in_the_versions_of_now() {
        let scratch = ScratchFolder::create("python").unwrap();
        let python = Python { folder: scratch.path().to_owned() };
        assert!(!python.has("checks", &["numpy"]).unwrap());
        fs::write(python.stamp("checks"), wanted(&["numpy"]).unwrap()).unwrap();
        assert!(python.has("checks", &["numpy"]).unwrap());
        fs::write(python.stamp("checks"), "numpy==0.1\n").unwrap();
        assert!(!python.has("checks", &["numpy"]).unwrap());
    }
}
