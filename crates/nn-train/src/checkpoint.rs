//! A fit that can be taken up again: owns all that decides how it goes on, as bytes that are checked in both
//! directions, and refuses to know where they are kept.
//!
//! Inside the container, the payload is a description in bincode's standard configuration, from version 2 of the format
//! on with an addition (ingredients, averages) behind it, and in version 3 with the order of the samples behind that;
//! then a record of 52 bytes for each finished epoch; then the numbers of the network, of the optimizer's memories, of
//! the best network and of the average, each as in a model file. They fill the payload exactly.

use std::borrow::Cow;

use nn_core::{Average, Network, Optimizer, Parameters, Tally};

use crate::{
    DecodeError, EpochSummary, Fingerprint, FitConfig, FitError, InvalidModel, InvalidPlace, Place, Snapshot,
    container,
    dataset::spelled,
    description,
    mirror::{List, addition, checkpoint::Description},
    model,
    network_bytes::{self, to_usize},
};

/// A place in a fit with all that it takes to go on from there, to the last bit as if the fit had never been left.
///
/// It holds no clock and no number of threads: two fits of one configuration have the same bytes at the same place.
/// **Nor does it hold a [`Teacher`](crate::Teacher)**, which is neither configuration nor data: who goes on gives the same
/// one again, and may keep in the [settings](Self::settings) which that was.
///
/// It borrows what is saved ([`new`](Self::new)) and owns what was loaded.
///
/// # Examples
/// ```
/// use std::{num::NonZeroUsize, ops::ControlFlow};
/// use nn_train::{
///     Checkpoint, Fingerprint, FitConfig, Ingredients, Observer, Order, Schedule, Snapshot, fit, fit_from,
///     initial_rng,
/// };
/// use nn_train::nn_core::{Activation, Dataset, Loss, Network, Optimizer};
///
/// /// Keeps a checkpoint of the 33rd step, and stops there.
/// struct Leave<'a> {
///     config: &'a FitConfig,
///     train: Fingerprint,
///     bytes: Vec<u8>,
/// }
///
/// impl Observer for Leave<'_> {
///     fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
///         if snapshot.optimizer.steps() < 33 {
///             return ControlFlow::Continue(());
///         }
///         let checkpoint = Checkpoint::new(snapshot, self.config, &[1, 3], self.train);
///         self.bytes = checkpoint.to_bytes().expect("the fit has not diverged");
///         ControlFlow::Break(())
///     }
/// }
///
/// let train = Dataset::new(&[255, 9, 0, 210, 0, 30, 0, 40, 220, 20, 0, 255], 3, &[0, 0, 1, 1], 2)?;
/// let config = FitConfig {
///     epochs: 20,
///     batch_size: NonZeroUsize::new(2).unwrap(),
///     loss: Loss::SoftmaxCrossEntropy,
///     rate: 0.5,
///     schedule: Schedule::Cosine,
///     seed: 42,
///     threads: NonZeroUsize::MIN,
///     ingredients: Ingredients::NONE,
///     order: Order::Full,
/// };
/// let network = || Network::builder(3).dense(2, Activation::Identity).build(&mut initial_rng(42));
///
/// let mut never_left = network()?;
/// fit(&mut never_left, &mut Optimizer::sgd(0.5), train, None, &config, &mut ())?;
///
/// let mut observer = Leave { config: &config, train: Fingerprint::of(train), bytes: Vec::new() };
/// fit(&mut network()?, &mut Optimizer::sgd(0.5), train, None, &config, &mut observer)?;
///
/// let checkpoint = Checkpoint::from_bytes(&observer.bytes)?;
/// checkpoint.check(&config, &Fingerprint::of(train), None)?;
/// let (mut resumed, mut optimizer) = (checkpoint.network.into_owned(), checkpoint.optimizer.into_owned());
/// fit_from(checkpoint.place.into_owned(), &mut resumed, &mut optimizer, train, None, &config, &mut ())?;
/// assert_eq!(resumed, never_left);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<'a> {
    /// The release of this crate that the fit was begun with.
    pub release: Cow<'a, str>,
    /// The network.
    pub network: Cow<'a, Network>,
    /// The optimizer: rule, rate, steps and memories.
    pub optimizer: Cow<'a, Optimizer>,
    /// How far the fit has come.
    pub place: Cow<'a, Place>,
    /// The network as it was after the [best](Place::best) epoch, if somebody keeps it.
    pub best: Option<Cow<'a, Network>>,
    /// What the fit does. **The threads are not kept**: of a checkpoint that was loaded they are 1.
    pub config: FitConfig,
    /// The shape of the images; the product is the number of inputs.
    pub image_shape: Cow<'a, [usize]>,
    /// The data that is trained on.
    pub train: Fingerprint,
    /// The data that each epoch is measured on, if any.
    pub validation: Option<Fingerprint>,
    /// What the program that fits wants to find again, of at most some 60,000 bytes.
    pub settings: Cow<'a, str>,
}

/// The rate of an epoch and two tallies.
const EPOCH_LEN: usize = size_of::<f32>() + 2 * TALLY_LEN;
const TALLY_LEN: usize = 3 * size_of::<u64>();

impl<'a> Checkpoint<'a> {
    /// This release.
    pub const RELEASE: &'static str = env!("CARGO_PKG_VERSION");

    /// A checkpoint of what an [observer](crate::Observer::between_steps) sees, with no validation data, best network
    /// or settings: set those fields where there are any.
    #[must_use]
    pub fn new(
        snapshot: &Snapshot<'a>,
        config: &FitConfig,
        image_shape: &'a [usize],
        train: Fingerprint,
    ) -> Checkpoint<'a> {
        Checkpoint {
            release: Cow::Borrowed(Self::RELEASE),
            network: Cow::Borrowed(snapshot.network),
            optimizer: Cow::Borrowed(snapshot.optimizer),
            place: Cow::Borrowed(snapshot.place),
            best: None,
            config: *config,
            image_shape: Cow::Borrowed(image_shape),
            train,
            validation: None,
            settings: Cow::Borrowed(""),
        }
    }

    /// The checkpoint as the bytes of a checkpoint file. Equal checkpoints give equal bytes.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`] when the parts do not go together, or the network has diverged.
    ///
    /// # Panics
    /// If a memory of the optimizer, the best network or the average is not shaped like the network.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidCheckpoint> {
        self.check_parts()?;
        let network = &*self.network;
        let description = description::encode(&Description {
            release: &self.release,
            inputs: network.inputs() as u64,
            layers: network_bytes::layers(network),
            image_shape: List(self.image_shape.iter().map(|&length| length as u64).collect()),
            config: (&self.config).into(),
            optimizer: (&*self.optimizer).into(),
            train: self.train.into(),
            validation: self.validation.map(Into::into),
            finished_epochs: self.place.epochs.len() as u64,
            batches: self.place.batches,
            running: self.place.running.into(),
            has_best: self.best.is_some(),
            settings: &self.settings,
        });
        if description.len() > description::MAX_LEN {
            let (limit, found) = (description::MAX_LEN, description.len());
            return Err(InvalidModel::Description { limit, found }.into());
        }
        let best = self.best.as_ref().map(|best| best.parameters());
        let average = self.place.average.as_ref().map(|average| average.parts().0);
        let addition = addition::Checkpoint {
            ingredients: self.config.ingredients.into(),
            averaged: self.place.average.as_ref().map(|average| average.parts().1),
        };
        let order = addition::Order::from(self.config.order);
        let version = match (addition == addition::Checkpoint::default(), order) {
            (true, addition::Order::Full) => container::FIRST_VERSION,
            (false, addition::Order::Full) => container::WITH_ADDITION,
            (_, addition::Order::Blocks { .. }) => container::WITH_ORDER,
        };
        let matrices =
            [network.parameters()].into_iter().chain(self.optimizer.memories()).chain(best).chain(average);
        Ok(container::seal(container::CHECKPOINT, version, |payload| {
            payload.extend(description);
            if version >= container::WITH_ADDITION {
                payload.extend(description::encode(&addition));
            }
            if version >= container::WITH_ORDER {
                payload.extend(description::encode(&order));
            }
            for epoch in &self.place.epochs {
                payload.extend(epoch_bytes(epoch));
            }
            for parameters in matrices {
                assert!(
                    is_shaped_like(parameters, network.parameters()),
                    "a memory, the best network or the average is {parameters:?}, expected {:?}",
                    network.parameters()
                );
                network_bytes::append(parameters, payload);
            }
        }))
    }

    /// The checkpoint of the bytes of a checkpoint file.
    ///
    /// Memory is taken in proportion to `bytes`, never to a number that they merely claim.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the bytes of a sound checkpoint: there is no byte whose change goes unnoticed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint<'static>, DecodeError> {
        let (version, payload) = container::open(container::CHECKPOINT, bytes)?;
        let unreadable = |reason| DecodeError::Description { reason };
        let (description, mut description_len) =
            description::decode::<Description<'_>>(payload).map_err(unreadable)?;
        let (mut addition, mut order) = (addition::Checkpoint::default(), addition::Order::default());
        if version >= container::WITH_ADDITION {
            let (added, added_len) = description::decode(&payload[description_len..]).map_err(unreadable)?;
            (addition, description_len) = (added, description_len + added_len);
        }
        if version >= container::WITH_ORDER {
            let (added, added_len) = description::decode(&payload[description_len..]).map_err(unreadable)?;
            (order, description_len) = (added, description_len + added_len);
        }
        let Description { inputs, layers, optimizer, .. } = &description;

        let numbers = &payload[description_len..];
        let rule = optimizer.rule();
        let memories = rule.memories_after(optimizer.steps);
        let networks =
            1 + memories + usize::from(description.has_best) + usize::from(addition.averaged.is_some());
        let network_len = network_bytes::len(*inputs, layers);
        let epochs_len = u128::from(description.finished_epochs) * EPOCH_LEN as u128;
        let expected = network_len.saturating_mul(networks as u128).saturating_add(epochs_len);
        if expected != numbers.len() as u128 {
            return Err(DecodeError::ParameterBytes {
                offset: container::HEADER_LEN + description_len,
                expected,
                found: numbers.len(),
            });
        }
        // Both are at most the length of what is there.
        let (epochs, parameters) = numbers.split_at(epochs_len as usize);
        let (epochs, _) = epochs.as_chunks::<EPOCH_LEN>();
        let epochs = (1..).zip(epochs).map(|(epoch, bytes)| epoch_summary(epoch, bytes)).collect();

        let mut network = network_bytes::zeros(*inputs, layers).map_err(DecodeError::Network)?;
        let mut parameters = parameters.chunks_exact(network_len as usize);
        let mut next = |parameters_of: &mut Parameters| {
            let bytes = parameters.next().expect("there are as many networks as were counted");
            network_bytes::fill(parameters_of, bytes);
        };
        next(network.parameters_mut());
        let memories = (0..memories)
            .map(|_| {
                let mut memory = network.parameters().zeros_like();
                next(&mut memory);
                memory
            })
            .collect();
        let best = description.has_best.then(|| {
            let mut best = network.clone();
            next(best.parameters_mut());
            Cow::Owned(best)
        });
        let average = addition.averaged.map(|count| {
            let mut average = network.parameters().zeros_like();
            next(&mut average);
            Average::from_parts(average, count)
        });
        let optimizer = Optimizer::resume(rule, optimizer.rate, optimizer.steps, memories)
            .map_err(DecodeError::Optimizer)?;

        let checkpoint = Checkpoint {
            release: Cow::Owned(description.release.to_owned()),
            network: Cow::Owned(network),
            optimizer: Cow::Owned(optimizer),
            place: Cow::Owned(Place {
                epochs,
                batches: description.batches,
                running: description.running.into(),
                average,
            }),
            best,
            config: FitConfig {
                ingredients: addition.ingredients.into(),
                order: order.into(),
                ..description.config.into()
            },
            image_shape: description.image_shape.0.into_iter().map(to_usize).collect(),
            train: description.train.into(),
            validation: description.validation.map(Into::into),
            settings: Cow::Owned(description.settings.to_owned()),
        };
        checkpoint.check_parts()?;
        Ok(checkpoint)
    }

    /// Checks that the fit may go on with this configuration and this data, by this release. The threads may be
    /// others.
    ///
    /// # Errors
    /// [`Mismatch`], the first there is.
    pub fn check(
        &self,
        config: &FitConfig,
        train: &Fingerprint,
        validation: Option<&Fingerprint>,
    ) -> Result<(), Mismatch> {
        let FitConfig { epochs, batch_size, loss, rate, schedule, seed, threads: _, ingredients, order } =
            &self.config;
        let data = |fingerprint: Option<&Fingerprint>| {
            fingerprint.map_or_else(|| "none".to_owned(), Fingerprint::to_string)
        };
        self.check_release()?;
        Mismatch::check("number of epochs", epochs, &config.epochs)?;
        Mismatch::check("batch size", batch_size, &config.batch_size)?;
        Mismatch::check("loss", loss, &config.loss)?;
        Mismatch::check("learning rate", rate, &config.rate)?;
        Mismatch::check("schedule", schedule, &config.schedule)?;
        Mismatch::check("seed", seed, &config.seed)?;
        Mismatch::check("ingredients", ingredients, &config.ingredients)?;
        Mismatch::check("order of the samples", order, &config.order)?;
        Mismatch::check("training data", &self.train, train)?;
        Mismatch::check("validation data", &data(self.validation.as_ref()), &data(validation))
    }

    /// The part of [`check`](Self::check) that needs no data: whether this release may go on with the fit. Another one
    /// may have written other [settings](Self::settings).
    ///
    /// # Errors
    /// [`Mismatch`] with both releases.
    pub fn check_release(&self) -> Result<(), Mismatch> {
        Mismatch::check("release", &*self.release, Self::RELEASE)
    }

    /// Checks that the images still have the shape that the fit was begun with, which fingerprints do not tell: images
    /// of 28x28 and of 14x56 pixels may be the same bytes.
    ///
    /// # Errors
    /// [`Mismatch`] with both shapes.
    pub fn check_image_shape(&self, found: &[usize]) -> Result<(), Mismatch> {
        Mismatch::check("image shape", &spelled(&self.image_shape), &spelled(found))
    }

    fn check_parts(&self) -> Result<(), InvalidCheckpoint> {
        model::check_use(&self.network, self.config.loss, &self.image_shape)?;
        model::check_finite(&self.network)?;
        if let Some(best) = &self.best {
            model::check_finite(best)?;
        }
        self.config.check_numbers()?;
        self.place.check(&self.config, self.train.samples)?;
        for summary in &self.place.epochs {
            if let (Some(validation), Some(tally)) = (self.validation, summary.validation)
                && tally.samples != validation.samples
            {
                let (expected, found) = (validation.samples, tally.samples);
                return Err(InvalidCheckpoint::Validation { epoch: summary.epoch, expected, found });
            }
        }
        Ok(())
    }
}

fn is_shaped_like(one: &Parameters, other: &Parameters) -> bool {
    one.layers() == other.layers()
        && (0..one.layers()).all(|layer| one.weights(layer).dim() == other.weights(layer).dim())
}

fn epoch_bytes(summary: &EpochSummary) -> [u8; EPOCH_LEN] {
    let mut bytes = [0; EPOCH_LEN];
    let (rate, tallies) = bytes.split_at_mut(size_of::<f32>());
    rate.copy_from_slice(&summary.rate.to_le_bytes());
    // Without validation, one of no samples.
    let (train, validation) = (summary.train, summary.validation.unwrap_or_default());
    for (bytes, tally) in tallies.chunks_exact_mut(TALLY_LEN).zip([train, validation]) {
        let numbers = [tally.samples, tally.correct, tally.loss_sum.to_bits()];
        for (bytes, number) in bytes.chunks_exact_mut(size_of::<u64>()).zip(numbers) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
    }
    bytes
}

fn epoch_summary(epoch: u32, bytes: &[u8; EPOCH_LEN]) -> EpochSummary {
    let (rate, tallies) = bytes.split_at(size_of::<f32>());
    let (rates, _) = rate.as_chunks::<{ size_of::<f32>() }>();
    let (tallies, _) = tallies.as_chunks::<{ size_of::<u64>() }>();
    let tally = |first: usize| {
        let number = |index: usize| u64::from_le_bytes(tallies[first + index]);
        Tally { samples: number(0), correct: number(1), loss_sum: f64::from_bits(number(2)) }
    };
    let validation = tally(3);
    EpochSummary {
        epoch,
        rate: f32::from_le_bytes(rates[0]),
        train: tally(0),
        validation: (validation.samples > 0).then_some(validation),
    }
}

/// Why the parts of a [`Checkpoint`] do not go together, or cannot be kept in a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCheckpoint {
    /// The network has diverged, or loss or image shape do not suit it.
    #[error(transparent)]
    Network(#[from] InvalidModel),
    /// There is no fit of that configuration.
    #[error(transparent)]
    Config(#[from] FitError),
    /// The fit does not come by that place.
    #[error(transparent)]
    Place(#[from] InvalidPlace),
    /// An epoch was measured on other validation data.
    #[error("expected a tally of {expected} validation samples in epoch {epoch}, found {found}")]
    Validation {
        /// The epoch.
        epoch: u32,
        /// The samples to validate on.
        expected: u64,
        /// The samples in the tally.
        found: u64,
    },
}

/// A fit cannot go on, because what it is to go on with is not what it was begun with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} is another one: expected {expected}, as in the checkpoint, found {found}")]
#[non_exhaustive]
pub struct Mismatch {
    /// What differs: "learning rate", "training data", ...
    pub what: &'static str,
    /// What the fit was begun with, as text.
    pub expected: String,
    /// What it is to go on with, as text.
    pub found: String,
}

impl Mismatch {
    fn check<T: PartialEq + ToString + ?Sized>(
        what: &'static str,
        expected: &T,
        found: &T,
    ) -> Result<(), Mismatch> {
        if expected == found {
            return Ok(());
        }
        Err(Mismatch { what, expected: expected.to_string(), found: found.to_string() })
    }
}
