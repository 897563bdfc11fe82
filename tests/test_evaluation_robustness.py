"""Images made worse: by how much, the same each time, and what is left of the score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bright import bright_job
from coverslip.checkpoints.method import build_method
from coverslip.errors import FileError, SettingsError
from coverslip.evaluation import (
    DEGRADATIONS,
    ROBUSTNESS_COLUMNS,
    ROBUSTNESS_SUMMARY_COLUMNS,
    degrade,
    measure_robustness,
    summarise_robustness,
)
from coverslip.evaluation import robustness as running
from coverslip.figures.robustness import Ladder, quartiles, robustness_figure
from coverslip.io import Ledger, find_pairs, writing
from coverslip.pipeline import Job, SegmentSettings
from drawn import squares
from printed import collisions, texts

ONES = [name for name, one in DEGRADATIONS.items() if one.change is not None]


@pytest.fixture
def pairs(tmp_path):
    """Three images of bright squares and their truth."""
    for n in (2, 4, 6):
        image, labels = squares(n, size=40)
        Image.fromarray(image).save(tmp_path / f"s{n}.png")
        Image.fromarray(labels).save(tmp_path / f"s{n}_labels.png")
    return find_pairs(tmp_path)


def medians(table: pd.DataFrame, name: str) -> list[float]:
    own = table[table["degradation"] == name]
    return [own[own["strength"] == s]["jaccard"].median() for s in DEGRADATIONS[name].strengths]


# --- making worse


@pytest.mark.parametrize("name", ONES)
@pytest.mark.parametrize("shape", [(24, 40), (24, 40, 3), (1, 1)])
def test_the_same_name_is_made_worse_in_the_same_way(name, shape):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    before = image.copy()
    one = DEGRADATIONS[name]
    for strength in (one.strengths[0], one.strengths[-1]):
        worse, again = (degrade(image, one.change, strength, name="a") for _ in range(2))
        assert worse.shape == shape and worse.dtype == np.float32
        assert 0 <= worse.min() and worse.max() <= 1
        assert np.array_equal(worse, again) and np.array_equal(image, before)
    if shape != (1, 1):
        assert not np.array_equal(worse, image)


@pytest.mark.parametrize("name", ["noise", "photons", "illumination"])
def test_another_name_has_another_noise(name):
    image = np.full((16, 16), 0.5, np.float32)
    change = DEGRADATIONS[name].change
    first, second = (degrade(image, change, 0.5, name=which) for which in "ab")
    assert not np.array_equal(first, second)


def test_what_each_does_to_an_image_by_numbers():
    image = np.array([[0.25, 0.5, 1.0]], np.float32)

    def change(name: str, strength: float) -> list[float]:
        return degrade(image, DEGRADATIONS[name].change, strength, name="x")[0].tolist()

    assert change("inversion", 1) == pytest.approx([0.75, 0.5, 0])
    assert change("brightness", 0.2) == pytest.approx([0.45, 0.7, 1])
    assert change("gamma", 2) == pytest.approx([0.0625, 0.25, 1])
    grey = np.full((200, 200), 0.64, np.float32)
    noisy = degrade(grey, DEGRADATIONS["photons"].change, 100, name="x")
    assert noisy.std() == pytest.approx(0.08, rel=0.03)  # √0.64 / √100
    lit = degrade(grey, DEGRADATIONS["illumination"].change, 0.5, name="x")
    assert (lit.max(), lit.min()) == pytest.approx((0.64, 0.32))


def test_strengths_are_told_from_mild_to_severe():
    assert DEGRADATIONS["blur"].by_severity == [0.5, 1, 2, 4, 8]
    assert DEGRADATIONS["scale"].by_severity == [0.7, 1.4, 0.5, 2, 0.25, 4]
    assert all(1 <= len(one.strengths) <= 6 for one in DEGRADATIONS.values())


# --- scoring


def test_the_score_falls_where_it_must_and_nowhere_else(pairs, tmp_path):
    steps = []
    table = measure_robustness(
        bright_job(),
        pairs,
        tmp_path / "out",
        on_scored=lambda what, done, n: steps.append((what, done, n)),
    )
    assert list(table.columns) == list(ROBUSTNESS_COLUMNS)
    n_steps = 1 + sum(len(one.strengths) for one in DEGRADATIONS.values())
    assert len(table) == 3 * n_steps
    assert steps[-1][1:] == (3 * n_steps, 3 * n_steps) and len(steps) == 3 * n_steps
    assert (table[table["degradation"] == "none"]["jaccard"] == 1).all()
    # "cell is brighter than the middle" is wrong everywhere when inverted: nothing right is left
    assert medians(table, "inversion") == [0]
    assert medians(table, "brightness")[2:4] == [1, 1]
    noise, blur = medians(table, "noise"), medians(table, "blur")
    assert noise[0] == 1 and noise[-1] < 0.8 and noise == sorted(noise, reverse=True)
    assert blur[0] > 0.8 and blur[-1] < 0.6
    assert min(medians(table, "scale")[3:]) > 0.8 and medians(table, "scale")[0] < 0.8


def test_summary_says_when_it_begins_to_tell(pairs, tmp_path):
    table = measure_robustness(
        bright_job(), pairs, tmp_path / "out", degradations=("inversion", "gamma")
    )
    summary = summarise_robustness(table)
    assert list(summary.columns) == list(ROBUSTNESS_SUMMARY_COLUMNS)
    inversion = summary.iloc[0]
    assert (inversion["degradation"], inversion["mildest"], inversion["median"]) == (
        "inversion",
        1,
        0,
    )


def test_steps_that_are_done_are_not_done_again(pairs, tmp_path, monkeypatch):
    out = tmp_path / "out"
    first = measure_robustness(bright_job(), pairs, out, degradations=("gamma", "inversion"))
    done = []
    step = running.score_step
    monkeypatch.setattr(
        running, "score_step", lambda *args, **kw: done.append(args[2:4]) or step(*args, **kw)
    )
    again = measure_robustness(bright_job(), pairs, out, degradations=("gamma",))
    pd.testing.assert_frame_equal(again, first, check_dtype=False, rtol=1e-12)
    assert done == []
    # a call that was killed after the third strength
    table = pd.read_csv(out / "robustness.csv")
    cut = table[~((table["degradation"] == "gamma") & (table["strength"] > 0.6))]
    with writing(Ledger(out)):
        running.write_table(out / "robustness.csv", cut)
    again = measure_robustness(bright_job(), pairs, out, degradations=("gamma", "inversion"))
    assert done == [("gamma", 1.7), ("gamma", 2.5), ("gamma", 4.0)]
    pd.testing.assert_frame_equal(again, first)


def test_a_folder_holds_the_answer_to_one_question(pairs, tmp_path):
    out = tmp_path / "out"
    measure_robustness(bright_job(), pairs, out, degradations=("inversion",))
    for job, few, what in (
        (bright_job(threshold=0.7), pairs, "other settings:"),
        (bright_job(model_hash="1"), pairs, "another model:"),
        (bright_job(model_hash="1"), pairs[:2], "another model and other images or masks:"),
    ):
        with pytest.raises(SettingsError, match=f"holds what came of {what}"):
            measure_robustness(job, few, out, degradations=("inversion",))
    (out / "robustness.csv").write_text("name\na\n")
    with pytest.raises(FileError, match="it was changed since"):
        measure_robustness(bright_job(), pairs, out, degradations=("inversion",))
    with pytest.raises(SettingsError, match="must be one of inversion"):
        measure_robustness(bright_job(), pairs, out, degradations=("inverse",))


def test_cells_are_scored_beside_pixels(pairs, tmp_path):
    table = measure_robustness(bright_job(), pairs, tmp_path / "out", degradations=("gamma",))
    undisturbed = table[table["degradation"] == "none"]
    assert (undisturbed["mean_ap"] == 1).all() and (undisturbed["n_pred"] > 0).all()


def test_a_method_without_learning_too(pairs, tmp_path):
    egt = build_method("egt", {})
    job = Job(
        model=egt,
        model_name="egt",
        model_hash=egt.hash,
        settings=SegmentSettings(min_area_px=0, threshold=egt.threshold),
    )
    table = measure_robustness(job, pairs[:1], tmp_path / "out", degradations=("inversion",))
    assert table["degradation"].tolist() == ["none", "inversion"]


def test_the_page_names_every_degradation_and_column():
    page = (Path(__file__).parent.parent / "docs" / "robustness.md").read_text(encoding="utf-8")
    for name, one in DEGRADATIONS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        numbers = [f"{strength:g}" for strength in one.strengths]
        assert name == "inversion" or ", ".join(numbers) in row
    for column in ("degradation", "strength", "unit"):
        assert f"| `{column}` | {ROBUSTNESS_COLUMNS[column]} |" in page


# --- figure


def made_table(names) -> pd.DataFrame:
    rows = [("none", float("nan"), 0.9), ("none", float("nan"), 0.7)]
    for name in names:
        for place, strength in enumerate(DEGRADATIONS[name].strengths):
            rows += [(name, strength, 0.8 - 0.1 * place), (name, strength, 0.6 - 0.1 * place)]
    return pd.DataFrame(rows, columns=["degradation", "strength", "jaccard"])


LADDERS = {name: Ladder(one.title, one.unit, one.strengths) for name, one in DEGRADATIONS.items()}


def test_quartiles_are_those_of_the_images_at_a_strength():
    rows = pd.DataFrame({"strength": [1.0] * 5 + [2.0], "jaccard": [0, 0.1, 0.2, 0.3, 0.4, 0.5]})
    steps = quartiles(rows, (2.0, 1.0, 3.0), score="jaccard")
    assert list(steps) == [2.0, 1.0]
    assert steps[1.0] == pytest.approx((0.1, 0.2, 0.3))


@pytest.mark.parametrize("names", [["blur"], ["jpeg", "scale", "noise"], list(DEGRADATIONS)])
def test_figure_has_a_panel_for_each_degradation(names):
    figure = robustness_figure(made_table(names), LADDERS)
    said = texts(figure)
    assert all(
        DEGRADATIONS[name].title in said and DEGRADATIONS[name].unit in said for name in names
    )
    assert "undisturbed, median 0.800" in said and "median over 2 images" in said
    assert len(figure.axes) == 1 + len(names)
    ends = [axes.get_position().x1 for axes in figure.axes[1:]]
    assert max(ends) > 0.95 or len(names) > 5  # the page is filled
    shown = list(LADDERS)
    panel = figure.axes[1]
    first = DEGRADATIONS[min(names, key=shown.index)]
    assert [tick.get_text() for tick in panel.get_xticklabels()] == [
        f"{strength:g}" for strength in first.strengths
    ]
    assert list(panel.lines[1].get_ydata()) == pytest.approx(
        [0.7 - 0.1 * place for place in range(len(first.strengths))]
    )
    assert collisions(figure) == []


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="one degradation"):
        robustness_figure(made_table([]), LADDERS)


@pytest.mark.parametrize("name", ["robustness.csv", "request.json"])
def test_what_is_not_ours_is_left_as_it_is(pairs, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(FileError, match="coverslip did not write it"):
        measure_robustness(bright_job(), pairs, out, degradations=["noise"])
    assert [one.name for one in out.iterdir()] == [name]
    assert (out / name).read_text() == "mine"
