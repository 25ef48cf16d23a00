//! A file of another program's format: owns its description, and refuses to know whether it can be imported.

use std::{collections::BTreeMap, path::Path};

use nn_train::interchange::{Contents, Graph, Node, Port, TensorDescription};
use serde::Serialize;

use super::Description;
use crate::output::{count, spelled, table, thousands};

/// A safetensors, ONNX or npz file.
#[derive(Serialize)]
pub(super) struct Described<'a> {
    kind: &'static str,
    path: String,
    metadata: &'a BTreeMap<String, String>,
    tensors: Vec<Tensor<'a>>,
    parameters: u128,
    #[serde(flatten)]
    graph: Option<Computation<'a>>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'a str,
    element_type: &'a str,
    shape: &'a [usize],
}

/// What an ONNX file computes.
#[derive(Serialize)]
struct Computation<'a> {
    producer: &'a str,
    ir_version: u64,
    opset: u64,
    inputs: Vec<Value<'a>>,
    outputs: Vec<Value<'a>>,
    nodes: Vec<Operator<'a>>,
}

#[derive(Serialize)]
struct Value<'a> {
    name: &'a str,
    element_type: &'a str,
    /// Numbers, and names where a length is open.
    shape: &'a [String],
}

#[derive(Serialize)]
struct Operator<'a> {
    operator: &'a str,
    inputs: &'a [String],
    outputs: &'a [String],
}

impl<'a> Described<'a> {
    pub(super) fn new(path: &Path, contents: &'a Contents) -> Described<'a> {
        let tensor = |tensor: &'a TensorDescription| Tensor {
            name: &tensor.name,
            element_type: &tensor.element,
            shape: &tensor.shape,
        };
        let numbers = |tensor: &TensorDescription| {
            tensor.shape.iter().fold(1_u128, |product, &length| product.saturating_mul(length as u128))
        };
        Described {
            kind: contents.format.name(),
            path: path.display().to_string(),
            metadata: &contents.metadata,
            tensors: contents.tensors.iter().map(tensor).collect(),
            parameters: contents.tensors.iter().map(numbers).fold(0, u128::saturating_add),
            graph: contents.graph.as_ref().map(Computation::new),
        }
    }
}

impl<'a> Computation<'a> {
    fn new(graph: &'a Graph) -> Computation<'a> {
        let value =
            |port: &'a Port| Value { name: &port.name, element_type: &port.element, shape: &port.shape };
        let operator = |node: &'a Node| Operator {
            operator: &node.operator,
            inputs: &node.inputs,
            outputs: &node.outputs,
        };
        Computation {
            producer: &graph.producer,
            ir_version: graph.ir_version,
            opset: graph.opset,
            inputs: graph.inputs.iter().map(value).collect(),
            outputs: graph.outputs.iter().map(value).collect(),
            nodes: graph.nodes.iter().map(operator).collect(),
        }
    }

    fn text(&self) -> String {
        let values = |values: &[Value<'_>]| {
            let value = |value: &Value<'_>| {
                format!(
                    "{} ({} of {})",
                    printable(value.name),
                    value.element_type,
                    printable(&value.shape.join(" x "))
                )
            };
            values.iter().map(value).collect::<Vec<_>>().join(", ")
        };
        let mut rows = vec![["operator", "takes", "gives"].map(str::to_owned).to_vec()];
        for node in &self.nodes {
            rows.push(
                [node.operator, &node.inputs.join(", "), &node.outputs.join(", ")].map(printable).to_vec(),
            );
        }
        format!(
            "graph     by {}, representation {}, operators of version {}\n\
             takes     {}\n\
             gives     {}\n\n{}",
            printable(self.producer),
            self.ir_version,
            self.opset,
            values(&self.inputs),
            values(&self.outputs),
            table(&rows),
        )
    }
}

impl Description for Described<'_> {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("file      {}", self.path),
            format!(
                "format    {}, {} of {}",
                self.kind,
                count(self.tensors.len(), "tensor"),
                count(self.parameters, "number")
            ),
        ];
        for (key, value) in self.metadata {
            lines.push(format!("metadata  {}: {}", printable(key), printable(value)));
        }
        lines.extend(self.graph.as_ref().map(Computation::text));
        let mut rows = vec![["tensor", "type", "shape", "numbers"].map(str::to_owned).to_vec()];
        for tensor in &self.tensors {
            let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
            let numbers =
                tensor.shape.iter().fold(1_u64, |product, &length| product.saturating_mul(length as u64));
            rows.push(vec![
                printable(tensor.name),
                printable(tensor.element_type),
                shape.join(" x "),
                thousands(numbers),
            ]);
        }
        lines.push(format!("\n{}", table(&rows)));
        lines.join("\n")
    }
}

/// Texts of strangers in one line each: what a terminal would obey is spelled out, what is endless is cut.
fn printable(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut shown: String = text.chars().take(LONGEST).flat_map(spelled).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(printable("a\x1b[31m\nä\"b"), "a\\u{1b}[31m\\nä\"b");
        assert_eq!(printable(&"x".repeat(201)), format!("{}...", "x".repeat(200)));
    }
}
