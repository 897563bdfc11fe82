"""Time and memory of linking a long, crowded time-lapse: linear in frames, or not.

python benchmarks/tracking_scale.py --frames 250 500 1000 --cells 1000

Discs on a grid wander about it. Frames are drawn when they are read, so that one at a time is in
memory; the time to draw them is taken off. Each length has a process of its own, with its own peak.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

RADIUS = 9
SIDE_PER_CELL = 32  # px


class Crowd:
    """A film of discs, drawn frame by frame."""

    def __init__(self, n_frames: int, n_cells: int, *, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        side = int(np.ceil(np.sqrt(n_cells)))
        self.size = side * SIDE_PER_CELL
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)[:n_cells]
        home = (grid + 0.5) * SIDE_PER_CELL
        self.places = [home]
        for _ in range(n_frames - 1):
            step = rng.normal(0, 1.5, home.shape) + 0.05 * (home - self.places[-1])
            self.places.append(self.places[-1] + step)
        y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
        inside = y**2 + x**2 <= RADIUS**2
        self.disc = y[inside], x[inside]

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.places)

    def __getitem__(self, frame: int) -> np.ndarray:
        """Draw the labels of a frame."""
        if frame >= len(self):
            raise IndexError(frame)
        labels = np.zeros((self.size, self.size), dtype=np.uint16)
        place = np.round(self.places[frame]).astype(int)
        rows = np.clip(place[:, :1] + self.disc[0], 0, self.size - 1)
        columns = np.clip(place[:, 1:] + self.disc[1], 0, self.size - 1)
        labels[rows, columns] = np.arange(1, len(place) + 1)[:, None]
        return labels


def measure(n_frames: int, n_cells: int) -> None:
    """Track one film, and print what it took."""
    from coverslip import track

    film = Crowd(n_frames, n_cells)
    began = time.perf_counter()
    for frame in range(n_frames):
        film[frame]
    drawing = time.perf_counter() - began
    began = time.perf_counter()
    tracks = track(film)
    seconds = time.perf_counter() - began - drawing
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{n_frames:,} frames of {n_cells:,} cells: {seconds:.0f} s, "
        f"{1000 * seconds / n_frames:.0f} ms a frame, {peak:,.0f} MB at the most; {tracks}",
        flush=True,
    )


def main() -> None:
    """Track films of several lengths, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[250, 500, 1000])
    parser.add_argument("--cells", type=int, default=1000)
    options = parser.parse_args()
    if len(options.frames) == 1:
        measure(options.frames[0], options.cells)
        return
    for n_frames in options.frames:
        words = [__file__, "--frames", str(n_frames), "--cells", str(options.cells)]
        subprocess.run([sys.executable, *words], check=True)


if __name__ == "__main__":
    main()
