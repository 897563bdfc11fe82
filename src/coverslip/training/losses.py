"""logits × truth → one number.

Loss functions of segmentation: cross-entropy, Dice and Jaccard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WEIGHT = 5.0  # of a pixel in the loss; a share of it is kept in one byte


def bce_loss(logits: Tensor, truth: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, mean over pixels; arguments as of `bce_dice_loss`.

    Example:
        >>> import torch
        >>> from coverslip.training.losses import bce_loss
        >>> round(float(bce_loss(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))), 4)  # ln 2
        0.6931
    """
    return binary_cross_entropy_with_logits(logits, truth, weight=weights)


def bce_dice_loss(logits: Tensor, truth: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy plus Dice loss, weight 1:1 (Ayanzadeh et al. 2021, eq. 3).

    Args:
        logits: (N, K, H, W), any real number.
        truth: (N, K, H, W) float, 0 or 1.
        weights: (N, 1, H, W) how much each pixel counts, 0 for not at all; None: all the same.

    Returns:
        A scalar, 0 for a perfect and certain prediction.

    Example:
        >>> import torch
        >>> from coverslip.training.losses import bce_dice_loss
        >>> truth = torch.tensor([[[[0.0, 1.0]]]])
        >>> sure = 40 * (2 * truth - 1)
        >>> round(float(bce_dice_loss(sure, truth)), 4)
        0.0
        >>> round(float(bce_dice_loss(-sure, truth)), 4)  # 40 and 1
        41.0
    """
    return bce_loss(logits, truth, weights=weights) + dice_loss(logits, truth, weights=weights)


def dice_loss(
    logits: Tensor, truth: Tensor, *, weights: Tensor | None = None, eps: float = 1e-6
) -> Tensor:
    """One minus the Dice coefficient with squared denominators (eq. 2), mean over images.

    Per image and channel: 1 - (2 Σpg + eps) / (Σp² + Σg² + eps). The paper has no `eps`; it makes
    an empty mask met by an empty prediction a loss of 0 instead of 0/0. The paper's eq. 1 has the
    arguments of its cross-entropy swapped (a logarithm of the truth); the usual order is meant.

    Args:
        logits: (N, K, H, W), any real number.
        truth: (N, K, H, W) float, 0 or 1.
        weights: as of `bce_dice_loss`; each pixel's part of all three sums is multiplied by its.
        eps: smoothing, in pixels.

    Returns:
        A scalar in [0, 1].

    Example:
        >>> import torch
        >>> from coverslip.training.losses import dice_loss
        >>> truth = torch.tensor([[[[0.0, 1.0, 1.0]]]])
        >>> logits = torch.tensor([[[[-40.0, 40.0, -40.0]]]])
        >>> round(float(dice_loss(logits, truth)), 4)  # 1 - 2 / (1 + 2)
        0.3333
    """
    probs = torch.sigmoid(logits.float())
    intersection = sum_pixels(probs * truth, weights)
    total = sum_pixels(probs.square(), weights) + sum_pixels(truth.square(), weights)
    return (1 - (2 * intersection + eps) / (total + eps)).mean()


def sum_pixels(values: Tensor, weights: Tensor | None) -> Tensor:
    """(N, K, H, W) → (N, K)."""
    return (values if weights is None else values * weights).sum(dim=(2, 3))


def jaccard_bce_loss(logits: Tensor, truth: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Jaccard loss plus binary cross-entropy, weight 1:1; arguments as of `bce_dice_loss`.

    Example:
        >>> import torch
        >>> from coverslip.training.losses import jaccard_bce_loss
        >>> truth = torch.tensor([[[[0.0, 1.0]]]])
        >>> round(float(jaccard_bce_loss(40 * (2 * truth - 1), truth)), 4)
        0.0
    """
    return jaccard_loss(logits, truth, weights=weights) + bce_loss(logits, truth, weights=weights)


def jaccard_loss(
    logits: Tensor, truth: Tensor, *, weights: Tensor | None = None, eps: float = 1e-6
) -> Tensor:
    """One minus the soft Jaccard index, mean over images; arguments as of `dice_loss`.

    Per image and channel: 1 - (Σpg + eps) / (Σp² + Σg² - Σpg + eps), squared as `dice_loss` is.

    Example:
        >>> import torch
        >>> from coverslip.training.losses import jaccard_loss
        >>> truth = torch.tensor([[[[0.0, 1.0, 1.0]]]])
        >>> logits = torch.tensor([[[[-40.0, 40.0, -40.0]]]])
        >>> round(float(jaccard_loss(logits, truth)), 4)  # 1 - 1 / 2
        0.5
    """
    probs = torch.sigmoid(logits.float())
    intersection = sum_pixels(probs * truth, weights)
    total = sum_pixels(probs.square(), weights) + sum_pixels(truth.square(), weights)
    union = total - intersection
    return (1 - (intersection + eps) / (union + eps)).mean()


def maps_loss(logits: Tensor, maps: Tensor, *, criterion: Callable[..., Tensor]) -> Tensor:
    """A criterion for the mask, plus the mean cross-entropy of all further maps.

    The cross-entropy of a truth between 0 and 1 is least where the probability equals it.

    Args:
        logits: (N, K, H, W), any real number, the mask's first.
        maps: (N, K, H, W) float in [0, 1], the mask first; one more, where there is one, is how
            much each pixel counts, as a share of `MOST_WEIGHT`.
        criterion: of `LOSSES`, for the mask.

    Returns:
        A scalar; without further maps, the criterion's own.

    Example:
        >>> import torch
        >>> from coverslip.training.losses import bce_loss, maps_loss
        >>> logits, maps = torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4)
        >>> loss = maps_loss(logits, maps, criterion=bce_loss)
        >>> round(float(loss), 4)  # 2 ln 2: of the mask, and of the other map
        1.3863
    """
    n_maps = logits.shape[1]
    mask, others = maps[:, :1], maps[:, 1:n_maps]
    if maps.shape[1] == n_maps:
        loss, weights = criterion(logits[:, :1], mask), None
    else:
        weights = maps[:, n_maps:] * MOST_WEIGHT
        loss = criterion(logits[:, :1], mask, weights=weights)
    return loss if n_maps == 1 else loss + bce_loss(logits[:, 1:], others, weights=weights)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "bce": bce_loss,
    "bce_dice": bce_dice_loss,
    "dice": dice_loss,
    "jaccard_bce": jaccard_bce_loss,
}
