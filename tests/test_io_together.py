"""Channels that are read together: whole cells by two stains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

import coverslip
from coverslip.cli import app
from coverslip.errors import FileError
from coverslip.io import find_channel, open_reading


def two_stains(side: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """(2, H, W) nuclei, dim, and cytoplasm, bright; and the cells' labels."""
    y, x = np.mgrid[:side, :side]
    nuclei, bodies = np.zeros((2, side, side))
    labels = np.zeros((side, side), np.uint8)
    for number, (cy, cx) in enumerate(((30, 30), (40, 90), (95, 50)), start=1):
        distance = (y - cy) ** 2 + (x - cx) ** 2
        nuclei[distance < 49] = 40
        bodies[distance < 324] = 4000
        labels[distance < 324] = number
    noise = np.random.default_rng(0).normal(0, 1, (2, side, side))
    stains = np.stack([gaussian_filter(nuclei, 1) + 20, gaussian_filter(bodies, 1) + 300]) + noise
    return stains.clip(0).astype(np.uint16), labels


def write_stains(path, stains) -> None:
    metadata = {"axes": "CYX", "Channel": {"Name": ["dapi", "actin"]}}
    tifffile.imwrite(path, stains, metadata=metadata, photometric="minisblack")


def test_each_channel_has_a_range_of_its_own(tmp_path):
    path = tmp_path / "a.ome.tif"
    stains, _ = two_stains()
    write_stains(path, stains)
    reading = coverslip.Reading(channel="actin+dapi")
    file = open_reading(path, reading)
    assert (file.axes, file.n_channels, find_channel(file, reading)) == ("YXS", 1, 0)
    assert file.notes[-1].endswith("actin as red, dapi as green")
    picture = coverslip.read_frame(file)
    for place, number in ((0, 1), (1, 0)):
        low, high = np.percentile(stains[number], (1, 99.8))
        wanted = np.clip((stains[number] - low) / (high - low), 0, 1) * 65_535
        assert np.abs(picture[..., place] - wanted).max() < 65_535 * 0.02
    assert not picture[..., 2].any()


def test_windows_show_what_the_whole_shows(tmp_path):
    path = tmp_path / "a.ome.tif"
    write_stains(path, two_stains()[0])
    file = open_reading(path, coverslip.Reading(channel="1+0"))
    whole = coverslip.read_frame(file)
    with coverslip.open_frame(file) as frame:
        assert (frame.read(slice(20, 60), slice(70, 99)) == whole[20:60, 70:99]).all()


@pytest.mark.parametrize("channel", ["0+0", "0+1+2+3", "0+gfp"])
def test_channels_that_cannot_be_read_together(tmp_path, channel):
    path = tmp_path / "a.ome.tif"
    write_stains(path, two_stains()[0])
    with pytest.raises(FileError, match=r"a\.ome\.tif"):
        open_reading(path, coverslip.Reading(channel=channel))


def test_a_model_that_learnt_two_channels_takes_them_where_they_are(tmp_path):
    path = tmp_path / "a.ome.tif"
    write_stains(path, two_stains()[0])
    assert open_reading(path, coverslip.Reading(learnt="1+0")).together == (1, 0)
    grey = tmp_path / "b.tif"
    tifffile.imwrite(grey, two_stains()[0][0])
    assert open_reading(grey, coverslip.Reading(learnt="1+0")).together == ()


def test_films_have_a_range_for_each_frame(tmp_path):
    path = tmp_path / "a.ome.tif"
    stains, _ = two_stains(64)
    film = np.stack([stains, stains // 2])
    tifffile.imwrite(path, film, metadata={"axes": "TCYX"}, photometric="minisblack")
    file = open_reading(path, coverslip.Reading(channel="1+0"))
    assert file.n_frames == 2
    first, second = coverslip.read_frames(file)
    assert first[..., 0].max() == second[..., 0].max() == 65_535


def test_train_and_segment_with_two_channels(tmp_path):
    stains, labels = two_stains()
    data = tmp_path / "data"
    data.mkdir()
    for name in "abc":
        write_stains(data / f"{name}.ome.tif", stains)
        tifffile.imwrite(data / f"{name}_labels.tif", labels)
    run_folder = tmp_path / "run"
    args = ["train", str(data), "-o", str(run_folder), "--channel", "actin+dapi"]
    args += ["--epochs", "1", "--steps-per-epoch", "1", "--batch", "2", "--crop", "64"]
    run = CliRunner().invoke(app, args)
    assert run.exit_code == 0, run.output
    model = run_folder / "best.safetensors"
    assert coverslip.load_checkpoint(model).channel == "actin+dapi"
    out = tmp_path / "out"
    args = ["segment", str(data / "a.ome.tif"), "-o", str(out), "--model", str(model)]
    run = CliRunner().invoke(app, [*args, "--threshold", "0.01", "--scale", "1"])
    assert run.exit_code == 0, run.output
    cells = pd.read_csv(out / "cells.csv")
    # Brightness is that of the file's own channels, not of the picture put together of them.
    assert {"intensity_mean_dapi", "intensity_mean_actin"} <= set(cells)
    assert not [name for name in cells if name.endswith(("red", "green", "blue"))]


def test_regions_of_a_large_image_measure_the_channels_apart(tmp_path):
    stains, _ = two_stains(200)
    path = tmp_path / "a.ome.tif"
    write_stains(path, stains)
    args = ["segment", str(path), "--model", "nuclei", "--channel", "1+0", "--scale", "1"]
    tables = {}
    for region in (64, 0):
        out = tmp_path / str(region)
        run = CliRunner().invoke(app, [*args, "-o", str(out), "--region", str(region)])
        assert run.exit_code == 0, run.output
        tables[region] = pd.read_csv(out / "cells.csv")
    assert set(tables[64]) == set(tables[0])
    assert "intensity_mean_actin" in tables[0]
