"""labels → files of other tools: ROIs, GeoJSON, COCO, OME-TIFF, OME-Zarr, SVG.

Instance segmentation for Fiji (ImageJ), QuPath, napari and training code.
"""

import lazy_loader as lazy

from coverslip._moved import with_old_names

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__getattr__ = with_old_names(__name__, __getattr__)
