"""image + model → the scale at which the cells have the size that the model knows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.pipeline.infer import predict_prepared, probs_to_labels, scaled_shape
from coverslip.pipeline.settings import least_area, own_settings, scale_of
from coverslip.pipeline.sureness import fit_score, sum_sureness
from coverslip.preprocessing import resize_image
from coverslip.segmentation import cell_sizes, drop_cells
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.settings import SegmentSettings

    Image = NDArray[np.float32]

FIRST = (2.0, 1.0, 0.5, 0.25, 0.125)  # an octave apart: a model bears half of one either way
# Pixels that the network sees in a look, of all pieces together and of each at least; where it is
# more, it sees the busiest window of each alone. Four times as many find no scale better
# (docs/results/fit.md).
LOOK_PX, PIECE_PX = 64_000, 32_000
SPECK_PX = 12  # at the scale of a look; the model's least area would drop what is small as yet
NEAR = 2**0.25  # a scale is found when the next is nearer than this; models bear twice as much
# Share of a look's worth that a step must leave. The first may cost much: the looks before it are
# an octave apart, and the size that they tell is surer than what each is worth. A look at a wrong
# scale tells a better one, hardly ever the best: so there are three steps.
KEPT = (0.5, 0.9, 0.9)
SURE = 0.5  # score of fit, below which a folder's scale is not taken for an image's own
BEARS = 2.5  # times larger or smaller than learnt, a cell is a clump or a bit
AGREE = 0.5  # octaves by which two looks may differ in the size that they tell, and still agree
LEAST_ZOOM, MOST_ZOOM = 1 / 8, 2.5  # more would cost a laptop six times the work
MOST_PLACES = 6  # down and across, at which such a window may lie
WINDOW_PX = 768  # four of them are enough cells, and little work in a large image
LEAST_PX = 128  # side of a piece of a film's frame, where the frame has so much
FILM_FRAMES = 5  # of a film, from its first to its last, in which cells are looked for


@dataclass(frozen=True)
class Guess:
    """A scale at which an image is predicted before its own cells were asked.

    Attributes:
        scale: a share of its size.
        is_sure: whether it was found in this very image, so that it need not be checked.
    """

    scale: float
    is_sure: bool = False


def resolve_settings(settings: SegmentSettings, image: Image, model: Model) -> SegmentSettings:
    """Settings in which nothing is left open: the scale fits the image, the least area the scale.

    Args:
        settings: those wanted.
        image: (H, W) or (H, W, 3) of `prepare_image`.
        model: a loaded model. One that does not know the size of its cells has the scale 1.
    """
    pieces = [image[window] for window in windows(image.shape[:2])]
    return resolve_by(settings, pieces, model)


def resolve_by(settings: SegmentSettings, pieces: Sequence[Image], model: Model) -> SegmentSettings:
    """The same for an image of which some pieces are seen, those of `windows`."""
    settings = own_settings(settings, model)
    if settings.scale == "auto":
        settings = replace(settings, scale=find_scale(pieces, model, settings=settings))
    return replace(settings, min_area_px=least_area(settings, model))


def find_scale(pieces: Sequence[Image], model: Model, *, settings: SegmentSettings) -> float:
    """Find the scale at which a model has the most to say for the cells of an image.

    It looks at scales an octave apart, and begins where the network is sure, where there is much
    evidence for cells of about the learnt size, and where their size is that which other looks tell
    too: a whole colony seen small passes for a cell, and the bits of a cell seen large for cells,
    each at one scale alone. It goes on to where their median size points, as long as the look there
    is worth as much.

    Args:
        pieces: of the image, each (h, w) or (h, w, 3) of `prepare_image`; those that show nothing
            but noise are passed over.
        model: a loaded model.
        settings: its scale and test-time augmentation are passed over.

    Returns:
        From `LEAST_ZOOM` to `MOST_ZOOM`; 1 where nothing is called cell, or the model knows no
        size.
    """
    pieces = [piece for piece in pieces if not is_noise(piece)]
    if not model.cell_size_px or not pieces:
        return 1.0
    quick = replace(settings, predict=replace(settings.predict, tta="none"))
    found = search_scale(pieces, model, settings=quick, look_px=LOOK_PX)
    if found in (LEAST_ZOOM, MOST_ZOOM):  # a window of few cells leads astray: look at all of it
        return search_scale(pieces, model, settings=quick, look_px=math.inf)
    return found


def search_scale(
    pieces: Sequence[Image], model: Model, *, settings: SegmentSettings, look_px: float
) -> float:
    """The search of `find_scale`, with so many pixels a look at the most.

    Args:
        pieces: of the image, none of them noise.
        model: a loaded model that knows the size of its cells.
        settings: as `look` takes them, but for the scale.
        look_px: pixels that the network sees in a look.
    """
    learnt = float(model.cell_size_px or 0)

    def look_at(scale: float) -> Look:
        return look(pieces, model, settings=replace(settings, scale=scale), look_px=look_px)

    seen = {scale: look_at(scale) for scale in FIRST}
    worth = agreed_worth(list(seen.values()))
    best = FIRST[int(np.argmax(worth))]
    if not max(worth) > 0:
        return 1.0
    for kept in KEPT:
        scale = limit_zoom(learnt / seen[best].size)
        if 1 / NEAR < scale / best < NEAR:
            return scale
        seen[scale] = look_at(scale)
        if not seen[scale].worth > kept * seen[best].worth:
            return best
        best = scale
    return best


def agreed_worth(looks: Sequence[Look]) -> NDArray[np.float64]:
    """What each look is worth, together with the looks that tell about the same size."""
    sizes = np.log2([seen.size for seen in looks])
    sure = np.array([min(1.0, 2 * seen.fit) for seen in looks])
    apart = np.nan_to_num(sizes[:, None] - sizes[None], nan=np.inf)
    agree = np.exp(-((apart / AGREE) ** 2)) @ sure
    worth: NDArray[np.float64] = np.array([seen.worth for seen in looks]) * agree**2
    return worth


def limit_zoom(scale: float) -> float:
    """The nearest scale that may be chosen."""
    return min(max(scale, LEAST_ZOOM), MOST_ZOOM)


class Look(NamedTuple):
    """What is seen of the cells in an image's pieces at one scale."""

    size: float  # median diameter of whole cells in px of the image; nan: none
    evidence: float  # sum of 2p - 1 over what is called cell, a pixel of the image
    fit: float  # the score of fit; 0 where nothing is called cell

    @property
    def worth(self) -> float:
        """How good a look it is; 0 where nothing of about the learnt size was seen."""
        return math.sqrt(max(0.0, self.evidence)) * self.fit**2


def look(
    pieces: Sequence[Image], model: Model, *, settings: SegmentSettings, look_px: float = LOOK_PX
) -> Look:
    """Find the cells in the pieces of an image at one scale, and weigh the evidence for them.

    Only cells of about the learnt diameter speak: bits and clumps are mistakes.
    All is done at the size of the look.
    """
    scale, learnt = scale_of(settings), float(model.cell_size_px or 0)
    settings = replace(settings, scale=1.0, min_area_px=SPECK_PX, drop_border=False)
    sizes, evidence, area, sums = [np.zeros(0)], 0.0, 0, np.zeros(2)
    most = max(look_px / len(pieces), PIECE_PX)
    for part in (thin(piece, scale, most=most) for piece in pieces):
        area += part.shape[0] * part.shape[1]
        small = resize_image(part, scaled_shape((part.shape[0], part.shape[1]), scale))
        maps = predict_prepared(small, model, settings=settings).probs
        sums += sum_sureness(maps[0])
        labels = probs_to_labels(maps, model.maps, settings=settings)
        if not labels.any():
            continue
        own = np.concatenate([[np.inf], cell_sizes(labels)])
        fits = ((own > learnt / BEARS) & (own < learnt * BEARS))[labels]
        evidence += float((2 * maps[0] - 1)[fits].sum()) / scale**2
        sizes.append(whole_sizes(labels) / scale)
    found = np.concatenate(sizes)
    size = float(np.median(found)) if len(found) else float("nan")
    return Look(size, evidence / area, float(np.nan_to_num(fit_score(sums))))


def thin(image: Image, scale: float, *, most: float) -> Image:
    """An image, or its busiest window where at a scale it has more pixels than allowed."""
    height, width = image.shape[:2]
    side = math.sqrt(most / (height * width)) / scale
    if side >= 1:
        return image
    shape = max(1, round(side * height)), max(1, round(side * width))
    return busiest_window(image, shape, places=min(MOST_PLACES, max(2, int(1 / side))))


def quarters(length: int, share: float) -> list[slice]:
    """The middles of both halves of an axis, together a share of it."""
    half = max(1, min(length // 4, round(share * length / 4)))
    return [slice(middle - half, middle + half) for middle in (length // 4, length - length // 4)]


def windows(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """The rows and columns to look at: all, or squares in the middle of each quarter."""
    height, width = shape
    if height * width <= 4 * WINDOW_PX**2:
        return [(slice(0, height), slice(0, width))]
    rows, columns = (spread(length) for length in (height, width))
    return [(row, column) for row in rows for column in columns]


def spread(length: int) -> list[slice]:
    """Two windows along an axis, or all of it where it is short."""
    if length <= 2 * WINDOW_PX:
        return [slice(0, length)]
    return quarters(length, 2 * WINDOW_PX / length)


def sample_frames(n_frames: int) -> list[int]:
    """The frames of a film in which the size of its cells is looked for: some, evenly spread."""
    return sorted({round(i * (n_frames - 1) / (FILM_FRAMES - 1)) for i in range(FILM_FRAMES)})


def sample_pieces(frames: Iterable[Image]) -> list[Image]:
    """A piece of each frame that shows something, together not much more than one frame.

    Of frames of a film nothing is left that is noise alone, such as those of a closed shutter.
    """
    shown = [frame for frame in frames if not is_noise(frame)]
    if len(shown) < 2:
        return [shown[0][window] for window in windows(shown[0].shape[:2])] if shown else []
    return [busiest(frame, share=1 / len(shown)) for frame in shown]


def busiest(image: Image, *, share: float) -> Image:
    """The window in which an image varies most, of a share of its area, and not too large."""
    height, width = image.shape[:2]
    side = min(math.sqrt(share), 2 * WINDOW_PX * math.sqrt(share / (height * width)))
    shape = max(LEAST_PX, round(side * height)), max(LEAST_PX, round(side * width))
    return busiest_window(image, shape, places=3)


def busiest_window(image: Image, shape: tuple[int, int], *, places: int) -> Image:
    """Of windows of a height and width at so many places down and across, the one that varies most.

    No cell may be in a window in the middle, and nothing but cells varies as much.
    """
    tops, lefts = (
        [round(i * max(0, length - part) / (places - 1)) for i in range(places)]
        for length, part in zip(image.shape[:2], shape, strict=True)
    )
    found = [image[top : top + shape[0], left : left + shape[1]] for top in tops for left in lefts]
    return max(found, key=lambda part: float(part[::4, ::4].std()))


def is_right_scale(
    labels: NDArray[np.uint32], probs: NDArray[np.float32], model: Model, *, scale: float
) -> bool:
    """Whether what was found at a scale says that it is right: sure, and of the learnt size.

    Of 216 looks at a scale that is more than half an octave off, three pass (docs/results/fit.md).

    Args:
        labels: (H, W), the cells, in pixels of the image.
        probs: (H, W), how likely each pixel is cell.
        model: a loaded model.
        scale: at which it was predicted.
    """
    sizes = whole_sizes(labels)
    if not model.cell_size_px or not len(sizes) or not fit_score(sum_sureness(probs)) >= SURE:
        return False
    return 1 / NEAR < model.cell_size_px / (float(np.median(sizes)) * scale) < NEAR


def whole_sizes(labels: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The diameters of the cells that do not touch the image's edge, or of all if all do."""
    whole = drop_cells(labels, touching_border=True)
    return cell_sizes(whole if whole.any() else labels)


def scale_messages(
    settings: SegmentSettings, model: Model, *, guess: Guess | None = None
) -> list[str]:
    """What `resolve_settings` found, for the user to see, where it is worth a word.

    Args:
        settings: with nothing left open.
        model: a loaded model.
        guess: the scale on which images of the folder agree, where there is one.
    """
    scale = scale_of(settings)
    if scale == 1 or not model.cell_size_px:
        return []
    own = model.cell_size_px / scale
    words = (
        f"its cells have about {own:.0f} px, the model's {model.cell_size_px:.0f}: predicted at "
        f"{scale:.2g} times its size"
    )
    if guess is not None and not guess.is_sure and guess.scale == scale:
        words += ", as most images of its folder that were looked at"
    if scale in (LEAST_ZOOM, MOST_ZOOM):
        than = "larger" if scale == LEAST_ZOOM else "smaller"
        words += (
            f", the limit of the search: they may be {than} still, or none; give their diameter by "
            "--cell-size, or try another model"
        )
    return [words]
