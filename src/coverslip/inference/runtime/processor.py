"""this computer's processor → whether it has instructions for whole numbers of 8 bits."""

from __future__ import annotations

import platform
import sys
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
# Products of 8 bits, added up in 32: of Intel and AMD since 2019 to 2023, of ARM since 2018.
INSTRUCTIONS = frozenset({"avx512_vnni", "avx_vnni", "asimddp"})


@cache
def has_fast_int8() -> bool:
    """Whether int8 is exact and surely faster here than float32.

    Without such instructions, ONNX Runtime adds two products of 8 bits in 16, where a large sum is
    cut off. Linux alone says what there is; Macs with Apple's processors have it.
    """
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    try:
        return bool(INSTRUCTIONS & words_of(CPUINFO.read_text()))
    except OSError:
        return False


def words_of(cpuinfo: str) -> set[str]:
    r"""The instructions that a text of Linux lists for its first processor.

    Example:
        >>> from coverslip.inference.runtime.processor import words_of
        >>> sorted(words_of("processor: 0\nflags\t\t: fpu avx2 avx_vnni\n"))
        ['avx2', 'avx_vnni', 'fpu']
    """
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return set(value.split())
    return set()
