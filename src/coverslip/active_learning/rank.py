"""image files + model → frames ranked by how much annotating them teaches.

Active learning ranks images, or frames of a time-lapse, by the uncertainty of a model.

Core-set selection (Sener and Savarese 2018, arXiv 1708.00489): take again and again the image that
is farthest from all that are taken, the greedy k-center, so that a few stand for all and none is
taken twice. It knows nothing of what the network finds hard; so every distance is multiplied by how
uncertain the image is.

Every border of a cell has a seam where the probability passes 1/2. An image with more cells has
more of it and is no harder, so what is unsure is summed over the image and divided by the length of
the borders: the width in pixels of a seam that is wholly unsure. Where the network is sure, the
seam is narrow; a doubtful cell, or a doubtful ground without any cell, widens it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.active_learning.features import image_to_features
from coverslip.checkpoints import Checkpoint
from coverslip.errors import FileError, SettingsError, costs_itself
from coverslip.io import find_channel, open_reading, read_frames
from coverslip.pipeline import predict_prepared, prepare_image, resolve_settings, threshold_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.inference import Prediction
    from coverslip.io import ImageFile
    from coverslip.pipeline import Job

SUGGESTION_COLUMNS: dict[str, str] = {
    "rank": "1 is to be annotated first",
    "file": "the image",
    "frame": "of the file, counted from 0",
    "uncertainty": "the mean of the next two, in px",
    "entropy_px": "sum of the pixels' entropies in bits, for each px of border",
    "spread_px": "sum of twice the spread over the views, likewise; missing for one view",
    "distance": "to the most similar image of a lower rank, 0 (the same) to about 1",
    "gain": "distance, times a weight of 0.1 to 1 that grows with the uncertainty",
    "reason": "the same in words",
}


@dataclass(frozen=True)
class Frame:
    """One frame that was looked at."""

    path: Path
    number: int
    is_alone: bool  # its file has no other
    uncertainty: Uncertainty
    features: NDArray[np.float32]

    @property
    def name(self) -> str:
        """Short, for a sentence."""
        return self.path.name if self.is_alone else f"{self.path.name} frame {self.number}"


@dataclass(frozen=True)
class Suggestions:
    """What came of looking at all frames.

    Attributes:
        table: one row per chosen frame, with `SUGGESTION_COLUMNS`.
        n_frames: how many were looked at.
        failed: files that could not be read, with the reason.

    Example:
        >>> import pandas as pd
        >>> from coverslip.active_learning import Suggestions
        >>> Suggestions(pd.DataFrame(), n_frames=5).failed
        {}
    """

    table: pd.DataFrame
    n_frames: int
    failed: dict[Path, str] = field(default_factory=dict)


def suggest_frames(
    paths: Sequence[Path],
    job: Job,
    *,
    n: int,
    every: int = 1,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
    on_note: Callable[[Path, str], None] = lambda path, text: None,
) -> Suggestions:
    """Choose the frames that teach most if they are annotated next.

    Args:
        paths: image files; every frame of a film or stack counts as an image.
        job: a network and its settings; test-time augmentation tells more of its uncertainty.
        n: how many to choose; fewer are, where there are fewer that differ.
        every: look at each so-many-th frame of a file only.
        on_frame: called after each frame with the file, the frames done and the frames in all.
        on_note: called with a file and what was decided of it.

    Raises:
        SettingsError: a number below 1, or a method without learning.
        FileError: no file could be read.

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import Job
        >>> model = coverslip.load_model("nuclei")
        >>> settings = coverslip.SegmentSettings(scale=0.5)
        >>> job = Job(model, model_name="nuclei", model_hash=model.file_hash, settings=settings)
        >>> images = coverslip.find_images(["examples/nuclei"])[:3]
        >>> found = coverslip.suggest_frames(images, job, n=2)
        >>> len(found.table), found.n_frames
        (2, 3)
    """
    for name, value in (("n", n), ("every", every)):
        if value < 1:
            raise SettingsError(f"{name} is {value}; it must be at least 1.")
    if not isinstance(job.model, Checkpoint):
        raise SettingsError(
            f"{job.model_name} is a method without learning: it is never unsure, and learns "
            "nothing from what you annotate. Take a trained network, such as --model phase."
        )
    frames: list[Frame] = []
    failed: dict[Path, str] = {}
    for path in paths:
        with costs_itself(path, failed.__setitem__):
            file = open_reading(path, job.reading)
            for text in file.notes:
                on_note(path, text)
            frames += look_at(file, job, job.model, every=every, on_frame=on_frame)
    if not frames:
        raise FileError("\n".join(failed.values()) or "no image was given. Name files or a folder.")
    return Suggestions(frames_to_table(frames, n=n), len(frames), failed)


def look_at(
    file: ImageFile,
    job: Job,
    model: Checkpoint,
    *,
    every: int,
    on_frame: Callable[[Path, int, int], None],
) -> list[Frame]:
    """Predict the frames of a file, and keep of each what the choice depends on."""
    channel = find_channel(file, job.reading)
    numbers = range(0, file.n_frames, every)
    frames = []
    for number, image in zip(numbers, read_frames(file, numbers, channel=channel), strict=True):
        prepared = prepare_image(image, model)
        settings = resolve_settings(job.settings, prepared, model)
        prediction = predict_prepared(prepared, model, settings=settings)
        uncertainty = measure_uncertainty(prediction, threshold=threshold_of(settings))
        features = image_to_features(prepared, model)
        frames.append(Frame(file.path, number, file.n_frames == 1, uncertainty, features))
        on_frame(file.path, len(frames), len(numbers))
    return frames


def frames_to_table(frames: Sequence[Frame], *, n: int) -> pd.DataFrame:
    """Choose, and say why."""
    totals = np.array([frame.uncertainty.total for frame in frames])
    choices = choose(np.stack([frame.features for frame in frames]), totals, n=n)
    places = np.argsort(np.argsort(-totals, kind="stable"))
    rows = [
        {
            "rank": rank,
            "file": str(frames[choice.index].path),
            "frame": frames[choice.index].number,
            **in_numbers(frames[choice.index].uncertainty),
            "distance": round(choice.distance, 4),
            "gain": round(choice.gain, 4),
            "reason": reason(choice, frames, place=int(places[choice.index]) + 1),
        }
        for rank, choice in enumerate(choices, start=1)
    ]
    return pd.DataFrame(rows, columns=list(SUGGESTION_COLUMNS))


def in_numbers(uncertainty: Uncertainty) -> dict[str, Any]:
    """The columns of an uncertainty."""
    spread = uncertainty.spread_px
    return {
        "uncertainty": round(uncertainty.total, 4),
        "entropy_px": round(uncertainty.entropy_px, 4),
        "spread_px": float("nan") if spread is None else round(spread, 4),
    }


def reason(choice: Choice, frames: Sequence[Frame], *, place: int) -> str:
    """Why a frame was chosen, in a line."""
    width = f"{frames[choice.index].uncertainty.total:.1f} px"
    if choice.nearest is None:
        return f"the most uncertain of {len(frames)}: its borders are unsure over {width}"
    nearest = frames[choice.nearest].name
    likeness = "unlike all above" if choice.distance > 0.5 else "adds what is not yet above"
    return (
        f"{likeness}: {choice.distance:.2f} from the nearest, {nearest}; number {place} of "
        f"{len(frames)} by uncertainty ({width})"
    )


SURE = 0.1  # what is left to images of which the network is sure: it may be sure and wrong
SAME = 1e-3  # images nearer than this, by the first one's farthest, are the same


@dataclass(frozen=True)
class Choice:
    """One image that is taken.

    Attributes:
        index: which.
        distance: to the nearest of those taken before, 1 for the farthest that any image is from
            the first; 1 for the first itself.
        nearest: index of that nearest one; None for the first.
        gain: distance × weight, which was the greatest.

    Example:
        >>> import numpy as np
        >>> from coverslip.active_learning import choose
        >>> first = choose(np.eye(3), np.array([0.1, 0.9, 0.2]), n=1)[0]
        >>> first.index, first.nearest
        (1, None)
    """

    index: int
    distance: float
    nearest: int | None
    gain: float


def choose(
    features: NDArray[np.floating[Any]], uncertainty: NDArray[np.float64], *, n: int
) -> list[Choice]:
    """Take up to n images, the most uncertain first.

    Args:
        features: (images, K).
        uncertainty: (images,) 0 or more; the greatest has the weight 1, and one of 0 has `SURE`.
        n: how many; fewer are taken where the others are the same as those taken.

    Example:
        >>> import numpy as np
        >>> from coverslip.active_learning import choose
        >>> features = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0]])
        >>> uncertainty = np.array([1.0, 0.9, 0.5])
        >>> [choice.index for choice in choose(features, uncertainty, n=2)]  # 1 is like 0
        [0, 2]
    """
    most = float(uncertainty.max(initial=0.0))
    share = uncertainty / most if most > 0 else np.ones(len(uncertainty))
    weights = SURE + (1 - SURE) * share
    distances = np.ones(len(features))
    nearest = np.full(len(features), -1)
    scale, chosen = 0.0, list[Choice]()
    while len(chosen) < min(n, len(features)):
        best = int(np.argmax(distances * weights))
        if chosen and distances[best] <= SAME:
            break
        before = int(nearest[best]) if chosen else None
        gain = float(distances[best] * weights[best])
        chosen.append(Choice(best, float(distances[best]), before, gain))
        away = np.linalg.norm(features - features[best], axis=1)
        scale = scale or max(float(away.max()), 1e-12)
        away = away / scale
        nearer = (away < distances) | (nearest < 0)
        distances = np.where(nearer, away, distances)
        nearest = np.where(nearer, best, nearest)
        distances[best] = 0.0
    return chosen


# A square of an eighth of the image's sides: less border than that is counted as so much, or a
# speck in an empty image would make it the most uncertain of all.
LEAST_BORDER = 1 / 4  # of height and width together


@dataclass(frozen=True)
class Uncertainty:
    """How unsure a network is of an image.

    Attributes:
        entropy_px: sum of the pixels' entropies, 1 bit where the probability is 1/2, over the
            borders' length: a width in px.
        spread_px: sum of twice the standard deviation over the views of test-time augmentation, 1
            where half of them say cell and half not, over the borders' length, in px; None where
            there was one view.

    Example:
        >>> from coverslip.active_learning import Uncertainty
        >>> Uncertainty(entropy_px=2.5, spread_px=None).entropy_px
        2.5
    """

    entropy_px: float
    spread_px: float | None

    @property
    def total(self) -> float:
        """The mean of the two, in px; without views the entropy alone."""
        if self.spread_px is None:
            return self.entropy_px
        return (self.entropy_px + self.spread_px) / 2


def measure_uncertainty(prediction: Prediction, *, threshold: float) -> Uncertainty:
    """How unsure a network is, for the length of border that it found.

    Args:
        prediction: maps of one image; the first channel counts.
        threshold: a pixel is cell above it.

    Example:
        >>> import numpy as np
        >>> from coverslip.active_learning import measure_uncertainty
        >>> from coverslip.inference import Prediction
        >>> probs = np.zeros((1, 20, 20), np.float32)
        >>> probs[:, 5:15, 5:15] = 1
        >>> sure = measure_uncertainty(Prediction(probs, None), threshold=0.5)
        >>> probs[:, 5:15, 5:15] = 0.6
        >>> unsure = measure_uncertainty(Prediction(probs, None), threshold=0.5)
        >>> sure.entropy_px < unsure.entropy_px
        True
    """
    probs = prediction.probs[0]
    length = border_length(probs > threshold)
    spread = None if prediction.spread is None else 2 * float(prediction.spread[0].sum()) / length
    return Uncertainty(entropy_px=float(entropy(probs).sum()) / length, spread_px=spread)


def entropy(probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """In bits: 0 where the probability is 0 or 1, 1 where it is 1/2."""
    p = probs.astype(np.float64)
    q = 1 - p
    logs = [x * np.log2(np.where(x > 0, x, 1)) for x in (p, q)]
    return np.asarray(0.0 - logs[0] - logs[1])


def border_length(mask: NDArray[np.bool_]) -> float:
    """Sides of pixels with cell on one hand only, in px; at least `LEAST_BORDER`."""
    down = np.count_nonzero(mask[1:] != mask[:-1])
    across = np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return max(float(down + across), LEAST_BORDER * sum(mask.shape))
