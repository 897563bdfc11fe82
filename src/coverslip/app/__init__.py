"""a folder of images, the models and a browser → corrected labels and models of one's own.

Everything else of the room starts here: `coverslip app` and `coverslip serve`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
