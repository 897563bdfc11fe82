"""the paper's questions → runs, scores, tables and figures."""

from coverslip.experiments.budget import BUDGETS, Budget, find_budget
from coverslip.experiments.datasets import DataSet, Split, open_dataset
from coverslip.experiments.means import Means
from coverslip.experiments.queue import Outcome, run_queue
from coverslip.experiments.reproduce import write_results
from coverslip.experiments.request import check_data, is_finished
from coverslip.experiments.score import score_model
from coverslip.experiments.systems import ABLATIONS, SYSTEMS, System
from coverslip.experiments.task import Task, plan_tasks
from coverslip.experiments.wanted import PARTS, find_datasets, wanted_tasks

__all__ = [
    "ABLATIONS",
    "BUDGETS",
    "PARTS",
    "SYSTEMS",
    "Budget",
    "DataSet",
    "Means",
    "Outcome",
    "Split",
    "System",
    "Task",
    "check_data",
    "find_budget",
    "find_datasets",
    "is_finished",
    "open_dataset",
    "plan_tasks",
    "run_queue",
    "score_model",
    "wanted_tasks",
    "write_results",
]
