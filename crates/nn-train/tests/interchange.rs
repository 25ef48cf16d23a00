//! What goes to other programs and comes back: bit for bit what it was, in whatever order, layout and kind of number
//! others keep it, and a plain refusal of all that is none of it.

use nn_train::{
    InvalidModel, Limits, Model, Preprocessing, initial_rng,
    interchange::{
        Contents, Format, ImportError, ImportOptions, InputScale, Layout, Npz, describe, describe_bytes,
        export, from_bytes, from_bytes_with, import, to_bytes,
    },
    nn_core::{
        Activation, Initializer, Loss, Network,
        ndarray::{Array1, Array2, array},
    },
};

/// 6 inputs, 5 hidden units, 4 hidden units, 3 classes; biases that are not 0.
fn model(loss: Loss) -> Model {
    let network = Network::builder(6)
        .dense(5, Activation::Tanh)
        .dense(4, Activation::LeakyRelu)
        .dense(3, loss.output_activation())
        .initializer(Initializer::Normal { deviation: 0.5 })
        .build(&mut initial_rng(7))
        .unwrap();
    let class_names = Some(["left", "größer", ""].map(str::to_owned).to_vec());
    Model {
        network,
        loss,
        image_shape: vec![2, 3],
        preprocessing: Preprocessing::None,
        class_names,
        record: None,
    }
}

/// The arrays W1 (6, 5), b1, W2 (5, 4), b2, W3 (4, 3), b3 of the same.
fn weights(layer: usize) -> Array2<f32> {
    model(Loss::SoftmaxCrossEntropy).network.parameters().weights(layer).to_owned()
}

fn biases(layer: usize) -> Array1<f32> {
    model(Loss::SoftmaxCrossEntropy).network.parameters().biases(layer).to_owned()
}

fn tanh_then_leaky() -> ImportOptions {
    ImportOptions {
        activations: Some(vec![Activation::Tanh, Activation::LeakyRelu]),
        image_shape: Some(vec![2, 3]),
        ..ImportOptions::default()
    }
}

fn assert_same_network(imported: &Model) {
    let expected = model(Loss::SoftmaxCrossEntropy);
    assert_eq!(imported.network, expected.network);
    assert_eq!(imported.loss, expected.loss);
}

#[test]
fn what_is_exported_is_imported_bit_for_bit() {
    for loss in Loss::ALL {
        for format in [Format::Safetensors, Format::Npz] {
            let model = model(loss);
            let bytes = to_bytes(&model, format).unwrap();
            assert_eq!(from_bytes(&bytes, &ImportOptions::default()).unwrap(), model, "{loss} {format}");
            assert_eq!(Format::of_bytes(&bytes), Some(format));
            assert_eq!(to_bytes(&model, format).unwrap(), bytes, "{loss} {format}");
        }
    }
}

#[test]
fn files_appear_whole_and_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(Loss::BinaryCrossEntropy);
    for format in Format::ALL {
        let path = folder.path().join(format!("digits.{format}"));
        export(&model, &path, format).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), to_bytes(&model, format).unwrap());
        assert_eq!(describe(&path).unwrap().format, format);
        if format == Format::Onnx {
            let error = import(&path, &ImportOptions::default()).unwrap_err();
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(source, "expected a safetensors or an npz file, found an ONNX file");
        } else {
            assert_eq!(import(&path, &ImportOptions::default()).unwrap(), model);
        }
    }
    let missing = import(&folder.path().join("missing.npz"), &ImportOptions::default()).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
}

#[test]
fn a_model_that_cannot_be_kept_is_not_exported() {
    let mut diverged = model(Loss::SoftmaxCrossEntropy);
    diverged.network.parameters_mut().weights_mut(1)[[2, 3]] = f32::NAN;
    for format in Format::ALL {
        assert_eq!(to_bytes(&diverged, format).unwrap_err(), InvalidModel::NonFinite { layer: 1 });
    }
}

#[test]
fn safetensors_have_the_names_and_the_layout_of_pytorch() {
    let bytes = to_bytes(&model(Loss::SoftmaxCrossEntropy), Format::Safetensors).unwrap();
    let Contents { tensors, metadata, .. } = describe_bytes(&bytes, &Limits::default()).unwrap();
    let found: Vec<(&str, &[usize])> = tensors.iter().map(|t| (t.name.as_str(), &t.shape[..])).collect();
    let expected: [(&str, &[usize]); 6] = [
        ("0.bias", &[5]),
        ("0.weight", &[5, 6]),
        ("2.bias", &[4]),
        ("2.weight", &[4, 5]),
        ("4.bias", &[3]),
        ("4.weight", &[3, 4]),
    ];
    assert_eq!(found, expected);
    assert_eq!(metadata["activations"], "tanh, leaky-relu, identity");
    assert_eq!(metadata["class_names"], "[\"left\",\"größer\",\"\"]");
    assert_eq!(metadata["format"], "pt");
}

#[test]
fn npz_files_have_a_matrix_for_each_layer_that_inputs_are_multiplied_with() {
    let bytes = to_bytes(&model(Loss::SoftmaxCrossEntropy), Format::Npz).unwrap();
    let Contents { tensors, .. } = describe_bytes(&bytes, &Limits::default()).unwrap();
    let found: Vec<(&str, &[usize])> = tensors.iter().map(|t| (t.name.as_str(), &t.shape[..])).collect();
    let expected: [(&str, &[usize]); 6] =
        [("W1", &[6, 5]), ("b1", &[5]), ("W2", &[5, 4]), ("b2", &[4]), ("W3", &[4, 3]), ("b3", &[3])];
    assert_eq!(found, expected);
}

#[test]
fn the_graph_takes_pixels_and_gives_logits_and_probabilities() {
    for (loss, last) in [
        (Loss::SoftmaxCrossEntropy, "Softmax"),
        (Loss::SigmoidCrossEntropy, "Sigmoid"),
        (Loss::BinaryCrossEntropy, "Sigmoid"),
        (Loss::MeanSquaredError, "Sigmoid"),
    ] {
        let bytes = to_bytes(&model(loss), Format::Onnx).unwrap();
        let contents = describe_bytes(&bytes, &Limits::default()).unwrap();
        let graph = contents.graph.unwrap();
        assert_eq!((graph.producer.as_str(), graph.ir_version, graph.opset), ("nn-train", 8, 17));
        let operators: Vec<&str> = graph.nodes.iter().map(|node| node.operator.as_str()).collect();
        assert_eq!(
            operators,
            ["Flatten", "Div", "Gemm", "Tanh", "Gemm", "LeakyRelu", "Gemm", last],
            "{loss}"
        );
        assert_eq!(
            (graph.inputs[0].name.as_str(), &graph.inputs[0].shape[..]),
            ("pixels", &["N", "2", "3"].map(str::to_owned)[..])
        );
        let outputs: Vec<&str> = graph.outputs.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(outputs, ["logits", "probabilities"]);
        assert_eq!(contents.metadata["loss"], loss.name());
        assert_eq!((contents.tensors[1].name.as_str(), &contents.tensors[1].shape[..]), ("W1", &[6, 5][..]));
    }
}

#[test]
fn files_of_other_programs_are_taken_by_names_shapes_and_what_is_stated() {
    let row = |layer| biases(layer).insert_axis(nn_train::nn_core::ndarray::Axis(0));
    let column = |layer| biases(layer).insert_axis(nn_train::nn_core::ndarray::Axis(1));
    let transposed = |layer| weights(layer).reversed_axes();
    let files = [
        // Keras, by its paths.
        Npz::default()
            .with_floats("sequential/dense_1/kernel:0", weights(1).view())
            .with_floats("sequential/dense/kernel:0", weights(0).view())
            .with_floats("sequential/dense_10/kernel:0", weights(2).view())
            .with_vector("sequential/dense_1/bias:0", biases(1).view())
            .with_vector("sequential/dense/bias:0", biases(0).view())
            .with_vector("sequential/dense_10/bias:0", biases(2).view()),
        // numpy.savez(file, *model.get_weights())
        Npz::default()
            .with_floats("arr_0", weights(0).view())
            .with_vector("arr_1", biases(0).view())
            .with_floats("arr_2", weights(1).view())
            .with_vector("arr_3", biases(1).view())
            .with_floats("arr_4", weights(2).view())
            .with_vector("arr_5", biases(2).view()),
        // Names of their own that sort by kind.
        Npz::default()
            .with_floats("Wh1", weights(0).view())
            .with_floats("Wh2", weights(1).view())
            .with_floats("Wo", weights(2).view())
            .with_vector("bh1", biases(0).view())
            .with_vector("bh2", biases(1).view())
            .with_vector("bo", biases(2).view()),
        // PyTorch, and the textbook's columns.
        Npz::default()
            .with_floats("fc1.weight", transposed(0).view())
            .with_vector("fc1.bias", biases(0).view())
            .with_floats("fc2.weight", transposed(1).view())
            .with_floats("fc2.bias", row(1).view())
            .with_floats("fc3.weight", transposed(2).view())
            .with_floats("fc3.bias", column(2).view()),
    ];
    for file in files {
        assert_same_network(&from_bytes(&file.to_bytes(), &tanh_then_leaky()).unwrap());
    }
}

#[test]
fn an_order_that_names_do_not_tell_is_stated() {
    let file = Npz::default()
        .with_floats("fc_in.weight", weights(0).view())
        .with_vector("fc_in.bias", biases(0).view())
        .with_floats("fc_hidden.weight", weights(1).view())
        .with_vector("fc_hidden.bias", biases(1).view())
        .with_floats("fc_out.weight", weights(2).view())
        .with_vector("fc_out.bias", biases(2).view())
        .to_bytes();
    let by_name = from_bytes(&file, &tanh_then_leaky()).unwrap_err();
    assert!(by_name.to_string().starts_with("tensor fc_in.weight: expected "), "{by_name}");
    assert!(by_name.hint().unwrap().contains("order"));
    let order = |layers: &[&str]| ImportOptions {
        layers: Some(layers.iter().map(|&layer| layer.to_owned()).collect()),
        ..tanh_then_leaky()
    };
    assert_same_network(&from_bytes(&file, &order(&["fc_in", "fc_hidden", "fc_out"])).unwrap());
    for (layers, expected) in [
        (
            &["fc_in", "fc_hidden"][..],
            "layers: expected the names of all 3 layers, found fc_out.weight in none of those named",
        ),
        (
            &["fc_in", "fc_in", "fc_out"],
            "layers: expected the names of all 3 layers, found none of the name fc_in (or it twice)",
        ),
        (&["fc1"], "layers: expected the names of all 3 layers, found none of the name fc1 (or it twice)"),
    ] {
        assert_eq!(from_bytes(&file, &order(layers)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn square_layers_need_a_layout_unless_the_names_have_one() {
    let square = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]];
    let file = |name: &str| Npz::default().with_floats(name, square.view()).to_bytes();
    let imported = |name: &str, layout| {
        let options = ImportOptions { layout, ..ImportOptions::default() };
        from_bytes(&file(name), &options).map(|model| model.network.parameters().weights(0).to_owned())
    };
    let error = imported("W1", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor W1: expected a layout to be stated, for the shape 3 x 3 can be read both ways"
    );
    assert!(error.hint().unwrap().contains("PyTorch"));
    assert_eq!(imported("W1", Some(Layout::InputsFirst)).unwrap(), square);
    assert_eq!(imported("W1", Some(Layout::OutputsFirst)).unwrap(), square.t());
    assert_eq!(imported("fc.weight", None).unwrap(), square.t());
    assert_eq!(imported("dense/kernel:0", None).unwrap(), square);
}

#[test]
fn a_network_without_biases_has_biases_of_zero() {
    let file = Npz::default().with_floats("W", weights(0).view()).to_bytes();
    let options = ImportOptions { layout: Some(Layout::InputsFirst), ..ImportOptions::default() };
    let imported = from_bytes(&file, &options).unwrap();
    assert_eq!(imported.network.parameters().weights(0), weights(0));
    assert_eq!(imported.network.parameters().biases(0), Array1::<f32>::zeros(5));
    assert_eq!(imported.image_shape, [6]);
}

#[test]
fn inputs_of_another_scale_are_made_up_for_in_the_first_layer() {
    let pixels = [0_u8, 255, 17, 128, 3, 200];
    let file = Npz::default()
        .with_floats("W1", weights(0).view())
        .with_vector("b1", biases(0).view())
        .with_floats("W2", weights(1).view())
        .with_vector("b2", biases(1).view())
        .with_floats("W3", weights(2).view())
        .with_vector("b3", biases(2).view())
        .to_bytes();
    let original = model(Loss::SoftmaxCrossEntropy).network;
    for scale in [
        InputScale { mean: 0.1307, deviation: 0.3081, ..InputScale::default() },
        InputScale { mean: 0.5, deviation: 0.5, ..InputScale::default() },
        InputScale { divisor: 1.0, mean: 33.3, deviation: 78.6 },
        InputScale::default(),
    ] {
        let options = ImportOptions { scale: Some(scale), ..tanh_then_leaky() };
        let imported = from_bytes(&file, &options).unwrap();
        let scaled =
            pixels.map(|pixel| ((f64::from(pixel) / scale.divisor - scale.mean) / scale.deviation) as f32);
        let expected = original.forward(&Array2::from_shape_vec((1, 6), scaled.to_vec()).unwrap());
        let found = imported.network.forward(&Array2::from_shape_vec((1, 6), pixels.to_vec()).unwrap());
        for (expected, found) in expected.iter().zip(&found) {
            assert!((expected - found).abs() < 1e-5, "{scale:?}: {expected} {found}");
        }
    }
    for (divisor, mean, deviation) in
        [(0.0, 0.0, 1.0), (255.0, f64::NAN, 1.0), (255.0, 0.0, 0.0), (255.0, 0.0, -1.0)]
    {
        let options =
            ImportOptions { scale: Some(InputScale { divisor, mean, deviation }), ..tanh_then_leaky() };
        assert!(
            matches!(from_bytes(&file, &options), Err(ImportError::Scale { .. })),
            "{divisor} {mean} {deviation}"
        );
    }
}

#[test]
fn activations_and_losses_are_stated_known_or_assumed() {
    let file = |layers: usize| {
        (0..layers).fold(Npz::default(), |npz, layer| {
            npz.with_floats(&format!("W{layer}"), weights(layer).view())
                .with_vector(&format!("b{layer}"), biases(layer).view())
        })
    };
    let import = |layers, options| from_bytes(&file(layers).to_bytes(), &options);
    let default = ImportOptions::default;
    assert_eq!(import(3, default()).unwrap_err(), ImportError::NoActivation);
    let two = ImportOptions { activations: Some(vec![Activation::Relu; 2]), ..default() };
    assert_eq!(
        import(2, two.clone()).unwrap_err().to_string(),
        "expected 1 activations of hidden layers, or one for all, found 2"
    );
    let one = ImportOptions { activations: Some(vec![Activation::Relu]), ..default() };
    let relus = import(3, one).unwrap().network;
    assert_eq!(
        [0, 1, 2].map(|layer| relus.activation(layer)),
        [Activation::Relu, Activation::Relu, Activation::Identity]
    );

    // A softmax becomes part of the loss; the rest stays what it is.
    for (output, loss, expected) in [
        (None, None, (Activation::Identity, Loss::SoftmaxCrossEntropy)),
        (Some(Activation::Softmax), None, (Activation::Identity, Loss::SoftmaxCrossEntropy)),
        (
            Some(Activation::Softmax),
            Some(Loss::SoftmaxCrossEntropy),
            (Activation::Identity, Loss::SoftmaxCrossEntropy),
        ),
        (
            Some(Activation::Sigmoid),
            Some(Loss::SigmoidCrossEntropy),
            (Activation::Identity, Loss::SigmoidCrossEntropy),
        ),
        (Some(Activation::Sigmoid), None, (Activation::Sigmoid, Loss::BinaryCrossEntropy)),
        (Some(Activation::Tanh), None, (Activation::Tanh, Loss::MeanSquaredError)),
        (None, Some(Loss::MeanSquaredError), (Activation::Sigmoid, Loss::MeanSquaredError)),
        (
            Some(Activation::Softmax),
            Some(Loss::BinaryCrossEntropy),
            (Activation::Softmax, Loss::BinaryCrossEntropy),
        ),
    ] {
        let model = import(1, ImportOptions { output_activation: output, loss, ..default() }).unwrap();
        assert_eq!((model.network.activation(0), model.loss), expected);
    }
    let wrong = ImportOptions {
        output_activation: Some(Activation::Relu),
        loss: Some(Loss::SoftmaxCrossEntropy),
        ..default()
    };
    assert!(matches!(import(1, wrong), Err(ImportError::Invalid(InvalidModel::Loss { .. }))));
}

#[test]
fn what_is_stated_goes_before_what_the_file_says() {
    let bytes = to_bytes(&model(Loss::SoftmaxCrossEntropy), Format::Safetensors).unwrap();
    let options = ImportOptions {
        activations: Some(vec![Activation::Relu]),
        loss: Some(Loss::SigmoidCrossEntropy),
        image_shape: Some(vec![6]),
        class_names: Some(["a", "b", "c"].map(str::to_owned).to_vec()),
        ..ImportOptions::default()
    };
    let imported = from_bytes(&bytes, &options).unwrap();
    assert_eq!(imported.network.activation(1), Activation::Relu);
    assert_eq!((imported.loss, &imported.image_shape[..]), (Loss::SigmoidCrossEntropy, &[6][..]));
    assert_eq!(imported.class_names, options.class_names);
}

#[test]
fn tensors_that_make_no_network_are_named_with_what_was_expected() {
    let good = || {
        Npz::default()
            .with_floats("fc1.weight", weights(0).reversed_axes().view())
            .with_vector("fc1.bias", biases(0).view())
    };
    let three_layers = || {
        good()
            .with_floats("fc2.weight", Array2::zeros((4, 5)).view())
            .with_floats("fc3.weight", Array2::zeros((2, 4)).view())
    };
    let message = |file: Npz| from_bytes(&file.to_bytes(), &tanh_then_leaky()).unwrap_err().to_string();
    for (file, expected) in [
        (Npz::default(), "expected the weights of at least one layer, found no tensor"),
        (
            good().with_floats("fc2.weight", Array2::zeros((3, 7)).view()),
            "tensor fc2.weight: expected 5 inputs, as many as the layer before it has outputs, found 7 (outputs-first, \
             shape 3 x 7)",
        ),
        (
            good()
                .with_floats("fc2.weight", Array2::zeros((3, 5)).view())
                .with_vector("fc2.bias", biases(1).view()),
            "tensor fc2.bias: expected 3 biases, one for each output of fc2.weight, found 4",
        ),
        (
            good().with_vector("bn1.running_mean", biases(0).view()),
            "tensor bn1.running_mean: expected a name with weight or bias in it, as the others have",
        ),
        (
            good().with_vector("bn1.weight", biases(0).view()),
            "tensor bn1.weight: expected the weights of a fully connected layer, found the shape 5",
        ),
        (
            good().with_floats("fc2.bias", Array2::zeros((2, 3)).view()),
            "tensor fc2.bias: expected weights of the same layer beside these biases",
        ),
        (
            good().with_floats("fc1/kernel:0", weights(0).view()),
            "tensors fc1.weight and fc1/kernel:0: expected one of them for the same layer",
        ),
        (
            Npz::default()
                .with_floats("arr_0", weights(0).view())
                .with_floats("arr_1", weights(1).view())
                .with_vector("arr_2", biases(0).view()),
            "expected as many vectors as matrices, found 1 and 2",
        ),
        (
            good().with_text("weight_note", "x"),
            "tensor weight_note: expected the weights of a fully connected layer, found the shape of a single number",
        ),
        (
            three_layers().with_bytes("fc3.bias", array![1_u8, 2].view()),
            "tensor fc3.bias: expected floating-point numbers, found |u1",
        ),
    ] {
        assert_eq!(message(file), expected);
    }
}

#[test]
fn an_order_of_layers_that_no_name_tells_is_refused() {
    let file = Npz::default().with_floats("arr_0", weights(0).view()).with_vector("arr_1", biases(0).view());
    let layers = Some(vec!["arr_0".to_owned()]);
    let error = from_bytes(&file.to_bytes(), &ImportOptions { layers, ..tanh_then_leaky() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layers: expected no order of them, for the names of the tensors tell no layers"
    );
}

#[test]
fn a_network_that_no_model_file_may_hold_is_refused() {
    // 40 inputs and 50 classes, in numbers of two bytes; with biases they are 2,050 of four.
    let header = r#"{"fc.weight":{"dtype":"BF16","shape":[50,40],"data_offsets":[0,4000]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4000]].concat();
    let import = |max_bytes| from_bytes_with(&file, &ImportOptions::default(), &Limits { max_bytes });
    assert_eq!(import(8200).unwrap().network.parameter_count(), 2050);
    let error = import(8199).unwrap_err();
    assert_eq!(error.to_string(), "expected at most 2049 parameters, found more");
}

#[test]
fn numbers_beyond_an_f32_and_numbers_that_are_none_are_refused() {
    let mut diverged = weights(0);
    diverged[[3, 2]] = f32::INFINITY;
    let file =
        Npz::default().with_floats("W1", diverged.view()).with_vector("b1", biases(0).view()).to_bytes();
    let error = from_bytes(&file, &ImportOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "expected finite parameters, found one in layer 0 that is not");
}

#[test]
fn other_files_are_named_and_the_way_from_there_is_told() {
    for (bytes, expected, hint) in [
        (&b"\x89HDF\r\n\x1a\n"[..], "found an HDF5 file", Some("numpy.savez")),
        (b"\x80\x02}q\x00.", "found a Python pickle", Some("safetensors.torch.save_file")),
        (b"\x93NUMPY\x01\x00", "found a single NumPy array", Some("numpy.savez")),
        (b"\x89NNM\r\n\x1a\n", "found a model of this project", None),
        (b"", "found the first bytes []", None),
        (
            b"\x00\x00\x08\x03\x00\x00\xea\x60\x00",
            "found the first bytes [00, 00, 08, 03, 00, 00, ea, 60]",
            None,
        ),
    ] {
        let error = from_bytes(bytes, &ImportOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("expected a safetensors or an npz file, {expected}"));
        assert_eq!(error.hint().map(|text| text.contains(hint.unwrap())), hint.map(|_| true));
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_an_error_or_a_sound_model() {
    let options = tanh_then_leaky();
    for format in [Format::Safetensors, Format::Npz] {
        let bytes = to_bytes(&model(Loss::SoftmaxCrossEntropy), format).unwrap();
        for len in 0..bytes.len() {
            assert!(from_bytes(&bytes[..len], &options).is_err(), "{format}: {len}");
        }
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(model) = from_bytes(&damaged, &options) {
                assert!(model.network.parameters().is_finite(), "{format}: {bit}");
            }
        }
    }
}

#[test]
fn a_graph_that_is_cut_is_refused_or_described_in_part() {
    let bytes = to_bytes(&model(Loss::SoftmaxCrossEntropy), Format::Onnx).unwrap();
    let whole = describe_bytes(&bytes, &Limits::default()).unwrap();
    for len in 9..bytes.len() {
        if let Ok(part) = describe_bytes(&bytes[..len], &Limits::default()) {
            assert_ne!(part, whole, "{len}");
        }
    }
    // A node in each two bytes.
    let graph = [0x0a, 0].repeat(5000);
    let hostile = [&[0x08, 8, 0x3a, 0x90, 0x4e][..], &graph].concat();
    assert_eq!(
        describe_bytes(&hostile, &Limits::default()).unwrap_err().to_string(),
        "expected at most 4096 parts of a graph, found more"
    );
}

#[test]
fn limits_are_kept() {
    let bytes = to_bytes(&model(Loss::SoftmaxCrossEntropy), Format::Npz).unwrap();
    let limit = |max_bytes| from_bytes_with(&bytes, &ImportOptions::default(), &Limits { max_bytes });
    assert!(limit(bytes.len() as u64).is_ok());
    let error = limit(bytes.len() as u64 - 1).unwrap_err();
    assert_eq!(error.to_string(), format!("expected a file of at most {} bytes", bytes.len() - 1));
}

#[test]
fn an_archive_unpacks_to_no_more_than_the_limit() {
    // A megabyte of zeros in a kilobyte, four times.
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for name in ["a.npy", "b.npy", "c.npy", "d.npy"] {
        let mut array =
            b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (512, 512), }"
                .to_vec();
        array.resize(80 + (1 << 20), b' ');
        let entry = archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE);
        let (mut entry, config) = entry.start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best());
        let mut writer = config.wrap(encoder);
        std::io::Write::write_all(&mut writer, &array).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    let bytes = archive.finish().unwrap();
    assert!(bytes.len() < 8192);
    let describe = |max_bytes| describe_bytes(&bytes, &Limits { max_bytes });
    assert_eq!(describe(5 << 20).unwrap().tensors.len(), 4);
    let limit = (3 << 20) + 1000;
    assert_eq!(
        describe(limit).unwrap_err().to_string(),
        format!("expected unpacked arrays of at most {limit} bytes")
    );
}
