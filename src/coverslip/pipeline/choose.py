"""some of the images → the model that ships whose score of fit is the highest for all of them.

For the frames of one film that lie in files of their own. `coverslip.pipeline.auto` chooses for
each image.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.checkpoints import shipped_models
from coverslip.errors import CoverslipError, FileError
from coverslip.io import Reading, find_channel, open_frame, open_reading
from coverslip.pipeline.fit import TRY_PX, Trial, load_shipped, try_shipped
from coverslip.pipeline.infer import prepare_image
from coverslip.pipeline.scale import WINDOW_PX, busiest, sample_frames
from coverslip.pipeline.settings import SegmentSettings
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

AUTO = "auto"
FALLBACK = "general"  # of an image that shows nothing
ALIKE = 0.05  # lower scores than the best that are as good: models that are trained alike differ so
TRY_IMAGES = 4  # from the first to the last, evenly spread
READ_PX = 2 * WINDOW_PX  # longer side of what is read of a frame, in its middle


def choose_model(
    paths: Sequence[str | Path],
    *,
    settings: SegmentSettings | None = None,
    reading: Reading | None = None,
) -> list[Trial]:
    """Try the models that ship on a part of some images.

    Args:
        paths: image files; those that cannot be read are passed over.
        settings: device and backend.
        reading: which channel, depths and axes are meant; None: as the files say.

    Returns:
        A trial of each model, with its mean score; the one to be taken first.

    Raises:
        FileError: none of the images looked at can be read, or shows anything.
    """
    reading = reading or Reading()
    pieces = []
    spread = sorted({round(i * (len(paths) - 1) / (TRY_IMAGES - 1)) for i in range(TRY_IMAGES)})
    for number in spread:
        with suppress(CoverslipError, ValueError):
            piece = read_part(Path(paths[number]), reading)
            pieces += [] if piece is None else [piece]
    if not pieces:
        raise FileError(
            f"--model {AUTO}: none of the images that were looked at shows anything, or can be "
            "read. Name a model, such as --model general."
        )
    return mean_trials(
        [try_shipped([piece], settings=settings or SegmentSettings()) for piece in pieces]
    )


def read_part(path: Path, reading: Reading) -> NDArray[np.float32] | None:
    """The busiest part of the first frame of a file that shows something; None where none does.

    Raises:
        CoverslipError: it cannot be read.
    """
    file = open_reading(path, reading)
    for frame in sample_frames(file.n_frames):
        with open_frame(file, frame, channel=find_channel(file, reading)) as reader:
            piece = part_to_try(reader.read(*middle(reader.shape)))
        if piece is not None:
            return piece
    return None


def choose_for_array(image: NDArray[Any], *, settings: SegmentSettings | None = None) -> str:
    """The model that ships and fits one image in memory best; `general` where it shows nothing."""
    piece = part_to_try(image)
    if piece is None:
        return FALLBACK
    return rank_trials(try_shipped([piece], settings=settings or SegmentSettings()))[0].name


def middle(shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns in the middle of a frame, as many as are looked at."""
    rows, columns = (
        slice(max(0, (length - READ_PX) // 2), min(length, (length + READ_PX) // 2))
        for length in shape
    )
    return rows, columns


def part_to_try(image: NDArray[Any]) -> NDArray[np.float32] | None:
    """The busiest part of an image, prepared; None where it shows nothing but noise."""
    prepared = prepare_image(image, load_shipped(next(iter(shipped_models()))))
    if is_noise(prepared):
        return None
    return busiest(prepared, share=TRY_PX**2 / (prepared.shape[0] * prepared.shape[1]))


def mean_trials(trials: Sequence[Sequence[Trial]]) -> list[Trial]:
    """The mean score of each model over some images, that of the one to be taken first."""
    found = []
    for name in sorted({trial.name for trial in trials[0]}):
        own = [trial for some in trials for trial in some if trial.name == name]
        score = float(np.mean([trial.score for trial in own]))
        found.append(Trial(name, score, float(np.median([trial.scale for trial in own]))))
    return rank_trials(found)


def rank_trials(trials: Sequence[Trial], *, usual: Sequence[str] = ()) -> list[Trial]:
    """The trials, that of the model to be taken first, and the others by their scores.

    Of models that fit alike it is one that others of the folder have; else one that was made for
    one kind of image rather than the one for all: on what it was made for it is the better one.

    Args:
        trials: of the models, on the same part of an image.
        usual: the models that others of the folder have.

    Example:
        >>> from coverslip.pipeline.choose import rank_trials
        >>> from coverslip.pipeline.fit import Trial
        >>> trials = [Trial("general", 0.81, 1.0), Trial("phase", 0.78, 1.0)]
        >>> [trial.name for trial in rank_trials(trials)]
        ['phase', 'general']
    """
    by_score = sorted(trials, key=lambda trial: -trial.score)
    alike = [trial for trial in by_score if trial.score >= by_score[0].score - ALIKE]
    taken = min(alike, key=lambda trial: (trial.name not in usual, trial.name == FALLBACK))
    return [taken, *(trial for trial in by_score if trial is not taken)]


def choice_message(trials: Sequence[Trial], *, usual: Sequence[str] = ()) -> str:
    """What was chosen, against what, and why.

    Args:
        trials: of `rank_trials`.
        usual: the models that others of the folder have.

    Example:
        >>> from coverslip.pipeline.choose import choice_message
        >>> from coverslip.pipeline.fit import Trial
        >>> choice_message([Trial("nuclei", 0.93, 1.0), Trial("phase", 0.13, 1.0)])
        'model nuclei fits best: score of fit 0.93 (phase 0.13)'
        >>> choice_message([Trial("nuclei", 0.93, 1.0)], usual=["nuclei"])
        'model nuclei, as others of its folder: score of fit 0.93'
    """
    taken, *others = trials
    if others and taken.score >= others[0].score:
        why = " fits best"
    elif taken.name in usual:
        why = ", as others of its folder"
    else:
        why = " fits as well, and is made for fewer kinds"
    words = f"model {taken.name}{why}: score of fit {taken.score:.2f}"
    against = ", ".join(f"{trial.name} {trial.score:.2f}" for trial in others)
    return f"{words} ({against})" if against else words
