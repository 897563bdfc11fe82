"""coverslip reproduce, from the command line to the page."""

from __future__ import annotations

import pandas as pd
import pytest

from coverslip.cli import main
from coverslip.experiments.record import read_runs
from drawn import write_dataset


@pytest.fixture
def folder(tmp_path):
    return write_dataset(tmp_path / "phase", n=9)


@pytest.fixture
def reproduce(monkeypatch, tmp_path, capsys):
    """Run the verb; its exit status, and what it printed."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["coverslip", "reproduce", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, "".join(capsys.readouterr())

    return run


def test_a_table_from_nothing(folder, reproduce, tmp_path):
    out = tmp_path / "out"
    words = ["table2", folder, "-o", out, "--budget", "trial", "--systems", "egt,swift"]
    status, said = reproduce(*words, "--splits", "fold0", "--device", "cpu")
    assert status == 0
    assert "2 runs, 0 of them done before" in said and f"{out / 'table2.md'}" in said
    runs = read_runs(out / "runs", on_skipped=pytest.fail)
    assert [run.id for run in runs] == ["phase.fold0.trial.egt", "phase.fold0.trial.swift"]
    page = (out / "table2.md").read_text()
    assert "The paper's Table 2" in page and "phase" in page and "MDA-MB-231" in page
    table = pd.read_csv(out / "tables" / "table2.csv")
    row = table[table["System"].str.startswith("swift")].iloc[0]
    by_hand = pd.Series(
        {
            name: c.tp / (c.tp + c.fp + c.fn)
            for name, c in runs[1].counts(size="resized", tta="none").items()
        }
    )
    assert row["JS ours"] == f"{100 * by_hand.mean():.1f} ± {100 * by_hand.std():.1f}"

    again, said = reproduce(*words, "--splits", "fold0")
    assert again == 0 and "2 runs, 2 of them done before" in said

    only, _ = reproduce("table1", folder, "-o", out, "--budget", "trial", "--tables-only")
    assert only == 0 and (out / "tables" / "table1.tex").is_file()


def test_a_failed_run_is_told_of_and_the_table_made(folder, reproduce, tmp_path):
    broken = sorted((folder / "images").iterdir())
    for path in broken:
        path.write_bytes(b"no image")
    out = tmp_path / "out"
    status, said = reproduce("table2", folder, "-o", out, "--budget", "trial", "--systems", "egt")
    assert status == 1
    assert "Traceback" not in said
    assert "phase.fold0.trial.egt: failed" in said and "3 runs failed" in said
    assert (out / "tables" / "table2.md").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table9"], "table9: wanted one of table1"),
        (["table3"], "table3 is of DSB2018"),
        (["table1", "--budget", "huge"], "--budget huge: wanted one of trial, cpu, full"),
        (["table1", "--jobs", "0"], "--jobs 0: wanted 1 or more"),
        (["table1", "--systems", "cellpose"], "--systems cellpose: wanted of egt, phantast"),
        (["table1", "--systems", "rp_loss_bce"], "--systems rp_loss_bce: wanted of egt"),
        (["table1", "--splits", "seed0"], "--splits seed0: wanted of fold0, fold1, fold2"),
        (["table1", "--weights", "wieghts"], "--weights wieghts: no such folder"),
        (["table1", "--tables-only"], "no such folder"),
    ],
)
def test_a_mistake_is_told_and_nothing_run(folder, reproduce, tmp_path, words, message):
    part, *options = words
    status, said = reproduce(part, folder, "-o", tmp_path / "out", *options)
    assert status == 2
    assert said.startswith("error: ") and message in said
    assert not (tmp_path / "out" / "runs").exists()
