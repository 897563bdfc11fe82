"""how many, which seed → outcomes; what should not be is kept, as small as it can be made."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.mutate import damage
from fuzz.seeds import make_seeds

WAIT_S = 120.0  # for what sleeps; what computes without end is ended by the worker itself
FINE = ("read", "refused")
SOURCE = Path(__file__).parent.parent


@dataclass
class Findings:
    """What came out: how often, and the damaged files of what should not be."""

    outcomes: Counter[str] = field(default_factory=Counter)
    kept: dict[str, list[Path]] = field(default_factory=dict)


class Reader:
    """A worker process, started anew where one has crashed or hung."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, path: Path) -> str:
        """What becomes of a file: an outcome, "crash" or "hang"."""
        if self.process is None:
            self.process = start()
            self.answer()
        print(path, file=self.process.stdin, flush=True)
        answer = self.answer()
        if answer:
            return answer
        return self.close()

    def answer(self) -> str:
        """The next line, empty where the process has ended or says nothing."""
        assert self.process is not None
        ready, _, _ = select.select([self.process.stdout], [], [], WAIT_S)
        return self.process.stdout.readline().rstrip("\n") if ready else ""

    def close(self) -> str:
        """End the process, and say how it was found."""
        if self.process is None:
            return ""
        try:
            self.process.communicate(timeout=5)  # the end of its input ends it
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        status = self.process.returncode
        self.process = None
        return "hang" if -status in (signal.SIGKILL, signal.SIGXCPU) else f"crash {status}"


def start() -> subprocess.Popen[str]:
    """A worker that has imported all that it needs."""
    paths = os.pathsep.join([str(SOURCE), *sys.path])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "fuzz.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def fuzz(n: int, *, seed: int, out: Path) -> Findings:
    """Read n damaged files; those that do what they should not are kept in a folder."""
    seeds, reader, found = make_seeds(), Reader(), Findings()
    names = sorted(seeds)
    out.mkdir(parents=True, exist_ok=True)
    try:
        for number in range(n):
            rng = random.Random(f"{seed} {number}")
            name = names[number % len(names)]
            path = out / f"{seed}_{number}_{name}"
            outcome = try_one(reader, path, damage(name, seeds, rng))
            kind = outcome.split(":")[0] if outcome not in FINE else outcome
            found.outcomes[kind] += 1
            if outcome not in FINE:
                found.kept.setdefault(outcome, []).append(path)
    finally:
        reader.close()
    return found


def try_one(reader: Reader, path: Path, data: bytes) -> str:
    """Write a file, have it read, and leave it where it did what it should not."""
    path.write_bytes(data)
    outcome = reader.ask(path)
    if outcome in FINE:
        path.unlink()
    return outcome


def shrink(path: Path, reader: Reader) -> None:
    """Cut blocks off and set others to zero, as long as the outcome stays; in place."""
    best = path.read_bytes()
    wanted = reader.ask(path).split(":")[0]
    trial = path.with_name(f"trial_{path.name}")
    length = max(1, len(best) // 2)
    while length:
        for start in range(0, len(best), length):
            tail = best[start + length :]
            for data in (best[:start] + tail, best[:start] + bytes(length) + tail):
                if len(data) > len(best) or data == best:
                    continue
                trial.write_bytes(data)
                if reader.ask(trial).split(":")[0] == wanted:
                    best = data
                    break
        length //= 2
    trial.unlink(missing_ok=True)
    path.write_bytes(best)
