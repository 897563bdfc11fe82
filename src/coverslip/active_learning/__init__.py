"""images + model → those that are worth annotating next, with the reason for each.

Active learning: a person annotates first what the model is least sure of.
"""

import lazy_loader as lazy

from coverslip._optional import naming_torch

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__getattr__ = naming_torch(__getattr__)
