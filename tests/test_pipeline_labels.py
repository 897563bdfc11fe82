"""Labels as OME-Zarr are those of the TIFF, of an image, a film and a slide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bright import bright_model
from coverslip.cli.segment import choose_out
from coverslip.errors import SettingsError
from coverslip.inference import PredictSettings
from coverslip.io import open_image, read_labels
from coverslip.pipeline import Job, SegmentSettings, segment_files
from coverslip.tiling import RegionSettings

SETTINGS = SegmentSettings(min_area_px=0, predict=PredictSettings(device="cpu"))
WHOLE = RegionSettings(core_px=0)
SMALL = RegionSettings(core_px=32, margin_px=16, most_margin_px=64)

pytest.importorskip("zarr")


def job(regions: RegionSettings, **how: str) -> Job:
    """Cell is what is brighter than half of the range."""
    return Job(bright_model(), "bright", "1", SETTINGS, regions=regions, **how)


def film(path: Path, n: int) -> Path:
    """Squares that move to the right, one of them over the borders of regions."""
    frames = np.zeros((n, 90, 100), np.uint8)
    for t, frame in enumerate(frames):
        frame[5:15, 5 + t : 15 + t] = 200
        frame[25:40, 28 + t : 40 + t] = 200
    options = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(
        path,
        frames if n > 1 else frames[0],
        ome=True,
        metadata=options if n > 1 else {**options, "axes": "YX"},
    )
    return path


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("regions", [WHOLE, SMALL], ids=["whole", "regions"])
def test_the_zarr_holds_what_the_tiff_does(tmp_path, n, regions):
    path = film(tmp_path / "a.ome.tif", n)
    for form in ("tif", "zarr"):
        result = segment_files([path], tmp_path / form, job=job(regions, labels=form))
        assert result.failed == {}
    names = ["a_labels{}"]
    if n > 1 and regions is SMALL:
        names = [f"a_labels/frame_{frame:05d}{{}}" for frame in range(n)]
    for name in names:
        tiff, zarr = (
            tmp_path / "tif" / name.format(".tif"),
            tmp_path / "zarr" / name.format(".ome.zarr"),
        )
        labels = read_labels(zarr)
        np.testing.assert_array_equal(labels, read_labels(tiff))
        assert labels.max() == 2
        assert open_image(zarr).pixel_size_um == open_image(tiff).pixel_size_um == (0.5, 0.5)
        assert open_image(zarr).frame_axes == open_image(tiff).frame_axes
    assert (tmp_path / "tif" / "cells.csv").read_bytes() == (
        tmp_path / "zarr" / "cells.csv"
    ).read_bytes()
    again = segment_files([path], tmp_path / "zarr", job=job(regions, labels="zarr"))
    assert again.skipped == [path]


def test_another_format_takes_the_place_of_the_first(tmp_path):
    path = film(tmp_path / "a.ome.tif", 1)
    for form, gone in (("zarr", ".tif"), ("tif", ".ome.zarr"), ("zarr", ".tif")):
        assert segment_files([path], tmp_path / "out", job=job(WHOLE, labels=form)).skipped == []
        assert not (tmp_path / "out" / f"a_labels{gone}").exists()


def test_a_folder_that_is_no_zarr_is_left_alone(tmp_path):
    path = film(tmp_path / "a.ome.tif", 1)
    mine = tmp_path / "out" / "a_labels.ome.zarr" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("kept")
    result = segment_files([path], tmp_path / "out", job=job(WHOLE, labels="zarr"))
    assert result.failed == {} and mine.read_text() == "kept"
    (labels,) = result.done[path].labels  # under another name
    assert labels != mine.parent.name and (tmp_path / "out" / labels / "zarr.json").is_file()
    assert not (mine.parent / "zarr.json").exists()


def test_the_name_of_the_folder_may_ask_for_zarr(capsys):
    assert choose_out(Path("results"), "tif") == (Path("results"), "tif")
    assert choose_out(Path("a/out.ome.zarr"), "tif") == (Path("a/out"), "zarr")
    assert "in the folder of the results: a/out" in " ".join(capsys.readouterr().err.split())


def test_an_unknown_format_is_refused():
    with pytest.raises(SettingsError, match="label_format is 'png'; it must be one of tif, zarr"):
        replace(job(WHOLE), labels="png")
