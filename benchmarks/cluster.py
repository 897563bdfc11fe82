"""One process, workers of this computer, and a scheduler one of whose workers is killed.

python benchmarks/cluster.py --size 8192 --folder /tmp/cluster

The image is that of `large.py`. Each way starts from nothing and ends with all results written,
which are compared to the byte. Killed is the first worker, as soon as a third of the regions are
there; the other does the rest. Linux only.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from large import write_zarr

from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from killed import contents

if TYPE_CHECKING:
    from collections.abc import Iterator

DASK = [sys.executable, "-m", "dask"]
HERE = ["--host", "127.0.0.1", "--no-dashboard"]


def main() -> None:
    """Run every way, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--options", default="--model phase --scale 0.4 --label-format zarr")
    options = parser.parse_args()
    image = options.folder / f"slide_{options.size}.zarr"
    if not image.exists():
        write_zarr(image, options.size)
    command = [sys.executable, "-m", "coverslip.cli", "segment", str(image)]
    command += options.options.split()
    n_regions = (-(-options.size // 2048)) ** 2
    rows = []
    for name, threads, more in (
        ("one process, one thread", 1, []),
        ("one process, two threads", 2, []),
        ("--workers 2", 2, ["--workers", "2"]),
    ):
        out = options.folder / name.replace(" ", "_")
        shutil.rmtree(out, ignore_errors=True)
        rows.append(run(name, [*command, "-o", str(out), *more], out, threads=threads))
    name, out = "--scheduler, one of two workers killed", options.folder / "killed"
    shutil.rmtree(out, ignore_errors=True)
    with scheduler(options.folder) as (address, workers):
        killer = [*command, "-o", str(out), "--scheduler", address]
        rows.append(run(name, killer, out, threads=1, kill=(workers[0], n_regions // 3)))
    first = contents(options.folder / "one_process,_one_thread")
    megapixels = options.size**2 / 1e6
    for row in rows:
        row["s/MP"] = row["seconds"] / megapixels
        row["the same bytes"] = contents(row.pop("out")) == first
    print(f"{options.size} x {options.size}, {n_regions} regions, {options.options}\n")
    print(table_to_markdown(pd.DataFrame(rows), digits=2))
    print(provenance())
    sys.exit(0 if all(row["the same bytes"] for row in rows) else 1)


def run(
    name: str,
    command: list[str],
    out: Path,
    *,
    threads: int,
    kill: tuple[subprocess.Popen[bytes], int] | None = None,
) -> dict[str, object]:
    """Run a command, and meanwhile kill a process once so many regions are done."""
    begun = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    killed = "nobody"
    while process.poll() is None:
        time.sleep(0.1)
        if kill is not None and kill[0].poll() is None:
            n_there = len(list(out.glob("records/frames/*/*/*/region_*.npz")))
            if n_there >= kill[1]:
                kill[0].send_signal(signal.SIGKILL)
                killed = f"a worker, after {n_there} regions"
    if kill is not None and killed == "nobody":
        raise RuntimeError("it ended before the worker was killed: take a larger image")
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    seconds = time.perf_counter() - begun
    return {"way": name, "seconds": seconds, "killed": killed, "out": out}


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers of one thread each, as processes of their own."""
    said = folder / "scheduler.log"
    with said.open("wb") as log:
        started = [subprocess.Popen([*DASK, "scheduler", *HERE, "--port", "0"], stderr=log)]
    try:
        while not (found := re.search(r"tcp://127\.0\.0\.1:\d+", said.read_text())):
            time.sleep(0.05)
        worker = [*DASK, "worker", found.group(), *HERE, "--nthreads", "1", "--no-nanny"]
        worker += ["--local-directory", str(folder)]
        for _ in range(2):
            started.append(subprocess.Popen(worker, stderr=subprocess.DEVNULL))
        time.sleep(3)  # their start is no part of the work
        yield found.group(), started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
