//! Holds the library against PyTorch 2.15.0: outputs, losses, gradients, and ten steps of each optimizer on a
//! network of 5-4-3 and a batch of 3, from the program in the comment below.

use nn_core::ndarray::{Array1, Array2, array};
use nn_core::{Activation, Dataset, Loss, Network, Optimizer, Parameters, Rule};

// The program, which ran in f64. All numbers that go in are eighths, so they are the same in f32.
//
// import math, numpy, torch
// torch.set_default_dtype(torch.float64)
// F = torch.nn.functional
//
// def fractions(rows, columns, a, b, c):  # exact in f32 as in f64
//     return torch.tensor([[((a * i + b * j + i * j * j + c) % 11 - 5) / 8 for j in range(columns)] for i in range(rows)])
//
// x, y = fractions(3, 5, 2, 5, 0).abs(), torch.tensor([2, 0, 1])
// t = F.one_hot(y, 3).double()
//
// def network():  # 5-4-3; weights are (inputs, outputs)
//     numbers = [fractions(5, 4, 5, 2, 8), fractions(1, 4, 0, 5, 3), fractions(4, 3, 2, 9, 4), fractions(1, 3, 0, 4, 6)]
//     return [n.requires_grad_() for n in numbers]
//
// def outputs(p, hidden, output):
//     return output(hidden(x @ p[0] + p[1]) @ p[2] + p[3])
//
// def rust(numbers):
//     return "[" + ", ".join(f"{n:.7f}" for n in numbers.detach().flatten().tolist()) + "]"
//
// cases = [
//     (F.relu, lambda z: z, lambda z: F.cross_entropy(z, y)),
//     (F.leaky_relu, lambda z: z, lambda z: F.binary_cross_entropy_with_logits(z, t, reduction="sum") / 3),
//     (torch.sigmoid, torch.sigmoid, lambda p: F.binary_cross_entropy(p, t, reduction="sum") / 3),
//     (torch.tanh, lambda z: F.softmax(z, dim=1), lambda p: F.mse_loss(p, t)),
// ]
// for hidden, output, loss in cases:
//     p = network()
//     a = outputs(p, hidden, output)
//     value = loss(a)
//     value.backward()
//     print("outputs", rust(a), "\nloss", f"{value.item():.7f}")
//     for n in p:
//         print(rust(n.grad))
//
// soft = torch.tensor([[0.25, 0.125, 0.625], [0.5, 0.5, 0.0], [0.0, 0.875, 0.125]])
// for loss in [
//     lambda z: F.cross_entropy(z, y, label_smoothing=0.125),
//     lambda z: F.cross_entropy(z, soft),
//     lambda z: F.binary_cross_entropy_with_logits(z, soft, reduction="sum") / 3,
//     lambda z: F.binary_cross_entropy(torch.sigmoid(z), soft, reduction="sum") / 3,
//     lambda z: F.mse_loss(torch.sigmoid(z), soft),
// ]:
//     p = network()
//     value = loss(outputs(p, F.relu, lambda z: z))
//     value.backward()
//     print("loss", f"{value.item():.7f}", "db2", rust(p[3].grad), "dw1", rust(p[0].grad))
//
// betas = tuple(float(numpy.float32(beta)) for beta in (0.9, 0.999))
// for rule in [
//     lambda p: torch.optim.SGD(p, lr=0.5),
//     lambda p: torch.optim.SGD(p, lr=0.125, momentum=betas[0]),
//     lambda p: torch.optim.SGD(p, lr=0.125, momentum=betas[0], nesterov=True),
//     lambda p: torch.optim.Adam(p, lr=0.0625, betas=betas, eps=1e-8),
// ]:
//     p = network()
//     optimizer, losses = rule(p), []
//     for _ in range(10):
//         optimizer.zero_grad()
//         value = F.cross_entropy(outputs(p, F.relu, lambda z: z), y)
//         value.backward()
//         optimizer.step()
//         losses.append(value)
//         kink = (x @ p[0] + p[1]).abs().min().item()
//         assert kink > 1e-4, "too close to the kink of a ReLU"
//     print("losses", rust(torch.stack(losses)))
//     for n in p:
//         print(rust(n))
//
// def adamw(numbers, decay):
//     return torch.optim.AdamW(numbers, lr=0.0625, betas=betas, eps=1e-8, weight_decay=decay)
//
// torch.bfloat16 = torch.float64  # what Muon iterates in
// momentum = float(numpy.float32(0.95))
// for rules, clip in [
//     (lambda p: [adamw([p[0], p[2]], 0.25), adamw([p[1], p[3]], 0)], math.inf),
//     (lambda p: [torch.optim.SGD(p, lr=0.125, momentum=betas[0])], 0.1875),
//     (lambda p: [torch.optim.Muon([p[0]], lr=0.0625, momentum=momentum, weight_decay=0.25,
//                                  adjust_lr_fn="match_rms_adamw"),
//                 adamw([p[2]], 0.25), adamw([p[1], p[3]], 0)], math.inf),
// ]:
//     p = network()
//     optimizers, losses = rules(p), []
//     for _ in range(10):
//         for optimizer in optimizers:
//             optimizer.zero_grad()
//         value = F.cross_entropy(outputs(p, F.relu, lambda z: z), y)
//         value.backward()
//         torch.nn.utils.clip_grad_norm_(p, clip)  # the norms are 0.29 to 0.35
//         for optimizer in optimizers:
//             optimizer.step()
//         losses.append(value)
//         kink = (x @ p[0] + p[1]).abs().min().item()
//         assert kink > 1e-4, "too close to the kink of a ReLU"
//     print("losses", rust(torch.stack(losses)))
//     for n in p:
//         print(rust(n))

fn fractions(rows: usize, columns: usize, a: usize, b: usize, c: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        (((a * i + b * j + i * j * j + c) % 11) as f32 - 5.0) / 8.0
    })
}

fn inputs() -> Array2<f32> {
    fractions(3, 5, 2, 5, 0).abs()
}

const CLASSES: [u8; 3] = [2, 0, 1];

fn network(hidden: Activation, output: Activation) -> Network {
    let mut network = Network::builder(5).dense(4, hidden).dense(3, output).zeros().unwrap();
    let parameters = network.parameters_mut();
    parameters.weights_mut(0).assign(&fractions(5, 4, 5, 2, 8));
    parameters.biases_mut(0).assign(&fractions(1, 4, 0, 5, 3).row(0));
    parameters.weights_mut(1).assign(&fractions(4, 3, 2, 9, 4));
    parameters.biases_mut(1).assign(&fractions(1, 3, 0, 4, 6).row(0));
    network
}

/// One number per parameter, rows of weights (inputs, outputs) one after the other.
struct Numbers {
    w1: [f64; 20],
    b1: [f64; 4],
    w2: [f64; 12],
    b2: [f64; 3],
}

impl Numbers {
    #[track_caller]
    fn assert_close(&self, found: &Parameters, tolerance: f64) {
        assert_close(found.weights(0).iter(), &self.w1, tolerance);
        assert_close(found.biases(0).iter(), &self.b1, tolerance);
        assert_close(found.weights(1).iter(), &self.w2, tolerance);
        assert_close(found.biases(1).iter(), &self.b2, tolerance);
    }
}

#[track_caller]
fn assert_close<'a>(found: impl ExactSizeIterator<Item = &'a f32>, expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (&found, expected)) in found.zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= tolerance, "number {index}: {found}, expected {expected}");
    }
}

struct Case {
    hidden: Activation,
    output: Activation,
    loss: Loss,
    outputs: [f64; 9],
    value: f64,
    gradient: Numbers,
}

const CASES: [Case; 4] = [
    Case {
        hidden: Activation::Relu,
        output: Activation::Identity,
        loss: Loss::SoftmaxCrossEntropy,
        outputs: [
            0.3007812, 0.3964844, -0.25, 0.2910156, 0.5371094, -0.1367188, 0.4804688, 0.375, -0.1992188,
        ],
        value: 1.1981712,
        gradient: Numbers {
            w1: [
                0.0603231, -0.0175236, -0.007677, -0.0950445, 0.0, -0.0068184, -0.0383852, 0.0679803,
                0.0603231, -0.0107052, -0.0383852, 0.1008392, 0.0120646, -0.0044138, -0.007677, -0.0060358,
                0.0482585, -0.0085642, -0.0307082, 0.0806714,
            ],
            b1: [0.096517, -0.0353107, -0.0614164, -0.048286],
            w2: [
                0.0175107, 0.0192694, -0.0367801, -0.1197434, 0.110181, 0.0095624, 0.0194771, -0.0293475,
                0.0098705, 0.0712269, -0.0420922, -0.0291347,
            ],
            b2: [0.0434175, 0.0737915, -0.1172091],
        },
    },
    Case {
        hidden: Activation::LeakyRelu,
        output: Activation::Identity,
        loss: Loss::SigmoidCrossEntropy,
        outputs: [
            0.2989063, 0.3946094, -0.2475, 0.2902344, 0.5371094, -0.1332031, 0.4806055, 0.3760547, -0.1976758,
        ],
        value: 2.2855346,
        gradient: Numbers {
            w1: [
                0.0108166, 0.0009904, -0.0047927, -0.0690391, -0.0010234, 0.0008846, -0.030679, 0.0887805,
                0.0110664, 0.0006068, -0.0289823, 0.1246647, 0.0020154, 0.0003234, -0.0058619, 0.0022145,
                0.0088531, 0.0004854, -0.0231858, 0.0997318,
            ],
            b1: [0.0161233, 0.0025876, -0.0468956, 0.0177163],
            w2: [
                0.026781, 0.0277269, -0.0272319, -0.0625951, 0.1597234, 0.0706578, 0.0284525, -0.0207349,
                0.0215782, 0.1335326, 0.0198639, 0.0420084,
            ],
            b2: [0.2547065, 0.2738176, 0.1186429],
        },
    },
    Case {
        hidden: Activation::Sigmoid,
        output: Activation::Sigmoid,
        loss: Loss::BinaryCrossEntropy,
        outputs: [
            0.6508405, 0.5522481, 0.3626556, 0.6562173, 0.5721341, 0.3751645, 0.6716756, 0.5689624, 0.3601867,
        ],
        value: 2.2449308,
        gradient: Numbers {
            w1: [
                -0.0081949, 0.0015325, 0.0336494, -0.0122153, -0.0199135, 0.0067798, -0.0077663, 0.0234108,
                -0.0018338, 0.0067559, 0.0330334, 0.0333051, -0.0044949, 0.0013883, 0.0055702, 0.0016996,
                -0.001467, 0.0054047, 0.0264267, 0.026644,
            ],
            b1: [-0.0359591, 0.0111064, 0.0445616, 0.0135966],
            w2: [
                0.1639778, 0.1172756, -0.0092, 0.1437956, 0.1570421, 0.0226593, 0.1532938, 0.0731926,
                0.0368735, 0.2008484, 0.1180435, 0.0201447,
            ],
            b2: [0.3262444, 0.2311148, 0.0326689],
        },
    },
    Case {
        hidden: Activation::Tanh,
        output: Activation::Softmax,
        loss: Loss::MeanSquaredError,
        outputs: [
            0.3358787, 0.3730766, 0.2910447, 0.2956601, 0.4119621, 0.2923778, 0.382077, 0.392775, 0.225148,
        ],
        value: 0.2301452,
        gradient: Numbers {
            w1: [
                0.0058883, -0.0024151, 0.0148057, -0.0209388, -0.0022905, 0.0026592, -0.0119152, 0.0107022,
                0.0140667, 0.0016645, 0.0138286, 0.0192247, 0.0009595, -0.0000286, 0.0011814, -0.0020072,
                0.0112534, 0.0013316, 0.0110629, 0.0153797,
            ],
            b1: [0.0076759, -0.000229, 0.0094516, -0.0160578],
            w2: [
                0.0081044, 0.0072019, -0.0153063, -0.0304756, 0.0307239, -0.0002483, 0.0099603, -0.0295536,
                0.0195933, 0.0152277, -0.010087, -0.0051407,
            ],
            b2: [0.0082921, 0.0112104, -0.0195026],
        },
    },
];

#[test]
fn outputs_losses_and_gradients_are_those_of_pytorch() {
    for case in CASES {
        let network = network(case.hidden, case.output);
        let trace = network.trace(&inputs());
        assert_close(trace.output().iter(), &case.outputs, 5e-7);
        let evaluated = case.loss.evaluate(trace.output(), &CLASSES);
        assert_close([evaluated.value].iter(), &[case.value], 5e-7);
        case.gradient.assert_close(&network.backward(&trace, evaluated.gradient.view()), 2e-7);
    }
}

/// The value of a loss, and its gradient by the last biases and the first weights.
struct Soft {
    loss: Loss,
    targets: Array2<f32>,
    value: f64,
    b2: [f64; 3],
    w1: [f64; 20],
}

#[test]
fn losses_of_soft_targets_and_smoothed_labels_are_those_of_pytorch() {
    let pixels = [0; 15];
    let dataset = Dataset::new(&pixels, 5, &CLASSES, 3).unwrap();
    let soft = array![[0.25, 0.125, 0.625], [0.5, 0.5, 0.0], [0.0, 0.875, 0.125]];
    let of_sigmoids = [0.3382456, 0.1072163, 0.2013521];
    let of_sigmoids_w1 = [
        -0.0210229, 0.0119877, -0.0015357, 0.0077422, 0.0, 0.0084081, -0.0076787, 0.1441157, -0.0210229,
        0.0035796, -0.0076787, 0.1051114, -0.0042046, 0.0035186, -0.0015357, 0.0243414, -0.0168183,
        0.0028637, -0.006143, 0.0840892,
    ];
    let cases = [
        Soft {
            loss: Loss::SoftmaxCrossEntropy,
            targets: dataset.all().targets(3, 0.125),
            value: 1.1905757,
            b2: [0.0434175, 0.0737915, -0.1172091],
            w1: [
                0.0538127, -0.0157875, -0.006158, -0.0859299, 0.0, -0.0061673, -0.0307898, 0.0579977,
                0.0538127, -0.0096201, -0.0307898, 0.0867333, 0.0107625, -0.0039798, -0.006158, -0.0060358,
                0.0430502, -0.0076961, -0.0246318, 0.0693867,
            ],
        },
        Soft {
            loss: Loss::SoftmaxCrossEntropy,
            targets: soft.clone(),
            value: 1.1082461,
            b2: [0.1267509, -0.0928751, -0.0338757],
            w1: [
                0.027771, -0.0064559, -0.0031198, -0.0182215, 0.0, 0.0009941, -0.0155988, 0.1233189,
                0.027771, -0.00745, -0.0155988, 0.081308, 0.0055542, -0.0011586, -0.0031198, 0.0160997,
                0.0222168, -0.00596, -0.012479, 0.0650464,
            ],
        },
        Soft {
            loss: Loss::SigmoidCrossEntropy,
            targets: soft.clone(),
            value: 2.1960356,
            b2: of_sigmoids,
            w1: of_sigmoids_w1,
        },
        Soft {
            loss: Loss::BinaryCrossEntropy,
            targets: soft.clone(),
            value: 2.1960356,
            b2: of_sigmoids,
            w1: of_sigmoids_w1,
        },
        Soft {
            loss: Loss::MeanSquaredError,
            targets: soft,
            value: 0.1300864,
            b2: [0.0539814, 0.0169011, 0.0334208],
            w1: [
                -0.0032995, 0.0019695, -0.000309, 0.0014413, 0.0, 0.0013918, -0.0015448, 0.0231225,
                -0.0032995, 0.0005778, -0.0015448, 0.0167964, -0.0006599, 0.0005795, -0.000309, 0.0039413,
                -0.0026396, 0.0004622, -0.0012359, 0.0134371,
            ],
        },
    ];
    for Soft { loss, targets, value, b2, w1 } in cases {
        let network = network(Activation::Relu, loss.output_activation());
        let trace = network.trace(&inputs());
        let evaluated = loss.evaluate_targets(trace.output(), targets.view());
        assert_close([evaluated.value].iter(), &[value], 5e-7);
        let gradient = network.backward(&trace, evaluated.gradient.view());
        assert_close(gradient.biases(1).iter(), &b2, 2e-7);
        assert_close(gradient.weights(0).iter(), &w1, 2e-7);
    }
}

/// Ten steps of the first case's network: the loss before each of them, and the parameters after the last.
#[track_caller]
fn ten_steps(mut optimizer: Optimizer, losses: [f64; 10], last: &Numbers) {
    let mut network = network(Activation::Relu, Activation::Identity);
    let mut found = Array1::zeros(10);
    for value in &mut found {
        let trace = network.trace(&inputs());
        let evaluated = Loss::SoftmaxCrossEntropy.evaluate(trace.output(), &CLASSES);
        *value = evaluated.value;
        let gradients = network.backward(&trace, evaluated.gradient.view());
        optimizer.step(&mut network, &gradients);
    }
    assert_eq!(optimizer.steps(), 10);
    assert_close(found.iter(), &losses, 2e-6);
    last.assert_close(network.parameters(), 5e-6);
}

#[test]
fn ten_steps_of_gradient_descent_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.140253, 1.0917921, 1.0475041, 1.0018689, 0.9600131, 0.9131253, 0.8643555, 0.8369816,
        0.7811623,
    ];
    let last = Numbers {
        w1: [
            0.3177626, 0.7772177, -0.5622694, 0.1330248, -0.375, 0.010469, 0.935482, -0.2024789, 0.1927626,
            -0.7551886, 0.5179783, 0.1546988, -0.5114475, 0.1528107, 0.1615842, -0.4827005, 0.0792101,
            -0.6041509, -0.0106173, -0.4012409,
        ],
        b1: [-0.3415798, 0.5974857, -0.0823268, 0.3883963],
        w2: [
            -0.1362839, -0.3874151, -0.601301, 0.7016133, -0.5486703, 0.097057, 0.1297106, 0.7748453,
            -0.6545559, 0.4902966, -0.6216948, 0.3813982,
        ],
        b2: [-0.0748753, 0.4193819, 0.1554934],
    };
    ten_steps(Optimizer::sgd(0.5), losses, &last);
}

#[test]
fn ten_steps_of_momentum_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.1832966, 1.1559573, 1.1187555, 1.0798253, 1.0353173, 0.9853337, 0.9353993, 0.8819034,
        0.8295835,
    ];
    let last = Numbers {
        w1: [
            0.206602, 0.7554298, -0.4591858, 0.1819217, -0.375, 0.0478321, 0.876136, -0.2313533, 0.081602,
            -0.6446404, 0.6005076, 0.0645483, -0.5336796, 0.1559489, 0.1731044, -0.4792587, -0.0097184,
            -0.5157123, 0.0554061, -0.4733614,
        ],
        b1: [-0.5194368, 0.6225915, 0.009835, 0.4159302],
        w2: [
            -0.1566652, -0.4098465, -0.5584883, 0.7259439, -0.5606589, 0.0847151, 0.1919762, 0.6648189,
            -0.6067951, 0.3892761, -0.5198873, 0.3806112,
        ],
        b2: [-0.0869172, 0.3664291, 0.2204881],
    };
    ten_steps(Optimizer::new(Rule::Momentum { momentum: 0.9, nesterov: false }, 0.125), losses, &last);
}

#[test]
fn ten_steps_of_nesterov_momentum_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.1701351, 1.1323588, 1.0910367, 1.046004, 0.9949578, 0.9433474, 0.8862603, 0.8310477,
        0.7780118,
    ];
    let last = Numbers {
        w1: [
            0.2352094, 0.7801318, -0.4982056, 0.2236175, -0.375, 0.0239837, 0.9431096, -0.2773001, 0.1102094,
            -0.7144314, 0.5917126, 0.0382155, -0.5279581, 0.1559563, 0.1756702, -0.4787343, 0.0131675,
            -0.5715451, 0.0483701, -0.4944276,
        ],
        b1: [-0.473665, 0.6226508, 0.0303616, 0.4201253],
        w2: [
            -0.1520676, -0.4047825, -0.5681499, 0.8025566, -0.6366292, 0.0840726, 0.1353103, 0.756827,
            -0.6421372, 0.4026096, -0.5499198, 0.3973102,
        ],
        b2: [-0.1174841, 0.3603467, 0.2571374],
    };
    ten_steps(Optimizer::new(Rule::Momentum { momentum: 0.9, nesterov: true }, 0.125), losses, &last);
}

#[test]
fn ten_steps_of_adam_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.1011746, 1.0189769, 0.9434059, 0.8815229, 0.8181085, 0.7598061, 0.7106324, 0.6504355,
        0.588234,
    ];
    let last = Numbers {
        w1: [
            0.1132744, 1.2289226, -0.5698965, 0.3532313, -0.375, -0.0669064, 1.2539396, -0.5022455,
            -0.0117256, -0.9383828, 0.5557232, 0.026071, -0.7617253, 0.542833, 0.4734605, -0.0239187,
            -0.1367256, -0.8133827, 0.0557232, -0.598929,
        ],
        b1: [-0.5117257, 0.7928339, -0.0265392, 0.7260821],
        w2: [
            -0.3867255, -0.6367255, -0.3632744, 0.7557039, -0.6158498, -0.0235593, -0.2258792, 0.9925444,
            -1.1178706, 0.27543, -0.5631588, 0.8087803,
        ],
        b2: [-0.331765, 0.1421719, 0.2249563],
    };
    ten_steps(Optimizer::new(Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, 0.0625), losses, &last);
}

#[test]
fn ten_steps_of_adam_with_decay_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.1013473, 1.0221784, 0.9522004, 0.8953745, 0.8401085, 0.7879852, 0.7464950, 0.6957006,
        0.6457878,
    ];
    let last = Numbers {
        w1: [
            0.0819423, 1.1030763, -0.5072715, 0.3460145, -0.3203591, -0.1156354, 1.1213238, -0.4781063,
            -0.0248440, -0.8552720, 0.5059135, -0.0090423, -0.6655619, 0.5093383, 0.4412251, -0.0034503,
            -0.1316304, -0.7484856, 0.0787681, -0.5429741,
        ],
        b1: [-0.5117257, 0.8093894, -0.0118570, 0.7126448],
        w2: [
            -0.3452029, -0.5587756, -0.2955151, 0.6948186, -0.5755091, -0.0136117, -0.2411357, 0.8981025,
            -1.0037715, 0.2456639, -0.5126184, 0.7189569,
        ],
        b2: [-0.2827195, 0.1468566, 0.2060353],
    };
    let mut adam = Optimizer::new(Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, 0.0625);
    adam.set_weight_decay(0.25);
    ten_steps(adam, losses, &last);
}

#[test]
fn ten_steps_of_clipped_gradients_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.1900891, 1.1749389, 1.1537625, 1.1275364, 1.0997911, 1.0699475, 1.0366630, 1.0002098,
        0.9624899,
    ];
    let last = Numbers {
        w1: [
            0.2618221, 0.6978107, -0.4738550, 0.0147628, -0.3750000, 0.0412077, 0.7557249, -0.0808908,
            0.1368221, -0.6030527, 0.5057249, 0.2304469, -0.5226356, 0.1449135, 0.1511450, -0.4854656,
            0.0344577, -0.4824422, -0.0204201, -0.3406425,
        ],
        b1: [-0.4310847, 0.5343076, -0.1658402, 0.3662754],
        w2: [
            -0.1480856, -0.4004033, -0.5765111, 0.4805810, -0.3316319, 0.1010510, 0.2866601, 0.5123080,
            -0.5489681, 0.4615660, -0.5412320, 0.3296659,
        ],
        b2: [0.0035919, 0.4471473, 0.0492608],
    };
    let mut momentum = Optimizer::new(Rule::Momentum { momentum: 0.9, nesterov: false }, 0.125);
    momentum.set_clip(Some(0.1875));
    ten_steps(momentum, losses, &last);
}

#[test]
fn ten_steps_of_muon_are_those_of_pytorch() {
    let losses = [
        1.1981712, 1.1304602, 1.0717964, 1.0205860, 0.9719319, 0.9225264, 0.8744958, 0.8426026, 0.8151709,
        0.7881750,
    ];
    let last = Numbers {
        w1: [
            0.2442169, 0.5733629, -0.3258502, -0.0180001, -0.2827396, 0.1143311, 0.6764792, 0.0339671,
            0.1520077, -0.6440622, 0.3885437, 0.4071367, -0.4365847, 0.1293948, 0.1476730, -0.4020127,
            0.0575343, -0.5152498, -0.0522386, -0.1227933,
        ],
        b1: [-0.5986218, 0.8062877, 0.1991217, 0.7084806],
        w2: [
            -0.4000172, -0.6120947, -0.2414793, 0.6914759, -0.5765961, -0.3927938, -0.2465611, 0.9045149,
            -1.0028589, -0.0085227, 0.0144785, 0.7246007,
        ],
        b2: [-0.3304898, 0.1599946, 0.2229743],
    };
    let rule = Rule::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    let mut muon = Optimizer::new(rule, 0.0625);
    muon.set_weight_decay(0.25);
    ten_steps(muon, losses, &last);
}
