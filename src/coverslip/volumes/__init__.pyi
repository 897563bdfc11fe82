from .files import JoinedStack, join_stack
from .join import Joined, JoinSettings, SliceJoiner, join_slices
from .measure import OBJECT_COLUMNS, ObjectSums
from .stacks import LabelStack, open_stacks

__all__ = [
    "OBJECT_COLUMNS",
    "JoinSettings",
    "Joined",
    "JoinedStack",
    "LabelStack",
    "ObjectSums",
    "SliceJoiner",
    "join_slices",
    "join_stack",
    "open_stacks",
]
