"""A model × images of many kinds → scores by kind, under many rules of what is called cell.

python benchmarks/kinds.py predict MODEL DATA LIST.csv CACHE [--scale true]
python benchmarks/kinds.py score CACHE OUT.csv

`predict` keeps the probabilities of the images of a list (columns name, kind, seen, invert), each
at the scale that the model finds by itself or at that of its true cells, in CACHE, one file an
image. `score` tries every rule of `RULES` on them, writes a row for each image and rule, and prints
means by kind. So a rule can be chosen on kinds that a model has not learnt (seen = no), and its
cost be seen on those that it has. DATA is a folder of `scripts/gather.py`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.checkpoints import load_model
from coverslip.io import find_pairs
from coverslip.metrics import (
    average_precision,
    count_cells,
    count_pixels,
    jaccard,
    mean_average_precision,
)
from coverslip.pipeline import (
    SegmentSettings,
    own_settings,
    predict_prepared,
    probs_to_labels,
    resolve_settings,
    scale_of,
)
from coverslip.pipeline.scale import limit_zoom
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.segmentation import cell_sizes, drop_cells, trim_cells
from coverslip.training import load_labelled
from coverslip.training.weights import split_ignored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.checkpoints import Checkpoint
    from coverslip.io import Pair

IGNORED = 32768  # of scripts/gather.py


@dataclass(frozen=True)
class Rule:
    """What is called cell: p above a threshold, or a share of what the cell itself reaches."""

    threshold: float  # where cells are looked for
    share: float | None = None  # of the cell's own 90th percentile, that a pixel must exceed
    least: float = 0.0  # 90th percentile, below which a cell is none

    def __str__(self) -> str:
        """Short, for a table."""
        if self.share is None:
            return f"p > {self.threshold:g}"
        return f"p > {self.share:g} of the cell's, from {self.threshold:g}, {self.least:g} at least"


RULES = [
    *(Rule(threshold) for threshold in (0.3, 0.4, 0.5, 0.55)),
    *(Rule(0.3, share, least) for share in (0.4, 0.5, 0.6) for least in (0.4, 0.5, 0.6)),
]


def keep_probabilities(
    model: Checkpoint, pair: Pair, out: Path, *, scale: str, invert: int
) -> None:
    """Predict one image and keep what the model says, with the truth."""
    image, coded = load_labelled(pair, model.preprocess, size_px=None)
    labels, ignored = split_ignored(coded, IGNORED)
    image = 1 - image if invert else image
    settings = own_settings(None, model)
    if scale == "true" and model.cell_size_px:
        true = limit_zoom(model.cell_size_px / float(np.median(cell_sizes(labels))))
        settings = replace(settings, scale=true)
    settings = resolve_settings(settings, image, model)
    probs = predict_prepared(image, model, settings=settings).probs
    np.savez(
        out,
        probs=probs.astype(np.float16),
        labels=labels,
        ignored=ignored,
        scale=scale_of(settings),
        min_area_px=settings.min_area_px or 0,
        size=np.median(cell_sizes(labels)),
    )


def call_cells(
    probs: NDArray[np.float32], parted: NDArray[np.uint32], rule: Rule, *, min_area_px: int
) -> NDArray[np.uint32]:
    """The cells by a rule, of those that were parted at its threshold."""
    if rule.share is None:
        return drop_cells(parted, min_area_px=min_area_px)
    kept = trim_cells(parted, probs[0], share=rule.share, least=rule.least)
    return drop_cells(kept, min_area_px=min_area_px)


def score_image(path: Path, rules: list[Rule]) -> list[dict[str, Any]]:
    """One image's scores by every rule."""
    kept = np.load(path)
    probs, known = kept["probs"].astype(np.float32), ~kept["ignored"]
    truth = kept["labels"] * known
    parted = {
        threshold: probs_to_labels(
            probs, ("mask", "distance"), settings=SegmentSettings(threshold=threshold)
        )
        for threshold in sorted({rule.threshold for rule in rules})
    }
    rows = []
    for rule in rules:
        limit = int(kept["min_area_px"])
        cells = call_cells(probs, parted[rule.threshold], rule, min_area_px=limit) * known
        counts = count_cells(truth, cells)
        rows.append(
            {
                "name": path.stem,
                "rule": str(rule),
                "scale": float(kept["scale"]),
                "size": float(kept["size"]),
                "jaccard": jaccard(count_pixels(truth > 0, cells > 0)),
                "ap50": average_precision(counts),
                "mean_ap": mean_average_precision(counts),
                "merges": counts.merges,
                "splits": counts.splits,
            }
        )
    return rows


def predict_all(options: argparse.Namespace) -> None:
    """Keep the probabilities of all images of a list that are not kept yet."""
    model = load_model(options.model)
    table = pd.read_csv(options.list)
    options.cache.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.cache / "list.csv", index=False)
    pairs = {pair.name: pair for pair in find_pairs(options.data)}
    for row in table.itertuples():
        own = options.cache / f"{row.name}{'_inverted' if row.invert else ''}.npz"
        if not own.exists():
            keep_probabilities(model, pairs[row.name], own, scale=options.scale, invert=row.invert)


def score_all(options: argparse.Namespace) -> None:
    """Try every rule on every image that is kept."""
    table = pd.read_csv(options.cache / "list.csv")
    table["name"] = table["name"] + table["invert"].map({0: "", 1: "_inverted"})
    rows = [row for path in sorted(options.cache.glob("*.npz")) for row in score_image(path, RULES)]
    scores = table.merge(pd.DataFrame(rows), on="name")
    scores.to_csv(options.out, index=False, float_format="%.4f")
    for column in ("mean_ap", "jaccard"):
        means = scores.groupby(["seen", "kind", "rule"])[column].mean().unstack(["seen", "kind"])
        of_kinds = means.T.groupby(level="seen").mean().T.add_prefix("mean of kinds, seen ")
        means.columns = [" ".join(map(str, pair)) for pair in means.columns]
        both = (100 * pd.concat([of_kinds, means], axis=1)).round(1).reset_index()
        print(column, table_to_markdown(both), sep="\n")


def main() -> None:
    """Predict, or score."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    first = verbs.add_parser("predict")
    for name, kind in (("model", str), ("data", Path), ("list", Path), ("cache", Path)):
        first.add_argument(name, type=kind)
    first.add_argument("--scale", choices=("found", "true"), default="found")
    first.set_defaults(run=predict_all)
    second = verbs.add_parser("score")
    second.add_argument("cache", type=Path)
    second.add_argument("out", type=Path)
    second.set_defaults(run=score_all)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
