//! Owns averages of a network's parameters over the steps of its training. Knows neither steps nor rules.

use crate::network::Network;
use crate::parameters::Parameters;
use crate::plan::Plan;
use crate::simd::{Kernel, Line, Simd, dispatch};
use crate::team::{Parts, Team};

/// An average of the parameters that a network has had: of all alike (Izmailov et al. 2018, "stochastic weight
/// averaging"), or of the last ones more (an exponential moving average). It often does better than any of them.
///
/// # Examples
/// ```
/// use nn_core::{Activation, Average, Network};
/// let mut network = Network::builder(2).dense(1, Activation::Identity).zeros()?;
/// let mut average = Average::new(&network);
/// for bias in [1.0, 2.0, 6.0] {
///     network.parameters_mut().biases_mut(0).fill(bias);
///     average.take(&network, None);
/// }
/// assert_eq!(average.network(&network).parameters().biases(0)[0], 3.0);
/// # Ok::<(), nn_core::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    parameters: Parameters,
    count: u64,
}

impl Average {
    /// An average that has taken nothing yet, for networks of the same shapes as this one, whose parameters it
    /// has until then.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self { parameters: network.parameters().clone(), count: 0 }
    }

    /// An average that goes on where another one stopped, as [`parts`](Self::parts) told.
    #[must_use]
    pub fn from_parts(parameters: Parameters, count: u64) -> Self {
        Self { parameters, count }
    }

    /// The average a, and how many networks it has taken.
    #[must_use]
    pub fn parts(&self) -> (&Parameters, u64) {
        (&self.parameters, self.count)
    }

    /// Takes the parameters w of a network. With a decay d, a = d a + (1 - d) w; without, a is the mean of all that
    /// were taken. The first is copied, so that nothing of what was there before it is left and no correction is
    /// needed.
    ///
    /// # Panics
    /// If the network has other shapes, or the decay is not between 0 and 1.
    #[track_caller]
    pub fn take(&mut self, network: &Network, decay: Option<f32>) {
        let share = self.begin(network, decay);
        let (average, new) = (self.parameters.all_lines_mut(), network.parameters().all_lines());
        dispatch(Blend { average, new, share });
    }

    /// As [`take`](Self::take), by a team.
    #[track_caller]
    pub(crate) fn take_by(&mut self, team: &mut Team, plan: &Plan, network: &Network, decay: Option<f32>) {
        let share = self.begin(network, decay);
        let parts = [Parts::new(self.parameters.all_lines_mut(), &plan.lines)];
        team.for_each_part(parts, plan.first_blocks(team.threads()), |index, [average]| {
            let new = &network.parameters().all_lines()[plan.lines[index].clone()];
            dispatch(Blend { average, new, share });
        });
    }

    /// Counts a network, and gives the share that it will have; none where it is all.
    #[track_caller]
    fn begin(&mut self, network: &Network, decay: Option<f32>) -> Option<f32> {
        self.check(network);
        if let Some(decay) = decay {
            assert!((0.0..=1.0).contains(&decay), "a decay of {decay}, expected 0 to 1");
        }
        self.count += 1;
        let share = decay.map_or(1.0 / self.count as f32, |decay| 1.0 - decay);
        (self.count > 1).then_some(share)
    }

    #[track_caller]
    fn check(&self, network: &Network) {
        let same = self.parameters.shapes() == network.parameters().shapes();
        assert!(same, "the average is of another network");
    }

    /// A network like `like` with the average for its parameters.
    ///
    /// # Panics
    /// If it has other shapes.
    #[must_use]
    #[track_caller]
    pub fn network(&self, like: &Network) -> Network {
        let mut network = like.clone();
        self.write_to(&mut network);
        network
    }

    /// Replaces the parameters of a network by the average. Nothing is allocated.
    ///
    /// # Panics
    /// If it has other shapes.
    #[track_caller]
    pub fn write_to(&self, network: &mut Network) {
        self.check(network);
        network.parameters_mut().all_lines_mut().copy_from_slice(self.parameters.all_lines());
    }
}

/// a = a + share (w - a), or a = w.
struct Blend<'a> {
    average: &'a mut [Line],
    new: &'a [Line],
    share: Option<f32>,
}

impl Kernel for Blend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { average, new, share } = self;
        let Some(share) = share else { return average.copy_from_slice(new) };
        for (average, new) in average.iter_mut().zip(new) {
            let (a, w) = (simd.load(average), simd.load(new));
            simd.store(simd.mul_add(simd.splat(share), simd.sub(w, a), a), average);
        }
    }
}
