"""image files + model + the workers of a Dask scheduler → what `segment_files` gives.

The workers do the pieces of all images (`coverslip.pipeline.pieces`), each into files of the
results' folder, which all machines see. The process that was started begins every image, waits
until its pieces are there, and finishes it by the code that does so on one machine. A worker that
dies costs the piece that it was at: the scheduler gives it to another.
"""

from coverslip.cluster.connect import connected
from coverslip.cluster.segment import segment_on_cluster

__all__ = ["connected", "segment_on_cluster"]
