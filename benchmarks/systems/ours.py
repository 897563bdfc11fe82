"""coverslip: image file → labels, and with --table all measurements of all cells beside them.

`swift` has the weights of the model phase; `rp` is ResNet18-UNet+RP with random ones, and a
threshold at which it finds nothing. Both see every pixel: --scale 1.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from clock import clock

from coverslip.checkpoints import Checkpoint, load_model
from coverslip.inference import PredictSettings
from coverslip.io import open_image, read_frame, write_labels
from coverslip.models import MODELS
from coverslip.pipeline import (
    SegmentSettings,
    least_area,
    predict_prepared,
    prepare_image,
    probs_to_labels,
    segment,
)

parser = argparse.ArgumentParser()
parser.add_argument("--network", choices=("swift", "rp"), required=True)
parser.add_argument("--backend", required=True)
parser.add_argument("--tta", default="none")
parser.add_argument("--table", action="store_true")
options, _ = parser.parse_known_args()
torch.manual_seed(0)
random = Checkpoint(network=MODELS["resnet18_unet_rp"]().eval(), model="resnet18_unet_rp")
model = load_model("phase") if options.network == "swift" else random
settings = SegmentSettings(
    threshold=model.threshold if options.network == "swift" else 1.0,
    predict=PredictSettings(device="cpu", backend=options.backend, tta=options.tta),
)
settings = replace(settings, min_area_px=least_area(settings, model))


def run(image: str, labels: str) -> None:
    """What `coverslip segment` does of an image, but for its pictures and page."""
    pixels = read_frame(open_image(Path(image)))
    if options.table:
        cells = segment(pixels, model, settings=settings).labels
    else:
        prepared = prepare_image(pixels, model)
        probs = predict_prepared(prepared, model, settings=settings).probs
        cells = probs_to_labels(probs, model.maps, settings=settings)
    write_labels(Path(labels), iter([cells]), shape=cells.shape, axes="YX")


clock(run)
