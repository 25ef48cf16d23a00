//! `report`: owns which run or model a page is made about and where it goes, and refuses to know formulas and looks.

pub(crate) mod chart;
mod findings;
mod matrix;
pub(crate) mod page;
mod subject;
mod tiles;

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use anyhow::{Context, Result};

use self::{
    findings::Findings,
    page::{Figure, Page},
    subject::Subject,
};
use crate::{
    args::ReportArgs,
    output::{Output, count, percent, thousands},
    target,
};

/// What every file of a report has near its beginning, by which a later one knows that it may replace it.
const MARK: &str = concat!(env!("CARGO_PKG_NAME"), " report");

pub(crate) fn run(args: &ReportArgs, output: &mut Output) -> Result<()> {
    target::check(&args.output, "a report", |path| is_ours(path, "<!DOCTYPE html>"))?;
    if let Some(folder) = &args.pictures {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        for figure in Figure::ALL {
            let path = folder.join(figure.file_name());
            target::check(&path, "a figure of a report", |path| is_ours(path, "<svg "))?;
        }
    }
    let subject = Subject::open(&args.subject)?;
    let files = subject.data(args)?;
    let findings = Findings::new(&subject, args, &files)?;
    let page = Page::new(&subject, &findings, files.dataset());

    let html = page.html().into_string();
    nn_train::write_atomically(&args.output, |writer| writer.write_all(html.as_bytes()))?;
    let mut written = 0;
    if let Some(folder) = &args.pictures {
        for (figure, svg) in page.figures() {
            let svg = svg.into_string();
            let path = folder.join(figure.file_name());
            nn_train::write_atomically(&path, |writer| writer.write_all(svg.as_bytes()))?;
            written += 1;
        }
    }
    if args.json {
        return output.json(&findings);
    }
    let measured = &findings.evaluation;
    output.line(format_args!(
        "about     {}\n\
         data      {}: {} of the {} set\n\
         accuracy  {} ({} of {} right)\n\
         page      {} ({})",
        subject.path.display(),
        measured.data,
        count(measured.samples, "image"),
        measured.split,
        percent(measured.accuracy),
        thousands(measured.samples - measured.errors),
        thousands(measured.samples),
        args.output.display(),
        count(html.len(), "byte"),
    ))?;
    match &args.pictures {
        Some(folder) => output.line(format_args!("figures   {written} in {}", folder.display())),
        None => Ok(()),
    }
}

/// Whether the file was written by this command.
fn is_ours(path: &Path, start: &str) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut beginning));
    let text = String::from_utf8_lossy(&beginning);
    read.is_ok() && text.starts_with(start) && text.contains(MARK)
}
