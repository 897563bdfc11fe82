"""python -m fuzz -n 10000: the command."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fuzz.run import Reader, fuzz, shrink


def main() -> None:
    """Read damaged files, say what came of them, and fail where one did what it should not."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=10_000, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--shrink", action="store_true", help="make the kept files small")
    options = parser.parse_args()
    started = time.perf_counter()
    found = fuzz(options.n, seed=options.seed, out=options.out)
    say(f"{options.n} damaged files in {time.perf_counter() - started:.0f} s")
    for outcome, count in found.outcomes.most_common():
        say(f"{count:6}  {outcome}")
    reader = Reader()
    for outcome, paths in found.kept.items():
        say(f"{outcome}\n        {', '.join(str(path) for path in paths[:3])}")
        for path in paths[:1] if options.shrink else []:
            shrink(path, reader)
    reader.close()
    sys.exit(1 if found.kept else 0)


def say(text: str) -> None:
    """Write a line at once, since a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
