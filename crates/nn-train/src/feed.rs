//! What a step is fed: owns the batches of an epoch, distorted, mixed and with a teacher's answers where that is asked
//! for, and refuses to know what a step makes of them.
//!
//! Batches that are to be as the data is are borrowed from it. Others are prepared some thousand samples at a time, on
//! all threads. Nothing here grows with the number of samples but the order of the epoch. What becomes of a sample
//! depends on seed, epoch and its place, never on who prepares it and when, so that a fit may be left and taken up
//! anywhere.

use std::ops::Range;

use nn_core::{Batch, Dataset, Engine, Part, Targets, ndarray::Array2, ndarray::s};
use rand_chacha::{ChaCha8Rng, rand_core::RngCore};

use crate::{
    Augmenter, FitConfig, FitError, Pages, Samples, Teacher, order::mixing_rng, pages::Ahead, parallel,
    ranks::Division, sequence::Sequence,
};

/// What a network is trained on. Samples alone are one, too, and so is a data set.
#[derive(Clone, Copy, Debug)]
pub struct TrainingSet<'a> {
    /// The samples and their labels.
    pub samples: Samples<'a>,
    /// The shape of the images, which only augmentation needs; else it may be empty.
    pub image_shape: &'a [usize],
    /// Who else says what the samples show.
    pub teacher: Option<Teacher<'a>>,
    /// Who is told which samples an [order of blocks](crate::Order::Blocks) needs, where they are of mapped files.
    pub pages: Option<&'a dyn Pages>,
}

impl<'a> From<Samples<'a>> for TrainingSet<'a> {
    fn from(samples: Samples<'a>) -> TrainingSet<'a> {
        TrainingSet { samples, image_shape: &[], teacher: None, pages: None }
    }
}

impl<'a> From<Dataset<'a>> for TrainingSet<'a> {
    fn from(dataset: Dataset<'a>) -> TrainingSet<'a> {
        Samples::from(dataset).into()
    }
}

/// Samples that are prepared together, or a whole batch where that is larger: few enough to stay in the cache of the
/// machine, and enough to be worth the waking of threads.
const PREPARED_TOGETHER: usize = 2048;

/// The batches of a fit.
pub(crate) struct Feed<'a> {
    samples: Samples<'a>,
    batch_size: usize,
    seed: u64,
    epoch: u32,
    sequence: Sequence,
    ahead: Option<Ahead<'a>>,
    /// Which part of each batch is asked for here.
    division: Division,
    gathered: Gathered<'a>,
    preparing: Option<Preparing<'a>>,
}

/// How samples are prepared, and those that are.
struct Preparing<'a> {
    /// One for each thread, or none where images stay as they are.
    augmenters: Vec<Augmenter>,
    mixing: Option<Mixing>,
    teacher: Option<(Teacher<'a>, Engine)>,
    label_smoothing: f32,
    /// Of which of the epoch's samples, in their order, the parts of the batches are prepared.
    positions: Range<usize>,
    /// The places among those of the samples that are, and of those that they are mixed with.
    own: Vec<usize>,
    others: Vec<usize>,
    rows: Vec<u8>,
    labels: Vec<u8>,
    /// The same rows before they were mixed; then those of the others, where they are not all among them.
    unmixed: Vec<u8>,
    other_labels: Vec<u8>,
    shares: Vec<f32>,
    probabilities: Array2<f32>,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(
        set: TrainingSet<'a>,
        config: &FitConfig,
        division: Division,
    ) -> Result<Feed<'a>, FitError> {
        let TrainingSet { samples, image_shape, teacher, pages } = set;
        let ingredients = &config.ingredients;
        let augmenters = match ingredients.augmentation {
            None => Vec::new(),
            Some(augmentation) => {
                let pixels =
                    image_shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
                if pixels != Some(samples.features()) {
                    let (image_shape, features) = (image_shape.to_vec(), samples.features());
                    return Err(FitError::ImageShape { image_shape, features });
                }
                let augmenter = Augmenter::new(augmentation, image_shape, config.seed)
                    .map_err(|invalid| FitError::Ingredient(invalid.into()))?;
                vec![augmenter; config.threads.get()]
            }
        };
        let is_plain = augmenters.is_empty() && ingredients.mixup == 0.0 && teacher.is_none();
        let preparing = (!is_plain).then(|| Preparing {
            augmenters,
            mixing: (ingredients.mixup > 0.0).then(|| Mixing::new(ingredients.mixup)),
            teacher: teacher.map(|teacher| (teacher, Engine::new(config.threads))),
            label_smoothing: ingredients.label_smoothing,
            positions: 0..0,
            own: Vec::new(),
            others: Vec::new(),
            rows: Vec::new(),
            labels: Vec::new(),
            unmixed: Vec::new(),
            other_labels: Vec::new(),
            shares: Vec::new(),
            probabilities: Array2::zeros((0, 0)),
        });
        Ok(Feed {
            samples,
            batch_size: config.batch_size.get().min(samples.len().max(1)),
            seed: config.seed,
            epoch: 0,
            sequence: Sequence::new(config.order, config.seed, samples.len()),
            ahead: pages.map(Ahead::new),
            division,
            gathered: Gathered::default(),
            preparing,
        })
    }

    /// Samples in a batch that is no part of one: at most all.
    pub(crate) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Batches in an epoch.
    pub(crate) fn batches(&self) -> u64 {
        self.samples.len().div_ceil(self.batch_size) as u64
    }

    /// Goes to the beginning of an epoch.
    pub(crate) fn begin(&mut self, epoch: u32) {
        self.epoch = epoch;
        if let Some(ahead) = &mut self.ahead {
            ahead.begin();
        }
        self.sequence.begin(epoch);
        if let Some(preparing) = &mut self.preparing {
            preparing.positions = 0..0;
        }
    }

    /// This process's part of a batch of the epoch, from 0.
    pub(crate) fn batch(&mut self, number: u64) -> Part<'_> {
        // At most as many as there are, so that this fits.
        let start = number as usize * self.batch_size;
        let len = self.samples.len();
        let positions = start..len.min(start + self.batch_size);
        let part = self.division.part(&positions);
        let (first, of) = (part.start - positions.start, positions.len());
        if self.preparing.is_none() {
            let next = positions.end..len.min(positions.end + self.batch_size);
            self.read(&(positions.start..next.end));
            let next = self.sequence.indices(self.division.part(&next));
            let own = self.sequence.indices(part);
            let batch = match self.samples.one() {
                Some(dataset) => dataset.batch(own).followed_by(next),
                None => self.gathered.batch(self.samples, own, next),
            };
            return Part { batch, first, of };
        }
        let is_prepared = |preparing: &Preparing<'_>| {
            preparing.positions.contains(&positions.start) && positions.end <= preparing.positions.end
        };
        if !self.preparing.as_ref().is_some_and(is_prepared) {
            let batches = (PREPARED_TOGETHER / self.batch_size).max(1);
            self.prepare(start..len.min(start + batches * self.batch_size));
        }
        let preparing = self.preparing.as_ref().expect("batches are prepared where they are not plain");
        // All batches before it are whole.
        let batches_before = (start - preparing.positions.start) / self.batch_size;
        let before = batches_before * self.division.part(&(0..self.batch_size)).len();
        Part { batch: preparing.batch(self.samples, before..before + part.len()), first, of }
    }

    /// Sees to the order at these positions of the epoch, and to the pages of their samples.
    fn read(&mut self, positions: &Range<usize>) {
        self.sequence.cover(positions);
        if let Some(ahead) = &mut self.ahead {
            ahead.follow(&self.sequence, positions);
        }
    }

    fn prepare(&mut self, positions: Range<usize>) {
        self.read(&positions);
        let Some(preparing) = &mut self.preparing else { return };
        if let Some(mixing) = &mut preparing.mixing {
            mixing.draw((self.seed, self.epoch), &positions);
        }
        let order = self.sequence.indices(positions.clone());
        preparing.prepare(self.samples, self.epoch, order, (positions, self.batch_size, self.division));
    }
}

/// A batch of samples that do not lie in one data set. All memory is kept from one to the next.
#[derive(Default)]
struct Gathered<'a> {
    rows: Vec<&'a [u8]>,
    labels: Vec<u8>,
    /// Of the batch after it.
    next: Vec<&'a [u8]>,
}

impl<'a> Gathered<'a> {
    fn batch(&mut self, samples: Samples<'a>, own: &[usize], next: &[usize]) -> Batch<'_> {
        let row = |&index: &usize| samples.row(index);
        self.rows.clear();
        self.rows.extend(own.iter().map(row));
        self.labels.clear();
        self.labels.extend(own.iter().map(|&index| samples.label(index)));
        self.next.clear();
        self.next.extend(next.iter().map(row));
        Batch::of_rows(&self.rows, &self.labels, samples.features(), samples.classes())
            .followed_by_rows(&self.next)
    }
}

/// How much of itself each sample keeps that is mixed with another, in 256ths.
struct Mixing {
    alpha: f64,
    rng: ChaCha8Rng,
    /// Of which seed and epoch.
    of: (u64, u32),
    /// For how many of the epoch's samples, in their order, it was drawn.
    drawn: usize,
    /// What was drawn for the last of them.
    kept: Vec<u16>,
}

impl Mixing {
    fn new(mixup: f32) -> Mixing {
        Mixing { alpha: mixup.into(), rng: mixing_rng(0, 0), of: (0, 0), drawn: 0, kept: Vec::new() }
    }

    /// Draws for these positions of an epoch, past those before them.
    fn draw(&mut self, of: (u64, u32), positions: &Range<usize>) {
        if self.of != of || positions.start < self.drawn {
            (self.rng, self.of, self.drawn) = (mixing_rng(of.0, of.1), of, 0);
        }
        for _ in self.drawn..positions.start {
            symmetric_beta(&mut self.rng, self.alpha);
        }
        self.kept.clear();
        self.kept.extend(
            positions.clone().map(|_| (256.0 * symmetric_beta(&mut self.rng, self.alpha)).round() as u16),
        );
        self.drawn = positions.end;
    }
}

impl Preparing<'_> {
    fn prepare(
        &mut self,
        samples: Samples<'_>,
        epoch: u32,
        order: &[usize],
        (positions, batch_size, division): (Range<usize>, usize, Division),
    ) {
        self.own.clear();
        self.others.clear();
        for first in (0..order.len()).step_by(batch_size) {
            let batch = first..order.len().min(first + batch_size);
            let part = division.part(&batch);
            self.own.extend(part.clone());
            // The order is random: the batch read backwards is as good as another shuffle.
            self.others.extend(part.map(|place| batch.end - 1 - (place - batch.start)));
        }
        let features = samples.features();
        let label = |&place: &usize| samples.label(order[place]);
        self.labels.clear();
        self.labels.extend(self.own.iter().map(label));
        let others_are_own = self.mixing.is_none() || division.is_whole();
        let count = self.own.len();
        if !others_are_own {
            self.own.extend(&self.others);
        }
        self.rows.resize(self.own.len() * features, 0);
        distort(&mut self.augmenters, samples, epoch, (order, &self.own), &mut self.rows);

        if let Some(mixing) = &self.mixing {
            std::mem::swap(&mut self.rows, &mut self.unmixed);
            self.rows.resize(count * features, 0);
            self.other_labels.clear();
            self.other_labels.extend(self.others.iter().map(label));
            self.shares.clear();
            for (n, (&place, &other)) in self.own.iter().zip(&self.others).enumerate() {
                let other = if others_are_own { other } else { count + n };
                let row = |n: usize| &self.unmixed[n * features..][..features];
                let kept = mixing.kept[place];
                mix(row(n), row(other), kept, &mut self.rows[n * features..][..features]);
                self.shares.push(f32::from(kept) / 256.0);
            }
        }
        if let Some((teacher, engine)) = &mut self.teacher {
            let prepared = like(samples, &self.rows, &self.labels);
            self.probabilities = teacher.committee.probabilities_of_prepared(engine, prepared);
            if self.mixing.is_some() {
                // A step that is told of a teacher knows one label of a sample, and here it is two that make the rest of
                // the target. The one label that is left says what counts as right.
                let mixed = Targets::Mixed { other_labels: &self.other_labels, shares: &self.shares };
                let outputs = self.probabilities.ncols();
                let labels = prepared.all().with_targets(mixed).targets(outputs, self.label_smoothing);
                self.probabilities *= teacher.share;
                self.probabilities.scaled_add(1.0 - teacher.share, &labels);
                for (n, label) in self.labels.iter_mut().enumerate() {
                    *label = mixed.judged(n, *label);
                }
            }
        }
        self.positions = positions;
    }

    /// The prepared samples of these rows.
    fn batch<'b>(&'b self, samples: Samples<'_>, rows: Range<usize>) -> Batch<'b> {
        let features = samples.features();
        let pixels = &self.rows[rows.start * features..rows.end * features];
        let batch = like(samples, pixels, &self.labels[rows.clone()]).all();
        match &self.teacher {
            Some((teacher, _)) => batch.with_targets(Targets::Teacher {
                probabilities: self.probabilities.slice(s![rows, ..]),
                share: if self.mixing.is_some() { 1.0 } else { teacher.share },
            }),
            None if self.mixing.is_some() => batch.with_targets(Targets::Mixed {
                other_labels: &self.other_labels[rows.clone()],
                shares: &self.shares[rows],
            }),
            None => batch,
        }
    }
}

/// Other samples of the same kind.
fn like<'a>(samples: Samples<'_>, rows: &'a [u8], labels: &'a [u8]) -> Dataset<'a> {
    Dataset::new(rows, samples.features(), labels, samples.classes()).expect("there is a row for each label")
}

/// Writes the images at some places of a piece of the order, each distorted by one of the augmenters, or as it is where
/// there is none.
fn distort(
    augmenters: &mut [Augmenter],
    samples: Samples<'_>,
    epoch: u32,
    (order, places): (&[usize], &[usize]),
    rows: &mut [u8],
) {
    let features = samples.features();
    if augmenters.is_empty() {
        for (row, &place) in rows.chunks_exact_mut(features).zip(places) {
            row.copy_from_slice(samples.row(order[place]));
        }
        return;
    }
    let share = places.len().div_ceil(augmenters.len()).max(1);
    let parts = rows.chunks_mut(share * features).zip(places.chunks(share)).zip(augmenters);
    parallel::for_each(parts, |((rows, places), augmenter)| {
        for (row, &place) in rows.chunks_exact_mut(features).zip(places) {
            let index = order[place];
            augmenter.augment(samples.row(index), samples.label(index), epoch, index, row);
        }
    });
}

/// Writes `kept` 256ths of one image and the rest of another.
fn mix(image: &[u8], other: &[u8], kept: u16, out: &mut [u8]) {
    let (kept, rest) = (u32::from(kept), 256 - u32::from(kept));
    for ((out, &pixel), &other) in out.iter_mut().zip(image).zip(other) {
        // At most 255, for the two weights are 256 together.
        *out = ((kept * u32::from(pixel) + rest * u32::from(other) + 128) >> 8) as u8;
    }
}

/// A number of the distribution Beta(alpha, alpha), alpha above 0 and at most 1 (Jöhnk 1964): of two uniform numbers
/// to the power of 1 / alpha, whose sum is at most 1, the share of the first.
fn symmetric_beta(rng: &mut impl RngCore, alpha: f64) -> f64 {
    // From 2^-53 to 1.
    let mut uniform = || ((rng.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    loop {
        let (x, y) = (uniform().ln() / alpha, uniform().ln() / alpha);
        let (u, v) = (x.exp(), y.exp());
        if u + v == 0.0 {
            // Both are too small to be told from 0, and one is by far the greater.
            return if x > y { 1.0 } else { 0.0 };
        }
        if u + v <= 1.0 {
            return u / (u + v);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use nn_core::{Activation, Inputs, Loss, Network, ndarray::ArrayView2};

    use super::*;
    use crate::{Augmentation, Committee, Ingredients, Model, Order, Schedule};

    #[test]
    fn mixed_pixels_are_rounded_to_the_nearest() {
        let mut out = [0; 4];
        for kept in 0..=256_u16 {
            let (image, other) = ([0, 255, 17, 200], [255, 0, 17, 31]);
            mix(&image, &other, kept, &mut out);
            for ((&out, &image), &other) in out.iter().zip(&image).zip(&other) {
                let share = f64::from(kept) / 256.0;
                let exact = share * f64::from(image) + (1.0 - share) * f64::from(other);
                assert!((f64::from(out) - exact).abs() <= 0.5, "{kept}: {out} for {exact}");
            }
        }
    }

    #[test]
    fn shares_of_two_have_the_moments_of_their_distribution() {
        // Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)).
        for alpha in [1e-6, 0.1, 0.4, 1.0] {
            let mut rng = mixing_rng(7, 1);
            let shares: Vec<f64> = (0..20_000).map(|_| symmetric_beta(&mut rng, alpha)).collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            let variance = shares.iter().map(|x| (x - 0.5) * (x - 0.5)).sum::<f64>() / shares.len() as f64;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!(
                (mean - 0.5).abs() < 0.015 && (variance - expected).abs() < 0.01,
                "{alpha}: {mean} {variance}"
            );
        }
    }

    #[test]
    fn as_many_samples_keep_all_of_themselves_as_nothing() {
        for alpha in [0.1, 0.4, 1.0] {
            let mut mixing = Mixing::new(alpha);
            mixing.draw((7, 1), &(0..20_000));
            let mean = mixing.kept.iter().map(|&kept| f64::from(kept)).sum::<f64>() / 20_000.0;
            assert!((mean / 256.0 - 0.5).abs() < 0.015, "{alpha}: {mean}");
            let count = |wanted| mixing.kept.iter().filter(|&&kept| kept == wanted).count() as f64;
            // Each has the share of the distribution that is within half of a 256th; so has half of the one beside it.
            let (none, all) = (count(0), count(256));
            assert!(none + all > 20.0, "{alpha}: {none} {all}");
            assert!((none - all).abs() < 5.0 * (none + all).sqrt(), "{alpha}: {none} {all}");
        }
    }

    /// 23 samples of 2 x 3.
    fn samples() -> (Vec<u8>, Vec<u8>) {
        let pixels = (0..23 * 6).map(|i: usize| (i * i * 31 % 251) as u8).collect();
        (pixels, (0..23).map(|i| (i * 7 % 5) as u8).collect())
    }

    fn config(threads: usize, ingredients: Ingredients) -> FitConfig {
        FitConfig {
            epochs: 3,
            batch_size: NonZeroUsize::new(4).unwrap(),
            loss: Loss::SoftmaxCrossEntropy,
            rate: 0.5,
            schedule: Schedule::Constant,
            seed: 7,
            threads: NonZeroUsize::new(threads).unwrap(),
            ingredients,
            order: Order::Full,
        }
    }

    fn rows(part: &Part<'_>) -> Vec<(Vec<u8>, u8)> {
        let batch = &part.batch;
        assert_eq!(Inputs::from(batch).dim(), (batch.len(), 6));
        (0..batch.len()).map(|n| (batch.row(n).to_vec(), batch.label(n))).collect()
    }

    #[test]
    fn plain_batches_are_the_samples_in_the_order_of_the_epoch() {
        let (pixels, labels) = samples();
        let samples = Dataset::new(&pixels, 6, &labels, 5).unwrap();
        let mut feed = Feed::new(samples.into(), &config(1, Ingredients::NONE), Division::WHOLE).unwrap();
        assert_eq!(feed.batches(), 6);
        feed.begin(2);
        let found: Vec<_> = (0..6).flat_map(|batch| rows(&feed.batch(batch))).collect();
        let order = crate::epoch_order(7, 2, 23);
        let expected: Vec<_> = order.iter().map(|&i| (samples.row(i).to_vec(), samples.label(i))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_becomes_of_a_sample_does_not_depend_on_threads_nor_on_where_an_epoch_is_taken_up() {
        let (pixels, labels) = samples();
        let samples = Dataset::new(&pixels, 6, &labels, 5).unwrap();
        let set = TrainingSet { image_shape: &[2, 3], ..samples.into() };
        let augmentation = Some(Augmentation { shift: 1.0, ..Augmentation::MEDIUM });
        let ingredients = Ingredients { augmentation, mixup: 0.5, ..Ingredients::NONE };
        let mut feed = Feed::new(set, &config(1, ingredients), Division::WHOLE).unwrap();
        feed.begin(2);
        let expected: Vec<_> = (0..6).map(|batch| rows(&feed.batch(batch))).collect();
        assert_ne!(expected[0][0].0, samples.row(crate::epoch_order(7, 2, 23)[0]));
        for threads in 1..=4 {
            for first in 0..6 {
                let mut feed = Feed::new(set, &config(threads, ingredients), Division::WHOLE).unwrap();
                feed.begin(1);
                feed.batch(0);
                feed.begin(2);
                for batch in first..6 {
                    assert_eq!(
                        rows(&feed.batch(batch)),
                        expected[batch as usize],
                        "{threads} {first} {batch}"
                    );
                }
            }
        }
        feed.begin(3);
        let other: Vec<_> = (0..6).map(|batch| rows(&feed.batch(batch))).collect();
        assert_ne!(other, expected);
    }

    #[test]
    fn the_parts_of_all_ranks_are_together_the_batches_of_one() {
        let (pixels, labels) = samples();
        let samples = Dataset::new(&pixels, 6, &labels, 5).unwrap();
        let set = TrainingSet { image_shape: &[2, 3], ..samples.into() };
        let augmentation = Some(Augmentation { shift: 1.0, ..Augmentation::MEDIUM });
        for ingredients in [
            Ingredients::NONE,
            Ingredients { augmentation, ..Ingredients::NONE },
            Ingredients { augmentation, mixup: 0.5, ..Ingredients::NONE },
        ] {
            let mut whole = Feed::new(set, &config(1, ingredients), Division::WHOLE).unwrap();
            whole.begin(1);
            for size in [2, 3, 5] {
                let division = |rank| Division::new(rank, size);
                let mut feeds: Vec<_> = (0..size)
                    .map(|rank| Feed::new(set, &config(1 + rank % 2, ingredients), division(rank)).unwrap())
                    .collect();
                feeds.iter_mut().for_each(|feed| feed.begin(1));
                for number in [0, 1, 3, 4, 5] {
                    let whole = whole.batch(number);
                    let (mut found, mut targets) = (Vec::new(), Vec::new());
                    for feed in &mut feeds {
                        let part = feed.batch(number);
                        assert_eq!((part.first, part.of), (found.len(), whole.of));
                        found.extend(rows(&part));
                        targets.extend(part.batch.targets(5, 0.1));
                    }
                    assert_eq!(found, rows(&whole), "{size} ranks, batch {number}");
                    assert!(targets.into_iter().eq(whole.batch.targets(5, 0.1)));
                }
            }
        }
    }

    #[test]
    fn mixed_samples_are_those_of_the_batch_and_its_reverse() {
        let (pixels, labels) = samples();
        let samples = Dataset::new(&pixels, 6, &labels, 5).unwrap();
        let ingredients = Ingredients { mixup: 1.0, ..Ingredients::NONE };
        let mut feed = Feed::new(samples.into(), &config(2, ingredients), Division::WHOLE).unwrap();
        feed.begin(1);
        let order = crate::epoch_order(7, 1, 23);
        let mut own = 0;
        for number in 0..6 {
            let indices = &order[number * 4..23.min(number * 4 + 4)];
            let found = rows(&feed.batch(number as u64));
            for (n, (row, label)) in found.iter().enumerate() {
                let (one, other) = (indices[n], indices[indices.len() - 1 - n]);
                assert_eq!(*label, samples.label(one));
                let kept = feed.preparing.as_ref().unwrap().mixing.as_ref().unwrap().kept[number * 4 + n];
                let mut expected = vec![0; 6];
                mix(samples.row(one), samples.row(other), kept, &mut expected);
                assert_eq!(row, &expected);
                own += u32::from(row == samples.row(one));
            }
        }
        assert!(own < 8, "{own} of 23 are as they were");
    }

    #[test]
    fn a_teacher_shares_the_target_with_labels_that_are_mixed_and_smoothed() {
        let (pixels, labels) = samples();
        let samples = Dataset::new(&pixels, 6, &labels, 5).unwrap();
        let network =
            Network::builder(6).dense(5, Activation::Identity).build(&mut crate::initial_rng(1)).unwrap();
        let (loss, image_shape, preprocessing) =
            (Loss::SoftmaxCrossEntropy, vec![2, 3], crate::Preprocessing::None);
        let model = Model { network, loss, image_shape, preprocessing, class_names: None, record: None };
        let committee = Committee::new(vec![model]).unwrap();
        let teacher = Some(Teacher { committee: &committee, share: 0.7 });
        let ingredients = Ingredients { mixup: 1.0, label_smoothing: 0.2, ..Ingredients::NONE };
        let set = TrainingSet { teacher, ..samples.into() };
        let mut taught = Feed::new(set, &config(2, ingredients), Division::WHOLE).unwrap();
        let mut untaught = Feed::new(samples.into(), &config(2, ingredients), Division::WHOLE).unwrap();
        let mut others = 0;
        taught.begin(1);
        untaught.begin(1);
        for number in 0..6 {
            let (taught, untaught) = (taught.batch(number), untaught.batch(number));
            let (found, labels) = (taught.batch.targets(5, 0.2), untaught.batch.targets(5, 0.2));
            for (n, (row, judged)) in rows(&taught).into_iter().enumerate() {
                let seen = ArrayView2::from_shape((1, 6), &row).unwrap();
                let said = loss.probabilities(committee.members()[0].network.forward(seen).view());
                for class in 0..5 {
                    let expected = 0.7 * said[[0, class]] + 0.3 * labels[[n, class]];
                    assert!((found[[n, class]] - expected).abs() < 1e-6, "batch {number}, {n}, {class}");
                }
                // Of two labels, that with the greater share counts as right.
                let greatest = labels.row(n).iter().copied().fold(0.0, f32::max);
                assert_eq!(labels[[n, usize::from(judged)]], greatest);
                others += u32::from(judged != untaught.batch.label(n));
            }
        }
        assert!(others > 0, "all labels are those of the samples themselves");
    }

    #[test]
    fn images_to_distort_need_their_shape() {
        let (pixels, labels) = samples();
        let samples = Dataset::new(&pixels, 6, &labels, 5).unwrap();
        let ingredients = Ingredients { augmentation: Some(Augmentation::AFFINE), ..Ingredients::NONE };
        for image_shape in [&[][..], &[3, 3], &[usize::MAX, usize::MAX]] {
            let set = TrainingSet { image_shape, ..samples.into() };
            let error = Feed::new(set, &config(1, ingredients), Division::WHOLE).err().unwrap();
            let expected = FitError::ImageShape { image_shape: image_shape.to_vec(), features: 6 };
            assert_eq!(error, expected);
        }
    }
}
