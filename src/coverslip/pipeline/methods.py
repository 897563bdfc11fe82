"""a job and what came of it → a paragraph for the Methods of a paper."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from coverslip.checkpoints import Method
from coverslip.pipeline.settings import threshold_of
from coverslip.provenance import package_version
from coverslip.report.methods import Methods, cite, find_references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.checkpoints import Checkpoint
    from coverslip.pipeline.job import Job

RUNTIMES = {
    "torch": ("PyTorch", "torch"),
    "compiled": ("PyTorch", "torch"),
    "onnxruntime": ("ONNX Runtime", "onnxruntime"),
    "openvino": ("OpenVINO", "openvino"),
}
VIEWS = {"pair": "two", "paper": "five", "d4": "eight"}


def describe_jobs(jobs: Sequence[Job], *, n_images: int, n_cells: int) -> Methods:
    """Say how cells were found, with versions and references, in words that a paper can take.

    Args:
        jobs: what was done; of several, each image was done by one.
        n_images: how many images are in the tables.
        n_cells: how many cells.
    """
    version, job = package_version("coverslip"), jobs[0]
    ways = [_way(one) for one in jobs]
    how = ways[0][0]
    if len(jobs) > 1:
        each = "; ".join(f"No. {i} {words}" for i, (words, _) in enumerate(ways, start=1))
        how = (
            f"by the one of {len(jobs)} models that fits each image best, by its score of fit on "
            f"a part of the image; which one is in the table of images. {each}"
        )
    keys = tuple(dict.fromkeys(key for _, own in ways for key in own))
    images = f"{n_images} image{'' if n_images == 1 else 's'}"
    text = (
        f"Cells were segmented with coverslip {version} {how}. {_cells(jobs)}"
        f"{n_cells} cells were found in {images}. Their shapes, and where there are channels their "
        f"brightness, were measured by coverslip with scikit-image "
        f"{package_version('scikit-image')} and SciPy {package_version('scipy')} under Python "
        f"{platform.python_version()}."
    )
    return Methods(text, keys, version, command=job.command, config=job.config)


def _way(job: Job) -> tuple[str, tuple[str, ...]]:
    """By what the cells were found, and the references."""
    model = job.model
    return _method(model) if isinstance(model, Method) else _network(model, job)


def _method(method: Method) -> tuple[str, tuple[str, ...]]:
    """A method without learning."""
    keys = find_references(method.name)
    return f"by the method {method.name}{cite(keys)}, which learns nothing", keys


def _network(model: Checkpoint, job: Job) -> tuple[str, tuple[str, ...]]:
    """A network: which, what it learnt, and how it was run."""
    source = str(model.card.get("source", ""))
    keys = find_references(model.model, source)
    settled = model.settle(job.settings.predict)
    runtime, package = RUNTIMES[settled.backend]
    facts = [f"model {job.model_name}, a network {model.model}, SHA-256 {job.model_hash[:16]}"]
    facts.append(f"probability threshold {threshold_of(job.settings):g}")
    views = VIEWS.get(job.settings.predict.tta)
    if views:
        facts.append(f"mean of {views} flipped and turned views (test-time augmentation)")
    words = f"({'; '.join(facts)}), run by {runtime} {package_version(package)}"
    if model.settle(job.settings.predict).precision == "int8":
        words += " in whole numbers of 8 bits (int8)"
    if model.card.get("data"):
        words += f". The model was trained on {model.card['data']}"
        words += f" [{source}]{cite(keys)}" if source else cite(keys)
    return words, keys


def _cells(jobs: Sequence[Job]) -> str:
    """What else decided which cells there are; what is not so of all models, with its model."""
    each = {job.model_name: _decisions(job) for job in jobs}
    said: list[str] = []
    for name, words in each.items():
        for one in words:
            is_shared = all(one in others for others in each.values())
            said.append(one if is_shared else f"{one} (model {name})")
    return "; ".join(dict.fromkeys(said)) + ". "


def _decisions(job: Job) -> list[str]:
    """What else decided which cells a job found."""
    settings, said = job.settings, []
    said.append(
        "Touching cells were told apart" if settings.separate else "Touching cells were not parted"
    )
    if settings.scale == "auto":
        said.append("each image was predicted at the scale that gives its cells the model's size")
    elif settings.scale not in (None, 1.0):
        said.append(f"images were predicted at {settings.scale:g} times their size")
    if settings.min_area_px is not None:
        said.append(f"cells of fewer than {settings.min_area_px} pixels were dropped")
    if settings.fill_holes:
        said.append("holes in cells were filled")
    if settings.drop_border:
        said.append("cells at the images' edges were left out")
    return said
