//! Owns the input rows of a pass in the two forms that the first layer's products take: bytes with a
//! map of those that are lit, and plain numbers. Chooses neither.

use crate::bits::{BLOCK, transpose_bits};
use crate::dataset::Batch;
use crate::dropout::LayerMask;
use crate::matrix::Matrix;
use crate::parameters::Shape;
use crate::simd::{LANES, Simd, floats_mut};
use ndarray::{Array2, ArrayView2, Axis, s};
use std::ops::Range;
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

    /// Asks for one cache line of the batch that follows, if it is known: that of input `input` of its
    /// `n`-th row.
    #[inline(always)]
    pub(crate) fn prefetch_next<S: Simd>(&self, simd: S, n: usize, input: usize) {
        if let Self::Batch(batch) = self
            && let Some(row) = batch.next_row(n)
            && let Some(byte) = row.get(input..=input)
        {
            simd.prefetch(byte);
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
static PIXEL_VALUE: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut v = 0;
    while v < 256 {
        values[v] = v as f32 / 255.0;
        v += 1;
    }
    values
};

/// Into how many sections the inputs are cut at most. The sums of the first layer run section by
/// section, so a change of this number changes their rounding.
const MOST_SECTIONS: usize = 4;

/// Above this share of inputs that are not 0, the dense products are faster than the sparse ones.
const DENSE_ABOVE: f64 = 0.4;

/// With fewer rows than this the dense products are no faster: they would pack weights that are used only
/// once or twice.
const DENSE_FROM: usize = 8;

/// Which form the inputs of a section are in. Both give the same results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Bytes, of which the products visit only those that are not 0: best where most are.
    #[default]
    Lit,
    /// Numbers, all of which are multiplied.
    Dense,
}

/// The input rows of a batch, cut into sections of neighbouring inputs. All that the first layer does
/// with the weights from a section's inputs can be done by one thread, and the others never see them.
#[derive(Clone, Debug)]
pub(crate) struct InputRows {
    features: usize,
    sections: Vec<Section>,
}

impl InputRows {
    /// No rows yet, for a first layer of this shape.
    pub(crate) fn new(first: Shape) -> Self {
        let features = first.inputs;
        let blocks = features.div_ceil(BLOCK);
        let count = blocks.clamp(1, MOST_SECTIONS);
        let start = |section: usize| features.min(section * blocks / count * BLOCK);
        let sections =
            (0..count).map(|section| Section::new(start(section)..start(section + 1), first.outputs));
        Self { features, sections: sections.collect() }
    }

    pub(crate) fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn rows(&self) -> usize {
        self.sections[0].rows
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    pub(crate) fn sections_mut(&mut self) -> &mut [Section] {
        &mut self.sections
    }
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Bytes([u8; BLOCK]);

/// Neighbouring inputs of all rows. All memory is kept from one batch to the next.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Which of the inputs these are.
    inputs: Range<usize>,
    rows: usize,
    form: Form,
    /// The form that suits bytes as full as those last filled in.
    next_form: Form,
    /// What an input is multiplied by: 1 unless inputs are dropped, then 1 / the probability that one is kept.
    scale: f32,
    /// What each byte stands for at another scale than 1.
    scaled_values: [f32; 256],
    /// (blocks, N): the bytes, the last block padded with zeros.
    bytes: Vec<Bytes>,
    /// (blocks, N): bit j is set where byte j of that block is not 0.
    lit: Vec<u64>,
    /// (blocks, N / 64, 64): bit n of the j-th map is set where byte j is lit in the n-th of 64 rows.
    lit_rows: Vec<[u64; BLOCK]>,
    /// (N, I), in the dense form.
    dense: Matrix,
    /// (N, O): X W of these inputs.
    pub(crate) product: Matrix,
}

impl Section {
    fn new(inputs: Range<usize>, outputs: usize) -> Self {
        Self {
            dense: Matrix::zeros(0, inputs.len()),
            inputs,
            rows: 0,
            form: Form::default(),
            next_form: Form::default(),
            scale: 1.0,
            scaled_values: PIXEL_VALUE,
            bytes: Vec::new(),
            lit: Vec::new(),
            lit_rows: Vec::new(),
            product: Matrix::zeros(0, outputs),
        }
    }

    /// Copies this section's part of the inputs in, but for those that are dropped; bytes take the form that
    /// suited those before.
    #[inline(always)]
    pub(crate) fn fill<S: Simd>(&mut self, simd: S, inputs: Inputs<'_>, mask: Option<LayerMask>) {
        (self.rows, _) = inputs.dim();
        self.set_scale(mask.map_or(1.0, |mask| mask.scale));
        let columns = s![self.inputs.clone()];
        match inputs {
            Inputs::Floats(floats) => {
                self.form = Form::Dense;
                self.dense.set_rows(self.rows);
                for (n, row) in floats.outer_iter().enumerate() {
                    let row = row.slice_move(columns);
                    let values = floats_mut(self.dense.row_mut(n)).iter_mut();
                    for (value, &input) in values.zip(row) {
                        *value = input;
                    }
                    if let Some(mask) = mask {
                        let mask = mask.row(n);
                        for (line, values) in self.dense.row_mut(n).iter_mut().enumerate() {
                            let factors = mask.factors(self.inputs.start + line * LANES);
                            simd.store(simd.mul(simd.load(values), simd.load(&factors)), values);
                        }
                    }
                }
                return;
            }
            Inputs::Bytes(bytes) => {
                self.set_byte_rows();
                for (n, row) in bytes.outer_iter().enumerate() {
                    let row = row.slice_move(columns);
                    for (block, bytes) in row.axis_chunks_iter(Axis(0), BLOCK).enumerate() {
                        let mut whole = [0; BLOCK];
                        whole.iter_mut().zip(bytes).for_each(|(byte, &input)| *byte = input);
                        self.put(simd, block, n, whole, mask);
                    }
                }
            }
            Inputs::Batch(batch) => {
                self.set_byte_rows();
                // The rows of a shuffled batch lie far apart: ask for them all before waiting for one.
                for n in 0..self.rows {
                    simd.prefetch(&batch.row(n)[self.inputs.clone()]);
                }
                for n in 0..self.rows {
                    let (whole, rest) = batch.row(n)[self.inputs.clone()].as_chunks::<BLOCK>();
                    for (block, &bytes) in whole.iter().enumerate() {
                        self.put(simd, block, n, bytes, mask);
                    }
                    if !rest.is_empty() {
                        let mut padded = [0; BLOCK];
                        padded[..rest.len()].copy_from_slice(rest);
                        self.put(simd, whole.len(), n, padded, mask);
                    }
                }
            }
        }
        if self.rows < DENSE_FROM {
            self.form = Form::Lit;
            return;
        }
        self.form = self.next_form;
        if self.form == Form::Dense {
            self.expand(simd);
        }
        let lit: usize = self.lit.iter().map(|lit| lit.count_ones() as usize).sum();
        let density = lit as f64 / (self.rows * self.inputs.len()) as f64;
        self.next_form = if density > DENSE_ABOVE { Form::Dense } else { Form::Lit };
    }

    fn set_byte_rows(&mut self) {
        self.bytes.resize(self.blocks() * self.rows, Bytes([0; BLOCK]));
        self.lit.resize(self.blocks() * self.rows, 0);
    }

    #[inline(always)]
    fn put<S: Simd>(
        &mut self,
        simd: S,
        block: usize,
        n: usize,
        mut bytes: [u8; BLOCK],
        mask: Option<LayerMask>,
    ) {
        let place = block * self.rows + n;
        let mut lit = simd.nonzero_bytes(&bytes);
        if let Some(mask) = mask
            && lit != 0
        {
            mask.row(n).drop_bytes(self.inputs.start + block * BLOCK, &mut bytes);
            lit = simd.nonzero_bytes(&bytes);
        }
        self.bytes[place].0 = bytes;
        self.lit[place] = lit;
    }

    fn set_scale(&mut self, scale: f32) {
        if scale != self.scale {
            self.scale = scale;
            self.scaled_values = PIXEL_VALUE;
            self.scaled_values.iter_mut().for_each(|value| *value *= scale);
        }
    }

    /// What each byte stands for.
    #[inline(always)]
    pub(crate) fn values(&self) -> &[f32; 256] {
        if self.scale == 1.0 { &PIXEL_VALUE } else { &self.scaled_values }
    }

    /// Turns the maps of what is lit in a row into maps of the rows in which an input is lit, which the
    /// gradient of the weights asks for; of a single row, its own says all.
    #[inline(always)]
    pub(crate) fn find_lit_rows(&mut self) {
        if self.form == Form::Dense || self.rows == 1 {
            return;
        }
        let groups = self.rows.div_ceil(BLOCK);
        self.lit_rows.resize(self.blocks() * groups, [0; BLOCK]);
        for block in 0..self.blocks() {
            let lit = self.lit[block * self.rows..][..self.rows].chunks(BLOCK);
            for (lit, lit_rows) in lit.zip(&mut self.lit_rows[block * groups..]) {
                *lit_rows = transpose_bits(lit);
            }
        }
    }

    /// Makes numbers of the bytes.
    #[inline(always)]
    fn expand<S: Simd>(&mut self, simd: S) {
        self.dense.set_rows(self.rows);
        for block in 0..self.blocks() {
            for n in 0..self.rows {
                let bytes = &self.bytes[block * self.rows + n].0;
                let lines = self.dense.row_mut(n)[block * BLOCK / LANES..].iter_mut();
                for (line, bytes) in lines.zip(bytes.as_chunks().0) {
                    // As in the table, times 1 where nothing is dropped.
                    simd.store(simd.mul(pixel_values(simd, bytes), simd.splat(self.scale)), line);
                }
            }
        }
    }

    /// Which of the inputs these are.
    #[inline(always)]
    pub(crate) fn inputs(&self) -> Range<usize> {
        self.inputs.clone()
    }

    #[inline(always)]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Blocks in a row.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> usize {
        self.inputs.len().div_ceil(BLOCK)
    }

    /// For every row, the bytes of block `block` and the map of those lit.
    #[inline(always)]
    pub(crate) fn block(&self, block: usize) -> impl Iterator<Item = (&[u8; BLOCK], u64)> {
        let rows = block * self.rows..(block + 1) * self.rows;
        self.bytes[rows.clone()].iter().map(|bytes| &bytes.0).zip(self.lit[rows].iter().copied())
    }

    /// The bytes of block `block`, in 64 rows at a time.
    #[inline(always)]
    pub(crate) fn groups(&self, block: usize) -> impl Iterator<Item = Group<'_>> + Clone {
        let groups = self.rows.div_ceil(BLOCK);
        let bytes = self.bytes[block * self.rows..][..self.rows].chunks(BLOCK);
        let lit_rows = &self.lit_rows[block * groups..][..groups];
        let values = self.values();
        bytes.zip(lit_rows).map(move |(bytes, lit_rows)| Group { bytes, lit_rows, values })
    }

    /// The map of the inputs of block `block` that are lit in any row.
    #[inline(always)]
    pub(crate) fn lit_in_any(&self, block: usize) -> u64 {
        self.lit[block * self.rows..][..self.rows].iter().fold(0, |any, lit| any | lit)
    }

    pub(crate) fn dense(&self) -> &Matrix {
        &self.dense
    }
}

/// One block of up to 64 rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    bytes: &'a [Bytes],
    lit_rows: &'a [u64; BLOCK],
    values: &'a [f32; 256],
}

impl Group<'_> {
    /// The map of the rows in which input `j` of the block is lit.
    #[inline(always)]
    pub(crate) fn lit_rows(&self, j: usize) -> u64 {
        self.lit_rows[j]
    }

    /// The value of input `j` of the block in row `n` of the group.
    #[inline(always)]
    pub(crate) fn value(&self, n: usize, j: usize) -> f32 {
        self.values[usize::from(self.bytes[n].0[j])]
    }
}

/// [`PIXEL_VALUE`] of sixteen bytes: the quotient v / 255 of two numbers is their product with 1 / 255,
/// corrected once by what it leaves over.
#[inline(always)]
fn pixel_values<S: Simd>(simd: S, bytes: &[u8; LANES]) -> S::Vector {
    let v = simd.bytes(bytes);
    let (inverse, minus_255) = (simd.splat(1.0 / 255.0), simd.splat(-255.0));
    let quotient = simd.mul(v, inverse);
    let left_over = simd.mul_add(minus_255, quotient, v);
    simd.mul_add(left_over, inverse, quotient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::simd::{Kernel, Line, dispatch};

    #[test]
    fn every_byte_expands_to_its_value_exactly() {
        struct Expand<'a>(&'a [u8; LANES], &'a mut Line);
        impl Kernel for Expand<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                simd.store(pixel_values(simd, self.0), self.1);
            }
        }
        let bytes: Vec<u8> = (0..=255).collect();
        for (bytes, values) in bytes.as_chunks().0.iter().zip(PIXEL_VALUE.as_chunks::<LANES>().0) {
            let mut line = Line::default();
            dispatch(Expand(bytes, &mut line));
            assert_eq!(&line.0, values);
        }
    }

    #[test]
    fn sections_hold_every_input_once() {
        for features in [1, 63, 64, 65, 200, 256, 257, 784, 5000] {
            let parameters = Parameters::zeros([(features, 3)]).unwrap();
            let inputs = InputRows::new(parameters.shape(0));
            let mut next = 0;
            for section in inputs.sections() {
                assert_eq!(section.inputs().start, next);
                assert!(!section.inputs().is_empty(), "{features}");
                next = section.inputs().end;
            }
            assert_eq!(next, features);
        }
    }
}
