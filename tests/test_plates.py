"""Plates: wells by their names, conditions of images, effects over replicates, dose-response."""

from __future__ import annotations

import math
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import t, ttest_ind
from typer.testing import CliRunner

from coverslip.cli import app
from coverslip.errors import DataError, FileError, SettingsError
from coverslip.plates import (
    Well,
    compare_conditions,
    compare_means,
    fit_dose_response,
    hill_curve,
    judge_images,
    look_at,
    path_to_well,
    read_conditions,
    smallest_plate,
    text_to_well,
)


@pytest.mark.parametrize(
    ("path", "well"),
    [
        ("B03.tif", "B03"),
        ("day2_b3_s1.png", "B03"),
        ("plate_B03_s1_w2.TIF", "B03"),
        ("r02c03f01p01-ch1sk1fk1fl1.tiff", "B03"),
        ("Row2_Col11.png", "B11"),
        ("AssayPlate_C07_T0001F001L01A01Z01C01.tif", "C07"),
        ("plate1/well_H12/site1.tif", "H12"),
        ("AF48.tif", "AF48"),
        ("t98g_film.tif", None),
        ("B2_vs_C3.tif", None),
        ("image_0001.tif", None),
        ("B49.tif", None),
        ("GFP488.tif", None),
    ],
)
def test_well_of_a_file(path, well):
    found = path_to_well(PurePath(path))
    assert (found.name if found else None) == well


def test_a_text_is_a_well_only_as_a_whole():
    assert text_to_well("b3") == Well(1, 2)
    assert text_to_well("AA1") == Well(26, 0)
    assert text_to_well("B3 and C4") is None


@pytest.mark.parametrize(
    ("last", "name"),
    [(Well(1, 2), "6 wells"), (Well(7, 11), "96 wells"), (Well(8, 0), "384 wells"),
     (Well(31, 47), "1536 wells")],
)  # fmt: skip
def test_the_smallest_plate_that_has_the_wells(last, name):
    assert smallest_plate([Well(0, 0), last]).name == name


def write_plate(folder: Path, text: str) -> Path:
    path = folder / "plate.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_conditions_by_well_and_by_plate(tmp_path):
    text = "plate,well,drug,dose\nP1,B2,DMSO,0\nP2,B2,taxol,1.5\n"
    found = read_conditions(write_plate(tmp_path, text))
    assert found.names == ("drug", "dose")
    assert found.of("screen/P1/B02_f1.tif") == {"drug": "DMSO", "dose": 0}
    assert found.of("screen/p2/B02_f1.tif") == {"drug": "taxol", "dose": 1.5}
    assert found.of("screen/P3/B02.tif") == {}


def test_conditions_by_file_name_stem_pattern_and_label_file(tmp_path):
    text = "file;drug\na.tif;x\nb;y\nday2_*.png;z\nplates/one/c;w\n"
    found = read_conditions(write_plate(tmp_path, text))
    for file, drug in (
        ("in/a.tif", "x"),
        ("in/a_labels.tif", "x"),
        ("b.ome.tif", "y"),
        ("day2_17.png", "z"),
        ("/data/plates/one/c.png", "w"),
    ):
        assert found.of(file) == {"drug": drug}, file
    assert found.of("/data/plates/two/c.png") == {}


def test_a_file_s_number_may_have_lost_its_zeros(tmp_path):
    (tmp_path / "plate.csv").write_text("file,dose\n1,0.5\n10,2\n")
    conditions = read_conditions(tmp_path / "plate.csv")
    found = [conditions.of(f"out/{name}") for name in ("001.tif", "010_labels.tif", "011.tif")]
    assert found == [{"dose": 0.5}, {"dose": 2}, {}]


def test_decimals_with_a_comma_are_numbers(tmp_path):
    found = read_conditions(write_plate(tmp_path, "well;dose\nA1;0,5\nA2;\n"))
    assert found.of("A01.tif") == {"dose": 0.5}
    assert found.of("A02.tif") == {"dose": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drug\nx\n", "no column 'file' or 'well'"),
        ("well\nA1\n", "no condition"),
        ("well,drug\nZZ9,x\n", "row 2: 'ZZ9' is no well"),
        ("well,drug\n,x\n", "row 2: it names neither"),
        ("well,area_px\nA1,1\n", "area_px already"),
        ("well,drug,drug\nA1,x,y\n", "two columns are called drug"),
        ("well,drug\n", "a row for each well"),
    ],
)
def test_a_plate_map_that_cannot_be_understood(tmp_path, text, words):
    with pytest.raises(DataError, match=words) as error:
        read_conditions(write_plate(tmp_path, text))
    assert "plate.csv" in str(error.value)


def test_two_rows_about_one_image_must_agree(tmp_path):
    found = read_conditions(write_plate(tmp_path, "file,drug\na*,x\nab.tif,y\n"))
    assert found.of("ac.tif") == {"drug": "x"}
    with pytest.raises(DataError, match=r"rows 2 and 3 are both about ab\.tif"):
        found.of("ab.tif")


def test_no_plate_map(tmp_path):
    with pytest.raises(FileError, match=r"plate\.csv"):
        read_conditions(tmp_path / "plate.csv")


def test_welch_interval_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(5, 1, 4), rng.normal(3, 2, 6)
    effect = compare_means(dict(enumerate(a)), dict(enumerate(b, start=10)))
    wanted = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert not effect.paired
    assert (effect.low, effect.high) == pytest.approx((wanted.low, wanted.high))


def test_the_same_replicates_are_compared_one_by_one():
    control = {"d1": 10.0, "d2": 20.0, "d3": 33.0}
    group = {"d1": 12.0, "d2": 21.0, "d3": 36.0}
    effect = compare_means(group, control)
    half = t.ppf(0.975, 2) * np.std([2, 1, 3], ddof=1) / math.sqrt(3)
    assert effect.paired
    assert (effect.low, effect.high) == pytest.approx((2 - half, 2 + half))


def test_one_replicate_has_no_interval():
    effect = compare_means({"d1": 2.0}, {"d1": 1.0})
    assert effect.difference == 1
    assert math.isnan(effect.low)
    assert math.isnan(effect.hedges_g)


def experiment(n_cells: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two drugs, three days; cells of a day are alike, days differ."""
    cells, images = [], []
    for day in range(3):
        for drug, area in (("DMSO", 100), ("taxol", 130)):
            file = f"{drug}_{day}.tif"
            images.append({"file": file, "frame": 0, "n_cells": n_cells, "confluence": 0.2})
            for label in range(1, n_cells + 1):
                value = area + 20 * day + (3 * day if drug == "taxol" else 0)
                cells.append({"file": file, "frame": 0, "label": label, "area_px": value})
    return pd.DataFrame(cells), pd.DataFrame(images)


def plate_of_drugs(folder: Path) -> Path:
    rows = [f"{drug}_{day},{drug},day {day}" for drug in ("DMSO", "taxol") for day in range(3)]
    return write_plate(folder, "\n".join(["file,drug,replicate", *rows]))


def test_intervals_are_over_replicates_not_over_cells(tmp_path):
    conditions = read_conditions(plate_of_drugs(tmp_path))
    few, many = (compare_conditions(*experiment(n), conditions).effects for n in (2, 200))
    few, many = (one[one["measure"] == "area_px"].iloc[0] for one in (few, many))
    assert few["group"] == "taxol"
    assert few["control"] == "DMSO"
    assert few["difference"] == pytest.approx(33)  # 30, 33 and 36 on the three days
    assert few["n_replicates"] == 3
    assert few["difference_low"] == pytest.approx(33 - t.ppf(0.975, 2) * 3 / math.sqrt(3))
    assert many["difference_low"] == pytest.approx(few["difference_low"])


def test_without_replicates_it_is_said_what_counts_as_one(tmp_path):
    plate = write_plate(tmp_path, "file,drug\nDMSO_*,DMSO\ntaxol_*,taxol\nx,y\n")
    found = compare_conditions(*experiment(), read_conditions(plate))
    text = " ".join(found.notes)
    assert "each image is taken for a replicate" in text
    assert "1 row is about no image: 4" in text
    assert found.effects["n_replicates"].tolist() == [3] * len(found.effects)


def test_images_without_a_row_are_told_of(tmp_path):
    plate = write_plate(tmp_path, "file,drug\nDMSO_0,DMSO\ntaxol_0,taxol\n")
    found = compare_conditions(*experiment(), read_conditions(plate))
    assert "4 images have no row in plate.csv" in " ".join(found.notes)
    assert len(found.effects) == 3  # area, number and confluence, of one group


def test_a_plate_map_about_other_images(tmp_path):
    plate = write_plate(tmp_path, "well,drug\nA1,x\n")
    with pytest.raises(DataError, match="none of its rows is about"):
        compare_conditions(*experiment(), read_conditions(plate))


def test_a_control_that_is_not_there(tmp_path):
    conditions = read_conditions(plate_of_drugs(tmp_path))
    with pytest.raises(SettingsError, match="--control water"):
        compare_conditions(*experiment(), conditions, control="water")


def test_time_points_have_controls_of_their_own(tmp_path):
    rows = ["file,drug,time_h,replicate"]
    images, cells = [], []
    for hour in (0, 24):
        for drug, effect in (("DMSO", 0), ("x", 5 if hour else 0)):
            for day in range(2):
                name = f"{drug}_{hour}_{day}"
                rows.append(f"{name},{drug},{hour},{day}")
                n = 10 + hour + effect + day
                images.append({"file": f"{name}.tif", "frame": 0, "n_cells": n})
                cells.append({"file": f"{name}.tif", "frame": 0, "label": 1, "area_px": 7})
    conditions = read_conditions(write_plate(tmp_path, "\n".join(rows)))
    found = compare_conditions(pd.DataFrame(cells), pd.DataFrame(images), conditions).effects
    found = found[found["measure"] == "n_cells"].set_index("group")
    assert found["difference"].to_dict() == {"x 0": 0, "x 24": 5}
    assert found["control"].to_dict() == {"x 0": "DMSO 0", "x 24": "DMSO 24"}


def test_ec50_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    doses = np.repeat([0, 0.1, 0.3, 1, 3, 10, 30], 3).astype(float)
    truth = hill_curve(doses, 100, 20, math.log(2), 1.2)
    inside = 0
    for _ in range(100):
        found = fit_dose_response(doses, truth + rng.normal(0, 4, doses.size))
        inside += found.ec50_low < 2 < found.ec50_high
    assert 89 <= inside <= 100  # 95 expected; less than 89 in 1 of 100 such tests


def test_no_effect_no_ec50():
    doses = np.repeat([0, 0.1, 1, 10, 100], 3).astype(float)
    values = np.random.default_rng(0).normal(50, 3, doses.size)
    found = fit_dose_response(doses, values)
    assert math.isnan(found.ec50)
    assert found.note == "no effect of the dose is seen"


def test_an_ec50_beyond_the_doses_is_not_told():
    doses = np.repeat([0, 0.01, 0.03, 0.1, 0.3], 3).astype(float)
    noise = np.random.default_rng(0).normal(0, 0.5, doses.size)
    found = fit_dose_response(doses, hill_curve(doses, 100, 0, math.log(3), 1) + noise)
    assert math.isnan(found.ec50)
    assert "not within the doses" in found.note


def test_three_doses_make_no_curve():
    assert fit_dose_response(np.repeat([0.0, 1, 2, 3], 3), np.arange(12.0)) is None


def spots(*, blur: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.zeros((256, 256))
    image[tuple(rng.integers(0, 256, (2, 60)))] = 1
    image = gaussian_filter(gaussian_filter(image, 4) > 0.004, 0.5, output=float)
    image = 40 + 100 * gaussian_filter(image, blur) + rng.normal(0, 2, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def test_a_blurred_image_is_told_from_sharp_ones():
    rows = [look_at(spots(seed=seed, blur=5 if seed == 7 else 1)) for seed in range(10)]
    names = pd.DataFrame({"file": [f"{n}.tif" for n in range(10)], "frame": 0})
    looks = pd.concat([names, pd.DataFrame(rows)], axis=1)
    judged = judge_images(names.assign(n_cells=5), pd.DataFrame(), looks)
    flagged = judged[judged["flags"] != ""]
    assert flagged["file"].tolist() == ["7.tif"]
    assert flagged["flags"].tolist() == ["less sharp than the others"]


def test_uneven_light_saturation_and_empty_images_are_flagged():
    flat = spots()
    light = np.linspace(0.5, 1.5, 256)[None, :]
    uneven = (spots() * light).clip(0, 254).astype(np.uint8)
    burnt = flat.copy()
    burnt[:20] = 255
    assert look_at(flat).unevenness < 0.2
    assert look_at(uneven).unevenness == pytest.approx(1.0, abs=0.2)
    assert look_at(burnt).saturated == pytest.approx(20 / 256, abs=0.01)
    names = pd.DataFrame({"file": ["a", "b", "c"], "frame": 0})
    looks = pd.concat([names, pd.DataFrame(map(look_at, (flat, uneven, burnt)))], axis=1)
    images = names.assign(n_cells=[0, 5, 5], fit=[np.nan, 0.9, 0.2])
    flags = judge_images(images, pd.DataFrame(), looks)["flags"].tolist()
    assert flags == ["no cells", "uneven light", "saturated; the model does not fit"]


def test_small_pieces_are_flagged():
    cells = pd.DataFrame({"file": ["a"] * 6 + ["b"] * 4, "frame": 0})
    cells["area_px"] = [100, 100, 100, 100, 100, 100, 100, 5, 5, 5]
    names = pd.DataFrame({"file": ["a", "b"], "frame": 0, "n_cells": [6, 4]})
    looks = pd.DataFrame(columns=["file", "frame", "focus", "unevenness", "saturated"])
    flags = judge_images(names, cells, looks)["flags"].tolist()
    assert flags == ["", "many small pieces, perhaps debris"]


def test_compare_writes_tables_figures_and_a_page(tmp_path):
    cells, images = experiment()
    results = tmp_path / "results"
    results.mkdir()
    cells.to_csv(results / "cells.csv", index=False)
    images.to_csv(results / "images.csv", index=False)
    plate = plate_of_drugs(tmp_path)
    run = CliRunner().invoke(app, ["compare", str(results), "--conditions", str(plate)])
    assert run.exit_code == 0, run.output
    out = results / "conditions"
    effects = pd.read_csv(out / "effects.csv")
    assert effects.set_index("measure")["ratio"]["area_px"] == pytest.approx(153 / 120)
    page = (out / "conditions.html").read_text(encoding="utf-8")
    assert "taxol" in page
    assert "Intervals are 95 %" in page
    assert "http" not in page.replace("http-equiv", "")  # nothing is loaded
    names = {path.name for path in (out / "figures").iterdir()}
    assert {"superplot_area_px.svg", "superplot_area_px.pdf"} <= names
    assert "control is drug DMSO" in run.output
    assert "quality was not looked at" in run.output  # the images are not there


def test_measure_writes_the_conditions_into_its_table(tmp_path):
    from coverslip.io import write_image

    labels = np.zeros((20, 20), np.uint8)
    labels[3:8, 3:8], labels[12:17, 12:17] = 1, 2
    write_image(tmp_path / "B02_labels.png", labels)
    plate = write_plate(tmp_path, "well,drug\nB02,taxol\n")
    out = tmp_path / "cells.csv"
    args = ["measure", str(tmp_path / "B02_labels.png"), "-o", str(out), "--conditions", str(plate)]
    run = CliRunner().invoke(app, args)
    assert run.exit_code == 0, run.output
    table = pd.read_csv(out)
    assert list(table)[:4] == ["file", "frame", "drug", "label"]
    assert table["drug"].tolist() == ["taxol", "taxol"]


def test_segment_writes_the_conditions_into_its_tables(tmp_path):
    plate = write_plate(tmp_path, "file,drug,dose\nfluorescence_large,taxol,2\n")
    image = "examples/nuclei/fluorescence_large.png"
    out = tmp_path / "out"
    args = ["segment", image, "-o", str(out), "--model", "nuclei", "--scale", "1"]
    run = CliRunner().invoke(app, [*args, "--conditions", str(plate)])
    assert run.exit_code == 0, run.output
    for name in ("cells.csv", "images.csv"):
        table = pd.read_csv(out / name)
        assert list(table)[2:4] == ["drug", "dose"]
        assert set(table["drug"]) == {"taxol"}
    # Another plate map costs no pass of the network.
    plate.write_text("file,drug,dose\nfluorescence_large,DMSO,0\n", encoding="utf-8")
    run = CliRunner().invoke(app, [*args, "--conditions", str(plate)])
    assert "was done before" in run.output
    assert set(pd.read_csv(out / "cells.csv")["drug"]) == {"DMSO"}
