"""this computer → its processor, memory and graphics card, as far as they can be asked."""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMBER = Path("/proc/self/cgroup")


def processor() -> dict[str, object]:
    """Its name, its cores, and how many of them this process may use."""
    return {
        "name": processor_name(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "quota_cores": read_quota(),
    }


def processor_name() -> str:
    """What it is called, or the kind of machine where it has no name."""
    if platform.system() == "Darwin":
        return answer_of("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    names = [line for line in read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def usable_cores() -> int:
    """Cores that this process is given time on: those it is bound to, less what a quota forbids."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = read_quota()
    return max(1, min(bound or 1, math.floor(quota) if quota else bound or 1))


def read_quota(cgroup: Path = CGROUP, member: Path = MEMBER) -> float | None:
    """The processor time that a container may use, in cores; None where there is no limit.

    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max), and cgroup-v1's CFS quota.
    """
    found = []
    for folder in groups(cgroup, member):
        quota, _, period = read(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = (read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        try:
            if float(quota) > 0:
                found.append(float(quota) / float(period))
        except ValueError:  # "max", or no such file
            continue
    return min(found, default=None)


def memory(cgroup: Path = CGROUP, member: Path = MEMBER) -> dict[str, float | None]:
    """Total and free memory in GB, and the limit of a container; None where not known."""
    lines = [line.split() for line in read("/proc/meminfo").splitlines()]
    kilobytes = {words[0]: float(words[1]) for words in lines if len(words) > 1}
    total = kilobytes.get("MemTotal:", 0.0) * 1024
    if not total and platform.system() == "Darwin":
        total = float(answer_of("sysctl", "-n", "hw.memsize") or 0)
    free = kilobytes.get("MemAvailable:", 0.0) * 1024
    limits = [
        float(text)
        for folder in groups(cgroup, member)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := read(folder / name)).isdigit()
    ]
    limit = min(limits, default=math.inf)
    return {
        "total_gb": round(total / 1e9, 1) or None,
        "free_gb": round(min(free, limit) / 1e9, 1) or None,
        "limit_gb": round(limit / 1e9, 1) if limit < total else None,
    }


def groups(cgroup: Path, member: Path) -> list[Path]:
    """The folders in which a process's limits may stand: its own group's, and those above it."""
    own = [line.rpartition(":")[2].strip("/") for line in read(member).splitlines()]
    places = [cgroup, cgroup / "cpu", cgroup / "memory"]
    return places + [place / name for place in places for name in own if name]


def graphics() -> dict[str, object]:
    """NVIDIA's cards by its driver's own word, which does not ask PyTorch."""
    if shutil.which("nvidia-smi") is None:
        return {"nvidia_driver": False, "cards": []}
    said = answer_of(
        "nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"
    )
    return {"nvidia_driver": True, "cards": said.splitlines()}


def answer_of(*command: str) -> str:
    """What a program says, empty where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def read(path: str | Path) -> str:
    """A small file of the system, empty where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
