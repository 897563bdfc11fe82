"""this computer → how many threads a network may use."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
VARIABLE = "OMP_NUM_THREADS"  # which PyTorch and many others follow too


def count_threads() -> int:
    """The threads that a network takes: PyTorch's where a program has it, else as many as there.

    That is OMP_NUM_THREADS, or a thread for each core that this process may run on.
    """
    torch = sys.modules.get("torch")  # whose number a program may have set
    if torch is not None:
        return int(torch.get_num_threads())
    wanted = os.environ.get(VARIABLE, "").split(",")[0]
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def set_threads(n: int) -> None:
    """Set the number for this process, and for PyTorch where it is there or will come."""
    os.environ[VARIABLE] = str(n)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(n)


def respect_quota() -> None:
    """Have networks use no more threads than the container's share of the processors.

    Counted are the cores that this process may run on, and OMP_NUM_THREADS is followed. That does
    not see a quota of time, as containers and batch systems set it: with 2 of 64 cores, 64 threads
    would spend their time waiting for one another. The number is one for the whole process, so this
    is for the program's start; a library leaves it alone.
    """
    quota = cpu_quota()
    if VARIABLE not in os.environ and quota and quota < count_threads():
        set_threads(quota)


def cpu_quota() -> int | None:
    """The processors' time that this process may use, in whole cores; None without a limit."""
    quotas = [quota for folder in _own_folders() if (quota := read_quota(folder)) is not None]
    return max(1, math.floor(min(quotas))) if quotas else None


def read_quota(folder: Path) -> float | None:
    """The cores' worth of time of one control group, of version 2 or 1; None without a limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None  # "max"
    return share if share > 0 else None  # -1: no limit


def _own_folders() -> list[Path]:
    """The control groups that this process is in, and those around them."""
    folders = {CGROUPS, CGROUPS / "cpu"}
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return sorted(folders)
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = CGROUPS / controllers
        inner = root / path.lstrip("/")
        folders |= {inner, *(above for above in inner.parents if above.is_relative_to(root))}
    return sorted(folders)
