"""model + settings → a job: what to do with every image, and the keys of what was done so.

Two works of one key have the same results, so the second need not be done.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from coverslip._optional import need
from coverslip.checkpoints import Method, load_model
from coverslip.errors import FileError, SettingsError, one_of
from coverslip.io import Reading, check_projection, fingerprint
from coverslip.measurements import COLUMNS
from coverslip.pipeline.infer import check_model
from coverslip.pipeline.settings import SegmentSettings, own_settings
from coverslip.pipeline.sources import absolute
from coverslip.provenance import code_version
from coverslip.tables import check_format
from coverslip.tiling import RegionSettings

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.pipeline.infer import Model
    from coverslip.plates import Conditions

# What a user may ask for, and how its name ends.
LABEL_FORMATS = {"tif": ".tif", "zarr": ".ome.zarr"}


@dataclass(frozen=True)
class Job:
    """What to do with every image.

    Attributes:
        model: the loaded model.
        model_name: what the user calls it.
        model_hash: SHA-256 of its file; of a method without learning, `Method.hash`.
        settings: as for `segment`.
        axes: what a file's dimensions mean, instead of what its metadata say.
        channel: which channel of a file with several to segment, counted from 0, or its name; None:
            the one that the model has learnt, or the first.
        pixel_size_um: height and width of a pixel, in place of what the files say.
        frame_interval_s: seconds between frames, in place of what the files say.
        project: how depths (Z) become one picture, see `coverslip.io.project`; "none": each is.
        keep_probs: also write the probabilities.
        keep_spread: also write the uncertainty.
        table: format of the tables, "csv" or "parquet".
        labels: format of the labels, "tif" or "zarr".
        regions: how a frame is done that is too large to be done whole.
        conditions: what each image's cells were given; columns of the tables. None: nothing.
        tiles: also write the images at full resolution, as tiles that the page shows.
        command: the command line that asked for it, to be shown; it changes no result.
        config: the same as a file of settings.

    Raises:
        SettingsError: options that do not go together, or not with the model or this computer.

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import Job
        >>> model = coverslip.load_model("phase")
        >>> settings = coverslip.SegmentSettings(threshold=0.4)
        >>> Job(model, model_name="phase", model_hash=model.file_hash, settings=settings).labels
        'tif'
    """

    model: Model
    model_name: str
    model_hash: str
    settings: SegmentSettings
    axes: str | None = None
    channel: int | str | None = None
    project: str = "none"
    pixel_size_um: tuple[float, float] | None = None
    frame_interval_s: float | None = None
    keep_probs: bool = False
    keep_spread: bool = False
    table: str = "csv"
    labels: str = "tif"
    regions: RegionSettings = field(default_factory=RegionSettings)
    conditions: Conditions | None = None
    tiles: bool = False
    command: str = ""
    config: str = ""

    def __post_init__(self) -> None:
        """Put in the model's own settings; refuse what cannot work, before anything is written."""
        object.__setattr__(self, "settings", own_settings(self.settings, self.model))
        check_model(self.model, self.settings)
        check_format(self.table)
        check_projection(self.project)
        check_calibration(self.pixel_size_um, self.frame_interval_s)
        check_label_format(self.labels)
        if self.keep_spread and isinstance(self.model, Method):
            raise SettingsError(
                f"{self.model.name} is a method without learning and has no views to compare: "
                "leave --uncertainty out."
            )
        if self.keep_spread and self.settings.predict.tta == "none":
            raise SettingsError(
                "the uncertainty is how far the views of test-time augmentation disagree, and with "
                "none there is one view: add --tta pair, paper or d4, or leave --uncertainty out."
            )

    @property
    def reading(self) -> Reading:
        """Which picture of a file is segmented."""
        return Reading(self.channel, self.axes, self.project, learnt=self.model.channel)


def make_job(model: Model | str | None, settings: SegmentSettings | None = None) -> Job:
    """What to do with images, by a model alone.

    Args:
        model: its name or path, or a loaded model.
        settings: what is not set is the model's own.

    Raises:
        ModelError: no such model.
        SettingsError: no model, or settings that do not go with it.
    """
    if model is None:
        raise SettingsError('no model: name one, such as model="nuclei", or give a job.')
    loaded = load_model(model) if isinstance(model, str) else model
    return Job(loaded, loaded.name, loaded.hash, settings or SegmentSettings())


def check_calibration(
    pixel_size_um: tuple[float, float] | None, frame_interval_s: float | None
) -> None:
    """Refuse a pixel size or an interval that cannot be.

    Raises:
        SettingsError: one that is not above 0.
    """
    sizes = pixel_size_um or ()
    if not all(0 < size < inf for size in sizes):
        raise SettingsError(f"a pixel size of {sizes} µm: wanted more than 0, such as 0.65.")
    if frame_interval_s is not None and not 0 < frame_interval_s < inf:
        raise SettingsError(
            f"a frame interval of {frame_interval_s} s: wanted more than 0, such as 300."
        )


def check_label_format(form: str) -> None:
    """Find what would stop the writing of labels, which a caller may want before a long work.

    Raises:
        SettingsError: no such format, or the package for it is not installed.
    """
    one_of("label_format", form, tuple(LABEL_FORMATS))
    if form == "zarr":
        need("zarr", extra="zarr", what="OME-Zarr")


def job_key(path: Path, job: Job) -> str:
    """A hash of all that an image's result depends on: of `work_key`, and of this code.

    Raises:
        FileError: the file cannot be found, or no table could hold its name.
    """
    return code_key(work_key(path, job))


def work_key(path: Path, job: Job) -> str:
    """A hash of what is asked for: the image, the model and the settings.

    The file counts with its place and with what `fingerprint` tells of its content.

    Raises:
        FileError: the file cannot be found, or no table could hold its name.
    """
    try:
        str(path).encode()
        state = fingerprint(path)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}). Check its path.") from error
    except UnicodeEncodeError as error:
        raise FileError(
            f"{path}: its name is no text in UTF-8, as umlauts of an old disk are not: rename it."
        ) from error
    facts = {
        "file": [str(path), absolute(path), *state],
        "model": job.model_hash,
        "settings": result_settings(job),
        "axes": job.axes,
        "channel": job.channel,
        "project": job.project,
        "calibration": [job.pixel_size_um, job.frame_interval_s],
        "regions": asdict(job.regions),
    }
    return _hash_facts(facts)


def code_key(work: str) -> str:
    """The hash of what is asked for, done by this version of coverslip."""
    facts = {"work": work, "version": code_version(), "columns": list(COLUMNS)}
    return _hash_facts(facts)


def _hash_facts(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def result_settings(job: Job) -> dict[str, Any]:
    """The settings that change a result; the device and the size of a batch do not.

    Backend and precision are those that "auto" comes to here: where another was installed since,
    or the processor is another, cells at the threshold might differ from those done before.

    A method without learning has its own in place of those of a network's prediction.
    """
    settings = asdict(job.settings)
    if isinstance(job.model, Method):
        del settings["predict"], settings["threshold"]
        return {**settings, "method": asdict(job.model.settings)}
    for name in ("device", "batch", "batch_px"):
        del settings["predict"][name]
    settled = job.model.settle(job.settings.predict)
    settings["predict"] |= {"backend": settled.backend, "precision": settled.precision}
    return settings
