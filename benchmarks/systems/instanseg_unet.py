"""InstanSeg's U-Net with random weights and nothing behind it: seeds at random would be noise."""

import numpy as np
import tifffile
import torch
from clock import clock, tiles, write
from instanseg.utils.models.InstanSeg_UNet import InstanSeg_UNet

torch.manual_seed(0)
# As its training builds it: three channels in; coordinates, two sigmas and a seed map out.
network = InstanSeg_UNet(3, [[2, 2, 1]], layers=[256, 128, 64, 32]).eval()


@torch.inference_mode()
def run(image, labels):
    """Tile by tile without overlap."""
    pixels = tifffile.imread(image).astype(np.float32) / 255
    mask = np.zeros(pixels.shape, bool)
    for window in tiles(pixels.shape):
        maps = network(torch.from_numpy(np.stack([pixels[window]] * 3))[None])
        mask[window] = maps[0, -1].numpy() > np.inf
    write(labels, mask)


clock(run)
