//! Processes that train one network together: owns what they must agree on, which samples each of them has and what
//! they tell each other, and refuses to know how a number gets from one to another.

use std::ops::Range;

use nn_core::{Engine, Evaluation, Loss, Network, Optimizer, ndarray::Array2};
use sha2::{Digest, Sha256};

use crate::{Checkpoint, Fingerprint, FitConfig, Place, Samples, Teacher, network_bytes};

/// One of several processes, its rank among them, and its way to the others.
///
/// [`fit_on`](crate::fit_on) trains on them, and calls the same methods in the same order on each. Every method waits
/// for all ranks, so that a rank that does not come keeps the others waiting: **an implementation needs a limit to
/// that**, and ends with [`RanksError::Late`].
///
/// # Examples
/// The one rank that is alone:
/// ```
/// use nn_train::{Ranks, RanksError};
///
/// struct Alone;
///
/// impl Ranks for Alone {
///     fn rank(&self) -> usize {
///         0
///     }
///     fn size(&self) -> usize {
///         1
///     }
///     fn sum(&mut self, _numbers: &mut [f32], _few: &mut [f64]) -> Result<(), RanksError> {
///         Ok(())
///     }
///     fn gather(&mut self, own: &[u8]) -> Result<Vec<u8>, RanksError> {
///         Ok(own.to_vec())
///     }
/// }
///
/// let mut numbers = [1.5, 2.0];
/// Alone.sum(&mut numbers, &mut [])?;
/// assert_eq!(numbers, [1.5, 2.0]);
/// # Ok::<(), RanksError>(())
/// ```
pub trait Ranks {
    /// Which of the ranks this is, from 0.
    fn rank(&self) -> usize;

    /// How many there are, at least 1.
    fn size(&self) -> usize;

    /// Puts the sums over all ranks in the place of `numbers` and of `few`, both of which are as long on every rank.
    ///
    /// The sums have **the same bits on every rank**, and the same whenever the same ranks sum the same numbers: the
    /// order of the additions is fixed. Sums of whole numbers below 2^53 in `few` are exact.
    ///
    /// # Errors
    /// [`RanksError`], after which nothing else is to be asked of any rank.
    fn sum(&mut self, numbers: &mut [f32], few: &mut [f64]) -> Result<(), RanksError>;

    /// The bytes of all ranks, one after the other from rank 0 on; every rank has as many.
    ///
    /// # Errors
    /// As [`sum`](Self::sum).
    fn gather(&mut self, own: &[u8]) -> Result<Vec<u8>, RanksError>;
}

/// Why ranks cannot go on together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// The ranks do not train the same network, on the same data, in the same way.
    #[error("rank {rank} has another {what} than rank 0")]
    Differ {
        /// The first rank that differs.
        rank: usize,
        /// What differs: "release", "configuration", "training data", ...
        what: &'static str,
    },
    /// After an epoch the networks, or what belongs to them, are not the same any more.
    #[error("after epoch {epoch}, rank {rank} has other numbers than rank 0")]
    Apart {
        /// The epoch, from 1.
        epoch: u32,
        /// The first rank that differs.
        rank: usize,
    },
    /// Not all ranks came within the limit of time.
    #[error("waited {seconds} s for the other ranks: one of them is gone, or too slow")]
    Late {
        /// The limit.
        seconds: u64,
    },
    /// A rank has left.
    #[error("rank {rank} is gone")]
    Gone {
        /// The rank.
        rank: usize,
    },
}

/// Which part of everything is this process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    rank: usize,
    size: usize,
}

impl Division {
    pub(crate) const WHOLE: Division = Division { rank: 0, size: 1 };

    pub(crate) const fn new(rank: usize, size: usize) -> Division {
        Division { rank, size }
    }

    pub(crate) fn of(ranks: &dyn Ranks) -> Division {
        Division::new(ranks.rank(), ranks.size())
    }

    pub(crate) fn is_whole(self) -> bool {
        self.size == 1
    }

    /// The part of a range. Those of all ranks, in their order, are the range; their lengths differ by 1 at most.
    pub(crate) fn part(self, range: &Range<usize>) -> Range<usize> {
        // In 128 bits, because a product of two lengths may take as many.
        let end = |rank: usize| {
            let before = rank as u128 * range.len() as u128 / self.size as u128;
            range.start + before as usize
        };
        end(self.rank)..end(self.rank + 1)
    }
}

/// What decides a fit, for [`check_same`].
pub(crate) struct Start<'a> {
    pub(crate) config: &'a FitConfig,
    pub(crate) network: &'a Network,
    pub(crate) optimizer: &'a Optimizer,
    pub(crate) place: &'a Place,
    pub(crate) train: Samples<'a>,
    pub(crate) image_shape: &'a [usize],
    pub(crate) teacher: Option<Teacher<'a>>,
    pub(crate) validation: Option<Samples<'a>>,
}

/// Checks that all ranks are about to do the same.
pub(crate) fn check_same(ranks: &mut dyn Ranks, start: &Start<'_>) -> Result<(), RanksError> {
    let Start { config, network, optimizer, place, train, image_shape, teacher, validation } = start;
    // Threads are each rank's own affair.
    let config = FitConfig { threads: std::num::NonZeroUsize::MIN, ..**config };
    let data = |data: Samples<'_>| Fingerprint::of(data).to_string();
    let mut teachers = Vec::new();
    for member in teacher.iter().flat_map(|teacher| teacher.committee.members()) {
        // The loss says what its outputs are.
        let spelled = format!("{:?} {} {:?}", member.network, member.loss, member.preprocessing);
        teachers.extend(spelled.into_bytes());
        network_bytes::append(member.network.parameters(), &mut teachers);
    }
    let share = teacher.map(|teacher| teacher.share.to_bits());
    let aspects = [
        ("release", digest(Checkpoint::RELEASE.as_bytes())),
        ("configuration", digest(format!("{config:?} {:?} {share:?}", optimizer.rule()).as_bytes())),
        ("training data", digest(data(*train).as_bytes())),
        ("image shape", digest(format!("{image_shape:?}").as_bytes())),
        ("validation data", digest(validation.map(data).unwrap_or_default().as_bytes())),
        ("teacher", digest(&teachers)),
        ("place to begin from", digest(format!("{} {:?}", place.batches, place.epochs).as_bytes())),
        ("network to begin with", state_digest(network, optimizer, place)),
    ];
    let own: Vec<u8> = aspects.iter().flat_map(|(_, digest)| *digest).collect();
    let all = ranks.gather(&own)?;
    let (digests, _) = all.as_chunks::<DIGEST_LEN>();
    for (rank, of_rank) in digests.chunks_exact(aspects.len()).enumerate() {
        let pairs = of_rank.iter().zip(digests);
        if let Some((_, &(what, _))) = pairs.zip(&aspects).find(|((found, expected), _)| found != expected) {
            return Err(RanksError::Differ { rank, what });
        }
    }
    Ok(())
}

/// Checks that all ranks have the same numbers after an epoch.
pub(crate) fn check_state(
    ranks: &mut dyn Ranks,
    epoch: u32,
    (network, optimizer): (&Network, &Optimizer),
    place: &Place,
) -> Result<(), RanksError> {
    let all = ranks.gather(&state_digest(network, optimizer, place))?;
    let digests = all.as_chunks::<DIGEST_LEN>().0;
    match digests.iter().position(|digest| *digest != digests[0]) {
        Some(rank) => Err(RanksError::Apart { epoch, rank }),
        None => Ok(()),
    }
}

/// As [`Engine::evaluate`], each rank on its part of the data.
pub(crate) fn evaluate(
    ranks: &mut dyn Ranks,
    engine: &mut Engine,
    network: &Network,
    loss: Loss,
    data: Samples<'_>,
) -> Result<Evaluation, RanksError> {
    let part = Division::of(ranks).part(&(0..data.len()));
    let Evaluation { mut tally, confusion } = data.slice(part).evaluate(engine, network, loss);
    // Whole numbers, but for the loss, and far below 2^53.
    let counts = confusion.iter().map(|&count| count as f64);
    let mut sums: Vec<f64> = [tally.loss_sum, tally.correct as f64].into_iter().chain(counts).collect();
    ranks.sum(&mut [], &mut sums)?;
    tally.samples = data.len() as u64;
    (tally.loss_sum, tally.correct) = (sums[0], sums[1] as u64);
    let confusion = Array2::from_shape_fn(confusion.dim(), |(row, column)| {
        sums[2 + row * confusion.ncols() + column] as u64
    });
    Ok(Evaluation { tally, confusion })
}

const DIGEST_LEN: usize = 32;

fn digest(bytes: &[u8]) -> [u8; DIGEST_LEN] {
    Sha256::digest(bytes).into()
}

/// Of all numbers that a step changes.
fn state_digest(network: &Network, optimizer: &Optimizer, place: &Place) -> [u8; DIGEST_LEN] {
    let average = place.average.as_ref().map(nn_core::Average::parts);
    let parameters = [network.parameters()].into_iter().chain(optimizer.memories());
    let mut hasher = Sha256::new();
    let mut bytes = Vec::new();
    for parameters in parameters.chain(average.map(|(parameters, _)| parameters)) {
        bytes.clear();
        network_bytes::append(parameters, &mut bytes);
        hasher.update(&bytes);
    }
    let counts = (optimizer.steps(), average.map(|(_, count)| count), place.running);
    hasher.update(format!("{counts:?} {network:?}"));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_all_and_as_equal_as_can_be() {
        for size in [1, 2, 3, 4, 7] {
            for range in [0..0, 5..6, 10..33, 0..64] {
                let parts = (0..size).map(|rank| Division { rank, size }.part(&range));
                let mut next = range.start;
                for part in parts {
                    assert_eq!(part.start, next);
                    assert!((range.len() / size..=range.len().div_ceil(size)).contains(&part.len()));
                    next = part.end;
                }
                assert_eq!(next, range.end);
            }
        }
        let last = Division { rank: 6, size: 7 };
        assert_eq!(last.part(&(0..usize::MAX)).end, usize::MAX);
        assert_eq!(Division::WHOLE.part(&(3..9)), 3..9);
    }
}
