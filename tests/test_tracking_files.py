"""coverslip track: label files of any form → the tables, the labels and the record in a folder."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.io import imsave
from typer.testing import CliRunner

from coverslip.cli.command_line import app
from coverslip.errors import DataError, SettingsError
from coverslip.io import open_image, read_labels
from coverslip.tracking import open_films
from coverslip.tracking.films import find_times
from swimming import film

RUNNER = CliRunner()
MOVES = film(*([(40, 30 + 4 * t, 8), (90, 130 - 4 * t, 8)] for t in range(5))).astype(np.uint16)


def run(*words):
    result = RUNNER.invoke(app, ["track", *map(str, words)])
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return result


def as_frames(folder, names=None):
    folder.mkdir(parents=True)
    for number, frame in enumerate(MOVES):
        name = f"t{number:03}.png" if names is None else names[number]
        imsave(folder / name, frame, check_contrast=False)
    return folder


def test_a_multi_page_tiff_gives_tables_labels_and_a_record(tmp_path):
    tifffile.imwrite(tmp_path / "film.tif", MOVES, imagej=True, metadata={"axes": "TYX"})
    result = run(tmp_path / "film.tif", "-o", tmp_path / "out")
    assert "2 tracks, 0 divisions, 10 cells in 5 frames" in result.output
    tracks = pd.read_csv(tmp_path / "out" / "tracks.csv")
    assert tracks["track_id"].tolist() == [1, 2] * 5
    lineage = pd.read_csv(tmp_path / "out" / "lineage.csv")
    assert lineage["fate"].tolist() == ["end", "end"]
    record = json.loads((tmp_path / "out" / "track.json").read_text())
    assert record["n_tracks"] == 2
    assert record["settings"]["max_gap"] == 2
    labels = read_labels(tmp_path / "out" / "tracked_labels.tif")
    assert np.array_equal(labels, MOVES)
    assert open_image(tmp_path / "out" / "tracked_labels.tif").frame_axes == "T"


@pytest.mark.parametrize("order", ["t{:03}.png", "frame {}.png"])
def test_a_folder_of_frames_is_a_film_in_natural_order(tmp_path, order):
    names = [order.format(n) for n in range(8, 8 + len(MOVES))]  # frame 8, 9, 10 …
    run(as_frames(tmp_path / "in", names), "-o", tmp_path / "out")
    assert np.array_equal(read_labels(tmp_path / "out" / "tracked_labels.tif"), MOVES)


def test_missing_frames_are_said_and_kept_in_time(tmp_path):
    folder = as_frames(tmp_path / "in")
    (folder / "t002.png").unlink()
    result = run(folder, "-o", tmp_path / "out")
    assert "1 frames are missing (counted from 0: 2)" in result.output
    tracks = pd.read_csv(tmp_path / "out" / "tracks.csv")
    assert sorted(set(tracks["frame"])) == [0, 1, 3, 4]
    assert tracks["track_id"].nunique() == 2


def test_the_number_that_counts_the_frames():
    assert find_times(["a1_t1", "a1_t2", "a1_t4"]) == [0, 1, 3]
    assert find_times(["t0", "t15", "t30"]) == [0, 1, 2]
    assert find_times(["x1_y1", "x2_y5"]) == [0, 1]
    assert find_times(["t1", "t900"]) == [0, 1]


def test_several_films_get_a_folder_each(tmp_path):
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", MOVES, imagej=True, metadata={"axes": "TYX"})
    run(tmp_path / "a.tif", tmp_path / "b.tif", "-o", tmp_path / "out")
    for name in ("a", "b"):
        assert (tmp_path / "out" / name / "tracks.csv").exists()


def test_what_was_done_before_is_not_done_again(tmp_path):
    folder = as_frames(tmp_path / "in")
    run(folder, "-o", tmp_path / "out")
    before = (tmp_path / "out" / "track.json").stat().st_mtime_ns
    assert "done before" in run(folder, "-o", tmp_path / "out").output
    assert (tmp_path / "out" / "track.json").stat().st_mtime_ns == before
    imsave(folder / "t004.png", MOVES[3], check_contrast=False)
    assert "done before" not in run(folder, "-o", tmp_path / "out").output
    assert (tmp_path / "out" / "track.json").stat().st_mtime_ns != before


@pytest.mark.parametrize("record", ["", "null", "[1]", "[" * 100_000])
def test_a_damaged_record_means_that_it_is_done_anew(tmp_path, record):
    folder = as_frames(tmp_path / "in")
    run(folder, "-o", tmp_path / "out")
    tracks = (tmp_path / "out" / "tracks.csv").read_bytes()
    (tmp_path / "out" / "track.json").write_text(record)
    assert "done before" not in run(folder, "-o", tmp_path / "out").output
    assert (tmp_path / "out" / "tracks.csv").read_bytes() == tracks


def test_a_table_that_a_person_changed_is_kept_aside(tmp_path):
    folder = as_frames(tmp_path / "in")
    run(folder, "-o", tmp_path / "out")
    (tmp_path / "out" / "lineage.csv").write_text("mine\n")
    run(folder, "-o", tmp_path / "out", "--max-gap", 1)
    kept = [one for one in (tmp_path / "out").iterdir() if "corrected" in one.name]
    assert [one.read_text() for one in kept] == ["mine\n"]


def test_frames_of_another_size_are_named(tmp_path):
    folder = as_frames(tmp_path / "in")
    imsave(folder / "t003.png", MOVES[0][:100], check_contrast=False)
    result = run(folder, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "t003.png: 100 × 160 pixels" in result.output.replace("\n", " ")


def test_a_stack_of_depths_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "z.tif", MOVES, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(DataError, match="5 depths"):
        open_films([tmp_path / "z.tif"])


def test_films_without_a_cell_fail_with_words(tmp_path):
    tifffile.imwrite(tmp_path / "none.tif", 0 * MOVES, imagej=True, metadata={"axes": "TYX"})
    result = run(tmp_path / "none.tif", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "no cell in any of 5 frames" in result.output


def test_a_pixel_without_a_size_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="--pixel-size 0"):
        run(as_frames(tmp_path / "in"), "-o", tmp_path / "out", "--pixel-size", 0)


def test_hours_and_micrometres_that_were_said(tmp_path):
    run(
        as_frames(tmp_path / "in"),
        *("-o", tmp_path / "out", "--pixel-size", 0.5, "--frame-interval", 3600),
    )
    tracks = pd.read_csv(tmp_path / "out" / "tracks.csv")
    assert tracks["time_h"].tolist() == [n // 2 for n in range(10)]
    assert tracks["centroid_y_um"].tolist() == pytest.approx((tracks["centroid_y_px"] / 2).tolist())
