//! The pictures of stated dashboards, at several sizes.

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::*;
use crate::{
    dashboard::view::{Misread, Point},
    picture::Picture,
};
use nn_train::nn_core::Tally;

/// A training amid its fifth epoch of eight.
fn view() -> View {
    let mut view = View {
        title: "runs/first, on data/mnist".to_owned(),
        summary: "784-100-10 relu, softmax-cross-entropy, sgd 0.7 one-cycle:0.3, batch 50, seed 1".to_owned(),
        held_out: "test",
        epoch: 5,
        epochs: 8,
        step: 5_400,
        steps: 9_600,
        running: Tally { samples: 30_000, correct: 29_631, loss_sum: 1_257.0 },
        rate: 0.4383,
        elapsed: Duration::from_secs(43),
        left: Some(Duration::from_secs(3_754)),
        best: Some((4, 0.9796)),
        ..View::default()
    };
    for step in 1..=90_u32 {
        let epoch = f64::from(step) / 20.0;
        view.train.push(Point {
            epoch,
            loss: 2.0 / (1.0 + 8.0 * epoch),
            accuracy: 1.0 - 0.9 / (1.0 + 9.0 * epoch),
        });
    }
    for epoch in 1..=4_u32 {
        let x = f64::from(epoch);
        view.held.push(Point { epoch: x, loss: 0.2 - 0.03 * x, accuracy: 0.95 + 0.0074 * x });
    }
    for speed in [100.0, 300.0, 700.0, 812_345.0, 600_000.0, 790_000.0] {
        view.push_speed(speed);
    }
    for (label, predicted) in [(5, 3), (4, 9), (7, 2)] {
        // Never square: 12 rows of 10 pixels, bright at the left.
        let pixels = (0..120).map(|at| if at % 10 < 4 { 255 } else { 30 }).collect();
        let picture = Picture { width: 10, height: 12, pixels };
        view.misread.push(Misread { picture, label, predicted, probability: 0.8249 });
    }
    view
}

fn picture(view: &View, (width, height): (u16, u16), colors: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, view, Palette { colors })).unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let symbols: Vec<&str> = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
    symbols.chunks(buffer.area.width.into()).map(|row| row.concat().trim_end().to_owned()).collect()
}

/// Compares with a committed picture, which `NN_CLI_REDRAW=1` writes anew to be looked at.
#[track_caller]
fn assert_picture(name: &str, view: &View, size: (u16, u16)) {
    let found = lines(&picture(view, size, false)).join("\n") + "\n";
    let path = format!("{}/tests/dashboard/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("NN_CLI_REDRAW").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).expect(&path);
    assert!(found == expected, "{name}: expected\n{expected}\nfound\n{found}");
}

#[test]
fn a_small_terminal_shows_everything() {
    assert_picture("80x24", &view(), (80, 24));
}

#[test]
fn a_large_terminal_shows_it_larger() {
    assert_picture("120x40", &view(), (120, 40));
}

#[test]
fn a_tiny_terminal_shows_the_numbers() {
    assert_picture("20x6", &view(), (20, 6));
    assert_picture("50x14", &view(), (50, 14));
}

#[test]
fn a_training_that_has_just_begun_and_one_that_is_over_can_be_drawn() {
    assert_picture("begun", &View { held_out: "validation", epochs: 3, ..View::default() }, (80, 16));
    let over = View {
        step: 9_600,
        epoch: 8,
        outcome: Some("saved mnist.model".to_owned()),
        running: Tally { samples: 60_000, correct: 59_700, loss_sum: 1_200.0 },
        ..view()
    };
    assert_picture("over", &over, (80, 24));
}

#[test]
fn every_size_can_be_drawn_with_any_numbers() {
    let mut odd = view();
    odd.train.push(Point { epoch: f64::MAX, loss: f64::NAN, accuracy: f64::NAN });
    odd.held.push(Point { epoch: 0.0, loss: f64::INFINITY, accuracy: -1.0 });
    odd.left = Some(Duration::MAX);
    odd.speeds.push(f64::INFINITY);
    odd.step = u64::MAX;
    for view in [View::default(), view(), odd] {
        for width in (1..70).step_by(3).chain([43, 44, 80, 250]) {
            for height in (1..36).chain([120]) {
                picture(&view, (width, height), true);
            }
        }
    }
}

#[test]
fn without_colors_nothing_is_colored_and_with_them_the_two_curves_differ() {
    let colors = |buffer: &Buffer| -> Vec<Color> {
        let all = buffer.content.iter().flat_map(|cell| [cell.fg, cell.bg]);
        all.filter(|color| *color != Color::Reset).collect()
    };
    assert_eq!(colors(&picture(&view(), (80, 24), false)), []);
    let found = colors(&picture(&view(), (80, 24), true));
    for color in [Color::Cyan, Color::Magenta, Color::Indexed(231)] {
        assert!(found.contains(&color), "{color:?}");
    }
}

#[test]
fn times_are_told_as_a_clock_does() {
    for (seconds, expected) in [(7, "0:07"), (754, "12:34"), (5025, "1:23:45"), (360_000, "100:00:00")] {
        assert_eq!(clock(Duration::from_secs(seconds)), expected);
    }
}
