"""finished frames → annotated images, a process that trains on them, a model of one's own.

What was not finished of an image says nothing to the training: neither cell nor background.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.active_learning import write_frame
from coverslip.app.session import finished_frames
from coverslip.app.warm import ABOUT, AUTO
from coverslip.checkpoints import shipped_models
from coverslip.errors import DataError, TrainingError
from coverslip.io import read_frame, write_labels, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.app.jobs import Job
    from coverslip.app.session import Session

IGNORED = 2**30  # the number of pixels that were not finished; no cell has so high a one
SHOWN = {"val_ap": "AP", "val_jaccard": "Jaccard"}
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
    """Train a model on all frames that are finished; new images are segmented by it then.

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
    about = {
        "learnt_from": start,
        "trained_on": f"{n_frames} frame{'s' * (n_frames != 1)} of {session.folder.path}",
        "scores": {"before": told.get("before"), "after": told.get("after")},
        "created": datetime.now().isoformat(timespec="seconds"),
    }
    job.before, job.after = told.get("before"), told.get("after")
    write_text(folder / ABOUT, json.dumps(about, indent=2, ensure_ascii=False))
    session.chosen = wanted.name if is_better(job) else session.chosen
    job.message = closing(job, wanted)
    session.events.send("images", {})


def is_better(job: Job) -> bool:
    """Whether the new model is no worse than the one it began with, as far as is known."""
    if job.before is None or job.after is None:
        return True
    return job.after["f1"] >= job.before["f1"]


def closing(job: Job, wanted: Training) -> str:
    """What is said when a training is over."""
    if job.before is None or job.after is None:
        return f"{wanted.name}: trained, and used for new images."
    scores = f"F1 {job.before['f1']:.2f} before, {job.after['f1']:.2f} after"
    if is_better(job):
        return f"{wanted.name}: {scores}. It is used for new images."
    return f"{wanted.name}: {scores}: no better, so {wanted.start} stays in use."


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
            write_frame(data / "images" / f"{name}.tif", image, pixel_size_um=size)
            shown = ignore_rest(labels, rectangles)
            path = data / "labels" / f"{name}.tif"
            write_labels(path, [shown], shape=shown.shape, axes="YX", pixel_size_um=size)
            n_frames += 1
    if not n_frames:
        raise DataError(
            "no image is marked as finished: correct one, or a rectangle of it, and mark it."
        )
    return n_frames


def ignore_rest(
    labels: NDArray[np.uint32], rectangles: list[list[int]] | None
) -> NDArray[np.uint32]:
    """Labels of which those outside of finished rectangles say nothing."""
    if rectangles is None:
        return labels
    shown = np.full_like(labels, IGNORED)
    for top, left, bottom, right in rectangles:
        shown[top:bottom, left:right] = labels[top:bottom, left:right]
    return shown


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
        "ignored_from": IGNORED,
    }
    command = [sys.executable, "-m", "coverslip.app.trainer"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sends, hears = process.stdin, process.stdout
    if sends is None or hears is None:
        raise TrainingError("the training could not be started.")
    try:
        sends.write(json.dumps(asked) + "\n")
        sends.flush()
        job.on_stop(process.terminate)
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
    if (folder / "best.safetensors").exists() and job.is_stopped.is_set():
        return {}  # stopped by a person who has seen enough: the best so far is kept
    job.check()
    raise TrainingError(f"the training ended without a model (status {process.returncode}).")


def enter(job: Job, told: dict[str, Any]) -> None:
    """Enter into a job what the process says of how far it is."""
    if "step" in told:
        job.done, job.total = told["step"], told["n_steps"]
        job.left_s = told["seconds_left"]
        point = {"step": told["step"], "loss": round(told["loss"], 5)}
        job.curve = [*job.curve, point][-MOST_CURVE:]
    if "epoch" in told:
        row = told["epoch"]
        job.curve = [*job.curve, {"step": job.done, "validation": round(row["val_loss"], 5)}]
        scores = [f"{name} {row[key]:.2f}" for key, name in SHOWN.items() if key in row]
        job.message = f"epoch {row['epoch']:.0f}: {', '.join(scores)}"
    if "note" in told:
        job.message = told["note"]
    job.tell()
