//! Training on several ranks: with the feature `mpi` by `mpirun`, without it what is said about that.
//!
//! The tests of the feature are skipped where there is no `mpirun`, unless the environment variable `MPI_REQUIRED` is
//! set.

mod common;

#[cfg(not(feature = "mpi"))]
#[test]
fn without_mpi_it_is_said_how_to_build_with_it() {
    let folder = common::scratch();
    let run = common::nn_cli(folder.path(), "train --distributed");
    run.fails_with(&["this program was built without MPI", "hint: ", "--features mpi"]);
    assert!(common::names(folder.path()).is_empty());
}

#[cfg(all(feature = "mpi", unix))]
mod with_mpi {
    #![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

    use std::{
        env, fs,
        io::{BufRead, BufReader, Read},
        path::Path,
        process::{Child, Command, Stdio},
    };

    use nn_train::RunFolder;

    use crate::common::{Run, command, names, nn_cli, sample, scratch, send, tiny_data};

    /// Whether `mpirun` starts; else the test is skipped, or fails where it must not be.
    #[track_caller]
    fn is_there() -> bool {
        let version = Command::new("mpirun").arg("--version").output();
        let is_there = version.is_ok_and(|output| output.status.success());
        if !is_there {
            assert!(env::var_os("MPI_REQUIRED").is_none(), "MPI_REQUIRED is set, and mpirun does not start");
            println!("skipped: there is no mpirun");
        }
        is_there
    }

    /// `mpirun` of these groups of ranks, each a number and a command line of the program.
    fn mpirun(folder: &Path, groups: &[(usize, &str)]) -> Command {
        let program = command(folder);
        let mut command = Command::new("mpirun");
        // Root is who runs tests in a container; and there may be fewer cores than ranks.
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.args(["--oversubscribe", "--bind-to", "none"]);
        command.current_dir(folder).env_remove("CARGO").env_remove("NO_COLOR").env("LC_ALL", "C");
        for (position, (count, line)) in groups.iter().enumerate() {
            if position > 0 {
                command.arg(":");
            }
            command.arg("-n").arg(count.to_string()).arg(program.get_program());
            command.args(line.split_whitespace());
        }
        command
    }

    #[track_caller]
    fn run(folder: &Path, count: usize, line: &str) -> Run {
        mpirun(folder, &[(count, line)]).output().expect("mpirun starts").into()
    }

    fn train(rest: &str) -> String {
        format!("train --distributed --threads 1 --json --data {} {rest}", sample())
    }

    /// Starts ranks, and waits until rank 0 has said so many lines.
    fn start(folder: &Path, count: usize, line: &str, lines: usize) -> (Child, BufReader<impl Read + use<>>) {
        let mut command = mpirun(folder, &[(count, line)]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut read = String::new();
        for _ in 0..lines {
            assert_ne!(stdout.read_line(&mut read).unwrap(), 0, "{read}");
        }
        (child, stdout)
    }

    /// Waits for the end of ranks.
    fn end((child, mut stdout): (Child, BufReader<impl Read>)) -> Run {
        let mut read = String::new();
        stdout.read_to_string(&mut read).unwrap();
        let mut run: Run = child.wait_with_output().unwrap().into();
        run.stdout = read;
        run
    }

    /// The processes of the ranks that `mpirun` has started on this machine, by rank.
    fn processes(mpirun: &Child) -> Vec<u32> {
        let mut found: Vec<(u32, u32)> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|process| {
                let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
                status.contains(&format!("PPid:\t{}\n", mpirun.id()))
            })
            .filter_map(|process| {
                let environment = fs::read(format!("/proc/{process}/environ")).ok()?;
                let mut variables = environment.split(|&byte| byte == 0);
                let rank = variables.find_map(|variable| variable.strip_prefix(b"OMPI_COMM_WORLD_RANK="))?;
                Some((std::str::from_utf8(rank).ok()?.parse().ok()?, process))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, process)| process).collect()
    }

    /// The accuracy on the test set, in the last line.
    #[track_caller]
    fn accuracy(run: &Run) -> f64 {
        run.json().last().unwrap()["test"]["accuracy"].as_f64().unwrap()
    }

    #[test]
    fn ranks_come_to_what_one_process_comes_to_and_each_number_of_them_to_its_own_bytes() {
        if !is_there() {
            return;
        }
        let folder = scratch();
        let recipe = "--epochs 2 --hidden 20 --batch 50 --augment affine --dropout 0.1 --optimizer momentum";
        let alone =
            nn_cli(folder.path(), &format!("train --json --data {} {recipe} --output alone.model", sample()));
        let alone = accuracy(&alone.succeeds());
        for (count, name) in [(1, "one"), (3, "three"), (3, "again")] {
            let found =
                run(folder.path(), count, &train(&format!("{recipe} --output {name}.model"))).succeeds();
            // Rank 0 alone says something.
            let lines = found.json();
            let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
            assert_eq!(events, ["start", "epoch", "epoch", "end"]);
            assert_eq!(lines[0]["ranks"], count);
            assert!((accuracy(&found) - alone).abs() < 0.02, "{count}: {} for {alone}", accuracy(&found));
        }
        let model = |name: &str| fs::read(folder.path().join(name)).unwrap();
        assert_eq!(model("one.model"), model("alone.model"));
        assert_eq!(model("three.model"), model("again.model"));
        assert_eq!(names(folder.path()), ["again.model", "alone.model", "one.model", "three.model"]);
    }

    #[test]
    fn without_mpirun_there_is_one_rank() {
        if !is_there() {
            return;
        }
        let folder = scratch();
        tiny_data(folder.path(), "tiny");
        for flags in ["--output a.model", "--distributed --output b.model"] {
            let line = format!("train --data tiny --hidden 4 --epochs 2 --batch 5 --threads 1 {flags}");
            nn_cli(folder.path(), &line).succeeds();
        }
        let model = |name: &str| fs::read(folder.path().join(name)).unwrap();
        assert_eq!(model("a.model"), model("b.model"));
    }

    #[test]
    fn a_run_whose_rank_is_killed_goes_on_with_fewer() {
        if !is_there() {
            return;
        }
        let folder = scratch();
        let recipe = "--epochs 8 --hidden 30 --batch 80 --checkpoint-every 7";
        let whole = run(folder.path(), 2, &train(&format!("{recipe} --run whole"))).succeeds();

        let started = start(folder.path(), 3, &train(&format!("{recipe} --run killed")), 3);
        let ranks = processes(&started.0);
        assert_eq!(ranks.len(), 3);
        send("KILL", ranks[1]);
        let ended = end(started);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.is_empty() && !ended.stderr.contains("panicked"), "{ended:?}");
        let path = folder.path().join("runs/killed");
        let checkpoint = nn_train::load_checkpoint(&path.join(RunFolder::CHECKPOINT)).unwrap();
        assert!(!checkpoint.place.epochs.is_empty());

        let resumed = run(folder.path(), 1, &train("--resume killed")).succeeds();
        let difference = accuracy(&resumed) - accuracy(&whole);
        assert!(difference.abs() < 0.02, "{} for {}", accuracy(&resumed), accuracy(&whole));
    }

    #[test]
    fn a_signal_to_any_rank_stops_all_after_the_same_step() {
        if !is_there() {
            return;
        }
        for rank in [0, 1] {
            let folder = scratch();
            let recipe = train("--epochs 2000 --hidden 30 --batch 20 --run stopped");
            let started = start(folder.path(), 2, &recipe, 2);
            send("TERM", processes(&started.0)[rank]);
            let ended = end(started);
            assert_eq!(ended.code, Some(143), "{ended:?}");
            assert!(ended.stderr.contains("note: interrupted: the last checkpoint is "), "{ended:?}");
            assert!(ended.stderr.matches("note: ").count() == 1, "{ended:?}");
            let path = folder.path().join("runs/stopped").join(RunFolder::CHECKPOINT);
            assert!(!nn_train::load_checkpoint(&path).unwrap().place.epochs.is_empty());
        }
    }

    #[test]
    fn a_rank_that_does_not_come_ends_all_within_the_limit() {
        if !is_there() {
            return;
        }
        let folder = scratch();
        let recipe = train("--epochs 2000 --hidden 30 --batch 20 --rank-timeout 1 --run slow");
        let started = start(folder.path(), 2, &recipe, 2);
        let slow = processes(&started.0)[1];
        send("STOP", slow);
        let ended = end(started);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        let message = "error: waited 1 s for the other ranks: one of them is gone, or too slow";
        assert!(ended.stderr.contains(message) && ended.stderr.contains("hint: "), "{ended:?}");
        let path = folder.path().join("runs/slow").join(RunFolder::CHECKPOINT);
        assert!(nn_train::load_checkpoint(&path).is_ok());
    }

    #[test]
    fn what_a_rank_lacks_or_has_otherwise_is_said_once() {
        if !is_there() {
            return;
        }
        let folder = scratch();
        tiny_data(folder.path(), "tiny");
        let other = tiny_data(folder.path(), "other");
        let labels = other.join("train-labels-idx1-ubyte");
        let mut bytes = fs::read(&labels).unwrap();
        *bytes.last_mut().unwrap() = (bytes.last().unwrap() + 1) % 3;
        fs::write(&labels, bytes).unwrap();
        let line = |data: &str| format!("train --distributed --threads 1 --hidden 4 --batch 5 --data {data}");
        for (data, expected) in
            [("other", "rank 1 has another training data than rank 0"), ("missing", "error: rank 1 on ")]
        {
            let groups = [(1, &*line("tiny")), (1, &*line(data))];
            let ended: Run = mpirun(folder.path(), &groups).output().unwrap().into();
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.stderr.contains(expected) && ended.stderr.contains("hint: "), "{ended:?}");
        }
        // What is wrong with all is said by rank 0 alone.
        let ended = run(folder.path(), 3, &line("missing"));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended:?}");
        assert!(!folder.path().join("mnist.model").exists());
    }
}
