"""Cellpose 3, its U-Net with random weights: a threshold on its probability finds nothing."""

import tifffile
import torch
from cellpose import models
from cellpose.resnet_torch import CPnet
from clock import clock, write

torch.manual_seed(0)
network = CPnet([2, 32, 64, 128, 256], nout=3, sz=3)  # that of cyto3 and nuclei
torch.save(network.state_dict(), "/tmp/cellpose3_random.pth")
model = models.CellposeModel(gpu=False, pretrained_model="/tmp/cellpose3_random.pth")


def run(image, labels):
    """Its own tiling, at the image's scale."""
    found, *_ = model.eval(
        tifffile.imread(image), channels=[0, 0], diameter=30, cellprob_threshold=1e6
    )
    write(labels, found)


clock(run)
