"""labels → files of other tools: ROIs, GeoJSON, COCO, OME-TIFF, OME-Zarr, SVG."""

from coverslip.export.coco import coco_frames, write_coco, write_coco_frames
from coverslip.export.geojson import write_geojson
from coverslip.export.ome_tiff import write_ome_tiff
from coverslip.export.ome_zarr import write_ome_zarr
from coverslip.export.roi import write_roi_zip
from coverslip.export.source import LabelImage
from coverslip.export.svg import write_svg
from coverslip.outlines import Outline, find_outlines

__all__ = [
    "LabelImage",
    "Outline",
    "coco_frames",
    "find_outlines",
    "write_coco",
    "write_coco_frames",
    "write_geojson",
    "write_ome_tiff",
    "write_ome_zarr",
    "write_roi_zip",
    "write_svg",
]
