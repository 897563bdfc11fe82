"""a number for every test image → the few that a figure shows: a rule, so that nobody chooses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

QUANTILES = (0.1, 0.5, 0.9)
QUANTILE_WORDS = "at the 10, 50 and 90 % quantiles"


@dataclass(frozen=True)
class PickedImage:
    """An image that a figure shows.

    Attributes:
        name: of its pair.
        why: where it stands among the others.
    """

    name: str
    why: str


def at_quantiles(values: Mapping[str, float], *, of: str) -> list[PickedImage]:
    """The images whose values stand at the 10, 50 and 90 % quantiles, by the nearest rank.

    Of equal values the first name counts as the lower. Fewer than three images are shown once each.
    `of` says what the values are.
    """
    order = sorted(values, key=lambda name: (values[name], name))
    chosen: dict[str, str] = {}
    for quantile in QUANTILES:
        name = order[round(quantile * (len(order) - 1))]
        chosen.setdefault(name, f"{100 * quantile:.0f} % quantile of {of}")
    return [PickedImage(name, why) for name, why in chosen.items()]


def median(values: Mapping[str, float]) -> str:
    """The image in the middle; of two, the one with the nearest even rank."""
    order = sorted(values, key=lambda name: (values[name], name))
    return order[round(0.5 * (len(order) - 1))]


def pick_images(
    values: Mapping[str, float], modality: Mapping[str, str], *, of: str
) -> tuple[list[PickedImage], str]:
    """The median image of every modality, or the quantiles where there is one modality or none.

    `of` says what the values are.

    Returns:
        The images, the most frequent modality first, and the rule in words that go on with
        "of ...", such as "the median of each modality".
    """
    groups = group_by(values, modality)
    if len(groups) < 2:
        return at_quantiles(values, of=of), f"the images {QUANTILE_WORDS}"
    return [
        PickedImage(median(group), f"{name.replace('-', ' ')}, median of {len(group)}")
        for name, group in groups.items()
    ], "the median image of each modality by rank"


def group_by(
    values: Mapping[str, float], modality: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """The values by modality, the most frequent first; "" is that of images without one."""
    frequent = Counter(modality.get(name, "") for name in values).most_common()
    return {
        kind: {name: v for name, v in values.items() if modality.get(name, "") == kind}
        for kind, _ in sorted(frequent, key=lambda item: (-item[1], item[0]))
    }
