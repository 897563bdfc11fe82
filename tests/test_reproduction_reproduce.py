"""coverslip reproduce, from the command line to the page."""

from __future__ import annotations

import pandas as pd
import pytest

from coverslip.cli import main
from coverslip.reproduction.cache_key import hash_data
from coverslip.reproduction.result_file import read_runs
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
    assert "2 runs, 0 of them done before" in said and f"{out / 'trial' / 'table2.md'}" in said
    runs = read_runs(out / "runs", on_skipped=pytest.fail)
    assert [run.id for run in runs] == ["phase.fold0.trial.egt", "phase.fold0.trial.swift"]
    page = (out / "trial" / "table2.md").read_text()
    assert "The paper's Table 2" in page and "phase" in page and "MDA-MB-231" in page
    table = pd.read_csv(out / "trial" / "tables" / "table2_phase.csv")
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
    assert only == 0 and (out / "trial" / "tables" / "table1_phase.tex").is_file()


def test_a_failed_run_is_told_of_and_the_table_made(folder, reproduce, tmp_path):
    # cut off in the middle: its header, which is looked at before anything is run, is whole
    broken = sorted((folder / "images").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:-300])
    out = tmp_path / "out"
    status, said = reproduce("table2", folder, "-o", out, "--budget", "trial", "--systems", "egt")
    assert status == 1
    assert "Traceback" not in said
    assert "egt: failed" in said and "1 run failed" in said
    page = (out / "trial" / "table2.md").read_text()
    assert "## Not in it" in page and "failed: " in page and broken.name in page


def test_broken_images_are_all_told_of_before_anything_is_run(folder, reproduce, tmp_path):
    for path in sorted((folder / "images").iterdir())[:2]:
        path.write_bytes(b"no image")
    status, said = reproduce("table2", folder, "-o", tmp_path / "out", "--budget", "trial")
    assert status == 2
    assert "2 problems with the images, nothing was run" in said
    assert "d0.png" in said and "d1.png" in said


def test_tables_are_not_written_over_by_empty_ones(folder, reproduce, tmp_path):
    words = ["table2", folder, "-o", tmp_path / "out"]
    reproduce(*words, "--budget", "trial", "--systems", "egt")
    status, said = reproduce(*words, "--tables-only")
    assert status == 2
    assert "no run of budget cpu is finished" in said and "--budget trial" in said
    (folder / "labels" / "d0.png").write_bytes((folder / "labels" / "d1.png").read_bytes())
    hash_data.cache_clear()
    status, said = reproduce(*words, "--tables-only", "--budget", "trial", "--systems", "egt")
    assert status == 2
    assert "made of other images or masks than are there now" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table9"], "table9: wanted one of table1"),
        (["table3"], "table3 is of DSB2018"),
        (["table1", "--budget", "huge"], "--budget huge: wanted one of trial, cpu, long, full"),
        (["table1", "--jobs", "0"], "--jobs 0: wanted more than 0"),
        (["table1", "--time-limit", "-1"], "--time-limit -1.0: wanted more than 0"),
        (["table1", "--systems", ""], "--systems: empty"),
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
