"""this computer and its Python → processor, memory, folders and packages."""

from __future__ import annotations

import locale
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from coverslip.provenance import commit, package_version

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


def folders() -> dict[str, dict[str, object]]:
    """The temporary folder, the cache of ImageNet weights, and the folder one is in."""
    return {
        "temporary": look_at(temporary()),
        "cache": look_at(cache()),
        "current": look_at(Path.cwd()),
    }


def temporary() -> Path:
    """Where temporary files go; what Python would try first where none can be written to."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR", "/tmp"))


def cache() -> Path:
    """Where PyTorch keeps what it has fetched, such as ImageNet weights.

    Source: https://docs.pytorch.org/docs/stable/hub.html (torch.hub.get_dir).
    """
    usual = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return Path(os.environ.get("TORCH_HOME", usual)).expanduser()


def look_at(folder: Path) -> dict[str, object]:
    """Whether a folder, or the one that it would be made in, can be written to; and its room."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    try:
        free: float | None = round(shutil.disk_usage(there).free / 1e9, 1)
    except OSError:
        free = None
    return {"path": str(folder), "writable": can_write(there), "free_gb": free}


def can_write(folder: Path) -> bool:
    """Whether a byte written to a folder arrives: permission alone says little of a full disk."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
            file.flush()
    except OSError:
        return False
    return True


def text() -> dict[str, str]:
    """How names of files and printed words become bytes."""
    return {
        "filesystem": sys.getfilesystemencoding(),
        "output": getattr(sys.stdout, "encoding", None) or "unknown",
        "locale": locale.getpreferredencoding(do_setlocale=False),
    }


# What must be there: the package's name and that of its module. pyproject.toml has the versions.
NEEDED = {
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "scipy": "scipy",
    "scikit-image": "skimage",
    "pandas": "pandas",
    "tifffile": "tifffile",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "matplotlib": "matplotlib",
    "typer": "typer",
    "rich": "rich",
    "lazy_loader": "lazy_loader",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "filelock": "filelock",
}


@dataclass(frozen=True)
class Extra:
    """Packages that are installed on demand, the modules by which they are known, and their use."""

    packages: dict[str, str]
    gives: str


EXTRAS = {
    "app": Extra({"fastapi": "fastapi", "uvicorn": "uvicorn"}, "coverslip app; coverslip serve"),
    "codecs": Extra({"imagecodecs": "imagecodecs"}, "TIFF with LZW, JPEG and other compressions"),
    "napari": Extra({"napari": "napari"}, "coverslip view: images and labels in a window"),
    "roi": Extra({"roifile": "roifile"}, "ROIs of Fiji, read and exported"),
    "zarr": Extra({"zarr": "zarr"}, "OME-Zarr, read and written"),
    "notebook": Extra({"ipywidgets": "ipywidgets"}, "coverslip.explore: sliders in a notebook"),
    "nd2": Extra({"nd2": "nd2"}, "ND2 of Nikon"),
    "czi": Extra({"czifile": "czifile"}, "CZI of Zeiss"),
    "hdf5": Extra({"h5py": "h5py"}, "labels of ilastik"),
    "lif": Extra({"liffile": "liffile"}, "LIF of Leica"),
    "train": Extra(
        {"torch": "torch"}, "coverslip train, suggest, robustness; a GPU; the paper's networks"
    ),
    "onnx": Extra({"onnx": "onnx"}, "coverslip export-model, and its files as models"),
    "openvino": Extra(
        {"onnx": "onnx", "openvino": "openvino"}, "--backend openvino, on CPUs of Intel"
    ),
    "cluster": Extra({"distributed": "distributed"}, "coverslip segment --workers, --scheduler"),
    "parquet": Extra({"pyarrow": "pyarrow"}, "--table parquet"),
    "tracks": Extra(
        {"geff": "geff"},
        "coverslip evaluate-tracks; tracks as GEFF",
    ),
    "video": Extra({"imageio-ffmpeg": "imageio_ffmpeg"}, "coverslip track --video"),
}


def versions() -> dict[str, object]:
    """Of this program, of Python and of every package that is needed."""
    return {
        "coverslip": package_version("coverslip"),
        "commit": commit(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "packages": {name: package_version(name) for name in NEEDED},
    }


def extras() -> dict[str, dict[str, object]]:
    """Whether each extra is there, in which version, what for, and how it is installed."""
    return {
        name: {
            "there": all(map(is_there, extra.packages.values())),
            "versions": {package: package_version(package) for package in extra.packages},
            "gives": extra.gives,
            "install": f"pip install '.[{name}]'",
        }
        for name, extra in EXTRAS.items()
    }


def is_there(module: str) -> bool:
    """Whether a module could be imported; it is not, which may take long."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def threads() -> dict[str, object]:
    """What the environment says of threads; `probe` says what PyTorch makes of it."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: os.environ.get(name) for name in names}
