//! Several models that answer together: owns how their answers become one, and refuses to know how any of them came
//! about.

use std::num::NonZeroUsize;

use nn_core::{
    Dataset, Engine, Evaluation, Network, Tally,
    ndarray::{Array2, ArrayView2, Axis},
    predicted_class,
};

use crate::{Incompatible, Model, Preprocessing, answers::ASKED_TOGETHER};

/// Models that are asked together: their answer is the mean of their probabilities, which is right more often than
/// each of them where they err on different samples (Hansen and Salamon 1990; for MNIST, Ciresan et al. 2011).
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
/// use nn_train::{Committee, Model, Preprocessing, initial_rng};
/// use nn_train::nn_core::{Activation, Dataset, Loss, Network};
///
/// let member = |seed| -> Result<Model, Box<dyn std::error::Error>> {
///     let network = Network::builder(3).dense(2, Activation::Identity).build(&mut initial_rng(seed))?;
///     let (loss, image_shape) = (Loss::SoftmaxCrossEntropy, vec![3]);
///     let preprocessing = Preprocessing::None;
///     Ok(Model { network, loss, image_shape, preprocessing, class_names: None, record: None })
/// };
/// let committee = Committee::new(vec![member(1)?, member(2)?])?;
/// let dataset = Dataset::new(&[0, 1, 2, 3, 4, 5], 3, &[0, 1], 2)?;
/// let probabilities = committee.probabilities(dataset, NonZeroUsize::MIN)?;
/// assert_eq!(probabilities.dim(), (2, 2));
/// assert!((probabilities.row(0).sum() - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Committee {
    members: Vec<Model>,
}

impl Committee {
    /// A committee of these models, in any order of layers, activations and losses.
    ///
    /// # Errors
    /// [`InvalidCommittee`] where there is no model, or one takes other images or knows another number of classes than
    /// the first.
    pub fn new(members: Vec<Model>) -> Result<Committee, InvalidCommittee> {
        let Some(first) = members.first() else { return Err(InvalidCommittee::Empty) };
        for (member, model) in members.iter().enumerate() {
            let (expected, found) = (first.network.inputs(), model.network.inputs());
            if expected != found {
                return Err(InvalidCommittee::Inputs { member, expected, found });
            }
            let (expected, found) = (first.network.outputs(), model.network.outputs());
            if expected != found {
                return Err(InvalidCommittee::Outputs { member, expected, found });
            }
        }
        Ok(Committee { members })
    }

    /// The models, at least one.
    #[must_use]
    pub fn members(&self) -> &[Model] {
        &self.members
    }

    /// The mean of the members' probabilities for each sample, shape (N, C), with `threads` threads; it does not depend
    /// on their number. Each member sees the samples as its [`Preprocessing`] makes them.
    ///
    /// # Errors
    /// [`Incompatible`] when the data does not go with a member.
    pub fn probabilities(
        &self,
        dataset: Dataset<'_>,
        threads: NonZeroUsize,
    ) -> Result<Array2<f32>, Incompatible> {
        self.ask(dataset, threads, |_, _, _| ())
    }

    /// The same, where `see` is shown what each member puts out before its probabilities are taken: the member, the
    /// samples and their outputs.
    fn ask(
        &self,
        dataset: Dataset<'_>,
        threads: NonZeroUsize,
        mut see: impl FnMut(usize, Dataset<'_>, ArrayView2<'_, f32>),
    ) -> Result<Array2<f32>, Incompatible> {
        for Model { network, loss, .. } in &self.members {
            Incompatible::check(network, *loss, dataset)?;
        }
        let mut engine = Engine::new(threads);
        let mut mean = Array2::zeros((0, self.members[0].network.outputs()));
        for start in (0..dataset.len()).step_by(ASKED_TOGETHER) {
            let share = dataset.slice(start..dataset.len().min(start + ASKED_TOGETHER));
            let of_share = self.mean(|member, model| {
                let prepared = model.preprocessing.apply_all(share.pixels(), &model.image_shape, threads);
                let prepared = share.with_pixels(&prepared).expect("an image stays as large as it is");
                let outputs = engine.forward(&model.network, prepared);
                see(member, share, outputs.view());
                model.loss.probabilities(outputs.view())
            });
            mean.append(Axis(0), of_share.view()).expect("both have a column for each class");
        }
        Ok(mean)
    }

    /// The same for samples that are already as the members' preprocessing makes them, which go with every member.
    pub(crate) fn probabilities_of_prepared(&self, engine: &mut Engine, dataset: Dataset<'_>) -> Array2<f32> {
        self.mean(|_, model| model.loss.probabilities(engine.forward(&model.network, dataset).view()))
    }

    fn mean(&self, mut of: impl FnMut(usize, &Model) -> Array2<f32>) -> Array2<f32> {
        let mut members = self.members.iter().enumerate();
        let (_, first) = members.next().expect("a committee has at least one member");
        // In the order of the members, so that the rounding is always the same.
        let sum = members.fold(of(0, first), |sum, (member, model)| sum + of(member, model));
        sum / self.members.len() as f32
    }

    /// Measures the committee on a data set: its loss is the cross-entropy of the mean probabilities, in nats.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    pub fn evaluate(&self, dataset: Dataset<'_>, threads: NonZeroUsize) -> Result<Evaluation, Incompatible> {
        self.evaluate_with_members(dataset, threads).map(|(evaluation, _)| evaluation)
    }

    /// The same, and how many samples each member alone takes for what they are.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    pub fn evaluate_with_members(
        &self,
        dataset: Dataset<'_>,
        threads: NonZeroUsize,
    ) -> Result<(Evaluation, Vec<u64>), Incompatible> {
        let mut correct = vec![0; self.members.len()];
        let probabilities = self.ask(dataset, threads, |member, share, outputs| {
            for (n, row) in outputs.rows().into_iter().enumerate() {
                let predicted = predicted_class(row.as_slice().unwrap_or_default());
                correct[member] += u64::from(predicted == usize::from(share.label(n)));
            }
        })?;
        let mut confusion = Array2::zeros((probabilities.ncols(), probabilities.ncols()));
        let mut tally = Tally::default();
        for (n, row) in probabilities.rows().into_iter().enumerate() {
            let label = usize::from(dataset.label(n));
            let predicted = predicted_class(row.as_slice().unwrap_or_default());
            confusion[[label, predicted]] += 1;
            tally += Tally {
                samples: 1,
                correct: u64::from(predicted == label),
                // A probability that rounds to 0 is an error of at most 87 nats and not of infinitely many.
                loss_sum: -f64::from(row[label].max(f32::MIN_POSITIVE)).ln(),
            };
        }
        Ok((Evaluation { tally, confusion }, correct))
    }

    /// What all members want done to an image before they see it, if they agree.
    #[must_use]
    pub fn preprocessing(&self) -> Option<Preprocessing> {
        let first = self.members[0].preprocessing;
        self.members.iter().all(|model| model.preprocessing == first).then_some(first)
    }
}

/// A committee that a network learns from, beside the labels (distillation, Hinton et al. 2015).
#[derive(Clone, Copy, Debug)]
pub struct Teacher<'a> {
    /// Who teaches. It is asked about each sample as the student sees it, distorted and mixed.
    pub committee: &'a Committee,
    /// How much of the target is the committee's answer, from 0 to 1; the rest is the label.
    pub share: f32,
}

impl Teacher<'_> {
    pub(crate) fn check(&self, network: &Network) -> Result<(), InvalidTeacher> {
        let teacher = &self.committee.members()[0].network;
        let (inputs, outputs) = (teacher.inputs(), teacher.outputs());
        if inputs != network.inputs() {
            return Err(InvalidTeacher::Inputs { expected: network.inputs(), found: inputs });
        }
        if outputs != network.outputs() {
            return Err(InvalidTeacher::Outputs { expected: network.outputs(), found: outputs });
        }
        if !(0.0..=1.0).contains(&self.share) {
            return Err(InvalidTeacher::Share { found: self.share });
        }
        Ok(())
    }
}

/// Why a network cannot learn from a [`Teacher`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTeacher {
    /// It takes other images.
    #[error("expected a teacher of {expected} inputs, as the network has, found {found}")]
    Inputs {
        /// The inputs of the network.
        expected: usize,
        /// Those of the teacher.
        found: usize,
    },
    /// It knows other classes.
    #[error("expected a teacher of {expected} outputs, as the network has, found {found}")]
    Outputs {
        /// The outputs of the network.
        expected: usize,
        /// Those of the teacher.
        found: usize,
    },
    /// Its answer is no part of the target.
    #[error("expected a teacher's share of 0 to 1, found {found}")]
    Share {
        /// The share.
        found: f32,
    },
}

/// Why models are no [`Committee`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCommittee {
    /// Nobody is there to be asked.
    #[error("expected at least one model, found none")]
    Empty,
    /// A model takes other images.
    #[error("expected {expected} inputs of model {}, as model 1 has, found {found}", member + 1)]
    Inputs {
        /// The place of the model, from 0; the message counts from 1.
        member: usize,
        /// The inputs of the first model.
        expected: usize,
        /// Those of this one.
        found: usize,
    },
    /// A model knows other classes.
    #[error("expected {expected} outputs of model {}, as model 1 has, found {found}", member + 1)]
    Outputs {
        /// The place of the model, from 0; the message counts from 1.
        member: usize,
        /// The outputs of the first model.
        expected: usize,
        /// Those of this one.
        found: usize,
    },
}
