"""the paper's questions → runs, scores, tables and figures: what `coverslip reproduce` does.

The package on top of the package: it imports what `coverslip` promises to every user and nothing
below, so all of it could stand in a repository of its own.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
