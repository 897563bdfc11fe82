"""Runs that were really made, two steps of every system, are read and tabulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from coverslip.models import MODELS
from coverslip.reproduction import ABLATIONS, SYSTEMS
from coverslip.reproduction.network_cost import count_parameters
from coverslip.reproduction.result_file import read_runs
from coverslip.reproduction.tables import ablation_table, cost_table, paper_table

RUNS = read_runs(Path(__file__).parent / "runs", on_skipped=pytest.fail)


def test_there_is_one_of_every_system():
    assert {run.system for run in RUNS} == set(SYSTEMS | ABLATIONS)
    assert {run.model for run in RUNS} >= set(MODELS)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.system)
def test_it_says_what_it_is(run):
    system = (SYSTEMS | ABLATIONS)[run.system]
    assert (run.model, run.request["loss"]) == (system.model, system.loss)
    for size in ("resized", "native"):
        assert set(run.scores[size]) == set(system.tta)
        assert all(len(images) == 6 for images in run.scores[size].values())
    learns = run.model in MODELS
    assert run.parameters == (count_parameters(run.model, run.arguments) if learns else None)
    assert bool(run.attempts) == bool(run.history) == learns
    assert run.provenance["commit"] and run.device


@pytest.mark.parametrize("number", [1, 2])
def test_all_of_them_make_a_table(number):
    table = paper_table(number, RUNS, budget="trial")
    labels = " ".join(table.frame["System"])
    assert all(system.label in labels for system in SYSTEMS.values())
    assert (table.frame["JS ours"] != "—").all()
    assert "none (ImageNet intended)" in set(table.details["How each was trained"]["start"])


def test_ablations_and_costs_too():
    changes = ablation_table(RUNS, "phase_contrast", budget="trial").frame
    assert len(changes) == 2 + len(ABLATIONS) + 2  # the base, no paths, and two augmentations
    assert len(cost_table(RUNS).frame) == sum(run.model in MODELS for run in RUNS) - len(ABLATIONS)
