"""image files + model + the workers of a Dask scheduler → what `coverslip.pipeline` gives.

Whole-slide images, time-lapses and large batches are divided among the machines of a cluster.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
