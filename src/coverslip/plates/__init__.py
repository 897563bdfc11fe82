"""cells of a plate's wells + what each well got → effects between conditions, with their intervals.

Multi-well plates and screens: treatments, doses, replicates, dose-response, quality control.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
