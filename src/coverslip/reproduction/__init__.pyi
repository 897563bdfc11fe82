from .budget import BUDGETS, Budget, find_budget
from .cache_key import check_data, is_finished
from .datasets import DataSet, Split, open_dataset
from .plan import PARTS, find_datasets, plan_part
from .queue import Outcome, run_queue
from .reproduce import Effort, run_reproduce
from .run_context import RunContext
from .systems import ABLATIONS, SYSTEMS, System
from .task import Task, plan_tasks

__all__ = [
    "ABLATIONS",
    "BUDGETS",
    "PARTS",
    "SYSTEMS",
    "Budget",
    "DataSet",
    "Effort",
    "Outcome",
    "RunContext",
    "Split",
    "System",
    "Task",
    "check_data",
    "find_budget",
    "find_datasets",
    "is_finished",
    "open_dataset",
    "plan_part",
    "plan_tasks",
    "run_queue",
    "run_reproduce",
]
