"""StarDist 2D on TensorFlow's CPU build, random weights: a threshold finds nothing."""

import tifffile
from clock import clock, write
from csbdeep.utils import normalize
from stardist.models import Config2D, StarDist2D

model = StarDist2D(Config2D(n_rays=32, grid=(2, 2), n_channel_in=1), name=None, basedir=None)


def run(image, labels):
    """As its README does; of large images, in tiles of 1024 px."""
    pixels = normalize(tifffile.imread(image), 1, 99.8)
    n_tiles = tuple(max(1, length // 1024) for length in pixels.shape)
    found, _ = model.predict_instances(
        pixels, n_tiles=n_tiles, prob_thresh=1.1, show_tile_progress=False
    )
    write(labels, found)


clock(run)
