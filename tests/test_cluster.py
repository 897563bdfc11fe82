"""A real scheduler and workers, some of which are killed: the result is that of one process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

if sys.platform != "linux":
    pytest.skip("kills processes as Linux does", allow_module_level=True)

pytest.importorskip("distributed")
pytest.importorskip("zarr")

import distributed
import zarr

from bright import write_bright
from coverslip.checkpoints import Checkpoint, Method
from coverslip.cli.job import load_job
from coverslip.cluster import connect
from coverslip.cluster.executor import future_to_error
from coverslip.errors import FileError, SettingsError, StoppedError
from coverslip.io import only_here, open_image, read_frame
from coverslip.pipeline import (
    OpenedImage,
    SegmentSettings,
    image_to_tasks,
    job_to_order,
    settle_backend,
)
from coverslip.pipeline.outputs import name_outputs
from coverslip.pipeline.plan import begin_image
from coverslip.pipeline.tasks import do_task
from coverslip.pipeline.worker import check_stands, load_once, order_to_job
from drawn import save_picture, squares
from killed import contents

HERE = Path(__file__).parent
IMAGES, FRAMES, SIDE = 6, 20, 64
TILES = 3 * 7  # of 64 px, overlapping by 16, in 128 x 320


@contextmanager
def crew(folder: Path, *, kill: tuple[str, ...]):
    """A scheduler and a worker for each of what they are to kill; the address.

    Each of `kill` is the number of a pass and its victim, as `crewed` has it; S is the scheduler.
    """
    environment = {**os.environ, "CREW_LOG": str(folder / "log")}
    dask = [sys.executable, "-m", "dask"]
    options = ["--host", "127.0.0.1", "--no-dashboard"]
    started = []
    try:
        with (folder / "scheduler").open("wb") as said:
            command = [*dask, "scheduler", *options, "--port", "0"]
            scheduler = subprocess.Popen(command, stderr=said)
        started.append(scheduler)
        address = wait_for(folder / "scheduler", r"tcp://127\.0\.0\.1:\d+")
        for number, how in enumerate(kill):
            victim = {"CREW_KILL": how.replace("S", str(scheduler.pid))} if how else {}
            command = [*dask, "worker", address, *options, "--nthreads", "1", "--no-nanny"]
            command += ["--preload", str(HERE / "crewed.py"), "--local-directory", str(folder)]
            with (folder / f"worker{number}").open("wb") as said:
                worker = subprocess.Popen(command, stderr=said, env={**environment, **victim})
            started.append(worker)
        for number in range(len(kill)):
            wait_for(folder / f"worker{number}", "Starting established connection")
        yield address
    finally:
        for process in started:
            process.send_signal(signal.SIGKILL)
            process.wait()


def wait_for(path: Path, pattern: str, *, seconds: float = 60) -> str:
    """The first match in what a process says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := re.search(pattern, path.read_text()):
            return found.group()
        time.sleep(0.05)
    raise TimeoutError(path.read_text())


def make_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder of images, one of them broken; a film; a slide; and the command for all."""
    for n in range(IMAGES):
        save_picture(folder / "pictures" / f"{n}.png", squares(1 + n)[0])
    (folder / "pictures" / "broken.png").write_bytes(b"no picture")
    with tifffile.TiffWriter(folder / "film.tif") as writer:
        for n in range(FRAMES):
            writer.write(squares(1 + n % 9)[0], contiguous=False, metadata=None)
    slide = np.tile(squares(10, size=SIDE)[0], (2, 5))
    zarr.create_array(folder / "slide.zarr", data=slide, chunks=(SIDE, SIDE))
    monkeypatch.setenv("CREW_LOG", str(folder / "log_alone"))
    model = write_bright(folder / "bright.safetensors", monkeypatch)
    sources = [str(folder / name) for name in ("pictures", "film.tif", "slide.zarr")]
    options = ["--min-area", "0", "--backend", "torch", "--region", str(SIDE), "--tile", str(SIDE)]
    return ["segment", *sources, "--model", str(model), *options]


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same bytes, the page's clock apart."""
    first, second = contents(one), contents(other)
    assert len(first) > 3 * FRAMES
    return first == second


def passes(path: Path) -> Counter[str]:
    """How often each process has passed through the network, by a log of `crewed`."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return Counter(pid for pid, what in lines if what == "pass")


def test_a_worker_is_killed_and_the_result_is_that_of_one_process(tmp_path, coverslip, monkeypatch):
    command = make_work(tmp_path, monkeypatch)
    alone = coverslip(*command, "-o", tmp_path / "alone")
    # Its 18th pass is late: the images are done, and a run of the film, or both.
    with crew(tmp_path, kill=("18 0", "")) as address:
        said = coverslip(*command, "-o", tmp_path / "crew", "--scheduler", address)
    assert said.status == alone.status == 1  # for the broken one
    assert said.out.replace("crew", "alone") == alone.out
    assert said.err.count("failed:") == 1 and "broken.png" in said.err
    assert same(tmp_path / "alone", tmp_path / "crew")

    lines = (tmp_path / "log").read_text().splitlines()
    made = Counter(line.split()[0] for line in lines if line.endswith("made"))
    assert sorted(made.values()) == [1, 1]  # each worker loads the model once
    of = passes(tmp_path / "log")
    assert len(of) == 2 and 18 in of.values()
    # What the killed one was at, at most: an image, a run of frames, or a region and its margins;
    # and tiles of the slide at which both were at once.
    needed = IMAGES + FRAMES + TILES
    assert needed <= sum(of.values()) <= needed + 16 + TILES

    again = coverslip(*command, "-o", tmp_path / "crew")
    assert f"{IMAGES + 2} were done before" in again.err


def test_only_what_was_at_work_is_done_again(tmp_path, coverslip, monkeypatch):
    """Images alone, so that every pass is known: the killed worker's last, and no other."""
    command = make_work(tmp_path, monkeypatch)
    command = [command[0], command[1], *command[4:]]
    with crew(tmp_path, kill=("2 0", "")) as address:
        coverslip(*command, "-o", tmp_path / "crew", "--scheduler", address)
    assert sum(passes(tmp_path / "log").values()) == IMAGES + 1


def test_the_scheduler_dies_and_what_is_done_stays_done(tmp_path, coverslip, monkeypatch, caplog):
    command = make_work(tmp_path, monkeypatch)
    coverslip(*command, "-o", tmp_path / "alone")
    with crew(tmp_path, kill=("20 S",)) as address:
        said = coverslip(*command, "-o", tmp_path / "crew", "--scheduler", address)
    assert said.status == 2 and "the scheduler is gone" in said.err
    assert caplog.text == ""
    assert (tmp_path / "crew" / "cells.csv").is_file()
    done = sum(passes(tmp_path / "log").values())
    assert done >= 20
    said = coverslip(*command, "-o", tmp_path / "crew", "--backend", "torch")
    assert "done before" in said.err
    assert same(tmp_path / "alone", tmp_path / "crew")


def test_a_worker_of_another_version_ends_the_command_by_name(tmp_path, coverslip, monkeypatch):
    command = make_work(tmp_path, monkeypatch)
    monkeypatch.setattr("coverslip.pipeline.worker.code_version", lambda: "9.9.9")
    with crew(tmp_path, kill=("",)) as address:
        said = coverslip(*command, "-o", tmp_path / "crew", "--scheduler", address)
    assert said.status == 2
    assert "tcp://" in said.err and "and not 9.9.9: install the same everywhere" in said.err
    assert not list((tmp_path / "crew").glob("*_labels*"))
    assert not list((tmp_path / "crew").glob("in-use*"))


def test_workers_of_this_computer(tmp_path, coverslip):
    """Real models: a film whose scale is looked for, one with a broken frame, a slide with NaN."""
    source = HERE.parent / "examples" / "nuclei" / "fluorescence_small.png"
    pixels = read_frame(open_image(source))[:128, :128].astype(np.float32)
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.png").write_bytes(source.read_bytes())
    about = {"photometric": "minisblack", "metadata": {"axes": "TYX"}}
    tifffile.imwrite(folder / "film.tif", np.stack([pixels] * 3), **about)
    tifffile.imwrite(folder / "cut.tif", np.stack([pixels] * 40), **about)
    whole = (folder / "cut.tif").read_bytes()
    (folder / "cut.tif").write_bytes(whole[: 2 * len(whole) // 3])
    slide = np.tile(pixels, (3, 3))
    slide[5, 5] = np.nan
    tifffile.imwrite(folder / "slide.tif", slide)
    command = ["segment", folder, "--model", "nuclei", "--region", "160", "--tile", "128"]
    alone = coverslip(*command, "-o", tmp_path / "alone")
    said = coverslip(*command, "-o", tmp_path / "crew", "--workers", "2")
    assert (said.status, said.out) == (alone.status, alone.out.replace("alone", "crew"))
    assert sorted(said.err.splitlines()) == sorted(alone.err.splitlines())  # each thing said once
    assert "NaN" in said.err and "cut.tif" in said.err
    first, second = contents(tmp_path / "alone"), contents(tmp_path / "crew")
    assert first == second and "a_labels.tif" in first

    done = (tmp_path / "crew" / "a_labels.tif").stat().st_mtime_ns
    coverslip(*command, "-o", tmp_path / "crew", "--workers", "1", "--overwrite")
    assert contents(tmp_path / "crew") == first
    assert (tmp_path / "crew" / "a_labels.tif").stat().st_mtime_ns != done


# --- the parts


def opened_image(path: Path, job) -> OpenedImage:
    """An image that is to be done, in a folder beside it."""
    target = name_outputs([path], path.parent / "out")[path]
    opened = begin_image(path, target, job=job, thumbnails=[])
    assert isinstance(opened, OpenedImage)
    return opened


def test_tasks_cover_a_film_and_the_first_one_is_for_all(tmp_path):
    job = load_job("nuclei", settings=SegmentSettings())
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.zeros((35, 16, 16), np.uint8), metadata={"axes": "TYX"})
    [[first, *runs]] = image_to_tasks(opened_image(film, job), job)
    assert first.kind == "scale" and first.n_done == 0
    assert [task.frames for task in runs] == [(0, 16), (16, 32), (32, 35)]
    assert sum(task.n_done for task in runs) == 35


def test_the_scale_of_a_film_is_looked_for_once(tmp_path, monkeypatch):
    job = load_job("nuclei", settings=SegmentSettings(scale="auto"))
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.stack([squares(4)[0]] * 2), metadata={"axes": "TYX"})
    [[first, run]] = image_to_tasks(opened_image(film, job), job)
    looks = []
    monkeypatch.setattr(
        "coverslip.pipeline.resolve.find_scale", lambda *_, **__: looks.append(1) or 0.5
    )
    do_task(first, job)
    do_task(run, job)
    assert looks == [1]


def test_a_job_travels_without_its_network_and_arrives_whole():
    job = load_job("nuclei", settings=SegmentSettings())
    order = job_to_order(job, Path())
    assert not any(isinstance(value, Checkpoint) for value in order.about.values())
    arrived = order_to_job(order)
    assert isinstance(arrived.model, Checkpoint)
    assert replace(arrived, model=job.model) == job
    assert order_to_job(order).model is arrived.model  # loaded once


def test_a_method_travels_whole():
    job = load_job("egt", settings=SegmentSettings(), arguments={"min_cell_px": 3})
    arrived = order_to_job(job_to_order(job, Path()))
    assert isinstance(arrived.model, Method) and arrived == job


def test_another_version_or_model_is_refused():
    order = job_to_order(load_job("nuclei", settings=SegmentSettings()), Path())
    with pytest.raises(SettingsError, match=r"a worker has coverslip .* and not 0\.0\.0"):
        order_to_job(replace(order, version="0.0.0"))
    load_once.cache_clear()
    with pytest.raises(SettingsError, match="the model nuclei of a worker is another"):
        order_to_job(replace(order, about={**order.about, "model_hash": "0"}))


class Future:
    """One that fails."""

    status = "error"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def result(self) -> None:
        raise self.error


def test_a_task_that_kills_every_worker_is_one_image_lost():
    path = Path("a.png")
    killed = distributed.KilledWorker("task", None, 4)
    error = future_to_error(Future(killed), path)
    assert isinstance(error, FileError) and "their memory is too small" in str(error)
    error = future_to_error(Future(PermissionError(13, "not yours")), path)
    assert isinstance(error, FileError) and "not yours" in str(error)
    with pytest.raises(StoppedError, match="install the same coverslip"):
        future_to_error(Future(ModuleNotFoundError("No module named 'coverslip'")), path)
    with pytest.raises(ZeroDivisionError):  # a mistake of ours is not hidden
        future_to_error(Future(ZeroDivisionError()), path)


def test_an_order_stands_as_long_as_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr("coverslip.pipeline.worker.SHARE_S", 0.1)
    job = load_job("nuclei", settings=SegmentSettings())
    with only_here(tmp_path / "out"):
        order = job_to_order(job, tmp_path / "out")
        check_stands(order)
        with pytest.raises(StoppedError, match="must be the same one"):
            check_stands(replace(order, folder=tmp_path / "elsewhere"))
    with pytest.raises(StoppedError):
        check_stands(order)


def settles_to(monkeypatch, backend: str) -> None:
    """Let "auto" come to a backend, whatever is installed."""
    monkeypatch.setattr(
        "coverslip.checkpoints.Checkpoint.settle",
        lambda _, settings: replace(settings, backend=backend),
    )


def test_all_workers_have_the_backend_of_the_command(monkeypatch):
    job = load_job("nuclei", settings=SegmentSettings())
    settles_to(monkeypatch, "onnxruntime")
    predict = settle_backend(job).settings.predict
    assert (predict.backend, predict.device) == ("onnxruntime", "cpu")
    settles_to(monkeypatch, "torch")
    predict = settle_backend(job).settings.predict
    assert (predict.backend, predict.device) == ("torch", "auto")


def test_nobody_answers(tmp_path, coverslip, monkeypatch):
    monkeypatch.setattr(connect, "WAIT_S", 0.5)
    path = save_picture(tmp_path / "a" / "a.png", squares(3)[0])
    address = "tcp://127.0.0.1:9"
    said = coverslip("segment", path, "-o", tmp_path / "o", "--scheduler", address)
    assert said.status == 2 and "no Dask scheduler answers there" in said.err
    assert "does not begin with tls://" in said.err and "docs/cluster.md on TLS" in said.err


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        (["--workers", "0"], "wanted 1 or more"),
        (["--workers", "2", "--scheduler", "tcp://a:1"], "one of the two"),
        (["--scheduler", "localhost"], "tcp://10.0.0.1:8786"),
    ],
)
def test_workers_that_cannot_be(tmp_path, coverslip, options, cure):
    path = save_picture(tmp_path / "a" / "a.png", squares(3)[0])
    said = coverslip("segment", path, "-o", tmp_path / "o", *options)
    assert said.status == 2 and cure in said.err
    assert not (tmp_path / "o").exists()
