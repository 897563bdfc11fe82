from .coco import coco_frames, write_coco, write_coco_frames
from .geojson import write_geojson
from .ome_tiff import write_ome_tiff
from .ome_zarr import write_ome_zarr
from .roi import write_roi_zip
from .source import LabelImage
from .svg import write_svg

__all__ = [
    "LabelImage",
    "coco_frames",
    "write_coco",
    "write_coco_frames",
    "write_geojson",
    "write_ome_tiff",
    "write_ome_zarr",
    "write_roi_zip",
    "write_svg",
]
