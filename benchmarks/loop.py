"""A newcomer's loop with a stopwatch: open ten images, correct three, train, segment all.

python benchmarks/loop.py DATA -o OUT.json [--start phase] [--images 10] [--minutes 10]

DATA is an annotated folder of a kind that the shipped models fail on. Ten of its images are drawn
by a seed and copied to a folder without their truth. `coverslip app` is started for it, and a
script drives the page in a real Chromium as a person would: a model, *Segment all*; of
each of the first three images all cells deleted with the lasso and the truth's cells drawn with the
outline tool, then *Finished*; *Train*, with nothing set but the minutes; *Segment all* again. The
labels on the disk are then scored by the truth, which the program was not shown of the images that
were not corrected. A script's hand is faster than a person's: how many outlines it drew is told.
On a machine that does other work, CPU seconds tell more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from skimage.measure import find_contours

from coverslip import find_pairs, read_labels
from coverslip.io import write_text
from coverslip.metrics import cell_f1, count_cells, mean_average_precision
from coverslip.provenance import provenance

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser import Browser
from served import NAME, SAVED, Served, at, open_page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.io import Pair

ENDED = ["done", "failed", "stopped"]
STEP_PX = 3  # between the places of an outline
TIMEOUT = 3600.0


@dataclass
class Watch:
    """A stopwatch: clock, and CPU of the server and of all that it started."""

    server: Served
    laps: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def lap(self, what: str, **more: Any) -> None:
        """Note what is over now."""
        times = psutil.Process(self.server.process.pid).cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        told = {"what": what, "seconds": time.monotonic() - self.begun, "cpu_seconds": cpu}
        self.laps.append({**told, **more, "load": os.getloadavg()[0]})
        print(f"{told['seconds'] / 60:5.1f} min, {cpu:5.0f} CPU s: {what} {more or ''}", flush=True)


def main() -> None:
    """Draw the images, do the loop, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="a new folder for the images and results")
    parser.add_argument("--correct", type=int, default=3)
    parser.add_argument("--start", default="auto", help="the model that is chosen in the page")
    parser.add_argument("--minutes", type=int, default=10, help="the slider's, for the training")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pairs = find_pairs(options.data)
    drawn = np.random.default_rng(options.seed).permutation(len(pairs))[: options.images]
    chosen = sorted((pairs[n] for n in drawn), key=lambda pair: pair.image.name)
    with TemporaryDirectory() as folder, Browser(Path(folder, "profile")) as browser:
        told = do_loop(browser, options.folder or Path(folder, "mine"), chosen, options)
    asked = {
        "start": options.start,
        "images": options.images,
        "correct": options.correct,
        "seed": options.seed,
    }
    about = {"asked": asked | {"minutes": options.minutes, "data": options.data.name}}
    write_text(options.out, json.dumps(about | told | provenance(), indent=1, default=str))


def do_loop(
    browser: Browser, folder: Path, pairs: list[Pair], options: argparse.Namespace
) -> dict[str, Any]:
    """The loop of a person, from the first command to the last result."""
    folder.mkdir(parents=True)
    for pair in pairs:
        shutil.copy(pair.image, folder)
    server = Served(folder)
    watch = Watch(server)
    try:
        open_page(browser, server)
        watch.lap("the page is open")
        choose_model(browser, options.start)
        segment_all(browser)
        before = [score(folder, pair) for pair in pairs]
        watch.lap("all segmented by a shipped model", f1=mean(before[options.correct :]))
        outlines = sum(correct(browser, pair) for pair in pairs[: options.correct])
        watch.lap(f"{options.correct} corrected", outlines=outlines)
        job = train(browser, options.minutes)
        watch.lap("trained", said=job["message"])
        using = browser.ask("document.querySelector('#page-segment select').value")
        segment_all(browser)
        after = [score(folder, pair) for pair in pairs]
        watch.lap(f"all segmented by {using}", f1=mean(after[options.correct :]))
    finally:
        server.end()
    names = [pair.image.name for pair in pairs]
    rows = [
        {"image": name, "corrected": n < options.correct, "before": one, "after": other}
        for n, (name, one, other) in enumerate(zip(names, before, after, strict=True))
    ]
    job.pop("curve")
    return {"laps": watch.laps, "images": rows, "training": job}


def segment_all(browser: Browser) -> None:
    """Press *Segment all*, and wait until it is done."""
    browser.click("#tab-segment")
    press_button(browser, "Segment all")
    wait_for_job(browser, "segment")


def choose_model(browser: Browser, name: str) -> None:
    """Choose a model in the panel, where another is chosen; the preview that comes is discarded."""
    select = "document.querySelector('#page-segment select')"
    if browser.ask(f"{select}.value") == name:
        return
    browser.ask(f"{select}.value = '{name}'; {select}.dispatchEvent(new Event('change'))")
    browser.wait("coverslip.editor.preview !== null", seconds=120)
    press_button(browser, "Discard")


def train(browser: Browser, minutes: int) -> dict[str, Any]:
    """Set the slider of the minutes, press *Train*, and wait."""
    browser.click("#tab-train")
    browser.ask(
        "(() => { const { input } = coverslip.train.minutes;"
        f"input.value = {minutes}; input.dispatchEvent(new Event('input')); }})()"
    )
    press_button(browser, "Train")
    job = wait_for_job(browser, "train")
    browser.wait(f"document.querySelector('#page-segment select').value === '{job['model']}'")
    return job


def press_button(browser: Browser, text: str) -> None:
    """Click the button of a text in the panel that is shown."""
    shown = "[...document.querySelectorAll('#pages > :not([hidden]) button')]"
    wanted = f"{shown}.find((one) => one.textContent === '{text}')"
    browser.wait(f"!{wanted}.disabled")
    browser.ask(f"{wanted}.id = 'to-press'")
    browser.click("#to-press")
    browser.ask("document.getElementById('to-press').removeAttribute('id')")


def wait_for_job(browser: Browser, kind: str) -> dict[str, Any]:
    """The newest job of a kind, once it is over and the page knows."""
    newest = f"[...coverslip.jobs.jobs.values()].filter((job) => job.kind === '{kind}').pop()"
    browser.wait(f"['waiting', 'running'].includes({newest}?.state)")
    browser.wait(f"{json.dumps(ENDED)}.includes({newest}.state)", seconds=TIMEOUT)
    job: dict[str, Any] = browser.ask(newest)
    if job["state"] != "done":
        raise RuntimeError(f"{kind}: {job['message']}")
    return job


def correct(browser: Browser, pair: Pair) -> int:
    """Delete all cells of an image, draw the truth's, and say that it is finished."""
    truth = read_labels(pair.masks[0])
    name = json.dumps(pair.image.name)
    listed = "[...document.querySelectorAll('.images .image-name')]"
    number = browser.ask(f"{listed}.findIndex((one) => one.textContent === {name})")
    browser.click(".images button", index=number)
    browser.wait(f"{NAME} === {name} && coverslip.editor.isLoaded")
    browser.ask("document.getElementById('canvas').focus()")
    browser.press("0")
    height, width = truth.shape
    browser.press("l")
    corners = [(1, 1), (1, width - 1), (height - 1, width - 1), (height - 1, 1)]
    browser.drag([at(browser, *place) for place in corners])
    browser.wait(SAVED)
    browser.press("d")
    numbers = [number for number in np.unique(truth) if number]
    for number in numbers:
        browser.drag([at(browser, *place) for place in outline_of(truth == number)])
    browser.wait(SAVED, seconds=60)
    browser.press("t")
    browser.wait(f"coverslip.isFinished() && {SAVED}")
    return len(numbers)


def outline_of(cell: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """The longest line around a cell, each third place of it, in pixels from the image's corner."""
    lines = find_contours(np.pad(cell, 1).astype(float), 0.5)
    line = max(lines, key=len)[::STEP_PX]
    height, width = cell.shape
    return [
        (min(max(y - 0.5, 0.0), height - 0.1), min(max(x - 0.5, 0.0), width - 0.1)) for y, x in line
    ]


def score(folder: Path, pair: Pair) -> dict[str, float]:
    """F1 and mean AP of the labels on the disk by the truth."""
    found = read_labels(folder / "coverslip" / f"{pair.image.stem}_labels.tif")
    cells = count_cells(read_labels(pair.masks[0]), found)
    return {
        "f1": round(cell_f1(cells), 4),
        "mean_ap": round(mean_average_precision(cells), 4),
        "true": cells.n_true,
    }


def mean(scores: list[dict[str, float]]) -> float:
    """The mean F1 of images."""
    return round(float(np.mean([one["f1"] for one in scores])), 4)


if __name__ == "__main__":
    main()
