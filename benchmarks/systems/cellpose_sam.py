"""Cellpose 4 (CPSAM) with random weights, in float32: bfloat16, its default, is slower on a CPU."""

import tifffile
import torch
from cellpose import models
from cellpose.vit import CPSAM
from clock import clock, write

torch.manual_seed(0)
network = CPSAM()
torch.save(network.state_dict(), "/tmp/cellpose_sam_random.pth")
del network
model = models.CellposeModel(
    gpu=False, pretrained_model="/tmp/cellpose_sam_random.pth", use_bfloat16=False
)


def run(image, labels):
    """Its own tiling, at the image's scale."""
    found, *_ = model.eval(tifffile.imread(image), cellprob_threshold=1e6)
    write(labels, found)


clock(run)
