"""a run's results → one HTML page.

The page shows each segmentation, cell counts and confluence, and curves of a time-lapse.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
