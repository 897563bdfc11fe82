"""image files + model + the workers of a Dask scheduler → what `coverslip.pipeline` gives."""

from coverslip.cluster.connect import connected
from coverslip.cluster.executor import DaskExecutor

__all__ = ["DaskExecutor", "connected"]
