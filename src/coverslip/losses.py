"""logits × truth → one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

if TYPE_CHECKING:
    from collections.abc import Callable


def bce_dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice loss, weight 1:1 (Ayanzadeh et al. 2021, eq. 3).

    Args:
        logits: (N, K, H, W), any real number.
        truth: (N, K, H, W) float, 0 or 1.

    Returns:
        A scalar, 0 for a perfect and certain prediction.
    """
    return binary_cross_entropy_with_logits(logits, truth) + dice_loss(logits, truth)


def dice_loss(logits: Tensor, truth: Tensor, *, eps: float = 1e-6) -> Tensor:
    """One minus the Dice coefficient with squared denominators (eq. 2), mean over images.

    Per image and channel: 1 - (2 Σpg + eps) / (Σp² + Σg² + eps). The paper has no `eps`; it makes
    an empty mask met by an empty prediction a loss of 0 instead of 0/0. The paper's eq. 1 has the
    arguments of its cross-entropy swapped (a logarithm of the truth); the usual order is meant.

    Args:
        logits: (N, K, H, W), any real number.
        truth: (N, K, H, W) float, 0 or 1.
        eps: smoothing, in pixels.

    Returns:
        A scalar in [0, 1].
    """
    probs = torch.sigmoid(logits.float())
    intersection = (probs * truth).sum(dim=(2, 3))
    total = probs.square().sum(dim=(2, 3)) + truth.square().sum(dim=(2, 3))
    return (1 - (2 * intersection + eps) / (total + eps)).mean()


def jaccard_bce_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Jaccard loss plus binary cross-entropy, weight 1:1; arguments as of `bce_dice_loss`."""
    return jaccard_loss(logits, truth) + binary_cross_entropy_with_logits(logits, truth)


def jaccard_loss(logits: Tensor, truth: Tensor, *, eps: float = 1e-6) -> Tensor:
    """One minus the soft Jaccard index, mean over images; arguments as of `dice_loss`.

    Per image and channel: 1 - (Σpg + eps) / (Σp² + Σg² - Σpg + eps), squared as `dice_loss` is.
    """
    probs = torch.sigmoid(logits.float())
    intersection = (probs * truth).sum(dim=(2, 3))
    union = probs.square().sum(dim=(2, 3)) + truth.square().sum(dim=(2, 3)) - intersection
    return (1 - (intersection + eps) / (union + eps)).mean()


def maps_loss(
    logits: Tensor, maps: Tensor, *, criterion: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """A criterion for the mask, plus the mean cross-entropy of all further maps.

    The cross-entropy of a truth between 0 and 1 is least where the probability equals it.

    Args:
        logits: (N, K, H, W), any real number, the mask's first.
        maps: (N, K, H, W) float in [0, 1], the mask first.
        criterion: of `LOSSES`, for the mask.

    Returns:
        A scalar; without further maps, the criterion's own.
    """
    mask = criterion(logits[:, :1], maps[:, :1])
    if maps.shape[1] == 1:
        return mask
    return mask + binary_cross_entropy_with_logits(logits[:, 1:], maps[:, 1:])


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bce": binary_cross_entropy_with_logits,
    "bce_dice": bce_dice_loss,
    "dice": dice_loss,
    "jaccard_bce": jaccard_bce_loss,
}
