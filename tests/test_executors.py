"""Whoever does the work, the results have the same bytes, and a worker that dies costs nothing."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from coverslip.cli.job import load_job
from coverslip.errors import CoverslipError
from coverslip.io import open_image, read_frame
from coverslip.pipeline import Processes, SegmentSettings, Serial, Threads, segment_files
from coverslip.pipeline.tasks import finish_image
from killed import contents

if TYPE_CHECKING:
    from coverslip.pipeline import Executor, Job

SOURCE = Path(__file__).parent.parent / "examples" / "nuclei" / "fluorescence_small.png"
EXECUTORS = {
    "threads": Threads,
    "one thread": lambda: Threads(1),
    "processes": lambda: Processes(2),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two images, a film, one that is done in regions, and a broken one."""
    folder = tmp_path_factory.mktemp("images")
    pixels = read_frame(open_image(SOURCE))
    for name, part in (("a", pixels[:120, :100]), ("b", pixels[60:160, 90:200])):
        tifffile.imwrite(folder / f"{name}.tif", part)
    film = np.stack([pixels[n : n + 90, :80] for n in range(5)])
    tifffile.imwrite(folder / "film.tif", film, metadata={"axes": "TYX"})
    tifffile.imwrite(folder / "large.tif", pixels[:230, :240])
    (folder / "broken.tif").write_bytes(b"no image")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def job() -> Job:
    return load_job("nuclei", settings=SegmentSettings(), region=100)


@pytest.fixture(scope="module")
def wanted(images: list[Path], job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one task after the other."""
    out = tmp_path_factory.mktemp("serial")
    result = segment_files(images, out, job=job, executor=Serial())
    assert [path.name for path in result.failed] == ["broken.tif"]
    assert len(contents(out)) > 15
    return out


@pytest.mark.parametrize("name", EXECUTORS)
def test_all_executors_come_to_the_same_bytes(name, images, job, wanted, tmp_path):
    executor: Executor = EXECUTORS[name]()
    frames = []
    result = segment_files(
        images,
        tmp_path / "out",
        job=job,
        executor=executor,
        on_frame=lambda path, done, n: frames.append((path.name, done, n)),
    )
    assert contents(tmp_path / "out") == contents(wanted)
    assert list(result.done) == [path for path in images if path.name != "broken.tif"]
    assert "broken.tif" in result.failed[images[2]]
    assert [one[1:] for one in frames if one[0] == "film.tif"] == [(n, 5) for n in range(1, 6)]
    assert [one[1:] for one in frames if one[0] == "large.tif"] == [(n, 9) for n in range(1, 10)]


def test_results_are_written_by_those_who_do_the_work(images, job, tmp_path, monkeypatch):
    """So that the next image is begun meanwhile; the main thread only hands tasks on."""
    threads = {}

    def finish(opened, *, job):
        threads[opened.file.path.name] = threading.current_thread().name
        return finish_image(opened, job=job)

    monkeypatch.setattr("coverslip.pipeline.tasks.finish_image", finish)
    segment_files(images, tmp_path / "out", job=job, executor=Threads())
    assert set(threads) == {"a.tif", "b.tif", "film.tif", "large.tif"}
    assert all(name.startswith("coverslip") for name in threads.values()), threads


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
def test_a_process_that_is_killed_is_replaced_and_nothing_is_lost(images, job, wanted, tmp_path):
    executor = Processes(2)
    killed = []

    def kill_once(path: Path, done: int, n: int) -> None:
        if not killed:
            killed.append(next(iter(executor.pool._processes)))
            os.kill(killed[0], signal.SIGKILL)

    segment_files(images, tmp_path / "out", job=job, executor=executor, on_frame=kill_once)
    assert killed and contents(tmp_path / "out") == contents(wanted)


def test_a_task_that_kills_every_process_costs_its_image_alone(images, job, tmp_path, monkeypatch):
    executor = Processes(1)
    opened = executor.open(job, tmp_path, print)
    assert opened.settings.predict.backend != "auto"
    executor.close()
    from coverslip.pipeline import Outcome, died
    from coverslip.pipeline.executors import MAX_TRIES

    class Task:
        name = "one"

    executor.tries["one"] = MAX_TRIES
    executor.running = {"future": Task()}  # type: ignore[dict-item]
    monkeypatch.setattr("coverslip.pipeline.executors.died", lambda path: died(Path("a.tif")))
    Task.opened = type("Opened", (), {"file": type("File", (), {"path": images[0]})})
    executor._replace_pool()
    outcome = executor.next_outcome()
    assert isinstance(outcome, Outcome) and "several workers died" in str(outcome.error)
    assert isinstance(outcome.error, CoverslipError)
    executor.close()
