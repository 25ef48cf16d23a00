//! Owns which experiments there are: the recipes over seeds, what stands on them, and the recipes with an ingredient
//! left out.

/// One thing to be trained, or asked, over several seeds.
#[derive(Debug, PartialEq)]
pub(super) struct Experiment {
    pub(super) name: &'static str,
    /// For people.
    pub(super) about: &'static str,
    /// What `nn-cli train` is told beside data, seed and run.
    pub(super) flags: &'static [&'static str],
    pub(super) seeds: u32,
    pub(super) stands: Stands,
    /// Whether it is measured on the last 10,000 training images, which are then not trained on, and not on the test
    /// images: a comparison that something may be chosen by.
    pub(super) on_validation: bool,
}

/// What an experiment stands on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stands {
    Alone,
    /// On the networks of so many seeds of another experiment, which teach it.
    Taught(&'static str, u32),
    /// On the networks of so many seeds of another experiment, which it only asks.
    Asks(&'static str, u32),
}

const fn recipe(
    name: &'static str,
    about: &'static str,
    flags: &'static [&'static str],
    seeds: u32,
) -> Experiment {
    Experiment { name, about, flags, seeds, stands: Stands::Alone, on_validation: false }
}

/// A recipe of which something is left out, or nothing: the experiment that the others are compared with.
const fn without(name: &'static str, about: &'static str, flags: &'static [&'static str]) -> Experiment {
    Experiment { name, about, flags, seeds: 3, stands: Stands::Alone, on_validation: true }
}

pub(super) const EXPERIMENTS: &[Experiment] = &[
    recipe("default", "784-100-10, the fastest to 98 %", &["--preset", "default"], 10),
    recipe("small", "784-100-10, the best", &["--preset", "small"], 5),
    recipe("wide", "784-800-10", &["--preset", "wide"], 5),
    Experiment {
        stands: Stands::Taught("wide", 3),
        ..recipe("small-distilled", "784-100-10, taught by three wide networks", &["--preset", "small"], 5)
    },
    recipe(
        "permutation-invariant",
        "no use of which pixel is beside which",
        &["--preset", "permutation-invariant"],
        3,
    ),
    recipe("deep", "the best single network", &["--preset", "deep"], 3),
    Experiment {
        stands: Stands::Asks("deep", 3),
        ..recipe("committee-of-3", "three deep networks together", &[], 1)
    },
    Experiment {
        stands: Stands::Asks("wide", 5),
        ..recipe("committee-of-5-wide", "five wide networks together", &[], 1)
    },
    without("small-whole", "nothing left out", &["--preset", "small"]),
    without("small-without-deskew", "no deskewing", &["--preset", "small", "--preprocess", "none"]),
    without(
        "small-without-elastic",
        "affine distortions alone",
        &["--preset", "small", "--augment", "affine"],
    ),
    without("small-without-augment", "no distortions", &["--preset", "small", "--augment", "none"]),
    without("small-without-schedule", "a constant rate", &["--preset", "small", "--schedule", "constant"]),
    without("wide-whole", "nothing left out", &["--preset", "wide"]),
    without("wide-without-deskew", "no deskewing", &["--preset", "wide", "--preprocess", "none"]),
    without("wide-without-elastic", "affine distortions alone", &["--preset", "wide", "--augment", "affine"]),
    without("wide-without-augment", "no distortions", &["--preset", "wide", "--augment", "none"]),
    without("wide-without-schedule", "a constant rate", &["--preset", "wide", "--schedule", "constant"]),
];

/// The samples that such experiments keep for measuring.
const VALIDATION: &str = "10000";

impl Experiment {
    pub(super) fn is_committee(&self) -> bool {
        matches!(self.stands, Stands::Asks(..))
    }

    /// The trainings that it stands on, each with its seed.
    pub(super) fn members(&self) -> Vec<(&'static Experiment, u32)> {
        let (Stands::Taught(name, count) | Stands::Asks(name, count)) = self.stands else {
            return Vec::new();
        };
        let member = EXPERIMENTS.iter().find(|experiment| experiment.name == name);
        member.into_iter().flat_map(|member| (1..=count).map(move |seed| (member, seed))).collect()
    }

    /// What `nn-cli` is told, but for data, run and models.
    pub(super) fn words(&self, seed: u32) -> Vec<String> {
        let mut words = vec![if self.is_committee() { "eval" } else { "train" }.to_owned()];
        words.extend(self.flags.iter().map(|&flag| flag.to_owned()));
        if self.on_validation {
            words.extend(["--validation".to_owned(), VALIDATION.to_owned()]);
        }
        if !self.is_committee() {
            words.extend(["--seed".to_owned(), seed.to_string()]);
        }
        words
    }

    /// Whether another experiment stands on it.
    fn is_stood_on(&self) -> bool {
        EXPERIMENTS.iter().flat_map(Experiment::members).any(|(member, _)| member.name == self.name)
    }

    /// The command, for people.
    pub(super) fn command(&self, seed: u32) -> String {
        let models = match self.stands {
            Stands::Alone if self.is_stood_on() => format!(" --output {}-{seed}.model", self.name),
            Stands::Alone => String::new(),
            Stands::Taught(name, count) => format!(" --teacher {}", model_names(name, count, ",")),
            Stands::Asks(name, count) => format!(" {}", model_names(name, count, " ")),
        };
        format!("nn-cli {}{models}", self.words(seed).join(" "))
    }
}

fn model_names(name: &str, count: u32, between: &str) -> String {
    (1..=count).map(|seed| format!("{name}-{seed}.model")).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_whatever_is_stood_on_is_there() {
        let names: BTreeSet<&str> = EXPERIMENTS.iter().map(|experiment| experiment.name).collect();
        assert_eq!(names.len(), EXPERIMENTS.len());
        for experiment in EXPERIMENTS {
            if let Stands::Taught(_, count) | Stands::Asks(_, count) = experiment.stands {
                let members = experiment.members();
                assert_eq!(members.len(), count as usize, "{}", experiment.name);
                assert!(members.iter().all(|(member, _)| member.stands == Stands::Alone));
            }
        }
    }

    #[test]
    fn commands_are_whole() {
        let command = |name: &str, seed| {
            EXPERIMENTS.iter().find(|experiment| experiment.name == name).unwrap().command(seed)
        };
        assert_eq!(command("small", 3), "nn-cli train --preset small --seed 3");
        assert_eq!(command("deep", 2), "nn-cli train --preset deep --seed 2 --output deep-2.model");
        assert_eq!(
            command("wide-without-augment", 1),
            "nn-cli train --preset wide --augment none --validation 10000 --seed 1"
        );
        assert_eq!(command("committee-of-3", 1), "nn-cli eval deep-1.model deep-2.model deep-3.model");
    }
}
