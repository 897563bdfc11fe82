"""this computer → whether coverslip works here, facts for a bug report, and what to mend.

Nothing here needs more than Python itself: what does is asked of a process of its own (`probe`),
so that a PyTorch which cannot be imported, or which ends the process, is found and told.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
