"""the paper's Tables 1 to 4, as printed, and where their rows contradict themselves.

Ayanzadeh et al. 2021, Turk J Elec Eng & Comp Sci 29, 2855-2868, doi 10.3906/elk-2105-244.
"""

from __future__ import annotations

from typing import NamedTuple

MeanSd = tuple[float, float]  # in percent


class Printed(NamedTuple):
    """One row of a table: mean and standard deviation in percent."""

    jaccard: MeanSd
    dice: MeanSd
    precision: MeanSd
    recall: MeanSd


# number → system → row, both in the paper's order. 1: MDA-MB-231, with test-time augmentation;
# 2: without; 3: DSB2018, with; 4: without.
TABLES: dict[int, dict[str, Printed]] = {
    1: {
        "egt": Printed((42.2, 3.8), (59.4, 3.1), (45.7, 3.8), (84.7, 2.4)),
        "phantast": Printed((54.6, 4.4), (70.6, 3.5), (68.2, 4.1), (73.3, 3.6)),
        "unet": Printed((86.4, 1.9), (92.7, 1.7), (93.3, 1.9), (92.4, 1.8)),
        "bcdu_net": Printed((82.2, 2.4), (90.2, 2.1), (89.2, 2.8), (91.2, 1.6)),
        "tip_net_reconstruction": Printed((85.4, 2.7), (92.1, 2.2), (93.8, 2.9), (90.5, 1.9)),
        "resnet18_unet": Printed((87.9, 1.7), (93.5, 1.3), (95.0, 1.8), (92.1, 1.5)),
        "resnet18_unet_rp": Printed((89.2, 1.3), (94.3, 1.1), (95.8, 1.3), (92.8, 1.6)),
        "resnet18_fpn": Printed((87.1, 2.3), (93.1, 2.0), (93.0, 2.6), (94.1, 1.9)),
        "double_unet": Printed((86.9, 2.1), (92.3, 2.3), (93.5, 1.7), (89.8, 2.8)),
        "ddanet": Printed((87.5, 2.4), (93.9, 1.9), (94.1, 2.0), (92.6, 2.2)),
    },
    2: {
        "unet": Printed((84.4, 2.0), (90.8, 1.9), (92.5, 2.3), (89.1, 1.8)),
        "bcdu_net": Printed((81.3, 2.6), (89.7, 2.2), (88.6, 2.9), (90.7, 2.0)),
        "tip_net_reconstruction": Printed((83.2, 3.1), (90.8, 2.5), (91.6, 3.3), (90.1, 2.1)),
        "resnet18_unet": Printed((86.6, 2.2), (92.8, 1.6), (93.8, 2.1), (91.8, 1.7)),
        "resnet18_unet_rp": Printed((87.2, 1.8), (93.1, 1.5), (94.5, 1.7), (91.8, 1.6)),
        "resnet18_fpn": Printed((85.2, 2.6), (92.0, 2.3), (91.9, 2.7), (92.1, 2.2)),
        "double_unet": Printed((86.3, 2.6), (92.1, 2.4), (91.8, 1.8), (88.2, 3.1)),
        "ddanet": Printed((86.7, 2.8), (92.5, 2.3), (93.6, 2.1), (91.1, 2.6)),
    },
    3: {
        "segnet": Printed((72.3, 2.9), (83.9, 3.8), (81.5, 4.5), (86.5, 3.3)),
        "bcdu_net": Printed((86.7, 1.6), (92.9, 1.9), (93.9, 3.5), (91.8, 2.2)),
        "tip_net_reconstruction": Printed((74.1, 2.8), (85.1, 2.5), (87.5, 2.9), (86.9, 2.4)),
        "unet": Printed((79.2, 2.2), (88.4, 2.1), (87.3, 2.5), (89.5, 1.9)),
        "ddanet": Printed((86.9, 2.0), (93.2, 1.6), (94.6, 1.7), (92.8, 1.5)),
        "double_unet": Printed((85.8, 2.1), (90.3, 2.7), (96.6, 1.1), (68.3, 4.4)),
        "resnet18_unet": Printed((83.1, 1.8), (90.7, 2.2), (92.3, 2.3), (90.5, 1.6)),
        "resnet18_fpn": Printed((81.1, 2.2), (89.6, 2.4), (91.0, 2.7), (88.2, 1.9)),
        "resnet18_unet_rp": Printed((85.0, 2.1), (91.9, 1.9), (93.0, 2.4), (90.8, 1.6)),
    },
    4: {
        "segnet": Printed((69.2, 3.2), (81.8, 4.1), (80.1, 4.7), (83.5, 3.6)),
        "bcdu_net": Printed((85.5, 1.7), (92.1, 2.0), (92.5, 2.7), (91.8, 2.5)),
        "tip_net_reconstruction": Printed((73.5, 2.9), (84.7, 2.7), (85.9, 3.1), (83.6, 2.6)),
        "unet": Printed((76.4, 2.3), (86.6, 2.3), (87.0, 2.6), (86.2, 2.1)),
        "ddanet": Printed((86.2, 2.2), (92.6, 1.8), (93.3, 1.9), (92.4, 1.6)),
        "double_unet": Printed((84.0, 2.3), (88.1, 2.9), (94.9, 1.2), (66.1, 4.9)),
        "resnet18_unet": Printed((82.1, 2.0), (90.1, 2.3), (91.5, 2.5), (88.8, 1.7)),
        "resnet18_fpn": Printed((79.6, 2.6), (88.6, 2.5), (89.7, 2.8), (87.5, 2.2)),
        "resnet18_unet_rp": Printed((84.8, 2.0), (91.7, 2.1), (92.7, 2.5), (90.8, 1.8)),
    },
}

# Rows in which the four scores do not go together. On the same pixels
# DC = 2 JS / (1 + JS) = 2 P R / (P + R). Of means over images, DC may lie a little below what the
# other means give, for both formulas are concave, but never above.
FOOTNOTES: dict[int, dict[str, str]] = {
    1: {
        "resnet18_fpn": "P and R as printed give DC 93.5 and JS 87.9, above those printed",
        "double_unet": "cannot be: JS as printed gives DC 93.0, P and R give DC 91.6 and JS 84.5, "
        "and 92.3 was printed",
        "ddanet": "cannot be: JS as printed gives DC 93.3, and so do P and R; 93.9 was printed",
    },
    2: {
        "unet": "P and R as printed give DC 90.8 as printed, but JS 83.1: the JS printed is 1.3 "
        "too high",
        "double_unet": "cannot be: JS as printed gives DC 92.6, P and R give DC 90.0 and JS 81.8, "
        "and 92.1 was printed",
        "ddanet": "cannot be: JS as printed gives DC 92.9, P and R give DC 92.3 and JS 85.8, and "
        "92.5 was printed",
    },
    3: {
        "tip_net_reconstruction": "P and R as printed give DC 87.2 and JS 77.3, above those "
        "printed",
        "ddanet": "cannot be: JS as printed gives DC 93.0, and 93.2 was printed; P and R give DC "
        "93.7 and JS 88.1",
        "double_unet": "cannot be: P and R as printed give DC 80.0 and JS 66.7, JS gives DC 92.4, "
        "and 90.3 was printed. Such a recall can come of masks that were saved as JPEG and "
        "compared without a threshold",
        "resnet18_unet": "P and R as printed give DC 91.4 and JS 84.1, above those printed",
    },
    4: {
        "ddanet": "P and R as printed give DC 92.8 and JS 86.7, a little above those printed, as "
        "means over images may",
        "double_unet": "cannot be: P and R as printed give DC 77.9 and JS 63.8, JS gives DC 91.3, "
        "and 88.1 was printed. Such a recall can come of masks that were saved as JPEG and "
        "compared without a threshold",
    },
}
