"""paths on stdin → outcomes on stdout, in a process of limited memory that may crash or hang."""

from __future__ import annotations

import os
import resource
import sys
import warnings
from pathlib import Path

from coverslip.models import MODELS
from fuzz.network import Tiny
from fuzz.read import read_as_all

LIMIT_S = 10  # of processor time, for a file of a few kilobytes; a machine may be busy
GROWTH_BYTES = 512 * 2**20  # the seeds are of a few kilobytes


def limit_memory() -> None:
    """Let the process grow by so much and no more, where the system can hold it to that."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + GROWTH_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time() -> None:
    """Let the process compute so long from now on, and end it by SIGXCPU beyond."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + LIMIT_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def main() -> None:
    """Answer every line with a line."""
    answers = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # what decoders print is none of the answers
    os.dup2(quiet, 2)
    warnings.simplefilter("ignore")
    MODELS["tiny"] = Tiny
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        limit_time()
        limit_memory()
        outcome = read_as_all(Path(line.rstrip("\n")))
        print(outcome.replace("\n", " "), file=answers, flush=True)


if __name__ == "__main__":
    main()
