"""a command line → one of the verbs, a file each: its options, its run, its messages."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
