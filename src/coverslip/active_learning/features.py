"""image + network → a few numbers that are alike for images that look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from coverslip.models.encoders import PreactResNet18Encoder, ResNet18Encoder
from coverslip.models.vgg import VGGEncoder
from coverslip.preprocessing import normalise, resize_image, to_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.checkpoints import Checkpoint

ENCODERS = (ResNet18Encoder, PreactResNet18Encoder, VGGEncoder)
LONGEST_PX = 512  # larger images are shrunk to it: for features, not for masks
SCALES_PX = (1, 2, 4, 8, 16)  # at which the texture of an image is described


def image_to_features(image: NDArray[np.float32], model: Checkpoint) -> NDArray[np.float32]:
    """Describe an image by what the network's encoder makes of it.

    For each channel of the coarsest feature map its mean and its standard deviation over the image,
    as a vector of length 1: so the sum of the activations, which grows with the contrast, does not
    count. A network whose encoder cannot be used alone leaves `describe`.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1], as `prepare_image` gives it.
        model: a network, on any device.

    Returns:
        (K,) the same K for all images.

    Example:
        >>> import coverslip, numpy as np
        >>> from coverslip.active_learning import image_to_features
        >>> model = coverslip.load_model("nuclei")
        >>> image_to_features(np.zeros((64, 64), np.float32), model).ndim
        1
    """
    shrink = min(1.0, LONGEST_PX / max(image.shape[:2]))
    height, width = (max(1, round(shrink * length)) for length in image.shape[:2])
    small = resize_image(image, (height, width))
    encoder = getattr(model.network, "encoder", None)
    if not isinstance(encoder, ENCODERS):
        return describe(small)
    device = next(encoder.parameters()).device
    stride = int(model.network.stride)  # type: ignore[arg-type]
    missing = [(0, -length % stride) for length in (height, width)]
    padded = np.pad(to_rgb(small), [*missing, (0, 0)], mode="symmetric")
    batch = torch.from_numpy(normalise(padded, model.preprocess))[None].to(device)
    with torch.inference_mode():
        coarsest = encoder(batch)[-1][0].flatten(1).float()
    features = torch.cat([coarsest.mean(dim=1), coarsest.std(dim=1, correction=0)]).cpu().numpy()
    return np.asarray(features / max(float(np.linalg.norm(features)), 1e-12), np.float32)


def describe(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean, spread and skewness of the grey values, and how much texture there is at each scale.

    Texture at a scale is the standard deviation of what is lost when pixels become twice as large.
    """
    grey = image if image.ndim == 2 else image.mean(axis=2)
    deviation = grey - grey.mean()
    numbers = [grey.mean(), grey.std(), np.cbrt((deviation**3).mean())]
    finer = grey
    for scale in SCALES_PX:
        small = [max(1, round(length / (2 * scale))) for length in grey.shape]
        coarser = resize_image(resize_image(grey, (small[0], small[1])), grey.shape)
        numbers.append((finer - coarser).std())
        finer = coarser
    return np.array(numbers, np.float32)
