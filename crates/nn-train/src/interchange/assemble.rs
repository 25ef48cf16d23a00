//! From tensors to the layers of a network: owns which tensors belong together, in which order and in which layout, and
//! refuses to know the files that they stood in.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{ImportError, names::Name, tensor::Tensor};

/// Which index of a matrix of weights comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// (O, I), as in PyTorch: Z = X W^T + b.
    OutputsFirst,
    /// (I, O), as in Keras and in most programs on NumPy: Z = X W + b.
    InputsFirst,
}

impl Layout {
    /// Both layouts, in the order in which they are listed to people.
    pub const ALL: [Layout; 2] = [Layout::OutputsFirst, Layout::InputsFirst];

    /// The name that [`FromStr`] reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Layout::OutputsFirst => "outputs-first",
            Layout::InputsFirst => "inputs-first",
        }
    }

    /// (I, O) of weights of such a shape.
    fn sizes(self, shape: (usize, usize)) -> (usize, usize) {
        match self {
            Layout::OutputsFirst => (shape.1, shape.0),
            Layout::InputsFirst => shape,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No layout has such a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected outputs-first or inputs-first, found {found:?}")]
pub struct UnknownLayout {
    found: String,
}

impl FromStr for Layout {
    type Err = UnknownLayout;

    fn from_str(name: &str) -> Result<Layout, UnknownLayout> {
        let layout = Layout::ALL.into_iter().find(|layout| layout.name() == name);
        layout.ok_or_else(|| UnknownLayout { found: name.to_owned() })
    }
}

/// The tensors of one layer.
#[derive(Debug)]
pub(super) struct Layer<'t, 'a> {
    weights: &'t Tensor<'a>,
    shape: (usize, usize),
    biases: Option<&'t Tensor<'a>>,
}

impl Layer<'_, '_> {
    /// (I, O).
    pub(super) fn sizes(&self, layout: Layout) -> (usize, usize) {
        layout.sizes(self.shape)
    }

    /// The weight from each input to each output, shape (I, O), row by row.
    pub(super) fn weights(&self, layout: Layout) -> Result<impl Iterator<Item = f32>, ImportError> {
        let values = self.weights.values()?;
        let (inputs, outputs) = self.sizes(layout);
        // Fortran's order of (O, I) is C's order of (I, O).
        let is_transposed = (layout == Layout::OutputsFirst) != self.weights.column_major;
        let position = move |index: usize| {
            if is_transposed { index % outputs * inputs + index / outputs } else { index }
        };
        Ok((0..values.len()).map(move |index| values[position(index)]))
    }

    /// The bias of each output. A layer without has those that change nothing.
    pub(super) fn biases(&self, layout: Layout) -> Result<Vec<f32>, ImportError> {
        let none = || Ok(vec![0.0; self.sizes(layout).1]);
        self.biases.map_or_else(none, Tensor::values)
    }
}

/// The layers that the tensors make, from the inputs to the outputs: in the order of their names, or the one stated.
pub(super) fn layers<'t, 'a>(
    tensors: &'t [Tensor<'a>],
    order: Option<&[String]>,
) -> Result<Vec<Layer<'t, 'a>>, ImportError> {
    let names: Vec<Name> = tensors.iter().map(|tensor| Name::of(&tensor.name)).collect();
    let pairs = if names.iter().any(|name| name.role().is_some()) {
        paired_by_name(tensors, &names, order)?
    } else if order.is_some() {
        return Err(ImportError::Unordered);
    } else {
        paired_by_position(tensors, &names)?
    };
    if pairs.is_empty() {
        return Err(ImportError::Empty);
    }
    pairs.into_iter().map(|(weights, biases)| layer(weights, biases)).collect()
}

type Pair<'t, 'a> = (&'t Tensor<'a>, Option<&'t Tensor<'a>>);

fn paired_by_name<'t, 'a>(
    tensors: &'t [Tensor<'a>],
    names: &[Name],
    order: Option<&[String]>,
) -> Result<Vec<Pair<'t, 'a>>, ImportError> {
    let mut layers: BTreeMap<Name, [Option<&Tensor<'a>>; 2]> = BTreeMap::new();
    for (tensor, name) in tensors.iter().zip(names) {
        let (role, layer) = name.role().ok_or_else(|| ImportError::Name { name: tensor.name.clone() })?;
        let part = &mut layers.entry(layer).or_default()[role as usize];
        if let Some(first) = part.replace(tensor) {
            return Err(ImportError::Twice { first: first.name.clone(), second: tensor.name.clone() });
        }
    }
    let pair = |[weights, biases]: [Option<&'t Tensor<'a>>; 2]| match (weights, biases) {
        (Some(weights), biases) => Ok((weights, biases)),
        (None, biases) => {
            let name = biases.map_or_else(String::new, |biases| biases.name.clone());
            Err(ImportError::NoWeights { name })
        }
    };
    let Some(order) = order else { return layers.into_values().map(pair).collect() };
    let count = layers.len();
    let unsuited = |found: String| ImportError::Layers { layers: count, found };
    let mut pairs = Vec::new();
    for name in order {
        let parts = layers.remove(&Name::of(name));
        pairs.push(pair(
            parts.ok_or_else(|| unsuited(format!("found none of the name {name} (or it twice)")))?,
        )?);
    }
    match layers.into_values().flatten().flatten().next() {
        Some(tensor) => Err(unsuited(format!("found {} in none of those named", tensor.name))),
        None => Ok(pairs),
    }
}

/// Names such as `arr_0` tell an order and nothing else: the first matrix goes with the first vector.
fn paired_by_position<'t, 'a>(
    tensors: &'t [Tensor<'a>],
    names: &[Name],
) -> Result<Vec<Pair<'t, 'a>>, ImportError> {
    let mut sorted: Vec<(&Name, &Tensor<'a>)> = names.iter().zip(tensors).collect();
    sorted.sort_by(|a, b| a.0.cmp(b.0));
    let (mut matrices, mut vectors) = (Vec::new(), Vec::new());
    for (_, tensor) in sorted {
        match tensor.shape.len() {
            1 => vectors.push(tensor),
            2 => matrices.push(tensor),
            _ => {
                let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
                return Err(ImportError::Shape { name, expected: "the weights or the biases", shape });
            }
        }
    }
    if !vectors.is_empty() && vectors.len() != matrices.len() {
        return Err(ImportError::Unpaired { matrices: matrices.len(), vectors: vectors.len() });
    }
    let biases = vectors.into_iter().map(Some).chain(std::iter::repeat(None));
    Ok(matrices.into_iter().zip(biases).collect())
}

fn layer<'t, 'a>(
    weights: &'t Tensor<'a>,
    biases: Option<&'t Tensor<'a>>,
) -> Result<Layer<'t, 'a>, ImportError> {
    let unsuited = |tensor: &Tensor<'_>, expected| {
        let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
        ImportError::Shape { name, expected, shape }
    };
    let &[first, second] = &weights.shape[..] else { return Err(unsuited(weights, "the weights")) };
    if let Some(biases) = biases.filter(|biases| biases.shape.is_empty() || biases.squeezed().len() > 1) {
        return Err(unsuited(biases, "the biases"));
    }
    Ok(Layer { weights, shape: (first, second), biases })
}

/// The layout in which each layer takes what the one before it gives: the one that is stated, or the only one that is
/// possible, or else the one that the names suggest.
pub(super) fn layout(layers: &[Layer<'_, '_>], stated: Option<Layout>) -> Result<Layout, ImportError> {
    if let Some(layout) = stated {
        return check(layers, layout).map(|()| layout).map_err(|(_, error)| error);
    }
    let [outputs_first, inputs_first] = Layout::ALL.map(|layout| check(layers, layout));
    let name = Name::of(&layers[0].weights.name);
    match (outputs_first, inputs_first) {
        (Ok(()), Err(_)) => Ok(Layout::OutputsFirst),
        (Err(_), Ok(())) => Ok(Layout::InputsFirst),
        (Ok(()), Ok(())) if name.has("weight") => Ok(Layout::OutputsFirst),
        (Ok(()), Ok(())) if name.has("kernel") => Ok(Layout::InputsFirst),
        (Ok(()), Ok(())) => {
            let weights = layers[0].weights;
            Err(ImportError::Ambiguous { name: weights.name.clone(), shape: weights.shape.clone() })
        }
        // The layout in which more of the layers fit is the one that was meant.
        (Err((outputs_first, error)), Err((inputs_first, other))) => {
            let is_other =
                inputs_first > outputs_first || (inputs_first == outputs_first && !name.has("weight"));
            Err(if is_other { other } else { error })
        }
    }
}

/// Whether the layers fit together in such a layout. If not, how many do, and why the next does not.
fn check(layers: &[Layer<'_, '_>], layout: Layout) -> Result<(), (usize, ImportError)> {
    let mut before = None;
    for (index, layer) in layers.iter().enumerate() {
        let (inputs, outputs) = layer.sizes(layout);
        let name = || layer.weights.name.clone();
        if let Some(expected) = before.filter(|&expected| expected != inputs) {
            let shape = layer.weights.shape.clone();
            return Err((index, ImportError::Chain { name: name(), expected, found: inputs, layout, shape }));
        }
        if let Some(biases) = layer.biases {
            let found = Tensor::count(&biases.shape).unwrap_or(usize::MAX);
            if found != outputs {
                let (weights, name) = (name(), biases.name.clone());
                return Err((index, ImportError::Biases { name, weights, expected: outputs, found }));
            }
        }
        before = Some(outputs);
    }
    Ok(())
}
