//! The page of `serve` in a real browser: that what is drawn on it is answered as a person expects, with a mouse, a
//! finger and a keyboard.
//!
//! Chromium and its driver are needed (Debian: chromium and chromium-driver). Without them the tests are skipped, unless
//! the environment variable `BROWSER_REQUIRED` is set. With `PAGE_SCREENSHOTS` they leave pictures of the page in the
//! folder that it names.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod browser;
mod common;
mod server;

use std::{f64::consts::PI, path::Path};

use browser::{Browser, Device};
use common::{nn_cli, sample, scratch, tiny_data};
use nn_train::{
    Model, Preprocessing, initial_rng,
    nn_core::{Activation, Loss, Network},
};
use serde_json::{Value, json};
use server::Server;

/// A share of the width and one of the height.
type Point = [f64; 2];

/// Points on an ellipse, between two angles in turns: 0 is at the right, 0.25 at the bottom.
fn arc(center: Point, radii: Point, from: f64, to: f64) -> Vec<Point> {
    let steps = 24;
    let angle = |step: i32| 2.0 * PI * (from + (to - from) * f64::from(step) / f64::from(steps));
    let point = |angle: f64| [center[0] + radii[0] * angle.cos(), center[1] + radii[1] * angle.sin()];
    (0..=steps).map(|step| point(angle(step))).collect()
}

/// The strokes of a digit, as most people write it.
fn strokes(digit: usize) -> Vec<Vec<Point>> {
    match digit {
        0 => vec![arc([0.5, 0.5], [0.2, 0.3], -0.25, 0.75)],
        1 => vec![vec![[0.52, 0.2], [0.5, 0.5], [0.48, 0.8]]],
        2 => {
            let mut stroke = arc([0.49, 0.34], [0.18, 0.15], -0.45, 0.1);
            stroke.extend([[0.32, 0.8], [0.7, 0.79]]);
            vec![stroke]
        }
        3 => {
            let mut stroke = arc([0.46, 0.34], [0.18, 0.15], -0.42, 0.22);
            stroke.extend(arc([0.46, 0.645], [0.2, 0.165], -0.24, 0.42));
            vec![stroke]
        }
        4 => vec![vec![[0.36, 0.2], [0.31, 0.52], [0.7, 0.5]], vec![[0.64, 0.2], [0.6, 0.82]]],
        5 => {
            let mut stroke = vec![[0.37, 0.22], [0.35, 0.46]];
            stroke.extend(arc([0.45, 0.62], [0.2, 0.18], -0.3, 0.4));
            vec![stroke, vec![[0.37, 0.22], [0.66, 0.2]]]
        }
        6 => {
            let mut stroke = vec![[0.6, 0.18], [0.45, 0.36], [0.37, 0.6]];
            stroke.extend(arc([0.51, 0.65], [0.14, 0.15], -0.5, 0.5));
            vec![stroke]
        }
        7 => vec![vec![[0.3, 0.24], [0.68, 0.22], [0.55, 0.48], [0.44, 0.82]]],
        8 => {
            let mut stroke = arc([0.5, 0.34], [0.14, 0.14], 0.2, -0.8);
            stroke.extend(arc([0.5, 0.65], [0.17, 0.17], -0.25, 0.75));
            vec![stroke]
        }
        _ => {
            let mut stroke = arc([0.49, 0.36], [0.15, 0.15], 0.0, -1.0);
            stroke.extend([[0.63, 0.5], [0.6, 0.82]]);
            vec![stroke]
        }
    }
}

/// Where an element is, in pixels of what is seen: left, top, width, height.
fn place(browser: &Browser, selector: &str) -> [f64; 4] {
    let value = browser.value(&format!(
        "(() => {{ const r = document.querySelector({selector:?}).getBoundingClientRect(); \
         return [r.left, r.top, r.width, r.height]; }})()"
    ));
    serde_json::from_value(value).unwrap()
}

/// Draws strokes on the board, and waits until the answer stands.
fn draw(browser: &Browser, pointer: &str, strokes: &[Vec<Point>]) {
    for stroke in strokes {
        let [left, top, width, height] = place(browser, "#board");
        let points: Vec<Point> = stroke.iter().map(|[x, y]| [left + x * width, top + y * height]).collect();
        browser.draw(pointer, &points);
    }
    settle(browser);
}

/// Waits until nothing is asked any more.
fn settle(browser: &Browser) {
    browser.wait_for("document.querySelector('#main').getAttribute('aria-busy') === 'false'");
}

fn text(browser: &Browser, selector: &str) -> String {
    let value = browser.value(&format!("document.querySelector({selector:?}).textContent"));
    value.as_str().unwrap().to_owned()
}

/// The sum of the red, green and blue of all pixels of a canvas.
fn brightness(browser: &Browser, selector: &str) -> f64 {
    let value = browser.value(&format!(
        // Of a copy: to read from a canvas changes how it is kept, and the browser says so.
        "(() => {{ const shown = document.querySelector({selector:?}), c = document.createElement('canvas'); \
         [c.width, c.height] = [shown.width, shown.height]; \
         c.getContext('2d', {{ willReadFrequently: true }}).drawImage(shown, 0, 0); \
         const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; \
         return d.reduce((sum, value, n) => n % 4 === 3 ? sum : sum + value, 0); }})()"
    ));
    value.as_f64().unwrap()
}

/// Trains the default network on the sample: `folder/sample.model`.
fn sample_model(folder: &Path) {
    nn_cli(folder, &format!("train --data {} --seed 1 -o sample.model", sample())).succeeds();
}

#[test]
fn digits_drawn_with_a_mouse_are_read_and_taken_back() {
    let Some(browser) = Browser::start(Device::Desktop) else { return };
    let folder = scratch();
    sample_model(folder.path());
    let server = Server::start(folder.path(), "sample.model");
    browser.open(&format!("http://{}/", server.address));
    settle(&browser);

    assert_eq!(text(&browser, "h1"), "Draw a digit");
    assert_eq!(text(&browser, "#best"), "?");
    assert_eq!(browser.value("document.querySelector('#answer').dataset.predicted"), "");
    assert_eq!(browser.value("document.querySelectorAll('#classes li').length"), 10);
    assert_eq!(browser.value("document.querySelectorAll('#classes .is-best').length"), 0);
    assert_eq!(brightness(&browser, "#seen"), 0.0);
    browser.photograph("desktop-light-empty");

    let mut misread = Vec::new();
    for digit in 0..10 {
        draw(&browser, "mouse", &strokes(digit));
        let predicted = browser.value("Number(document.querySelector('#answer').dataset.predicted)");
        if predicted != digit {
            misread.push((digit, predicted));
        }
        assert!(brightness(&browser, "#seen") > 20_000.0);
        let shares = browser.value(
            "[...document.querySelectorAll('#classes i')].reduce((sum, bar) => \
             sum + Number(bar.style.getPropertyValue('--probability')), 0)",
        );
        assert!((shares.as_f64().unwrap() - 1.0).abs() < 1e-4, "{shares}");
        browser.photograph(&format!("desktop-light-{digit}"));
        browser.value("document.querySelector('#clear').click()");
        settle(&browser);
        assert_eq!(text(&browser, "#best"), "?");
    }
    assert_eq!(misread, [], "digits that were taken for others");

    // A unit that is pointed at is marked, and its weights are shown.
    draw(&browser, "mouse", &strokes(3));
    let [left, top, width, height] = place(&browser, ".layer");
    browser.point_at([left + 0.55 * width, top + 0.35 * height]);
    browser.wait_for("document.querySelector('#unit-text').textContent.startsWith('Unit 35\\nputs out ')");
    assert_eq!(
        browser
            .value("[document.querySelector('#weights').width, document.querySelector('#weights').height]"),
        json!([28, 28])
    );
    browser.photograph("desktop-light-unit");
    browser.set_dark(true);
    browser.point_at([5.0, 5.0]);
    browser.photograph("desktop-dark-3");

    // Each stroke is taken back by itself, and so is a clearing.
    browser.value("document.querySelector('#clear').click()");
    settle(&browser);
    let four = strokes(4);
    draw(&browser, "mouse", &four[..1]);
    let one_stroke = brightness(&browser, "#seen");
    draw(&browser, "mouse", &four[1..]);
    let both = brightness(&browser, "#seen");
    assert_ne!(one_stroke, both);
    browser.value("document.querySelector('#clear').click()");
    settle(&browser);
    assert_eq!(brightness(&browser, "#seen"), 0.0);
    for expected in [both, one_stroke, 0.0] {
        browser.press(&["Control+z"]);
        settle(&browser);
        assert_eq!(brightness(&browser, "#seen"), expected);
    }
    assert_eq!(browser.complaints(), [Value::Null; 0]);
}

#[test]
fn a_finger_draws_on_a_phone_and_scrolls_only_beside_the_drawing() {
    let Some(browser) = Browser::start(Device::Phone) else { return };
    let folder = scratch();
    sample_model(folder.path());
    let server = Server::start(folder.path(), "sample.model");
    browser.open(&format!("http://{}/", server.address));
    settle(&browser);
    assert_eq!(browser.value("[innerWidth, innerHeight, devicePixelRatio]"), json!([390, 844, 3]));
    // Nothing sticks out at the side, and there is something to scroll to.
    assert_eq!(browser.value("document.documentElement.scrollWidth"), 390);
    assert!(browser.value("document.documentElement.scrollHeight").as_f64().unwrap() > 900.0);
    // Three pixels of the canvas to each point of the screen.
    let [_, _, width, height] = place(&browser, "#board");
    assert_eq!(width, height);
    assert!(width > 300.0);
    let pixels = browser.value("document.querySelector('#board').width").as_f64().unwrap();
    assert!((pixels - 3.0 * width).abs() < 10.0, "{pixels}, {width}");
    browser.photograph("phone-light-empty");

    for digit in [1, 7, 2] {
        draw(&browser, "touch", &strokes(digit));
        assert_eq!(browser.value("document.querySelector('#answer').dataset.predicted"), digit.to_string());
        assert_eq!(browser.value("[scrollX, scrollY]"), json!([0, 0]), "the page moved under the finger");
        browser.photograph(&format!("phone-light-{digit}"));
        if digit == 2 {
            // All of the answer is to be seen while one draws.
            let [_, top, _, height] = place(&browser, "#classes");
            assert!(top + height <= 844.0, "the last bar ends at {}", top + height);
            browser.set_dark(true);
            browser.photograph("phone-dark-2");
        }
        browser.value("document.querySelector('#clear').click()");
        settle(&browser);
    }
    draw(&browser, "touch", &strokes(3));
    // The same way of the finger elsewhere does scroll: else nothing was shown above.
    let [left, top, width, _] = place(&browser, "#classes");
    let x = left + width / 2.0;
    let steps: Vec<Point> = (0..20).map(|step| [x, top + 100.0 - 15.0 * f64::from(step)]).collect();
    browser.draw("touch", &steps);
    browser.wait_for("scrollY > 50");
    browser.value("scrollTo(0, document.documentElement.scrollHeight)");
    browser.photograph("phone-dark-end");
    assert_eq!(browser.complaints(), [Value::Null; 0]);
}

#[test]
fn the_keyboard_is_enough() {
    let Some(browser) = Browser::start(Device::Desktop) else { return };
    let folder = scratch();
    sample_model(folder.path());
    let server = Server::start(folder.path(), "sample.model");
    browser.open(&format!("http://{}/", server.address));
    settle(&browser);
    // The drawing is the first thing to get to. A one, from above to below.
    let mut keys = vec!["Tab"];
    keys.extend(["ArrowUp"; 12]);
    keys.push(" ");
    keys.extend(["ArrowDown"; 24]);
    keys.push(" ");
    keys.extend(["ArrowRight"; 8]);
    browser.press(&keys);
    settle(&browser);
    assert_eq!(browser.value("document.activeElement.id"), "board");
    assert_eq!(text(&browser, "#best"), "1");
    browser.photograph("desktop-light-keyboard");
    browser.press(&["Delete"]);
    settle(&browser);
    assert_eq!(text(&browser, "#best"), "?");
    browser.press(&["Control+z"]);
    settle(&browser);
    assert_eq!(text(&browser, "#best"), "1");
    // On to the units: undo, clear, the layer.
    browser.press(&["Tab", "Tab", "Tab", "ArrowRight", "ArrowDown", "ArrowRight"]);
    browser.wait_for("document.querySelector('#unit-text').textContent.startsWith('Unit 11\\n')");
    browser.wait_for("document.querySelector('#spoken').textContent.startsWith('1, ')");
    assert_eq!(browser.complaints(), [Value::Null; 0]);
}

/// A network of random weights in a file, to look at how the page gets on with its shape.
fn save(path: &Path, image_shape: &[usize], hidden: &[usize], names: Vec<String>) {
    let mut network = Network::builder(image_shape.iter().product());
    for &units in hidden {
        network = network.dense(units, Activation::Tanh);
    }
    let network = network.dense(names.len(), Activation::Identity).build(&mut initial_rng(1)).unwrap();
    let model = Model {
        network,
        loss: Loss::SoftmaxCrossEntropy,
        image_shape: image_shape.to_vec(),
        preprocessing: Preprocessing::None,
        class_names: Some(names),
        record: None,
    };
    nn_train::save(&model, path).unwrap();
}

#[test]
fn models_of_any_shape_have_a_page_that_suits_them() {
    let Some(browser) = Browser::start(Device::Desktop) else { return };
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --data tiny -o tiny.model --hidden none --epochs 2 --batch 4").succeeds();
    let garments = ["T-shirt/top", "Trouser", "Pullover", "<b>Dress</b>", "A coat of a name without an end"];
    let many: Vec<String> = (0..256).map(|class| format!("class {class}")).collect();
    save(&folder.path().join("wide.model"), &[20, 48], &[70, 33], garments.map(str::to_owned).to_vec());
    save(&folder.path().join("many.model"), &[28, 28], &[3000], many);
    save(&folder.path().join("flat.model"), &[15], &[4], ["a", "b", "c"].map(str::to_owned).to_vec());
    for (model, title, columns, rows, layers, bars) in [
        ("tiny.model", "Draw a character", 3, 5, 0, 3),
        ("wide.model", "Draw something", 48, 20, 2, 5),
        ("many.model", "Draw something", 28, 28, 1, 12),
    ] {
        let server = Server::start(folder.path(), model);
        browser.open(&format!("http://{}/", server.address));
        settle(&browser);
        draw(&browser, "mouse", &strokes(2));
        assert_eq!(text(&browser, "h1"), title);
        let [_, _, width, height] = place(&browser, "#board");
        assert!(
            (width / height - f64::from(columns) / f64::from(rows)).abs() < 0.03,
            "{model}: {width} x {height}"
        );
        assert_eq!(
            browser.value("[document.querySelector('#seen').width, document.querySelector('#seen').height]"),
            json!([columns, rows])
        );
        assert!(brightness(&browser, "#seen") > 0.0);
        assert_eq!(browser.value("document.querySelectorAll('.layer').length"), layers);
        assert_eq!(browser.value("document.querySelectorAll('#classes li').length"), bars);
        assert_eq!(browser.value("document.querySelectorAll('#classes .is-best').length"), 1);
        assert_eq!(browser.value("document.querySelector('#trouble').hidden"), true);
        browser.photograph(&format!("desktop-light-{model}"));
    }
    let server = Server::start(folder.path(), "flat.model");
    browser.open(&format!("http://{}/", server.address));
    settle(&browser);
    assert!(text(&browser, "#trouble").starts_with("Nothing can be drawn for this model"));
    assert_eq!(browser.complaints(), [Value::Null; 0]);
    // A server that is gone is told of.
    let server = Server::start(folder.path(), "many.model");
    browser.open(&format!("http://{}/", server.address));
    settle(&browser);
    drop(server);
    draw(&browser, "mouse", &strokes(1));
    assert_eq!(text(&browser, "#trouble"), "The server does not answer. Is it still running?");
    browser.photograph("desktop-light-gone");
}
