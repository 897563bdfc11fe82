"""an image and a trained network → Figure 3: test-time augmentation as it really went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from coverslip.data import load_pair
from coverslip.experiments.figures.drawn import Drawn, sentence
from coverslip.figures.tta import Merged, View, tta_figure
from coverslip.images import normalise, to_rgb
from coverslip.predict import PredictSettings, predict
from coverslip.symmetry import SYMMETRIES, TTA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.checkpoint import Checkpoint
    from coverslip.files import Pair
    from coverslip.symmetry import Symmetry

VIEW_NAMES = {
    "identity": "as it is",
    "rot90": "quarter turn",
    "flip_rows": "upside down",
    "flip_columns": "left to right",
    "transpose": "transposed",
}
CAPTION = (
    "Test-time augmentation, with the predictions of {model} for one image of {data}. The image is "
    "seen in five ways; each view's prediction is turned back, and their mean, above "
    "{threshold:g}, is the mask. Their standard deviation, the spread, shows where they disagree. "
    "The image is {rule}: nobody chose it.{note}"
)


@dataclass(frozen=True)
class Words:
    """What Figure 3 says about itself.

    Attributes:
        data: the data set.
        model: the network and where it comes from.
        rule: which image it is, and of what.
        note: a sentence to end with.
    """

    data: str
    model: str
    rule: str
    note: str = ""


def figure3(pair: Pair, model: Checkpoint, *, size_px: int, words: Words) -> Drawn:
    """Predict five views of an image and draw what becomes of them.

    Args:
        pair: the image.
        model: a trained network of one logit.
        size_px: side of the square that the image is resized to.
        words: for title and caption.

    Raises:
        CoverslipError: the image cannot be read or predicted.
    """
    image, _ = load_pair(pair, model.preprocess, size_px=size_px)
    views = predict_views(image, model)
    turned = np.stack([view.turned for view in views])
    merged = Merged(turned.mean(axis=0), turned.std(axis=0), model.threshold)
    title = f"{sentence(words.data)}, predicted by {words.model}"
    caption = CAPTION.format(**asdict(words), threshold=model.threshold)
    return Drawn("figure3", tta_figure(views, merged, title=title), caption, [pair.name])


def predict_views(image: NDArray[np.float32], model: Checkpoint) -> list[View]:
    """The paper's five views of an image in [0, 1], each with its own prediction.

    The mean and the standard deviation of what is turned back are those that `predict` gives with
    test-time augmentation.
    """
    rgb = np.array(to_rgb(image).transpose(2, 0, 1))
    prepared = np.array(normalise(image, model.preprocess))
    how = PredictSettings(backend="torch")
    views = []
    for symmetry in TTA["paper"]:
        seen = predict(model.network, _see(prepared, symmetry), settings=how)
        turned = symmetry.inverse(torch.from_numpy(seen.probs[0])).numpy()
        picture = _see(rgb, symmetry).transpose(1, 2, 0)
        views.append(View(_name(symmetry), picture, seen.probs[0], turned))
    return views


def _see(channels: NDArray[np.float32], symmetry: Symmetry) -> NDArray[np.float32]:
    return symmetry.forward(torch.from_numpy(channels)).contiguous().numpy()


def _name(symmetry: Symmetry) -> str:
    return next(words for name, words in VIEW_NAMES.items() if SYMMETRIES[name] == symmetry)
