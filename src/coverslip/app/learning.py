"""finished frames → annotated images, a process that trains on them, a model of one's own.

What was not finished of an image says nothing to the training: neither cell nor background. Its
finished rectangles lie in a file beside the labels, as a person would write them for `train`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coverslip.active_learning import write_frame
from coverslip.app.session import finished_frames
from coverslip.app.trainer import STOP
from coverslip.app.warm import ABOUT, AUTO
from coverslip.checkpoints import shipped_models
from coverslip.errors import DataError, TrainingError
from coverslip.io import Pair, read_frame, rectangles_file, write_labels, write_text

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from coverslip.app.jobs import Job
    from coverslip.app.session import Session

SHOWN = {"val_ap": "mean AP", "val_jaccard": "Jaccard"}
CHOSEN_BY = {"ap": "mean AP", "jaccard": "Jaccard"}  # the first that there is chooses the model
MODEL_FILES = ("best.safetensors", "state.safetensors")
MOST_CURVE = 2000  # points of a curve that are told


@dataclass(frozen=True)
class Training:
    """What is to be trained.

    Attributes:
        start: the name of the model to go on from.
        minutes: how long it may take.
        name: of the new model.
    """

    start: str
    minutes: float
    name: str


def train_model(session: Session, start: str, minutes: float, job: Job) -> None:
    """Train a model on all frames that are finished; where it is better, it is used from then on.

    Raises:
        DataError: nothing is finished.
        TrainingError: it failed.
        StoppedError: it was stopped before there was a model.
    """
    start = resolve_start(session, start)
    wanted = Training(start, minutes, free_name(session.warm.own, start))
    folder = session.warm.own / wanted.name
    job.model = wanted.name
    n_frames = write_annotated(session, folder / "data", job)
    told = run_trainer(session, wanted, job)
    job.before, job.after, job.improved = told["before"], told["after"], told["improved"]
    if job.improved:
        about = {
            "learnt_from": start,
            "trained_on": f"{n_frames} frame{'s' * (n_frames != 1)} of {session.folder.path}",
            "scores": {"before": job.before, "after": job.after},
            "created": datetime.now().isoformat(timespec="seconds"),
        }
        write_text(folder / ABOUT, json.dumps(about, indent=2, ensure_ascii=False))
        session.chosen = wanted.name
        session.doubts = {}  # the new model is unsure of others
    else:
        drop_model(folder)
        job.check()  # where it was stopped, it is not done
        job.model = start
    job.message = closing(job, wanted)
    session.events.send("images", {})


def drop_model(folder: Path) -> None:
    """Remove the model of a training that found no better one: the old one has a name already."""
    for name in MODEL_FILES:
        (folder / name).unlink(missing_ok=True)


def closing(job: Job, wanted: Training) -> str:
    """What is said when a training is over."""
    before, after = job.before or {}, job.after or {}
    score = next((score for score in CHOSEN_BY if score in before and score in after), None)
    if not job.improved:
        reached = f" ({CHOSEN_BY[score]} {before[score]:.2f})" if score else ""
        return (
            f"{wanted.start} was kept and stays in use: nothing learnt was better than it on the "
            f"held-out parts{reached}. Finish more images, or give it more minutes."
        )
    if score is None:
        return f"{wanted.name}: trained, and used for new images."
    scores = f"{CHOSEN_BY[score]} {before[score]:.2f} before, {after[score]:.2f} after"
    if score == "ap" and "ap_95" in after:
        scores += " ({:.2f} to {:.2f} by chance)".format(*after["ap_95"])
    return f"{wanted.name}: {scores}, on the held-out parts. It is used for new images."


def resolve_start(session: Session, start: str) -> str:
    """The model to go on from; "auto": the one that is used now, or `general`."""
    name = session.model if start == AUTO else start
    return "general" if name == AUTO else session.warm.open(name).name


def free_name(folder: Path, start: str) -> str:
    """A name for a new model: that of the one it comes from, with a number."""
    stem = start.rpartition("-")[0] if start.rpartition("-")[2].isdecimal() else start
    number = 1
    while (folder / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def write_annotated(session: Session, data: Path, job: Job) -> int:
    """Write the finished frames and their labels as a training reads them; how many there are.

    Raises:
        DataError: there are none.
    """
    n_frames = 0
    for picture in session.folder.scan():
        marks = finished_frames(session.corrections.journal(picture).entries)
        for frame, rectangles in sorted(marks.items()):
            job.check()
            with session.corrections.lock:
                labels = session.corrections.frame(picture, frame).labels.copy()
            name = f"{picture.target.name}_{frame:05d}"
            image = read_frame(picture.file, frame, channel=picture.channel)
            size = picture.file.pixel_size_um
            (data / "images").mkdir(parents=True, exist_ok=True)
            pair = Pair(name, data / "images" / f"{name}.tif", (data / "labels" / f"{name}.tif",))
            write_frame(pair.image, image, pixel_size_um=size)
            write_labels(pair.masks[0], [labels], shape=labels.shape, axes="YX", pixel_size_um=size)
            ignore_rest(pair, rectangles)
            n_frames += 1
    if not n_frames:
        raise DataError(
            "no image is marked as finished: correct one, or a rectangle of it, and mark it."
        )
    return n_frames


def ignore_rest(pair: Pair, rectangles: list[list[int]] | None) -> None:
    """Write which rectangles of a frame are finished; None: all of it is, which needs no file."""
    if rectangles is not None:
        write_text(rectangles_file(pair), json.dumps({"rectangles": rectangles}) + "\n")


def run_trainer(session: Session, wanted: Training, job: Job) -> dict[str, Any]:
    """Start the process that trains, and listen to it until it is done.

    Raises:
        TrainingError: it failed.
        StoppedError: it was stopped before there was a model.
    """
    folder = session.warm.own / wanted.name
    ships = wanted.start in shipped_models()
    asked = {
        "data": str(folder / "data"),
        "run": str(folder),
        "start": wanted.start if ships else str(session.warm.own / wanted.start),
        "minutes": wanted.minutes,
    }
    command = [sys.executable, "-m", "coverslip.app.trainer"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sends, hears = process.stdin, process.stdout
    if sends is None or hears is None:
        raise TrainingError("the training could not be started.")
    try:
        say(sends, json.dumps(asked))
        job.on_stop(lambda: say(sends, STOP))
        for line in hears:
            told = json.loads(line)
            if "error" in told:
                raise TrainingError(told["error"])
            if "done" in told:
                done: dict[str, Any] = told["done"]
                return done
            enter(job, told)
    finally:
        with suppress(OSError):
            sends.close()
        process.terminate()
        process.wait()
        hears.close()
    drop_model(folder)
    job.check()
    raise TrainingError(f"the training ended without a model (status {process.returncode}).")


def say(sends: IO[str], line: str) -> None:
    """Say a line to the process; one that is over needs no telling."""
    with suppress(OSError, ValueError):
        sends.write(line + "\n")
        sends.flush()


def enter(job: Job, told: dict[str, Any]) -> None:
    """Enter into a job what the process says of how far it is."""
    if "step" in told:
        job.done, job.total = told["step"], told["n_steps"]
        job.left_s = told["seconds_left"]
        point = {"step": told["step"], "loss": round(told["loss"], 5)}
        job.curve = [*job.curve, point][-MOST_CURVE:]
    if "epoch" in told:
        row = told["epoch"]
        scores = [f"{name} {row[key]:.2f}" for key, name in SHOWN.items() if key in row]
        reached = [row[key] for key in SHOWN if key in row]
        if reached:
            job.curve = [*job.curve, {"step": job.done, "validation": round(reached[0], 5)}]
        job.message = f"epoch {row['epoch']:.0f}: {', '.join(scores)}"
    if "note" in told:
        job.message = told["note"]
    job.tell()
