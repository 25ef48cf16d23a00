//! Owns the input rows of a pass in the two forms that the first layer's products take: bytes with a
//! map of those that are lit, and plain numbers. Chooses neither.

use crate::dataset::Batch;
use crate::matrix::Matrix;
use crate::simd::{Simd, floats_mut};
use ndarray::{Array2, ArrayView2};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a network is given: N rows of I inputs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Inputs<'a> {
    /// Shape (N, I). A byte v stands for v / 255.
    Bytes(ArrayView2<'a, u8>),
    /// Shape (N, I), taken as they are.
    Floats(ArrayView2<'a, f32>),
    /// Samples of a data set; their bytes v stand for v / 255.
    Batch(Batch<'a>),
}

impl Inputs<'_> {
    /// (N, I).
    #[must_use]
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Bytes(bytes) => bytes.dim(),
            Self::Floats(floats) => floats.dim(),
            Self::Batch(batch) => (batch.len(), batch.features()),
        }
    }
}

impl<'a> From<ArrayView2<'a, u8>> for Inputs<'a> {
    fn from(bytes: ArrayView2<'a, u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Array2<u8>> for Inputs<'a> {
    fn from(bytes: &'a Array2<u8>) -> Self {
        Self::Bytes(bytes.view())
    }
}

impl<'a> From<ArrayView2<'a, f32>> for Inputs<'a> {
    fn from(floats: ArrayView2<'a, f32>) -> Self {
        Self::Floats(floats)
    }
}

impl<'a> From<&'a Array2<f32>> for Inputs<'a> {
    fn from(floats: &'a Array2<f32>) -> Self {
        Self::Floats(floats.view())
    }
}

impl<'a> From<Batch<'a>> for Inputs<'a> {
    fn from(batch: Batch<'a>) -> Self {
        Self::Batch(batch)
    }
}

impl<'a> From<&Batch<'a>> for Inputs<'a> {
    fn from(batch: &Batch<'a>) -> Self {
        Self::Batch(*batch)
    }
}

/// What each byte stands for: v / 255, the ink of a pixel from 0 to 1.
pub(crate) static PIXEL_VALUE: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut v = 0;
    while v < 256 {
        values[v] = v as f32 / 255.0;
        v += 1;
    }
    values
};

/// Bytes looked at together: the bits of a `u64`, one cache line.
pub(crate) const BLOCK: usize = 64;

/// Which form the input rows are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Bytes, of which the products visit only those that are not 0: best where most are.
    #[default]
    Lit,
    /// Numbers, all of which are multiplied.
    Dense,
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Bytes([u8; BLOCK]);

/// The input rows of a pass. All memory is kept from one batch to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputRows {
    rows: usize,
    features: usize,
    form: Form,
    /// (N, blocks): the bytes, each row padded with zeros to whole blocks.
    bytes: Vec<Bytes>,
    /// (N, blocks): bit j is set where byte j of that block is not 0.
    lit: Vec<u64>,
    /// (N / 64, features padded): bit n is set where that byte is lit in the n-th sample of the 64.
    lit_samples: Vec<u64>,
    /// (N, I), in the dense form.
    dense: Matrix,
    lit_count: usize,
}

impl InputRows {
    pub(crate) fn new(features: usize) -> Self {
        Self { features, dense: Matrix::zeros(0, features), ..Self::default() }
    }

    /// Copies the inputs in, bytes in the form asked for.
    #[inline(always)]
    pub(crate) fn fill<S: Simd>(&mut self, simd: S, inputs: Inputs<'_>, form: Form) {
        (self.rows, _) = inputs.dim();
        match (inputs, form) {
            (Inputs::Floats(floats), _) => {
                self.form = Form::Dense;
                self.dense.set_rows(self.rows);
                for (n, row) in floats.outer_iter().enumerate() {
                    for (value, &input) in floats_mut(self.dense.row_mut(n)).iter_mut().zip(row) {
                        *value = input;
                    }
                }
            }
            (Inputs::Bytes(bytes), _) => {
                self.begin(form);
                let mut row = vec![0; self.features];
                for (n, source) in bytes.outer_iter().enumerate() {
                    row.iter_mut().zip(source).for_each(|(byte, &input)| *byte = input);
                    self.put(simd, n, &row);
                }
            }
            (Inputs::Batch(batch), _) => {
                self.begin(form);
                // The rows of a shuffled batch lie far apart: ask for them all before waiting for one.
                for n in 0..self.rows {
                    simd.prefetch(batch.row(n));
                }
                for n in 0..self.rows {
                    self.put(simd, n, batch.row(n));
                }
            }
        }
    }

    fn begin(&mut self, form: Form) {
        let blocks = self.blocks();
        self.form = form;
        self.lit_count = 0;
        match form {
            Form::Lit => {
                self.bytes.resize(self.rows * blocks, Bytes([0; BLOCK]));
                self.lit.resize(self.rows * blocks, 0);
                self.lit_samples.clear();
                self.lit_samples.resize(self.rows.div_ceil(BLOCK) * blocks * BLOCK, 0);
            }
            Form::Dense => self.dense.set_rows(self.rows),
        }
    }

    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, n: usize, row: &[u8]) {
        if self.form == Form::Dense {
            let dense = floats_mut(self.dense.row_mut(n));
            for (value, &byte) in dense.iter_mut().zip(row) {
                *value = PIXEL_VALUE[usize::from(byte)];
                self.lit_count += usize::from(byte != 0);
            }
            return;
        }
        let blocks = self.blocks();
        let bytes = &mut self.bytes[n * blocks..][..blocks];
        bytes.as_mut_bytes()[..row.len()].copy_from_slice(row);
        let lit = &mut self.lit[n * blocks..][..blocks];
        let lit_samples = self.lit_samples[n / BLOCK * blocks * BLOCK..].chunks_exact_mut(BLOCK);
        for ((bytes, lit), lit_samples) in bytes.iter().zip(lit).zip(lit_samples) {
            *lit = simd.nonzero_bytes(&bytes.0);
            self.lit_count += lit.count_ones() as usize;
            for j in ones(*lit) {
                lit_samples[j] |= 1 << (n % BLOCK);
            }
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// How many of the bytes last filled in are not 0.
    pub(crate) fn lit_count(&self) -> usize {
        self.lit_count
    }

    /// Blocks in a row.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> usize {
        self.features.div_ceil(BLOCK)
    }

    /// The bytes of block `block` of row `n`, and the map of those lit.
    #[inline(always)]
    pub(crate) fn block(&self, n: usize, block: usize) -> (&[u8; BLOCK], u64) {
        let place = n * self.blocks() + block;
        (&self.bytes[place].0, self.lit[place])
    }

    /// The map of the samples `64 group..64 group + 64` in which input `input` is lit.
    #[inline(always)]
    pub(crate) fn lit_samples(&self, group: usize, input: usize) -> u64 {
        self.lit_samples[group * self.blocks() * BLOCK + input]
    }

    /// The value of input `input` in row `n`.
    #[inline(always)]
    pub(crate) fn value(&self, n: usize, input: usize) -> f32 {
        let byte = self.bytes[n * self.blocks() + input / BLOCK].0[input % BLOCK];
        PIXEL_VALUE[usize::from(byte)]
    }

    pub(crate) fn dense(&self) -> &Matrix {
        &self.dense
    }
}

/// The places of the ones in `mask`, lowest first.
#[inline(always)]
pub(crate) fn ones(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let place = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            place
        })
    })
}
