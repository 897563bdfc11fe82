"""Command lines in processes that are killed, again and again, until one comes to its end.

    python tests/killed.py < ORDERS.json

is a nursery: it imports all that coverslip needs, once, and forks a process for each start, which
runs the command line as `coverslip` does. Each is killed with one of `WAYS`, by a seeded draw.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

# event: SIGKILL before the so-manieth file is opened to be written, renamed or removed.
# write: killed by the system, in the middle of the first file of more than so many bytes.
# SIGTERM, SIGINT: asked to end at the so-manieth such event, which it does in its own way.
# delay: SIGKILL from outside after so many seconds.
WAYS = ("event", "write", "SIGTERM", "SIGINT", "delay")  # taken in turn
ASKED = {"SIGTERM": 143, "SIGINT": 130}  # and the status that says so
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}


@dataclass(frozen=True)
class Order:
    """What to run, and how often to kill it."""

    folder: str  # gets whole/out of an undisturbed start, killed/out, and what is said
    arguments: list[str]  # the command line, but for -o
    rounds: int  # so many starts are killed at most; then one is left alone
    most_bytes: int  # that the system lets a file have, where it kills
    resumes: bool = False  # whether to go on is asked for, by --resume
    seed: int = 0
    most_events: int = 40
    reach: float = 0.5  # within so much of an undisturbed run's time, it is killed from outside

    def out(self, name: str) -> Path:
        """Where the results of a run go."""
        return Path(self.folder) / name / "out"

    def asked(self) -> Path:
        """A file that tells when a process was asked to end, by the system's steady clock."""
        return Path(self.folder) / "asked"

    def passes(self, name: str) -> Path:
        """A file with a byte for each pass of the network."""
        return Path(self.folder) / f"{name}.passes"


@dataclass
class Story:
    """How it went."""

    kills: list[str] = field(default_factory=list)  # in what way each was killed
    whole_s: float = 0.0  # of the undisturbed start
    killed_s: float = 0.0  # of all the others
    starts: int = 0  # of them
    slowest_s: float = 0.0  # to end when asked to
    status: int = -1  # of the last start


def make_orders(
    folder: Path, *, images: int, frames: int, regions: int, epochs: int, steps: int, rounds: int
) -> dict[str, Order]:
    """Draw a folder of images, a film, a slide and annotated images, and order work on each."""
    import tifffile
    import zarr

    from bright import bright_model
    from coverslip.checkpoints import save_checkpoint
    from drawn import save_picture, squares, write_dataset

    save_checkpoint(folder / "bright.safetensors", bright_model())
    for n in range(images):
        save_picture(folder / "pictures" / f"{n}.png", squares(1 + n % 9)[0])
    with tifffile.TiffWriter(folder / "film.tif") as writer:
        for n in range(frames):
            writer.write(squares(1 + n % 9)[0], contiguous=False, metadata=None)
    side = 64
    slide = np.tile(squares(10, size=side)[0], (1, regions))
    zarr.create_array(folder / "slide.zarr", data=slide, chunks=(side, side))
    segment = ["--model", str(folder / "bright.safetensors"), "--min-area", "0"]
    segment += ["--backend", "torch"]  # whose passes can be counted
    region = ["--region", str(side), "--tile", str(side), "--label-format", "zarr"]
    train = ["--model", "tiny", "--epochs", str(epochs), "--steps-per-epoch", str(steps)]
    arguments = {
        "images": ["segment", str(folder / "pictures"), *segment, "--probs"],
        "film": ["segment", str(folder / "film.tif"), *segment, "--probs"],
        "slide": ["segment", str(folder / "slide.zarr"), *segment, *region],
        "training": ["train", str(write_dataset(folder / "set", n=3)), *train, "--crop", "32"],
    }
    for name in arguments:
        (folder / name).mkdir()
    largest = {"images": 2_000, "film": 2_000, "slide": 20_000, "training": 30_000}
    return {
        name: Order(
            str(folder / name), given, rounds, largest[name], resumes="train" in given, seed=number
        )
        for number, (name, given) in enumerate(arguments.items())
    }


def run_killed(orders: list[Order], *, threads: int = 1) -> list[Story]:
    """Start a nursery, in a process of its own, and wait for its stories."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([asdict(order) for order in orders]),
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [Story(**story) for story in json.loads(done.stdout)]


def tell_story(order: Order) -> Story:
    """One undisturbed run; then start, kill, start again, until one comes to its end."""
    rng = np.random.default_rng(order.seed)
    story, begun = Story(), time.perf_counter()
    _, ended = os.waitpid(start(order, "whole", way="none", share=0), 0)
    if ended:
        raise RuntimeError((Path(order.folder) / "whole.log").read_text())
    story.whole_s, begun = time.perf_counter() - begun, time.perf_counter()
    while True:
        number = len(story.kills)
        way = WAYS[number % len(WAYS)] if number < order.rounds else "none"
        share = rng.random()
        child = start(order, "killed", way=way, share=share)
        story.starts += 1
        if way == "delay":
            kill_after(child, share * order.reach * story.whole_s)
        _, ended = os.waitpid(child, 0)
        story.status = os.waitstatus_to_exitcode(ended)
        if story.status >= 0 and story.status != ASKED.get(way):
            break
        story.kills.append(f"{way}: {story.status}")
        if way in ASKED:
            waited = time.monotonic() - float(order.asked().read_text())
            story.slowest_s = max(story.slowest_s, waited)
    story.killed_s = time.perf_counter() - begun
    return story


def start(order: Order, name: str, *, way: str, share: float) -> int:
    """Fork a process that runs the command line; its number."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            prepare(order, name, way=way, share=share)
            status = run()
        except KeyboardInterrupt:  # in the moment before coverslip listens
            status = ASKED["SIGINT"]
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def kill_after(child: int, seconds: float) -> None:
    """Kill a process that is still there after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # Without reaping it: its number must stay its own until it is waited for.
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)


def prepare(order: Order, name: str, *, way: str, share: float) -> None:
    """Be a process of its own, with its command line, and lay what will kill it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & lets it be ignored
    out = order.out(name)
    log = os.open(Path(order.folder) / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["TINY_LOG"] = str(order.passes(name))
    goes_on = order.resumes and (out / "settings.json").exists()
    sys.argv = ["coverslip", *order.arguments, "-o", str(out), *["--resume"] * goes_on]
    if way == "event" or way in ASKED:
        sys.addaudithook(killer(order, out, way=way, count=1 + int(share * order.most_events)))
    if way == "write":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python would make an error of it
        most = 1 + int(share * order.most_bytes)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def run() -> int:
    """Be coverslip, and its status."""
    from coverslip import cli

    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def killer(
    order: Order, out: Path, *, way: str, count: int
) -> Callable[[str, tuple[object, ...]], None]:
    """An audit hook that kills this process, or asks it to end, at a change in a folder."""
    left = [count]

    def hook(event: str, given: tuple[object, ...]) -> None:
        is_write = event in WRITES or (event == "open" and writes(given))
        if is_write and str(given[0]).startswith(str(out)):
            left[0] -= 1
            if left[0] == 0 and way in ASKED:
                order.asked().write_text(str(time.monotonic()))
                os.kill(os.getpid(), signal.Signals[way])
            elif left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def writes(given: tuple[object, ...]) -> bool:
    """Whether a file is opened to be changed."""
    _, mode, flags = given
    if isinstance(mode, str):
        return not mode.startswith("r") or "+" in mode
    return bool(int(flags or 0) & (os.O_WRONLY | os.O_RDWR))  # type: ignore[call-overload]


# --- what came of it


def differing(order: Order) -> list[str]:
    """The files that only one of the two runs has, or that are not the same in both."""
    whole, killed = contents(order.out("whole")), contents(order.out("killed"))
    return [name for name in whole | killed if whole.get(name) != killed.get(name)]


def contents(out: Path) -> dict[str, bytes]:
    """All files in a folder, by their names; of those that carry a clock, what is beside it."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): without_clock(path) for path in files}


def without_clock(path: Path) -> bytes:
    """A file's bytes, without when and in how many seconds it was made."""
    from coverslip.io import Ledger

    data = path.read_bytes()
    if path.name == "report.html":
        moment = rb"\d{4}-\d\d-\d\d \d\d:\d\d|<dt>Duration</dt><dd>[^<]*"
        data, n_clocks = re.subn(moment, b"-", data)
        assert n_clocks in (0, 3)  # of tracks, of segmenting
        data = re.sub(rb"<pre tabindex[^>]*><code>.*?</code></pre>", b"-", data, flags=re.DOTALL)
    if path.name == "methods.txt":  # the command and its settings name the folder
        data = data.split(b"The command that does it again:")[0]
    if path.name == "track.json":  # the hashes of both
        data = re.sub(rb'"(report.html|methods.txt)": "[0-9a-f]+"', b"-", data)
    if path.name == "written.jsonl":  # the hash of the page, with its clock
        data = re.sub(rb'"sha256": "[0-9a-f]+"', b"-", data)
    if path.parent.name == "written":  # a kill in its last step leaves older entries in it
        data = repr(sorted(Ledger(path.parents[2], name=path.stem).last().items())).encode()
    if path.name == "history.csv":
        lines = [line.rpartition(b",") for line in data.splitlines()]
        assert lines[0][2] == b"seconds"
        data = b"\n".join(line[0] for line in lines)
    if path.name == "state.safetensors":  # it holds the history
        data = state_without_clock(path)
    return data


def state_without_clock(path: Path) -> bytes:
    """The name and bytes of every tensor, and the history without its seconds."""
    from coverslip.checkpoints import read_tensors

    tensors, metadata = read_tensors(path)
    rows = [row | {"seconds": 0} for row in json.loads(metadata["history"])]
    weights = {name: tensors[name].numpy().tobytes().hex() for name in sorted(tensors)}
    return json.dumps([weights, rows]).encode()


if __name__ == "__main__":
    import coverslip

    [getattr(coverslip, name) for name in coverslip.__all__]  # so that no start needs to
    from coverslip.models import MODELS
    from tiny import CountedBright, Tiny

    MODELS |= {"bright": CountedBright, "tiny": Tiny}
    told = [tell_story(Order(**order)) for order in json.loads(sys.stdin.read())]
    sys.stdout.write(json.dumps([asdict(story) for story in told]))
