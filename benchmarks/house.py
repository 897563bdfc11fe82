"""Count the package: its files, rooms and arrows, and what one more image passes on its way.

A room is a module or a folder right below the package; an arrow is a room that imports from
another. What one more image passes is what is called more often for two images than for one:
functions of ours, their files, and calls from one room into another. Two small images are segmented
in one thread, by the model `nuclei`.

    python benchmarks/house.py
"""

from __future__ import annotations

import ast
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

import coverslip
from coverslip.pipeline import Serial, segment_files

SOURCE = Path(coverslip.__file__).parent
# Rooms that the plan of 200 files did not know of.
LATER = ("app", "plates", "tracking", "volumes")
SHAPE = (256, 320)


def room_of(path: Path) -> str:
    """The room that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def count_files(paths: list[Path]) -> str:
    """How many files there are, and how long the one in the middle is."""
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in paths]
    long = sum(length > 400 for length in lengths)
    return f"{len(paths)} files, median {median(lengths):g} lines, {long} of more than 400"


def count_functions(paths: list[Path]) -> str:
    """How long functions are, without their signatures and docstrings."""
    lengths = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lengths.append(body[-1].end_lineno - body[0].lineno + 1 if body else 0)
    over = sum(length > 40 for length in lengths)
    return f"{len(lengths)} functions, median {median(lengths):g} lines, {over} of more than 40"


def count_arrows(paths: list[Path]) -> int:
    """How many pairs of rooms there are of which the first imports from the second."""
    arrows = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("coverslip."):
                arrows.add((room_of(path), str(node.module).split(".")[1]))
    return len({(one, other) for one, other in arrows if one != other})


def draw_image(path: Path, seed: int) -> Path:
    """Draw bright discs on a noisy ground."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(SHAPE)
    image = rng.normal(20, 3, SHAPE)
    for _ in range(25):
        place = rng.uniform((0, 0), SHAPE)
        image[np.hypot(y - place[0], x - place[1]) < 9] += 120
    Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(path)
    return path


def count_calls(paths: list[Path], out: Path) -> tuple[Counter[tuple[str, str]], int]:
    """Segment images; how often each function of ours was called, and calls into other rooms."""
    calls: Counter[tuple[str, str]] = Counter()
    changes = 0
    root = f"{SOURCE}/"

    def note(frame, event, _):
        nonlocal changes
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(root) or frame.f_code.co_name.startswith("<"):
            return
        calls[name, frame.f_code.co_qualname] += 1
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(root):
            caller = caller.f_back
        if caller is not None:
            changes += room_of(Path(name)) != room_of(Path(caller.f_code.co_filename))

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        segment_files(paths, out, model="nuclei", executor=Serial())
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls, changes


def main() -> None:
    """Print all of it."""
    paths = sorted(SOURCE.rglob("*.py"))
    older = [path for path in paths if room_of(path) not in LATER]
    print(count_files(paths))
    print(f"without {', '.join(LATER)}: {count_files(older)}")
    print(count_functions(paths))
    rooms = {room_of(path) for path in paths} - {"__init__"}
    print(f"{len(rooms)} rooms, {count_arrows(paths)} arrows")
    with tempfile.TemporaryDirectory() as folder:
        images = [draw_image(Path(folder) / f"{n}.png", n) for n in range(3)]
        segment_files(images[:1], Path(folder) / "warm", model="nuclei", executor=Serial())
        one, changes = count_calls(images[:1], Path(folder) / "one")
        two, more_changes = count_calls(images[:2], Path(folder) / "two")
    more = [key for key in two if two[key] > one[key]]
    print(
        f"one more image: {len(more)} functions in {len({file for file, _ in more})} files, "
        f"{more_changes - changes} calls into another room"
    )


if __name__ == "__main__":
    main()
