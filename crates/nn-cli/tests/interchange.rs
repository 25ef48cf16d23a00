//! What `export` and `import` promise: that networks go out and come back, that no other file is lost, and that what is
//! missing is asked for.

mod common;

use std::{fs, num::NonZeroUsize};

use common::{command, names, nn_cli, scratch, tiny_model};
use serde_json::json;

#[test]
fn a_network_goes_out_in_every_format_and_comes_back_byte_for_byte_but_for_its_record() {
    let folder = scratch();
    tiny_model(folder.path());
    for (name, flag) in [("tiny.safetensors", ""), ("tiny.npz", ""), ("weights.bin", "--format npz")] {
        let line = format!("export tiny.model --output {name} {flag} --json");
        let written = nn_cli(folder.path(), &line).succeeds().json().remove(0);
        let bytes = fs::read(folder.path().join(name)).unwrap();
        assert_eq!((&written["output"], &written["bytes"]), (&json!(name), &json!(bytes.len())));
        nn_cli(folder.path(), &format!("import {name} --output {name}.model")).succeeds();
        let model = |path: &str| nn_train::load(&folder.path().join(path)).unwrap();
        let (mut expected, found) = (model("tiny.model"), model(&format!("{name}.model")));
        assert!(expected.record.take().is_some());
        assert_eq!(found, expected, "{name}");
    }
    nn_cli(folder.path(), "export tiny.model --output tiny.onnx").succeeds();
    nn_cli(folder.path(), "import tiny.onnx --output onnx.model")
        .fails_with(&["expected a safetensors or an npz file, found an ONNX file"]);
}

#[test]
fn inspect_reads_every_format() {
    let folder = scratch();
    tiny_model(folder.path());
    for (name, kind, tensor) in [
        ("tiny.safetensors", "safetensors", "0.bias"),
        ("tiny.onnx", "onnx", "pixel_scale"),
        ("tiny.npz", "npz", "W1"),
    ] {
        nn_cli(folder.path(), &format!("export tiny.model -o {name}")).succeeds();
        let description =
            nn_cli(folder.path(), &format!("inspect {name} --json")).succeeds().json().remove(0);
        assert_eq!((&description["kind"], &description["path"]), (&json!(kind), &json!(name)));
        assert_eq!(description["metadata"]["activations"], "relu, identity");
        assert_eq!(description["metadata"]["image_shape"], "5, 3");
        assert_eq!(description["tensors"][0]["name"], tensor);
        let text = nn_cli(folder.path(), &format!("inspect {name}")).succeeds().stdout;
        assert!(text.contains("metadata  loss: softmax-cross-entropy"), "{text}");
    }
    let graph = nn_cli(folder.path(), "inspect tiny.onnx --json").succeeds().json().remove(0);
    assert_eq!(
        graph["inputs"],
        json!([{ "name": "pixels", "element_type": "f32", "shape": ["N", "5", "3"] }])
    );
    assert_eq!(graph["outputs"][1]["name"], "probabilities");
    let operators: Vec<&str> =
        graph["nodes"].as_array().unwrap().iter().map(|node| node["operator"].as_str().unwrap()).collect();
    assert_eq!(operators, ["Flatten", "Div", "Gemm", "Relu", "Gemm", "Softmax"]);
    let text = nn_cli(folder.path(), "inspect tiny.onnx").succeeds().stdout;
    assert!(text.contains("takes     pixels (f32 of N x 5 x 3)"), "{text}");
}

#[test]
fn an_earlier_export_is_replaced_and_nothing_else_is() {
    let folder = scratch();
    tiny_model(folder.path());
    for _ in 0..2 {
        nn_cli(folder.path(), "export tiny.model -o tiny.npz").succeeds();
    }
    // Somebody else's arrays: what `eval` writes has no description of a network in it.
    nn_cli(folder.path(), "eval tiny.model --data tiny --outputs outputs.npz").succeeds();
    fs::write(folder.path().join("thesis.onnx"), "years of work").unwrap();
    fs::copy(folder.path().join("tiny.npz"), folder.path().join("other.safetensors")).unwrap();
    let before = names(folder.path());
    for name in ["outputs.npz", "thesis.onnx", "other.safetensors"] {
        let content = fs::read(folder.path().join(name)).unwrap();
        nn_cli(folder.path(), &format!("export tiny.model -o {name}"))
            .fails_with(&["expected an exported network or nothing there, found another file"]);
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), content);
    }
    nn_cli(folder.path(), "eval tiny.model --data tiny --outputs outputs.npz").succeeds();
    nn_cli(folder.path(), "eval tiny.model --data tiny --outputs tiny.npz")
        .fails_with(&["expected outputs of a network or nothing there, found another file"]);
    nn_cli(folder.path(), "import tiny.npz --output outputs.npz")
        .fails_with(&["expected a model or nothing there, found another file"]);
    assert_eq!(names(folder.path()), before);
    nn_cli(folder.path(), "export tiny.model -o weights.bin")
        .fails_with(&["expected a name that ends with .safetensors, .onnx or .npz", "hint: --format"]);
}

#[test]
fn what_a_file_does_not_tell_is_asked_for_by_the_name_of_the_flag() {
    let folder = scratch();
    tiny_model(folder.path());
    nn_cli(folder.path(), "export tiny.model -o tiny.safetensors").succeeds();
    // The same tensors without what the file says of itself, as PyTorch writes them.
    let mut bytes = fs::read(folder.path().join("tiny.safetensors")).unwrap();
    let position = bytes.windows(8).position(|window| window == b"nn-train").unwrap();
    bytes[position..][..8].copy_from_slice(b"somebody");
    fs::write(folder.path().join("theirs.safetensors"), bytes).unwrap();
    nn_cli(folder.path(), "import theirs.safetensors")
        .fails_with(&["the activation of the hidden layers", "hint: --activation states it"]);
    let line = "import theirs.safetensors --activation relu --shape 5x3 --output theirs.model --json";
    let imported = nn_cli(folder.path(), line).succeeds().json().remove(0);
    assert_eq!((&imported["kind"], &imported["image_shape"]), (&json!("model"), &json!([5, 3])));
    assert_eq!((&imported["loss"], &imported["training"]), (&json!("softmax-cross-entropy"), &json!(null)));
    let predict =
        |model: &str| nn_cli(folder.path(), &format!("predict {model} --data tiny --index 0-11")).succeeds();
    assert_eq!(predict("theirs.model").stdout, predict("tiny.model").stdout);

    // Without a name it is that of the file, and never that of a model that was trained here.
    nn_cli(folder.path(), "import theirs.safetensors --activation relu").succeeds();
    assert!(folder.path().join("theirs.model").exists() && !folder.path().join("mnist.model").exists());
    nn_cli(folder.path(), "import tiny.model")
        .fails_with(&["found a model of this project", "hint: it needs no import"]);
    nn_cli(folder.path(), "import tiny").fails_with(&["expected a file, found a folder"]);
    nn_cli(folder.path(), "import missing.npz").fails_with(&["cannot read missing.npz"]);
    for flags in
        ["--std 0", "--scale -1", "--mean nan", "--shape 5x", "--layout square", "--activation softmax"]
    {
        let line = format!("import theirs.safetensors {flags}");
        let run: common::Run = command(folder.path()).args(line.split(' ')).output().unwrap().into();
        assert_eq!(run.code, Some(2), "{flags}: {run:?}");
    }
}

#[test]
fn names_in_a_file_of_strangers_do_not_steer_the_terminal() {
    let folder = scratch();
    let header = r#"{"\u001b[31m.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    fs::write(folder.path().join("theirs.safetensors"), file).unwrap();
    let run = nn_cli(folder.path(), "import theirs.safetensors");
    run.fails_with(&[r"tensor \u{1b}[31m.weight: expected the weights"]);
    assert!(!run.stderr.contains('\x1b'), "{run:?}");
}

#[test]
fn the_outputs_of_eval_are_those_that_predict_shows() {
    let folder = scratch();
    tiny_model(folder.path());
    nn_cli(folder.path(), "eval tiny.model --data tiny --outputs outputs.npz").succeeds();
    let description = nn_cli(folder.path(), "inspect outputs.npz --json").succeeds().json().remove(0);
    let shapes: Vec<_> =
        description["tensors"].as_array().unwrap().iter().map(|tensor| &tensor["shape"]).collect();
    assert_eq!(shapes, [&json!([12, 3]), &json!([12, 3]), &json!([12])]);
    // The arrays are stored as they are: the probabilities of an image stand in the file in a row.
    let bytes = fs::read(folder.path().join("outputs.npz")).unwrap();
    let model = nn_train::load(&folder.path().join("tiny.model")).unwrap();
    let files = nn_train::DataFiles::open(&folder.path().join("tiny"), nn_train::Split::Test).unwrap();
    let outputs = nn_train::Outputs::of(&model, files.view(), NonZeroUsize::MIN).unwrap();
    for row in outputs.logits.rows().into_iter().chain(outputs.probabilities.rows()) {
        let row: Vec<u8> = row.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert!(bytes.windows(row.len()).any(|window| window == row));
    }
    let predictions =
        nn_cli(folder.path(), "predict tiny.model --data tiny --index 0-11 --json").succeeds().json();
    for (prediction, row) in predictions.iter().zip(outputs.probabilities.rows()) {
        let class = prediction["predicted"].as_u64().unwrap() as usize;
        assert!((prediction["probability"].as_f64().unwrap() - f64::from(row[class])).abs() < 1e-6);
    }
}
