"""coverslip segment --track: from a film, or a folder of frames, to tracks in one command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.io import imread, imsave
from typer.testing import CliRunner

from bright import Bright, bright_model
from coverslip.checkpoints import save_checkpoint
from coverslip.cli.command_line import app
from coverslip.errors import SettingsError
from coverslip.models import MODELS
from coverslip.pipeline import share_scale
from killed import without_clock
from swimming import film

RUNNER = CliRunner()
WAYS = [[(40, 30 + 4 * t, 8), (90, 130 - 4 * t, 8)] for t in range(5)]
MOVES = np.where(film(*WAYS) > 0, 200, 20).astype(np.uint8)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "bright", Bright)
    save_checkpoint(tmp_path / "bright.safetensors", bright_model())
    return tmp_path / "bright.safetensors"


def run(*words):
    result = RUNNER.invoke(app, ["segment", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_film_gives_its_tracks_in_one_command(tmp_path, model):
    tifffile.imwrite(tmp_path / "film.tif", MOVES, imagej=True, metadata={"axes": "TYX"})
    result = run(
        tmp_path / "film.tif", "-o", tmp_path / "out", "--model", model, "--track", "--min-area", 0
    )
    assert "2 tracks, 0 divisions, 10 cells in 5 frames" in result.output
    tracks = pd.read_csv(tmp_path / "out" / "tracks" / "tracks.csv")
    assert tracks["track_id"].tolist() == [1, 2] * 5
    assert tracks["intensity_mean"].tolist() == [200] * 10
    assert (tmp_path / "out" / "tracks" / "report.html").exists()


def test_a_folder_of_frames_is_a_film_with_time_lapse(tmp_path, model):
    (tmp_path / "frames").mkdir()
    for number, frame in enumerate(MOVES, start=8):  # frame 8, 9, 10 …
        imsave(tmp_path / "frames" / f"frame{number}.png", frame, check_contrast=False)
    words = [tmp_path / "frames", "-o", tmp_path / "out", "--model", model, "--track"]
    words += ["--min-area", 0]
    result = run(*words, "--time-lapse", "--frame-interval", 60)
    assert "2 tracks, 0 divisions, 10 cells in 5 frames" in result.output
    tracks = pd.read_csv(tmp_path / "out" / "tracks" / "tracks.csv")
    assert tracks["time_h"].max() == pytest.approx(4 / 60, rel=1e-5)
    with pytest.raises(SettingsError, match="none of these images is a film"):
        run(*words)


def test_all_frames_of_a_time_lapse_have_one_scale(tmp_path, monkeypatch):
    from coverslip.pipeline.run import make_job
    from coverslip.pipeline.settings import SegmentSettings

    paths = []
    for number, frame in enumerate(MOVES):
        paths.append(tmp_path / f"{number}.png")
        imsave(paths[-1], frame, check_contrast=False)
    seen = []
    monkeypatch.setattr(
        "coverslip.pipeline.time_lapse.find_scale",
        lambda pieces, model, *, settings: seen.append(len(pieces)) or 0.5,
    )
    job = make_job("nuclei", SegmentSettings(scale="auto"))
    assert share_scale(paths, job).settings.scale == 0.5
    assert seen == [5]
    given = make_job("nuclei", SegmentSettings(scale=2.0))
    assert share_scale(paths, given) is given


def test_several_processes_come_to_the_same_tracks(tmp_path):
    pixels = imread(Path(__file__).parent.parent / "examples/nuclei/fluorescence_small.png")
    (tmp_path / "frames").mkdir()
    for number in range(4):
        part = pixels[number : number + 120, 2 * number : 2 * number + 120]
        imsave(tmp_path / "frames" / f"{number}.png", part, check_contrast=False)
    words = [tmp_path / "frames", "--model", "nuclei", "--scale", 1, "--time-lapse", "--track"]
    run(*words, "-o", tmp_path / "one")
    run(*words, "-o", tmp_path / "two", "--workers", 2)
    for name in ("tracks.csv", "lineage.csv", "tracked_labels.tif", "report.html"):
        one, two = (without_clock(tmp_path / out / "tracks" / name) for out in ("one", "two"))
        assert one == two
    assert len(pd.read_csv(tmp_path / "one" / "tracks" / "tracks.csv")) > 8
