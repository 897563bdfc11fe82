from .connect import connected
from .executor import DaskExecutor

__all__ = ["DaskExecutor", "connected"]
