"""probabilities or an image → mask → cells, touching ones apart; cells → targets.

Instance segmentation from what a network predicts, and segmentation without learning.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
