"""image files + model → masks, cells and tables: the story on one page.

Images, time-lapses, z-stacks and whole-slide images are segmented, measured and reported.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
