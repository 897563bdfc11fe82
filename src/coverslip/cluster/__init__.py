"""image files + model + the workers of a Dask scheduler → what `coverslip.pipeline` gives."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
