//! Owns the step over a batch of which each of several processes has a part. Knows no process: who calls sums the
//! gradients.

use super::Engine;
use crate::dataset::Batch;
use crate::network::Network;
use crate::objective::Objective;
use crate::optimizer::Optimizer;
use crate::tally::Tally;

/// The part of a batch that is here, where others have the rest.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The samples that are here. There may be none.
    pub batch: Batch<'a>,
    /// The place in the whole batch of the first of them, which decides what is dropped of each.
    pub first: usize,
    /// Number of samples in the whole batch.
    pub of: usize,
}

impl Engine {
    /// [`step`](Self::step) over the whole batch by one of several processes, each of which has a part of it and the
    /// same network and optimizer.
    ///
    /// Between back-propagation and the change to the parameters, `exchange` is called once: with the gradient of the
    /// part, already divided by the number of samples in the **whole** batch, and with the part's tally. It puts the
    /// sums over all parts in their place. The gradient is that of all parameters in an order of the engine's own, the
    /// same for networks of the same shapes, with padding between them that means nothing.
    ///
    /// Where all parts get the same sums, to the bit, all networks stay the same. They are what one step over the
    /// whole batch makes, but for the rounding of those sums; one part that is all of the batch gives its bits.
    ///
    /// # Errors
    /// What `exchange` returned. Network and optimizer are then as they were.
    ///
    /// # Panics
    /// As [`step`](Self::step), but the part may be empty; and if it reaches past the end of the whole batch, or
    /// that is empty.
    ///
    /// # Examples
    /// ```
    /// use nn_core::{Activation, Dataset, Engine, Loss, Network, Optimizer, Part};
    /// use std::num::NonZeroUsize;
    /// let dataset = Dataset::new(&[255, 0, 0,  0, 128, 255], 3, &[0, 1], 2)?;
    /// let mut network = Network::builder(3).dense(2, Activation::Identity).zeros()?;
    /// let mut sgd = Optimizer::sgd(0.5);
    /// let mut engine = Engine::new(NonZeroUsize::MIN);
    /// let part = Part { batch: dataset.slice(1..2).all(), first: 1, of: 2 };
    /// let tally = engine.step_part(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, part, |gradient, tally| {
    ///     // Here the sums over the processes would take their place.
    ///     assert!(gradient.len() >= 4 * 2);
    ///     assert_eq!(tally.samples, 1);
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// assert_eq!(tally.samples, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn step_part<E>(
        &mut self,
        network: &mut Network,
        optimizer: &mut Optimizer,
        objective: impl Into<Objective>,
        part: Part<'_>,
        mut exchange: impl FnMut(&mut [f32], &mut Tally) -> Result<(), E>,
    ) -> Result<Tally, E> {
        let (here, Part { first, of, .. }) = (part.batch.len(), part);
        assert!(of > 0, "a step over an empty batch");
        let is_within = first.checked_add(here).is_some_and(|end| end <= of);
        assert!(is_within, "samples {first} to {first} + {here} of a batch of {of}");
        let mut failure = None;
        let mut exchange = |gradient: &mut [f32], tally: &mut Tally| {
            failure = exchange(gradient, tally).err();
            failure.is_none()
        };
        let tally = self.step_towards(network, optimizer, objective.into(), part, Some(&mut exchange));
        match failure {
            Some(failure) => Err(failure),
            None => Ok(tally.expect("the exchange has not failed")),
        }
    }
}
