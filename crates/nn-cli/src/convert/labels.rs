//! Labels as they stand in a source: owns the class of each and what it is called, and refuses to know where they
//! stand.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use nn_train::ClassNames;

use super::source::Half;
use crate::{args::ConvertArgs, failure::Advised};

/// Labels are bytes.
pub(super) const MOST_CLASSES: usize = 256;

/// Which class a label means.
pub(super) struct Labels {
    names: Option<ClassNames>,
    /// Whether the labels are the names, and not numbers.
    are_names: bool,
    offset: i32,
}

impl Labels {
    /// The names are those of a file that was named, or of the source; or the labels themselves, in their order.
    pub(super) fn new<'a>(args: &ConvertArgs, halves: impl Iterator<Item = &'a Half>) -> Result<Labels> {
        let mut names = match &args.classes {
            Some(path) => Some(ClassNames::read_shifted(path, args.label_offset)?),
            None => None,
        };
        let mut texts = BTreeSet::new();
        for half in halves {
            texts.extend(half.label_texts()?);
            if names.is_none() {
                let cannot = || format!("cannot name the classes of {}", half.path().display());
                let shifted = |names: ClassNames| names.shifted(args.label_offset).with_context(cannot);
                names = half.class_names()?.map(shifted).transpose()?;
            }
        }
        let are_names = texts.iter().any(|text| text.parse::<i64>().is_err());
        if are_names && args.label_offset != 0 {
            let message = "--label-offset changes numbers, and the labels are names";
            bail!(Advised::new(message, "the order of the names in --classes FILE numbers them"));
        }
        if are_names && names.is_none() {
            names = Some(
                ClassNames::new(texts.into_iter().collect())
                    .context("cannot name the classes by their labels")?,
            );
        }
        Ok(Labels { names, are_names, offset: args.label_offset })
    }

    pub(super) fn names(&self) -> Option<&ClassNames> {
        self.names.as_ref()
    }

    /// The class of a label in text.
    pub(super) fn class(&self, text: &str) -> Result<u8> {
        if !self.are_names {
            let label =
                text.parse().with_context(|| format!("expected a label that is a number, found {text:?}"))?;
            return self.class_of_number(label);
        }
        let names = self.names.as_ref().map_or(&[][..], ClassNames::as_slice);
        let class = names.iter().position(|name| name == text).and_then(|class| u8::try_from(class).ok());
        class.with_context(|| {
            format!("expected a label that is one of the {} class names, found {text:?}", names.len())
        })
    }

    /// The class of a label that is a number.
    pub(super) fn class_of_number(&self, label: i64) -> Result<u8> {
        let shifted = label.checked_add(self.offset.into());
        let class = shifted.and_then(|label| u8::try_from(label).ok());
        let Some(class) = class else {
            let with = if self.offset == 0 { String::new() } else { format!(" with {:+}", self.offset) };
            let message = format!("expected labels from 0 to {}, found {label}{with}", MOST_CLASSES - 1);
            bail!(Advised::new(message, "--label-offset changes all of them"));
        };
        if let Some(names) = &self.names {
            let count = names.as_slice().len();
            ensure!(
                usize::from(class) < count,
                "expected labels below {count}, for that many names, found {class}"
            );
        }
        Ok(class)
    }
}
