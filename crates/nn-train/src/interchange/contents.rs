//! What stands in a file of others, to be shown to people: owns the description, and refuses to know whether a network
//! can be made of it.

use std::collections::BTreeMap;

use super::{
    Format, ImportError, metadata,
    onnx::proto,
    protobuf::{Fields, Integers, Malformed, Value},
};

/// The most tensors, operators, texts and so on that a graph may have.
const MAX_PARTS: usize = 4096;

/// What a file of others holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// How it is written.
    pub format: Format,
    /// What it says of itself, as texts with keys.
    pub metadata: BTreeMap<String, String>,
    /// Its tensors: of an npz file in their order, else by their names.
    pub tensors: Vec<TensorDescription>,
    /// What is computed of what, if it is an ONNX file.
    pub graph: Option<Graph>,
}

impl Contents {
    /// Whether [`to_bytes`](super::to_bytes) made the file, if it says the truth.
    #[must_use]
    pub fn is_exported(&self) -> bool {
        self.metadata.contains_key(metadata::VERSION_KEY)
    }
}

/// A tensor without its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorDescription {
    /// Its name.
    pub name: String,
    /// The kind of its numbers, as `"f32"`.
    pub element: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// What an ONNX file computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Graph {
    /// The program that wrote the file.
    pub producer: String,
    /// The version of the representation.
    pub ir_version: u64,
    /// The version of the operators.
    pub opset: u64,
    /// What is to be given.
    pub inputs: Vec<Port>,
    /// What comes of it.
    pub outputs: Vec<Port>,
    /// The operators, in their order: name of the operator, and of the values that go in and come out.
    pub nodes: Vec<Node>,
}

/// An input or an output of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The kind of its numbers, as `"f32"`.
    pub element: String,
    /// Its lengths; one that is open has a name, or `?`.
    pub shape: Vec<String>,
}

/// An operator of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// What it does, as `"Gemm"`.
    pub operator: String,
    /// The values that go in.
    pub inputs: Vec<String>,
    /// The values that come out.
    pub outputs: Vec<String>,
}

/// The contents of an ONNX file.
pub(super) fn of_onnx(bytes: &[u8]) -> Result<Contents, ImportError> {
    let mut reader = Reader { left: MAX_PARTS };
    reader.model(bytes).map_err(|problem| match problem {
        Problem::Malformed => ImportError::Onnx,
        Problem::TooMany => ImportError::TooMany { what: "parts of a graph", limit: MAX_PARTS },
    })
}

enum Problem {
    Malformed,
    TooMany,
}

impl From<Malformed> for Problem {
    fn from(_: Malformed) -> Problem {
        Problem::Malformed
    }
}

/// Counts what it keeps, for a hostile file has a part in each two bytes.
struct Reader {
    left: usize,
}

impl Reader {
    fn keep<T>(&mut self, parts: &mut Vec<T>, part: T) -> Result<(), Problem> {
        self.left = self.left.checked_sub(1).ok_or(Problem::TooMany)?;
        parts.push(part);
        Ok(())
    }

    fn model(&mut self, bytes: &[u8]) -> Result<Contents, Problem> {
        let (mut tensors, mut texts, mut graph) = (Vec::new(), Vec::new(), Graph::default());
        for field in Fields::of(bytes) {
            match field? {
                (proto::MODEL_IR_VERSION, value) => graph.ir_version = value.integer()?,
                (proto::MODEL_PRODUCER_NAME, value) => graph.producer = value.text()?.to_owned(),
                (proto::MODEL_GRAPH, value) => self.graph(value.fields()?, &mut graph, &mut tensors)?,
                (proto::MODEL_OPSET_IMPORT, value) => graph.opset = graph.opset.max(opset(value.fields()?)?),
                (proto::MODEL_METADATA_PROPS, value) => self.keep(&mut texts, entry(value.fields()?)?)?,
                _ => {}
            }
        }
        let metadata = texts.into_iter().collect();
        Ok(Contents { format: Format::Onnx, metadata, tensors, graph: Some(graph) })
    }

    fn graph(
        &mut self,
        fields: Fields<'_>,
        graph: &mut Graph,
        tensors: &mut Vec<TensorDescription>,
    ) -> Result<(), Problem> {
        for field in fields {
            match field? {
                (proto::GRAPH_NODE, value) => {
                    let node = self.node(value.fields()?)?;
                    self.keep(&mut graph.nodes, node)?;
                }
                (proto::GRAPH_INITIALIZER, value) => {
                    let tensor = self.tensor(value.fields()?)?;
                    self.keep(tensors, tensor)?;
                }
                (proto::GRAPH_INPUT, value) => {
                    let port = self.port(value.fields()?)?;
                    self.keep(&mut graph.inputs, port)?;
                }
                (proto::GRAPH_OUTPUT, value) => {
                    let port = self.port(value.fields()?)?;
                    self.keep(&mut graph.outputs, port)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn node(&mut self, fields: Fields<'_>) -> Result<Node, Problem> {
        let mut node = Node::default();
        for field in fields {
            match field? {
                (proto::NODE_INPUT, value) => self.keep(&mut node.inputs, value.text()?.to_owned())?,
                (proto::NODE_OUTPUT, value) => self.keep(&mut node.outputs, value.text()?.to_owned())?,
                (proto::NODE_OPERATOR, value) => node.operator = value.text()?.to_owned(),
                _ => {}
            }
        }
        Ok(node)
    }

    fn tensor(&mut self, fields: Fields<'_>) -> Result<TensorDescription, Problem> {
        let mut tensor = TensorDescription { name: String::new(), element: element(0), shape: Vec::new() };
        for field in fields {
            match field? {
                (proto::TENSOR_DIMS, Value::Integer(length)) => {
                    self.keep(&mut tensor.shape, usize::try_from(length).unwrap_or(usize::MAX))?;
                }
                // Most writers pack the lengths into one field.
                (proto::TENSOR_DIMS, value) => {
                    for length in Integers::of(value.bytes()?) {
                        self.keep(&mut tensor.shape, usize::try_from(length?).unwrap_or(usize::MAX))?;
                    }
                }
                (proto::TENSOR_ELEMENT, value) => tensor.element = element(value.integer()?),
                (proto::TENSOR_NAME, value) => tensor.name = value.text()?.to_owned(),
                _ => {}
            }
        }
        Ok(tensor)
    }

    fn port(&mut self, fields: Fields<'_>) -> Result<Port, Problem> {
        let mut port = Port { name: String::new(), element: element(0), shape: Vec::new() };
        for field in fields {
            match field? {
                (proto::VALUE_NAME, value) => port.name = value.text()?.to_owned(),
                (proto::VALUE_TYPE, value) => {
                    for field in value.fields()? {
                        if let (proto::TYPE_TENSOR, value) = field? {
                            self.tensor_type(value.fields()?, &mut port)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(port)
    }

    fn tensor_type(&mut self, fields: Fields<'_>, port: &mut Port) -> Result<(), Problem> {
        for field in fields {
            match field? {
                (proto::TYPE_ELEMENT, value) => port.element = element(value.integer()?),
                (proto::TYPE_SHAPE, value) => {
                    for field in value.fields()? {
                        if let (proto::SHAPE_DIM, value) = field? {
                            self.keep(&mut port.shape, length(value.fields()?)?)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn length(fields: Fields<'_>) -> Result<String, Malformed> {
    let mut length = "?".to_owned();
    for field in fields {
        match field? {
            (proto::DIM_VALUE, value) => length = value.integer()?.to_string(),
            (proto::DIM_NAME, value) => length = value.text()?.to_owned(),
            _ => {}
        }
    }
    Ok(length)
}

/// The version of the standard operators; a set of others has a name, and does not count.
fn opset(fields: Fields<'_>) -> Result<u64, Malformed> {
    let (mut is_standard, mut version) = (true, 0);
    for field in fields {
        match field? {
            (proto::OPSET_DOMAIN, value) => is_standard = value.bytes()?.is_empty(),
            (proto::OPSET_VERSION, value) => version = value.integer()?,
            _ => {}
        }
    }
    Ok(if is_standard { version } else { 0 })
}

fn entry(fields: Fields<'_>) -> Result<(String, String), Malformed> {
    let mut entry = (String::new(), String::new());
    for field in fields {
        match field? {
            (proto::ENTRY_KEY, value) => entry.0 = value.text()?.to_owned(),
            (proto::ENTRY_VALUE, value) => entry.1 = value.text()?.to_owned(),
            _ => {}
        }
    }
    Ok(entry)
}

fn element(kind: u64) -> String {
    let name = match kind {
        proto::ELEMENT_F32 => "f32",
        2 => "u8",
        3 => "i8",
        6 => "i32",
        7 => "i64",
        8 => "text",
        9 => "bool",
        10 => "f16",
        11 => "f64",
        16 => "bf16",
        _ => return format!("kind {kind}"),
    };
    name.to_owned()
}
