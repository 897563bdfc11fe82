"""image files + model → a folder of results; a second start does no work twice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from bright import bright_model
from coverslip.errors import SettingsError
from coverslip.figures.display import to_picture
from coverslip.inference import PredictSettings
from coverslip.io import open_image, read_labels
from coverslip.measurements import COLUMNS, MeasureSettings
from coverslip.pipeline import (
    BatchResult,
    Job,
    SegmentSettings,
    result_settings,
    segment_files,
)
from coverslip.pipeline.outputs import name_outputs
from coverslip.pipeline.summary import read_thumbnails
from coverslip.report import PictureChannels, pick_frames
from coverslip.report.pictures import picture_channels
from drawn import squares
from handmade_ome import write_set
from pages import Page

CPU = PredictSettings(device="cpu")
SETTINGS = SegmentSettings(predict=CPU)
JOB = Job(model=bright_model(), model_name="bright", model_hash="1", settings=SETTINGS)
PAPER = replace(SETTINGS, predict=replace(CPU, tta="paper"))
TABLES = ("cells.csv", "images.csv")
MEASURED = [name for name in COLUMNS if not name.startswith("spread")]  # without other views


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def draw(path: Path, n: int) -> Path:
    """An image file of n squares."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(squares(n)[0]).save(path)
    return path


def draw_one(path: Path, n: int) -> Path:
    """A TIFF of one image of n squares."""
    tifffile.imwrite(path, squares(n)[0])
    return path


def draw_film(path: Path, counts: list[int], **metadata: object) -> Path:
    """An OME-TIFF whose frames show so many squares."""
    frames = np.stack([squares(n)[0] for n in counts])
    tifffile.imwrite(path, frames, ome=True, metadata={"axes": "TYX", **metadata})
    return path


def run(paths: list[Path], out: Path, job: Job = JOB, **options: bool) -> tuple[BatchResult, int]:
    """The result, and how many frames were segmented for it."""
    frames = []
    result = segment_files(
        paths, out, job=job, on_frame=lambda *frame: frames.append(frame), **options
    )
    return result, len(frames)


def counts(out: Path) -> list[int]:
    return pd.read_csv(out / "images.csv").n_cells.tolist()


def test_one_image_leaves_everything_that_was_promised(tmp_path, out):
    path = draw(tmp_path / "a.png", 5)
    result, n_frames = run([path], out)
    assert (list(result.done), result.skipped, result.failed, n_frames) == ([path], [], {}, 1)
    assert sorted(p.name for p in out.iterdir()) == [
        "a_labels.tif", "a_overlay.png", "cells.csv", "images.csv", "methods.txt", "records",
        "report.html",
    ]  # fmt: skip
    np.testing.assert_array_equal(read_labels(out / "a_labels.tif"), squares(5)[1])
    with Image.open(out / "a_overlay.png") as overlay:
        assert (overlay.mode, overlay.size) == ("RGB", (32, 32))
        colours = np.asarray(overlay).astype(int)
    assert (np.ptp(colours, axis=2) > 0).any()  # the image is grey, the outlines are not

    cells = pd.read_csv(out / "cells.csv")
    in_px = [name for name in MEASURED if not name.endswith(("_um", "_um2"))]
    assert list(cells.columns) == ["file", "frame", *in_px]
    assert cells.label.tolist() == [1, 2, 3, 4, 5]
    assert (cells.file == str(path)).all() and (cells.area_px == 36).all()
    (row,) = pd.read_csv(out / "images.csv").to_dict("records")
    assert row == {
        "file": str(path),
        "frame": 0,
        "n_cells": 5,
        "confluence": pytest.approx(5 * 36 / 32**2, abs=1e-6),
        "fit": 0.95,  # the network is wholly sure
        "median_area_px": 36,
        "height_px": 32,
        "width_px": 32,
        "overlay": "a_overlay.png",
        "labels": "a_labels.tif",
        "model": "bright",
        "precision": "float32",
    }


def test_a_film_keeps_its_axes_and_pixel_size(tmp_path, out):
    film = draw_film(
        tmp_path / "film.ome.tif",
        [1, 4, 9],
        PhysicalSizeY=0.5,
        PhysicalSizeX=0.25,
        TimeIncrement=90.0,
    )
    run([film], out)
    labels = open_image(out / "film_labels.tif")
    assert (labels.axes, labels.shape, labels.dtype) == ("TYX", (3, 32, 32), np.uint16)
    assert labels.pixel_size_um == (0.5, 0.25)
    assert labels.frame_interval_s == 90
    np.testing.assert_array_equal(
        read_labels(out / "film_labels.tif"), np.stack([squares(n)[1] for n in (1, 4, 9)])
    )
    assert sorted(p.name for p in (out / "film_overlays").iterdir()) == [
        f"frame_{n:05d}.png" for n in range(3)
    ]
    cells = pd.read_csv(out / "cells.csv")
    assert list(cells.columns) == ["file", "frame", *MEASURED]
    assert cells.frame.tolist() == [0] + [1] * 4 + [2] * 9
    np.testing.assert_allclose(cells.area_um2, 36 * 0.5 * 0.25)
    images = pd.read_csv(out / "images.csv")
    assert images.n_cells.tolist() == [1, 4, 9]
    assert images.time_s.tolist() == [0, 90, 180]
    assert images.pixel_size_um.tolist() == [0.5] * 3


def test_a_stack_of_depths_keeps_them(tmp_path, out):
    path = tmp_path / "z.tif"
    stack = np.stack([squares(n)[0] for n in (2, 3)])
    tifffile.imwrite(path, stack, metadata=None, photometric="minisblack")
    result, _ = run([path], out)
    assert "read as 2 times" in result.done[path].notes[0]
    result, _ = run([path], out, replace(JOB, axes="ZYX"))
    assert open_image(out / "z_labels.tif").axes == "ZYX"
    assert "as asked for" in result.done[path].notes[0]


def test_a_channel(tmp_path, out):
    path = tmp_path / "two.tif"
    both = np.stack([squares(2)[0], squares(6)[0]])
    tifffile.imwrite(path, both, ome=True, metadata={"axes": "CYX"})
    run([path], out)
    assert counts(out) == [2]
    run([path], out, replace(JOB, channel=1))
    assert counts(out) == [6]


def test_every_channel_is_measured_whichever_is_segmented(tmp_path, out):
    path = tmp_path / "two.tif"
    image, labels = squares(2)
    faint = np.where(labels > 0, 7 * labels, 0).astype(np.uint8)
    metadata = {"axes": "CYX", "Channel": {"Name": ["phase", "GFP (em 509)"]}}
    tifffile.imwrite(path, np.stack([image, faint]), ome=True, metadata=metadata)
    run([path, draw(tmp_path / "grey.png", 1)], out)
    cells = pd.read_csv(out / "cells.csv")
    assert cells.intensity_mean_phase.tolist()[:2] == [220, 220]
    assert cells.intensity_mean_GFP_em_509.tolist()[:2] == [7, 14]
    assert cells.intensity_background_GFP_em_509.tolist()[:2] == [0, 0]
    # of the grey image neither, but one of its own
    assert cells.filter(regex="phase|GFP").iloc[2].isna().all()
    assert cells.intensity_mean.tolist()[2] == 220 and cells.intensity_mean[:2].isna().all()


def test_a_cell_has_the_confidence_of_its_pixels(tmp_path, out):
    image, labels = squares(3)
    image[labels == 3] = 125  # hardly over half of the range
    Image.fromarray(image).save(tmp_path / "a.png")
    run([tmp_path / "a.png"], out, replace(JOB, settings=PAPER, keep_probs=True, keep_spread=True))
    cells = pd.read_csv(out / "cells.csv")
    assert {"confidence", "spread_mean", "spread_max"} <= set(cells.columns)
    of_last = tifffile.imread(out / "a_probs.tif")[labels == 3].mean()
    assert cells.confidence.tolist() == pytest.approx([1, 1, of_last]) and 0.5 < of_last < 0.99


@pytest.mark.parametrize("properties", [("basic",), ("skeleton", "confidence"), ("label",)])
def test_fewer_properties_make_a_narrower_table_and_the_same_summary(tmp_path, out, properties):
    path = draw(tmp_path / "a.png", 4)
    run([path], out)
    whole, images = (pd.read_csv(out / name) for name in TABLES)
    settings = replace(SETTINGS, measure=MeasureSettings(properties=properties))
    assert run([path], out, replace(JOB, settings=settings))[1] == 1
    cells = pd.read_csv(out / "cells.csv")
    assert len(cells.columns) < 30 and cells.equals(whole[cells.columns])
    assert pd.read_csv(out / "images.csv").equals(images)
    assert ", ".join(properties) in (out / "report.html").read_text(encoding="utf-8")


def test_numbers_are_written_without_noise(tmp_path, out):
    film = draw_film(tmp_path / "film.ome.tif", [1], PhysicalSizeY=0.1, PhysicalSizeX=0.3)
    run([film], out)
    rows = (out / "cells.csv").read_text().splitlines()
    cell = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert cell["area_um2"] == "1.08"
    assert all(len(value.strip("-0.").replace(".", "")) <= 8 for value in list(cell.values())[1:])


def test_parquet_in_place_of_csv(tmp_path, out):
    parquet = pytest.importorskip("pyarrow.parquet")
    paths = [draw(tmp_path / f"{n}.png", n) for n in (5, 0)]
    paths.append(draw_film(tmp_path / "film.tif", [2, 0], PhysicalSizeX=0.3, PhysicalSizeY=0.3))
    run(paths, out)
    in_csv = [pd.read_csv(out / name) for name in TABLES]
    assert run(paths, out, replace(JOB, table="parquet"))[1] == 0  # another form, no other result
    assert not list(out.glob("*.csv"))
    for before, name in zip(in_csv, ("cells", "images"), strict=True):
        table = pd.read_parquet(out / f"{name}.parquet")
        pd.testing.assert_frame_equal(table, before, check_dtype=False, rtol=1e-7)
    schema = parquet.read_schema(out / "cells.parquet")
    assert schema.field("area_um2").metadata[b"unit"].decode() == "µm²"
    assert schema.field("label").metadata[b"description"].startswith(b"The cell's number")
    assert schema.field("touches_border").type == "bool"
    run(paths, out)
    assert not list(out.glob("*.parquet"))


def test_a_format_that_cannot_be_written_is_refused_before_any_work(monkeypatch):
    with pytest.raises(SettingsError, match="a table as xlsx: wanted csv or parquet"):
        replace(JOB, table="xlsx")
    monkeypatch.setattr("coverslip.tables.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install '\.\[parquet\]'"):
        replace(JOB, table="parquet")


def test_probabilities_and_uncertainty(tmp_path, out):
    film = draw_film(tmp_path / "film.tif", [1, 2])
    run([film], out, replace(JOB, settings=PAPER, keep_probs=True, keep_spread=True))
    probs, spread = (tifffile.imread(out / f"film_{kind}.tif") for kind in ("probs", "uncertainty"))
    assert probs.dtype == spread.dtype == np.float32
    np.testing.assert_array_equal(probs > 0.5, np.stack([squares(n)[1] > 0 for n in (1, 2)]))
    assert spread.shape == probs.shape and 0 <= spread.min() <= spread.max() < 1e-3


def test_uncertainty_needs_views_to_compare():
    with pytest.raises(SettingsError, match="add --tta pair, paper or d4"):
        replace(JOB, keep_spread=True)


def test_the_report_shows_all_and_needs_nothing_else(tmp_path, out):
    paths = [draw(tmp_path / f"{n}.png", n) for n in (3, 4)]
    paths.append(draw_film(tmp_path / "film.tif", [1, 2, 5]))
    run(paths, out)
    html = (out / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert {"3.png", "4.png", "film.tif"} <= set(page.text_of("h2", "h3"))
    pictures = [attrs["src"] for attrs in page.all("img")]
    assert len(pictures) >= 5 and all(src.startswith("data:image/") for src in pictures)
    links = {str(attrs["href"]) for attrs in page.all("a")}
    for link in links - {link for link in links if link.startswith("#")}:
        assert (out / link).is_file()
    assert "Confluence over time" in page.text or "Confluence by frame" in page.text
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html


def test_a_second_start_does_nothing_and_says_the_same(tmp_path, out):
    paths = [draw(tmp_path / f"{n}.png", n) for n in (5, 0, 3)]
    paths.append(draw_film(tmp_path / "film.tif", [2, 0], PhysicalSizeX=0.3, PhysicalSizeY=0.3))
    first, n_frames = run(paths, out)
    tables = {name: (out / name).read_bytes() for name in TABLES}
    labels = (out / "5_labels.tif").stat().st_mtime_ns
    assert n_frames == 5 and first.skipped == []

    second, n_frames = run(paths, out)
    assert n_frames == 0 and second.skipped == paths
    assert {name: (out / name).read_bytes() for name in TABLES} == tables
    assert (out / "5_labels.tif").stat().st_mtime_ns == labels
    assert [record.notes for record in second.done.values()] == [
        record.notes for record in first.done.values()
    ]
    assert len(Page((out / "report.html").read_text(encoding="utf-8")).all("img")) >= 5


def test_noisy_numbers_survive_a_second_start_to_the_last_digit(tmp_path, out):
    image = np.random.default_rng(0).normal(0, 1, (60, 60)).astype(np.float32)
    image[squares(25, size=60)[1] > 0] += 20
    tifffile.imwrite(tmp_path / "a.tif", image)
    run([tmp_path / "a.tif"], out)
    first = (out / "cells.csv").read_bytes()
    run([tmp_path / "a.tif"], out)
    assert (out / "cells.csv").read_bytes() == first


@pytest.mark.parametrize("name", ["007", "NA", "nan.png", "1e3"])
def test_names_that_look_like_numbers_stay_names(tmp_path, out, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "a.png", 2).rename(name)
    run([Path(name)], out)
    tables = {table: (out / table).read_bytes() for table in TABLES}
    assert run([Path(name)], out)[1] == 0
    assert {table: (out / table).read_bytes() for table in TABLES} == tables


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, settings=replace(SETTINGS, threshold=0.4)),
        replace(JOB, settings=replace(SETTINGS, predict=replace(CPU, tile_px=512))),
        replace(JOB, settings=PAPER),
        replace(JOB, model_hash="2"),
        replace(JOB, axes="YX"),
        replace(JOB, keep_probs=True),
    ],
)
def test_another_job_does_it_again(tmp_path, out, other):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    assert run([path], out, other)[1] == 1
    assert run([path], out, other)[1] == 0


def test_what_does_not_change_the_result_does_not_do_it_again(tmp_path, out):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    faster = replace(CPU, batch=2, batch_px=10_000, device="auto")
    assert run([path], out, replace(JOB, settings=replace(SETTINGS, predict=faster)))[1] == 0


def test_another_backend_does_it_again(tmp_path, out, monkeypatch):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    torch_named = replace(JOB, settings=replace(SETTINGS, predict=replace(CPU, backend="torch")))
    assert run([path], out, torch_named)[1] == 0  # what "auto" comes to for this network

    def elsewhere(job):
        settings = result_settings(job)
        return {**settings, "predict": {**settings["predict"], "backend": "onnxruntime"}}

    monkeypatch.setattr("coverslip.pipeline.job.result_settings", elsewhere)
    assert run([path], out)[1] == 1


def test_a_changed_file_and_overwrite_do_it_again(tmp_path, out):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    assert run([path], out, overwrite=True)[1] == 1
    draw(path, 4)
    os.utime(path, ns=(1, 1))  # even where the clock is too coarse to show the change
    assert run([path], out)[1] == 1
    assert counts(out) == [4]


@pytest.mark.parametrize("gone", ["a_labels.tif", "a_overlay.png", "records/a.json"])
def test_what_is_missing_is_made_again(tmp_path, out, gone):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    (out / gone).unlink()
    assert run([path], out)[1] == 1
    assert (out / gone).is_file()


def test_a_damaged_record_is_no_record(tmp_path, out):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    (out / "records" / "a.json").write_text("[]")
    assert run([path], out)[1] == 1


def test_another_version_does_it_again(tmp_path, out, monkeypatch):
    path = draw(tmp_path / "a.png", 3)
    run([path], out)
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "99.0")
    assert run([path], out)[1] == 1
    assert run([path], out)[1] == 0


def test_a_record_is_written_by_the_fast_encoder(tmp_path, out):
    """Python's is written in Python where it indents: 13 s for 200,000 cells."""
    run([draw(tmp_path / "a.png", 9)], out)
    assert len((out / "records" / "a.json").read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["film", "[f]"])
@pytest.mark.parametrize("n_frames", [1, 2])
def test_a_shorter_film_of_the_same_name_keeps_no_old_pictures(tmp_path, out, name, n_frames):
    film, other = tmp_path / f"{name}.tif", draw(tmp_path / f"{name}_00000.png", 3)
    run([draw_film(film, [1, 2, 3, 4]), other], out)
    (out / f"{name}_overlays" / "mine.txt").write_text("mine")
    run([draw_film(film, [5] * n_frames) if n_frames > 1 else draw_one(film, 5)], out)
    overlays = sorted(p.name for p in (out / f"{name}_overlays").glob("*.png"))
    assert overlays == [f"frame_{n:05d}.png" for n in range(n_frames) if n_frames > 1]
    assert (out / f"{name}_overlays" / "mine.txt").is_file()
    assert (out / f"{name}_overlay.png").is_file() == (n_frames == 1)
    thumbnails = sorted(p.name for p in (out / "records").glob("*.jpg"))
    assert (
        thumbnails
        == [f"{name}_00000.jpg", f"{name}_00000_00000.jpg", f"{name}_00001.jpg"][: 1 + n_frames]
    )
    assert (out / f"{name}_00000_overlay.png").is_file()  # that of the other image
    assert len(Page((out / "report.html").read_text(encoding="utf-8")).all("img")) == n_frames


def test_a_film_that_became_one_image_leaves_no_empty_folder(tmp_path, out):
    run([draw_film(tmp_path / "film.tif", [1, 2])], out)
    run([draw_one(tmp_path / "film.tif", 3)], out)
    assert not (out / "film_overlays").exists() and (out / "film_overlay.png").is_file()


def test_the_page_takes_only_the_frames_and_images_that_it_shows(tmp_path, out, monkeypatch):
    paths = [draw(tmp_path / f"{n}.png", n) for n in range(5)]
    paths.append(draw_film(tmp_path / "film.tif", [1] * 14))
    run(paths, out)
    (out / "records" / "film_00003.jpg").write_bytes(b"of a time with other frames")
    monkeypatch.setattr("coverslip.pipeline.summary.MOST_CARDS", 2)
    monkeypatch.setattr("coverslip.report.images.MOST_FRAMES_OF_ALL", 7)
    result, _ = run(paths, out)
    thumbnails = read_thumbnails(result, name_outputs(paths, out))
    assert [key for key in thumbnails if key[0] != str(paths[-1])] == [
        (str(paths[0]), 0), (str(paths[4]), 0),
    ]  # fmt: skip
    frames = [frame for file, frame in thumbnails if file == str(paths[-1])]
    assert frames == pick_frames(14, most=7) and 3 not in frames


def test_the_tables_are_of_this_start_and_the_files_of_all(tmp_path, out):
    first, second = (draw(tmp_path / f"{n}.png", n) for n in (1, 2))
    run([first], out)
    run([second], out)
    assert counts(out) == [2] and (out / "1_labels.tif").is_file()
    assert run([first, second], out)[1] == 0 and counts(out) == [1, 2]


def test_maps_of_an_earlier_job_do_not_stay_beside_new_labels(tmp_path, out):
    path = draw(tmp_path / "a.png", 3)
    run([path], out, replace(JOB, keep_probs=True))
    other = replace(JOB, settings=replace(SETTINGS, threshold=0.3))
    run([path], out, other)
    assert not (out / "a_probs.tif").exists()
    assert run([path], out, replace(other, keep_probs=True))[1] == 1


def test_names_with_spaces_umlauts_and_marks_of_html(tmp_path, out):
    names = ["Zellen über Nacht.png", "细胞 #1 50%.png", "<b>&'.png"]
    paths = [draw(tmp_path / "größe 1" / name, n) for n, name in enumerate(names, start=1)]
    run(paths, out)
    assert counts(out) == [1, 2, 3]
    assert pd.read_csv(out / "images.csv").file.tolist() == [str(path) for path in paths]
    assert read_labels(out / "Zellen über Nacht_labels.tif").max() == 1
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert set(names) <= set(page.text_of("h3"))
    assert run(paths, out)[1] == 0


def test_images_of_one_stem_get_names_of_their_own(tmp_path, out):
    paths = [draw(tmp_path / name, n) for n, name in enumerate(["a.png", "a.bmp", "b.png"])]
    paths += [draw(tmp_path / "day2" / "a.png", 3), draw(tmp_path / "day3" / "A.PNG", 4)]
    run(paths, out)
    labels = {p.name: read_labels(p).max() for p in out.glob("*_labels.tif")}
    here = tmp_path.name
    assert labels == {
        "a_bmp_labels.tif": 1,
        "b_labels.tif": 2,
        f"{here}_a_png_labels.tif": 0,
        "day2_a_png_labels.tif": 3,
        "day3_A_PNG_labels.tif": 4,
    }


def test_the_same_name_in_folders_of_the_same_name_is_refused(tmp_path, out):
    paths = [draw(tmp_path / day / "raw" / "a.png", 1) for day in ("1", "2")]
    with pytest.raises(SettingsError, match=r"raw_a_png_labels\.tif: rename one"):
        run(paths, out)
    assert not out.exists()


def test_results_never_go_among_the_images(tmp_path):
    """A second start would take them for images, and a_labels.tif may be the user's own."""
    path = draw(tmp_path / "a.png", 1)
    with pytest.raises(SettingsError, match="a folder of its own"):
        run([path], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def draw_stack(path: Path, counts: list[list[int]]) -> Path:
    """An OME-TIFF of depths and two channels, dark and phase, that show so many squares."""
    stack = np.stack([[squares(n)[0] for n in channels] for channels in counts])
    metadata = {"axes": "ZCYX", "Channel": {"Name": ["dark", "phase"]}}
    tifffile.imwrite(path, stack, ome=True, metadata=metadata)
    return path


def test_the_picture_for_the_page_has_the_other_channels_beside_the_segmented(tmp_path, out):
    path = draw_stack(tmp_path / "a.tif", [[1, 3]])
    run([path], out, replace(JOB, channel="phase"))
    with Image.open(out / "records" / "a_00000.jpg") as picture:
        assert picture_channels(picture) == PictureChannels(("phase", "dark"), n_shown=1)
        seen = np.asarray(picture.convert("RGB")).astype(int)
    phase, dark = (to_picture(squares(n)[0])[..., 0] for n in (3, 1))
    assert np.abs(seen[..., 0] - phase).mean() < 6 and np.abs(seen[..., 1] - dark).mean() < 6
    page = (out / "report.html").read_text(encoding="utf-8")
    assert 'data-channels="phase\ndark" data-stained="1"' in page


def test_tiles_are_the_image_at_full_resolution_and_each_level_half_of_the_finer(tmp_path, out):
    image = np.zeros((700, 1100), np.uint8)
    image[100:300, 480:560], image[600:, 1050:] = 255, 255
    Image.fromarray(image).save(tmp_path / "a.png")
    job = replace(JOB, tiles=True)
    run([tmp_path / "a.png"], out, job)
    folder = out / "records" / "tiles" / "a" / "00000"

    def read(level: int) -> np.ndarray:
        names = [path.stem.split("_") for path in (folder / str(level)).glob("*.jpg")]
        whole = np.zeros((700 >> level, 1100 >> level), np.uint8)
        for y, x in ((int(y), int(x)) for y, x in names):
            with Image.open(folder / str(level) / f"{y}_{x}.jpg") as tile:
                part = np.asarray(tile)
            whole[512 * y :, 512 * x :][: part.shape[0], : part.shape[1]] = part
        return whole

    assert sorted(path.name for path in folder.iterdir()) == ["0", "1", "2", "tiles.json"]
    assert len(list((folder / "0").iterdir())) == 6
    for level in range(3):
        wanted = image[:: 2**level, :: 2**level].astype(int)
        assert (
            np.abs(read(level)[: len(wanted)] - wanted[: 700 >> level, : 1100 >> level]).mean() < 2
        )
    page = (out / "report.html").read_text(encoding="utf-8")
    assert '"url":"records/tiles/a/00000"' in page and "img-src data: &#39;self&#39; file:;" in page
    made = (folder / "tiles.json").stat().st_mtime_ns
    assert run([tmp_path / "a.png"], out, job)[1] == 0  # nothing is done again
    assert (folder / "tiles.json").stat().st_mtime_ns == made
    image[:] = 255 - image
    Image.fromarray(image).save(tmp_path / "a.png")
    run([tmp_path / "a.png"], out)  # tiles of another image never pass for those of this one
    assert not folder.exists()
    assert "img-src data:;" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("channel", [1, "1", "Phase"])
def test_a_channel_by_its_name_or_number(tmp_path, out, channel):
    path = draw_stack(tmp_path / "a.tif", [[1, 3], [1, 5]])
    run([path], out, replace(JOB, channel=channel))
    assert counts(out) == [3, 5]
    labels = open_image(out / "a_labels.tif")
    assert (labels.axes, labels.channel_names) == ("ZYX", ("phase",))


def test_a_channel_that_is_not_there_fails_that_image_alone(tmp_path, out):
    paths = [draw_stack(tmp_path / "a.tif", [[1, 3]]), draw(tmp_path / "b.png", 2)]
    result, _ = run(paths, out, replace(JOB, channel="phase"))
    assert list(result.done) == [paths[0]]
    assert "without names" in result.failed[paths[1]]


@pytest.mark.parametrize(("how", "expected"), [("none", [3, 5]), ("max", [5]), ("0", [3])])
def test_depths_as_one_picture(tmp_path, out, how, expected):
    path = draw_stack(tmp_path / "a.tif", [[1, 3], [1, 5]])
    run([path], out, replace(JOB, channel="phase", project=how))
    assert counts(out) == expected
    assert open_image(out / "a_labels.tif").axes == ("ZYX" if how == "none" else "YX")
    cells = pd.read_csv(out / "cells.csv")
    assert {"intensity_mean_dark", "intensity_mean_phase"} <= set(cells)


def test_another_projection_is_another_result(tmp_path, out):
    path = draw_stack(tmp_path / "a.tif", [[1, 3], [1, 5]])
    assert run([path], out)[1] == 2
    assert run([path], out, replace(JOB, project="max"))[1] == 1
    assert run([path], out, replace(JOB, project="max"))[1] == 0


def test_a_zarr_that_changed_inside_is_done_again(tmp_path, out):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.ome.zarr"
    picture = squares(3)[0]
    array = zarr.create_array(path, shape=picture.shape, dtype=picture.dtype, chunks=(16, 16))
    array[...] = picture
    assert [run([path], out)[1] for _ in range(2)] == [1, 0]
    assert counts(out) == [3] and (out / "a_labels.tif").is_file()
    (path / "labels").mkdir()
    (path / "labels" / "zarr.json").write_text("{}")  # labels of it are no change of the image
    assert run([path], out)[1] == 0
    array[...] = squares(5)[0]
    assert run([path], out)[1] == 1
    assert counts(out) == [5]


def test_the_thumbnails_of_thousands_are_listed_once(tmp_path, out, monkeypatch):
    paths = [draw(tmp_path / f"{n}.png", 1) for n in range(4)]
    run(paths, out)
    listed = []
    original = Path.glob

    def glob(path, pattern, **options):
        listed.append(path.name)
        return original(path, pattern, **options)

    monkeypatch.setattr(Path, "glob", glob)
    run(paths, out, overwrite=True)
    # for the thumbnails once, and once each for what a killed run has left
    assert listed.count("records") == 2 and listed.count(out.name) == 1


def test_a_frame_of_another_size_has_an_empty_row_and_the_others_keep_theirs(tmp_path, out):
    counts = [3, 4, 5, 6]
    with tifffile.TiffWriter(tmp_path / "film.tif") as writer:
        for number, n in enumerate(counts):
            picture = squares(n)[0]
            page = picture[:-1] if number == 1 else picture
            writer.write(page, metadata=None, contiguous=False)
    job = replace(JOB, frame_interval_s=60.0)
    result, _ = run([tmp_path / "film.tif"], out, job)
    assert not result.failed
    images = pd.read_csv(out / "images.csv")
    assert images.frame.tolist() == [0, 1, 2, 3] and images.time_s.tolist() == [0, 60, 120, 180]
    np.testing.assert_array_equal(images.n_cells, [3, np.nan, 5, 6])
    assert images.confluence.isna().tolist() == [False, True, False, False]
    labels = read_labels(out / "film_labels.tif")
    assert [int(frame.max()) for frame in labels] == [3, 0, 5, 6]
    assert sorted(set(pd.read_csv(out / "cells.csv").frame)) == [0, 2, 3]
    (record,) = result.done.values()
    assert "frame 1 (counted from 0) of 4" in " ".join(record.notes)
    again, n_done = run([tmp_path / "film.tif"], out, job)
    assert n_done == 0 and len(again.skipped) == 1


def test_a_set_of_files_is_one_image_and_a_missing_one_leaves_its_frames_empty(tmp_path, out):
    layout = {f"s_t{t}.ome.tif": [(0, t, 0, c) for c in range(2)] for t in range(3)}
    write_set(tmp_path / "set", layout)
    result, _ = run([str(tmp_path / "set")], out)
    images = pd.read_csv(out / "images.csv")
    assert images.file.tolist() == [str(tmp_path / "set" / "s_t0.ome.tif")] * 3
    assert images.time_s.tolist() == [0, 60, 120]
    (tmp_path / "set" / "s_t1.ome.tif").unlink()
    result, _ = run([str(tmp_path / "set")], out)
    images = pd.read_csv(out / "images.csv")
    assert images.n_cells.isna().tolist() == [False, True, False]
    (record,) = result.done.values()
    assert not record.skipped and "s_t1.ome.tif is missing" in " ".join(record.notes)


def test_positions_are_segmented_each_by_its_name(tmp_path, out):
    path = tmp_path / "x.ome.tif"
    write_set(tmp_path, {path.name: [(n, t, 0, 0) for n in range(2) for t in range(2)]})
    result, _ = run([str(path)], out)
    assert list(result.done) == [path / "0", path / "1"]
    assert {(out / f"x_{n}_labels.tif").is_file() for n in range(2)} == {True}


def test_a_pixel_size_and_an_interval_that_are_asked_for_count(tmp_path, out):
    film = draw_film(tmp_path / "film.tif", [1, 2], PhysicalSizeX=2.0, PhysicalSizeY=2.0)
    job = replace(JOB, pixel_size_um=(0.5, 0.5), frame_interval_s=90.0)
    result, _ = run([film], out, job)
    images = pd.read_csv(out / "images.csv")
    assert images.pixel_size_um.tolist() == [0.5, 0.5] and images.time_s.tolist() == [0, 90]
    labels = open_image(out / "film_labels.tif")
    assert (labels.pixel_size_um, labels.frame_interval_s) == ((0.5, 0.5), 90)
    (record,) = result.done.values()
    assert "0.5 × 0.5 µm as asked for, where the file says 2 × 2 µm" in " ".join(record.notes)
    other, _ = run([film], out, replace(job, frame_interval_s=30.0))
    assert not other.skipped
    for wrong in ({"pixel_size_um": (0.0, 1.0)}, {"frame_interval_s": float("nan")}):
        with pytest.raises(SettingsError, match="wanted more than 0"):
            replace(JOB, **wrong)
