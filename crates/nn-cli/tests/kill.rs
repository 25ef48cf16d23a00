//! What a run survives: the process is killed, at moments that nobody chose, again and again.
//!
//! `NN_CLI_KILLS=200 cargo test -p nn-cli --test kill` makes many of the few that are enough for every day.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "how many kills a long run survived is what it is for")]

mod common;

use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use common::{command, events, names, nn_cli, sample, scratch};
use nn_train::RunFolder;
use serde_json::Value;

/// How often to kill, where nobody says it.
const KILLS: u32 = 8;

/// The files of a run that has come to its end.
const FILES: [&str; 5] = [
    RunFolder::BEST_MODEL,
    RunFolder::CHECKPOINT,
    RunFolder::LAST_MODEL,
    RunFolder::METRICS,
    RunFolder::METRICS_TABLE,
];

/// Each with memories or a schedule of its own, one that ends by its patience, two with event files, and two with every
/// ingredient between them.
const RECIPES: [&str; 6] = [
    "--epochs 4 --optimizer adam --schedule cosine --checkpoint-every 3 --tensorboard",
    "--epochs 4 --optimizer nesterov --hidden 30,20 --checkpoint-every 5",
    "--epochs 9 --optimizer momentum --rate 0.3 --schedule constant --validation 0.2 --patience 1 \
     --checkpoint-every 4 --tensorboard",
    "--epochs 4 --checkpoint-every 1",
    "--epochs 3 --optimizer muon --rate 0.003 --hidden 20,10 --augment medium --preprocess deskew --average ema:0.9 \
     --checkpoint-every 2",
    "--epochs 3 --optimizer adam --mixup 0.4 --label-smoothing 0.1 --dropout 0.1,0.3 --weight-decay 0.01 --clip 1 \
     --average tail:0.5 --checkpoint-every 3",
];

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A moment before `longest` has passed.
    fn moment(&mut self, longest: Duration) -> Duration {
        let share = self.next() as f64 / u64::MAX as f64;
        longest.mul_f64(share)
    }
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

fn contents(run: &Path) -> Vec<Vec<u8>> {
    FILES.iter().map(|name| fs::read(run.join(name)).expect(name)).collect()
}

/// Every file of the run that is there can be read, and no other is but temporary ones.
#[track_caller]
fn assert_sound(run: &Path) {
    if !run.exists() {
        return;
    }
    for name in names(run) {
        let path = run.join(&name);
        match name.as_str() {
            RunFolder::BEST_MODEL | RunFolder::LAST_MODEL => drop(nn_train::load(&path).unwrap()),
            RunFolder::CHECKPOINT => drop(nn_train::load_checkpoint(&path).unwrap()),
            RunFolder::METRICS => {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.is_empty() || text.ends_with('\n'), "{text}");
                text.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).unwrap()));
            }
            RunFolder::CONFIG => {
                drop(toml::from_str::<toml::Table>(&fs::read_to_string(&path).unwrap()).unwrap());
            }
            RunFolder::METRICS_TABLE => {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.starts_with("epoch,steps,") && text.ends_with('\n'), "{text}");
            }
            name if name.contains("tfevents") => drop(events::events(&fs::read(&path).unwrap())),
            RunFolder::LOCK => assert_eq!(fs::read(&path).unwrap(), b""),
            other => assert!(other.starts_with(".nn-train-") && other.ends_with(".tmp"), "{other}"),
        }
    }
}

/// The table and, where they are wanted, the events have what the lines of JSON have, once.
#[track_caller]
fn assert_shows_what_was_measured(run: &Path, has_events: bool) {
    let lines = fs::read_to_string(run.join(RunFolder::METRICS)).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let table = fs::read_to_string(run.join(RunFolder::METRICS_TABLE)).unwrap();
    let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let heading = rows.next().unwrap();
    let rows: Vec<Value> = rows
        .map(|row| {
            let cell = |(name, cell): (&&str, &str)| {
                let value = serde_json::from_str(cell).unwrap_or_else(|_| cell.into());
                ((*name).to_owned(), value)
            };
            assert_eq!(row.len(), heading.len());
            Value::Object(heading.iter().zip(row).map(cell).collect())
        })
        .collect();
    assert_eq!(rows, lines);

    let shown = events::shown(run);
    if !has_events {
        assert!(events::event_files(run).is_empty());
        return;
    }
    let number = |value: &Value| value.as_f64().unwrap() as f32;
    let held_out = lines[0]["held_out"].as_str().unwrap();
    for (tag, field) in [
        ("loss/train", "train_loss"),
        ("accuracy/train", "train_accuracy"),
        (&format!("loss/{held_out}"), "held_out_loss"),
        (&format!("accuracy/{held_out}"), "held_out_accuracy"),
        ("rate", "rate"),
    ] {
        let expected =
            lines.iter().map(|line| (line["steps"].as_u64().unwrap(), number(&line[field]))).collect();
        assert_eq!(shown[tag], expected, "{tag}");
    }
    let speeds = shown.get("samples_per_second").cloned().unwrap_or_default();
    // A life that has only the end of an epoch to come has no speed.
    let is_sound = |(step, speed): (&u64, &f32)| shown["rate"].contains_key(step) && *speed > 0.0;
    assert!(speeds.iter().all(is_sound), "{speeds:?}");
    assert_eq!(shown.len(), if speeds.is_empty() { 5 } else { 6 });
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_bytes_of_one_that_never_was() {
    let wanted = number("NN_CLI_KILLS", KILLS.into());
    let mut chance = Chance(number("NN_CLI_KILL_SEED", 1));
    let folder = scratch();
    let (mut kills, mut lives, mut runs) = (0, 0, 0);
    let started = Instant::now();
    for recipe in RECIPES.iter().cycle() {
        let flags = format!("--data {} {recipe}", sample());
        let clock = Instant::now();
        nn_cli(folder.path(), &format!("train --run expected {flags}")).succeeds();
        // A few lives a run, whatever the machine takes for it; and some too short for anything.
        let longest = clock.elapsed().div_f64(2.0);
        let expected = contents(&folder.path().join("runs/expected"));

        let run = folder.path().join("runs/killed");
        loop {
            let line = if run.join(RunFolder::CHECKPOINT).exists() {
                // Another number of threads in each life.
                format!("train --resume killed --threads {}", 1 + chance.next() % 3)
            } else {
                format!("train --run killed {flags}")
            };
            lives += 1;
            let mut child = command(folder.path())
                .args(line.split(' '))
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // When there were kills enough, the run may end in peace.
            if kills < wanted {
                thread::sleep(chance.moment(longest));
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            assert_sound(&run);
            if output.status.signal() == Some(9) {
                kills += 1;
            } else {
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{line}: {stderr}");
                break;
            }
        }
        runs += 1;
        for ((name, expected), found) in FILES.iter().zip(&expected).zip(contents(&run)) {
            assert!(*expected == found, "{name} of {recipe} after {kills} kills in all");
        }
        let all =
            ["best.model", "checkpoint", "config.toml", "last.model", "lock", "metrics.csv", "metrics.jsonl"];
        let others: Vec<String> = names(&run).into_iter().filter(|name| !name.contains("tfevents")).collect();
        assert_eq!(others, all);
        assert_shows_what_was_measured(&run, recipe.contains("--tensorboard"));
        if kills >= wanted {
            break;
        }
        fs::remove_dir_all(folder.path().join("runs")).unwrap();
    }
    println!(
        "{kills} kills in {lives} lives of {runs} runs, {:.1} s: every file sound, every run as if never left",
        started.elapsed().as_secs_f64()
    );
}
