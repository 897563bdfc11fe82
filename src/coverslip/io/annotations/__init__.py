"""annotation files of other tools ↔ labels: Cellpose, ilastik, labelme, COCO, QuPath, ImageJ.

Ground truth for instance segmentation that was drawn elsewhere; one file for each format.
"""
