from .egt import EGTSettings, segment_egt
from .methods import METHODS, Settings
from .phantast import PHANTAST_GUI, PhantastSettings, segment_phantast

__all__ = [
    "METHODS",
    "PHANTAST_GUI",
    "EGTSettings",
    "PhantastSettings",
    "Settings",
    "segment_egt",
    "segment_phantast",
]
