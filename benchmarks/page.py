"""Milliseconds a frame of the app's page takes while a large image is moved and zoomed.

python benchmarks/page.py [--side 4096] [--frames 120]

A square image of that side, with a cell in each 64 × 64 px, is opened in a real Chromium of
1400 × 900 px, and moved, zoomed, and moved at full size, by the mouse, an event a frame. Told are
the frames' CPU time on the page's main thread (as the system counts it, so that other work on the
machine does not count), the worst tenth of the times that the page itself took to draw, and the CPU
time of all of Chromium's processes. Headless Chromium without a GPU rasterises in software, and a
user's does not: most of what is not the page's own drawing is that.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import tifffile

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser import Browser
from served import Served, at, open_page, put_labels

TIMED = """(() => { const { viewer } = coverslip, draw = viewer.draw.bind(viewer);
    window.took = []; viewer.draw = () => { const begun = performance.now(); draw();
    window.took.push(performance.now() - begun); }; })()"""
NEXT_FRAME = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


def main() -> None:
    """Open the image, move it in three ways, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--frames", type=int, default=120)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        make_image(Path(folder, "images"), options.side)
        server = Served(Path(folder, "images"))
        try:
            with Browser(Path(folder, "profile")) as browser:
                measure(browser, server, options.side, options.frames)
        finally:
            server.end()


def make_image(folder: Path, side: int) -> None:
    """A grey image and its cells: discs, one in each square of 64 px."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, columns = np.indices((64, 64)) - 31.5
    disc = np.hypot(rows, columns) < 26
    n = side // 64
    numbers = np.arange(1, n * n + 1, dtype=np.uint32).reshape(n, n)
    labels = np.kron(numbers, disc.astype(np.uint32))
    image = (80 * (labels > 0) + rng.integers(40, 160, labels.shape)).astype(np.uint8)
    tifffile.imwrite(folder / "large.tif", image)
    put_labels(folder, "large.tif", [labels])


def measure(browser: Browser, server: Served, side: int, n_frames: int) -> None:
    """Three ways to move, each timed."""
    open_page(browser, server)
    browser.wait(f"coverslip.editor.store.isLoaded([0, 0, {side}, {side}])", seconds=120)
    browser.send("Performance.enable", timeDomain="threadTicks")
    browser.ask(TIMED)
    x, y = at(browser, side / 2, side / 2)
    browser.mouse("mouseMoved", x, y)

    def turn_in(n: int) -> None:
        browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-30 if n < n_frames / 2 else 30)

    def drag(n: int) -> None:
        browser.mouse("mouseMoved", x - n % 60, y - n % 40, button="left", buttons=1)

    tell(browser, "zoomed in and out", n_frames, turn_in)
    browser.mouse("mousePressed", x, y)
    tell(browser, "moved, all in view", n_frames, drag)
    browser.mouse("mouseReleased", x, y)
    browser.ask("coverslip.viewer.zoomAt(1 / coverslip.viewer.scale)")
    time.sleep(2)
    browser.mouse("mousePressed", x, y)
    tell(browser, "moved at full size", n_frames, drag)
    browser.mouse("mouseReleased", x, y)


def tell(browser: Browser, what: str, n_frames: int, move) -> None:
    """Do a move for some frames, and print what a frame cost."""
    browser.ask("window.took.length = 0")
    main_thread, everything = busy(browser), cpu_of_all(browser)
    for n in range(n_frames):
        move(n)
        browser.ask(NEXT_FRAME)
    drawn = browser.ask("window.took.length")
    worst = np.percentile(browser.ask("window.took"), 90)
    took = 1e3 * (busy(browser) - main_thread) / drawn
    of_all = 1e3 * (cpu_of_all(browser) - everything) / drawn
    print(
        f"{what}: {drawn} frames, {took:.1f} ms of the main thread a frame, drawing takes "
        f"{worst:.1f} ms in the worst tenth, {of_all:.0f} ms of CPU in all of Chromium",
        flush=True,
    )


def busy(browser: Browser) -> float:
    """Seconds of CPU that the page's main thread has spent on tasks."""
    metrics = browser.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def cpu_of_all(browser: Browser) -> float:
    """Seconds of CPU of the browser and its processes."""
    process = psutil.Process(browser.process.pid)
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


if __name__ == "__main__":
    main()
