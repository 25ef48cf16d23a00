"""TensorBoard's own reader lists every scalar that a run has written, once, with the value in metrics.jsonl.

    check_event_files.py PROGRAM DATA

PROGRAM is nn-cli, DATA a folder of IDX files. In a folder of its own it trains a run to its end, and one that is killed
in the middle of an epoch and resumed, and one that has event files only from its second life on.
Exit status 0 if all is as it should be.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

EPOCHS = 6


def check(run: Path, epochs_with_speed: int) -> None:
    """Compares what TensorBoard reads with the lines of JSON of a run."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == EPOCHS, lines
    held_out = lines[0]["held_out"]
    fields = {
        "loss/train": "train_loss",
        "accuracy/train": "train_accuracy",
        f"loss/{held_out}": "held_out_loss",
        f"accuracy/{held_out}": "held_out_accuracy",
        "rate": "rate",
    }
    reader = EventAccumulator(str(run), size_guidance={"scalars": 0})
    reader.Reload()
    tags = set(reader.Tags()["scalars"])
    assert tags == {*fields, "samples_per_second"}, tags
    for tag, field in fields.items():
        found = [(event.step, event.value) for event in reader.Scalars(tag)]
        expected = [(line["steps"], float(numpy.float32(line[field]))) for line in lines]
        assert found == expected, f"{tag}: expected {expected}, found {found}"
        times = [event.wall_time for event in reader.Scalars(tag)]
        assert times == sorted(times) and abs(times[-1] - time.time()) < 3600, times
    speeds = [(event.step, event.value) for event in reader.Scalars("samples_per_second")]
    assert [step for step, _ in speeds] == [line["steps"] for line in lines[-epochs_with_speed:]], speeds
    assert all(speed > 0 for _, speed in speeds), speeds
    files = sorted(path.name for path in run.glob("*tfevents*"))
    print(f"{run.name}: {len(tags)} tags, {EPOCHS} epochs, {len(files)} files: as in metrics.jsonl")


def main() -> None:
    program, data = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        # No checkpoint after the last step of an epoch: a life that has only its end to come has no speed.
        flags = ["--data", data, "--epochs", str(EPOCHS), "--checkpoint-every", "7"]

        def train(*arguments: str) -> None:
            command = [program, "train", *arguments]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        def train_and_kill(*arguments: str) -> None:
            """Kills the program once some epochs are over, so that it is within one most likely."""
            command = [program, "train", *arguments]
            process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
            metrics = runs / arguments[1] / "metrics.jsonl"
            while process.poll() is None:
                if metrics.exists() and len(metrics.read_text().splitlines()) >= 2:
                    process.kill()
                time.sleep(0.001)
            assert process.wait() == -9, "it was over before it could be killed"

        train("--run", "whole", *flags, "--tensorboard")
        check(runs / "whole", EPOCHS)

        train_and_kill("--run", "killed", *flags, "--tensorboard")
        # What a killed process wrote of an epoch that the checkpoint does not know, and a record that is cut.
        first = next((runs / "killed").glob("*tfevents*"))
        whole = sorted((runs / "whole").glob("*tfevents*"))[0].read_bytes()
        first.write_bytes(whole + whole[:20])
        train("--resume", "killed")
        check(runs / "killed", EPOCHS)

        train_and_kill("--run", "late", *flags)
        inspect = [program, "inspect", str(runs / "late"), "--json"]
        finished = json.loads(subprocess.check_output(inspect))["finished_epochs"]
        train("--resume", "late", "--tensorboard")
        check(runs / "late", EPOCHS - finished)


if __name__ == "__main__":
    main()
