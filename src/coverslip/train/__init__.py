"""pairs of files → a trained network, in a folder that a killed run can go on from."""

from coverslip.train.loop import fit
from coverslip.train.ranks import Ranks, joined, leave
from coverslip.train.settings import TrainSettings
from coverslip.train.start import settings_from
from coverslip.train.state import Plan, resume_plan, start_run
from coverslip.train.step import one_cycle

__all__ = [
    "Plan",
    "Ranks",
    "TrainSettings",
    "fit",
    "joined",
    "leave",
    "one_cycle",
    "resume_plan",
    "settings_from",
    "start_run",
]
