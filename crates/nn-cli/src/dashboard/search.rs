//! The search for misread images: owns how many are looked for, and for how long, and refuses to know how they are
//! shown.

use std::time::{Duration, Instant};

use nn_train::{
    Samples,
    nn_core::{Loss, Network, ndarray::ArrayView2, predicted_class},
};

use super::view::Misread;
use crate::picture::{Picture, Size};

/// As many as a wide terminal has room for.
const MOST: usize = 12;
/// Images between two looks at the clock.
const BATCH: usize = 16;

/// Where to look.
pub(crate) struct Search<'a> {
    samples: Samples<'a>,
    /// None where the samples are no pictures: then there is nothing to show.
    size: Option<Size>,
    loss: Loss,
}

impl<'a> Search<'a> {
    pub(crate) fn new(samples: Samples<'a>, image_shape: &[usize], loss: Loss) -> Search<'a> {
        Search { samples, size: Size::of(image_shape).ok(), loss }
    }

    /// The first images that the network takes for another class, as far as they are found in the time.
    pub(super) fn misread(&self, network: &Network, time: Duration) -> Vec<Misread> {
        let begun = Instant::now();
        let mut found = Vec::new();
        let Some(size) = self.size else { return found };
        let (features, mut pixels) = (self.samples.features(), Vec::new());
        for first in (0..self.samples.len()).step_by(BATCH) {
            let indices = first..self.samples.len().min(first + BATCH);
            pixels.clear();
            indices.clone().for_each(|index| pixels.extend_from_slice(self.samples.row(index)));
            let Ok(inputs) = ArrayView2::from_shape((indices.len(), features), &pixels) else { break };
            let outputs = network.forward(inputs);
            let probabilities = self.loss.probabilities(outputs.view());
            for (row, outputs) in outputs.rows().into_iter().enumerate() {
                let index = first + row;
                let label = usize::from(self.samples.label(index));
                let predicted = predicted_class(outputs.as_slice().unwrap_or_default());
                if predicted != label {
                    let picture = Picture::new(size, self.samples.row(index));
                    let probability = probabilities[[row, predicted]];
                    found.push(Misread { picture, label, predicted, probability });
                }
                if found.len() == MOST {
                    return found;
                }
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use nn_train::nn_core::{Activation, Dataset};

    use super::*;

    #[test]
    fn the_first_misread_images_are_found_with_what_they_are_taken_for() {
        // All outputs are equal, so that class 0 is predicted for each.
        let network = Network::builder(6).dense(3, Activation::Identity).zeros().unwrap();
        let pixels: Vec<u8> = (0..40).flat_map(|sample| [sample; 6]).collect();
        let labels: Vec<u8> = (0..40).map(|sample| u8::from(sample > 30) + u8::from(sample == 35)).collect();
        let dataset = Dataset::new(&pixels, 6, &labels, 3).unwrap();
        let search = Search::new(dataset.into(), &[2, 3], Loss::SoftmaxCrossEntropy);
        let found = search.misread(&network, Duration::from_secs(3600));
        let greys: Vec<u8> = found.iter().map(|misread| misread.picture.pixels[0]).collect();
        assert_eq!(greys, [31, 32, 33, 34, 35, 36, 37, 38, 39]);
        let of_35 = &found[4];
        assert_eq!((of_35.label, of_35.predicted), (2, 0));
        assert!((of_35.probability - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!((of_35.picture.width, of_35.picture.height), (3, 2));

        // Samples that are no pictures, and no time.
        assert_eq!(
            Search::new(dataset.into(), &[6], Loss::SoftmaxCrossEntropy).misread(&network, Duration::MAX),
            []
        );
        assert_eq!(search.misread(&network, Duration::ZERO), [], "the first sixteen are all right");
        let wrong = [1; 40];
        let all = Search::new(
            Dataset::new(&pixels, 6, &wrong, 3).unwrap().into(),
            &[2, 3],
            Loss::SoftmaxCrossEntropy,
        );
        assert_eq!(all.misread(&network, Duration::MAX).len(), MOST);
    }
}
