"""A frame done region by region is the frame done whole: labels, tables, and after any kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from bright import bright_model
from coverslip import preprocessing
from coverslip.cli.job import load_job
from coverslip.inference import PredictSettings
from coverslip.io import FrameReader, open_image, read_frame, read_labels
from coverslip.pipeline import (
    Job,
    SegmentSettings,
    frame_cells,
    frame_statistics,
    pictures,
    plan,
    segment_files,
    summary,
)
from coverslip.pipeline.frame import NOISE
from coverslip.pipeline.frame_cells import do_region
from coverslip.pipeline.outputs import name_outputs
from coverslip.pipeline.plan import begin_image, plan_frames
from coverslip.pipeline.region import reduce_picture
from coverslip.pipeline.resolve import resolve_plans
from coverslip.preprocessing import Preprocess
from coverslip.tiling import RegionSettings
from drawn import discs

EXAMPLES = Path(__file__).parent.parent / "examples"
# In int8, a part of an image is rounded otherwise than the whole, and single pixels differ.
SMALL = PredictSettings(device="cpu", tile_px=160, overlap_px=32, precision="float32")
WHOLE = RegionSettings(core_px=0)
REGIONS = RegionSettings(core_px=64, margin_px=32, most_margin_px=256)
# Beyond the margin nothing is known of who is nearest.
FAR = ["nearest_label", "nearest_edge_px", "nearest_edge_um"]


def bright(regions: RegionSettings = REGIONS, **settings: object) -> Job:
    """Cell is what is brighter than half of the range."""
    chosen = SegmentSettings(predict=SMALL, **{"min_area_px": 0, **settings})
    return Job(bright_model(), "bright", "1", chosen, regions=regions)


def save(path: Path, image: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, image, **options)
    return path


def crowd(shape: tuple[int, int] = (150, 170), *, seed: int = 0, n: int = 60) -> np.ndarray:
    """Bright discs of 5 to 12 px radius on black, many of them touching."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape, np.uint8)
    for _ in range(n):
        cy, cx, r = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(5, 12)
        image[(y - cy) ** 2 + (x - cx) ** 2 < r * r] = 200
    return image


def run(path: Path, out: Path, job: Job) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Labels, cells and images; nothing may fail."""
    result = segment_files([path], out, job=job)
    assert result.failed == {}
    tables = (pd.read_csv(out / f"{name}.csv") for name in ("cells", "images"))
    return read_labels(out / f"{path.stem}_labels.tif"), *tables


def check_equal(path: Path, tmp_path: Path, job: Job) -> np.ndarray:
    """Do it whole and in regions, and hold every number of one against the other."""
    whole = run(path, tmp_path / "whole", replace(job, regions=WHOLE))
    parts = run(path, tmp_path / "parts", job)
    np.testing.assert_array_equal(whole[0], parts[0])
    near = [name for name in FAR if name in whole[1]]
    pd.testing.assert_frame_equal(
        whole[1].drop(columns=near), parts[1].drop(columns=near), check_dtype=False, rtol=1e-5
    )
    known = parts[1]["nearest_edge_px"].notna() if near else []
    pd.testing.assert_frame_equal(
        whole[1].loc[known, near], parts[1].loc[known, near], check_dtype=False, rtol=1e-5
    )
    pd.testing.assert_frame_equal(whole[2], parts[2], check_dtype=False)
    return parts[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"drop_border": True},
        {"fill_holes": True, "min_area_px": 150},
        {"separate": False},
        {"separate": False, "drop_border": True, "fill_holes": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_crowd_is_parted_as_in_the_whole(tmp_path, options, seed):
    image = crowd(seed=seed)
    image[40:44, 30:140] = 0  # cuts, so that cells have holes and notches
    image[60:110:9, 60:64] = 0
    labels = check_equal(save(tmp_path / "a.tif", image), tmp_path, bright(**options))
    assert labels.max() >= 5


@pytest.mark.parametrize(
    ("model", "name", "options"),
    [
        ("phase", "phase/phase_sparse.png", {}),  # four cells, two of them at the edge
        ("nuclei", "nuclei/stained_tissue.png", {}),
        ("nuclei", "nuclei/fluorescence_small.png", {"tta": "paper"}),
        ("nuclei", "nuclei/fluorescence_small.png", {"scale": 0.7}),
    ],
    ids=str,
)
def test_models_that_ship_find_the_same_cells(tmp_path, model, name, options):
    window = slice(0, 170), slice(0, 200)
    image = read_frame(open_image(EXAMPLES / name))[window]
    true = read_labels(EXAMPLES / "truth" / name)[window]
    tta = options.pop("tta", "none")
    job = load_job(model, settings=SegmentSettings(predict=replace(SMALL, tta=tta), **options))
    path = save(tmp_path / "a.tif", image)
    found = check_equal(path, tmp_path, replace(job, regions=REGIONS))
    n_true = len(np.unique(true[true > 0]))
    assert abs(int(found.max()) - n_true) <= n_true / 5


@pytest.mark.parametrize("regions", [WHOLE, replace(REGIONS, core_px=128)], ids=["held", "read"])
def test_noise_alone_has_no_cells_however_it_is_read(tmp_path, regions):
    noise = np.random.default_rng(0).normal(1000, 60, (300, 330)).astype(np.uint16)
    path = save(tmp_path / "a.tif", noise)
    result = segment_files([path], tmp_path / "noise", job=bright(regions))
    assert NOISE in result.done[path].notes
    assert pd.read_csv(tmp_path / "noise" / "images.csv").n_cells.tolist() == [0]

    noise[260:280, 300:320] += 300  # one cell, in the last square that is looked at
    save(path, noise)
    result = segment_files([path], tmp_path / "cell", job=bright(regions))
    assert NOISE not in result.done[path].notes
    assert pd.read_csv(tmp_path / "cell" / "images.csv").n_cells[0] > 0


def test_cells_in_the_corner_of_four_regions_and_regions_one_pixel_wide(tmp_path):
    image = np.zeros((129, 129), np.uint8)
    for y, x in ((64, 64), (128, 64), (64, 128), (128, 128), (0, 63), (20, 20)):
        image[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6] = 200
    labels = check_equal(save(tmp_path / "a.tif", image), tmp_path, bright())
    assert labels.max() == 6 and (labels[59:70, 59:70] == labels[64, 64]).all()


def test_a_single_region_and_colours(tmp_path):
    image = np.stack([crowd((50, 60), n=8), crowd((50, 60), n=8), crowd((50, 60), n=9)], axis=2)
    job = bright(replace(REGIONS, core_px=27))
    labels = check_equal(save(tmp_path / "a.tif", image, photometric="rgb"), tmp_path, job)
    assert labels.max() > 1
    assert "intensity_mean_blue" in pd.read_csv(tmp_path / "parts" / "cells.csv")


@pytest.fixture
def bar() -> np.ndarray:
    """A cell as long as three regions and their margins, among small ones."""
    image = np.zeros((140, 300), np.uint8)
    image[60:70, 10:290] = 200
    image[80:90, 20:290:30] = 200
    image[66:100, 150:156] = 200
    return image


def test_a_cell_longer_than_core_and_margin_is_seen_whole_by_a_wider_margin(tmp_path, bar):
    labels = check_equal(save(tmp_path / "a.tif", bar), tmp_path, bright())
    assert labels[65, 15] == labels[65, 285] == 1


def test_a_cell_that_no_region_sees_whole_is_put_together(tmp_path, bar):
    path = save(tmp_path / "a.tif", bar)
    job = bright(replace(REGIONS, most_margin_px=64))
    whole = run(path, tmp_path / "whole", replace(job, regions=WHOLE))
    result = segment_files([path], tmp_path / "parts", job=job)
    labels = read_labels(tmp_path / "parts" / "a_labels.tif")
    np.testing.assert_array_equal(whole[0], labels)
    cells = pd.read_csv(tmp_path / "parts" / "cells.csv")
    assert cells["label"].tolist() == whole[1]["label"].tolist()
    known = ["area_px", "touches_border", *(c for c in cells if c.startswith(("bbox", "centr")))]
    pd.testing.assert_frame_equal(whole[1][known], cells[known], check_dtype=False)
    assert cells["perimeter_px"].isna().tolist() == [True] + [False] * (len(cells) - 1)
    assert any(": 1, put together" in note for note in result.done[path].notes)
    pd.testing.assert_frame_equal(
        whole[2], pd.read_csv(tmp_path / "parts" / "images.csv"), check_dtype=False
    )


def test_brightness_is_stretched_over_the_whole_frame(tmp_path):
    image = crowd().astype(np.float32)
    image[:, 100:] *= 0.3  # of its own range, this half would be as bright as the other
    image[3, 5], image[7, 9] = np.nan, np.inf
    labels = check_equal(save(tmp_path / "a.tif", image), tmp_path, bright())
    assert not labels[:, 110:].any()


def results(out: Path) -> dict[str, bytes]:
    """All files but those that say when they were made, and the hash of one of these."""
    clocks = ("report.html", "written.jsonl")
    named = (path for path in out.rglob("*") if path.is_file() and path.name not in clocks)
    return {str(path.relative_to(out)): path.read_bytes() for path in named}


class Killed(BaseException):
    """As a kill would, it lets nobody clean up who does not do so in any case."""


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    path = save(tmp_path / "a.tif", crowd())
    run(path, tmp_path / "once", bright())
    done = []

    def count(plan_, region, frame, *, most=4):
        if len(done) == most:
            raise Killed
        done.append(region.number)
        return do_region(plan_, region, frame)

    monkeypatch.setattr(frame_cells, "do_region", count)
    with pytest.raises(Killed):
        segment_files([path], tmp_path / "twice", job=bright())
    assert done == [0, 1, 2, 3]
    broken = next((tmp_path / "twice").rglob("region_00000_00001.npz"))
    broken.write_bytes(broken.read_bytes()[:-300])
    monkeypatch.setattr(frame_cells, "do_region", lambda *it: count(*it, most=99))
    run(path, tmp_path / "twice", bright())
    assert done[4:] == [1, 4, 5, 6, 7, 8]
    assert results(tmp_path / "once") == results(tmp_path / "twice")
    assert not list((tmp_path / "twice").rglob("*region_*")) + list(tmp_path.rglob("*.part*"))

    result = segment_files([path], tmp_path / "twice", job=bright())
    assert result.skipped == [path] and len(done) == 10
    assert results(tmp_path / "once") == results(tmp_path / "twice")


def test_any_order_and_any_worker_make_the_same_regions(tmp_path):
    path, job = save(tmp_path / "a.tif", crowd()), bright()
    found = []
    for name, step in (("a", 1), ("b", -1)):
        target = name_outputs([path], tmp_path / name)[path]
        opened = begin_image(path, target, job=job, thumbnails=[])
        (own,) = resolve_plans(plan_frames(opened, job))
        for region in own.regions[::step]:
            with own.open_windows() as frame:
                do_region(own, region, frame)
        found.append([own.store.path(region).read_bytes() for region in own.regions])
    assert found[0] == found[1]
    assert not list(own.tiles.folder.glob("*.npy"))  # needed no more


def test_tiles_are_predicted_once(tmp_path):
    """The margins of neighbours share tiles, which are kept until all are done with them."""
    job = bright()
    shapes = []
    job.model.network.register_forward_hook(lambda net, given, out: shapes.append(len(given[0])))
    run(save(tmp_path / "a.tif", crowd((250, 400))), tmp_path / "out", job)
    assert sum(shapes) == 2 * 3


def test_a_film_of_large_frames_and_its_channels(tmp_path):
    film = np.stack([[crowd(seed=s), crowd(seed=s + 9)] for s in (1, 2)])
    path = save(tmp_path / "a.tif", film, ome=True, metadata={"axes": "TCYX"})
    whole = segment_files([path], tmp_path / "whole", job=bright(WHOLE))
    parts = segment_files([path], tmp_path / "parts", job=bright())
    assert whole.failed == parts.failed == {}
    for frame in (0, 1):
        truth = read_frame(open_image(tmp_path / "whole" / "a_labels.tif"), frame)
        name = tmp_path / "parts" / "a_labels" / f"frame_{frame:05d}.tif"
        np.testing.assert_array_equal(read_labels(name), truth)
    one, other = (pd.read_csv(tmp_path / name / "cells.csv") for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(
        one.drop(columns=FAR[:2]), other.drop(columns=FAR[:2]), check_dtype=False, rtol=1e-5
    )
    assert segment_files([path], tmp_path / "parts", job=bright()).skipped == [path]


def test_small_and_large_images_share_the_tables_and_the_page(tmp_path):
    large = save(tmp_path / "a.tif", crowd(), resolution=(20000, 20000), resolutionunit=3)
    small = tmp_path / "b.png"
    Image.fromarray(255 - discs(1)[0]).save(small)
    for out, regions in (("whole", WHOLE), ("parts", REGIONS)):
        result = segment_files([large, small], tmp_path / out, job=bright(regions))
        assert result.failed == {}
    one, other = (pd.read_csv(tmp_path / name / "cells.csv") for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(
        one.drop(columns=FAR), other.drop(columns=FAR), check_dtype=False, rtol=1e-5
    )
    pages = [(tmp_path / name / "report.html").read_text() for name in ("whole", "parts")]
    n_cells = len(one)
    assert all(f"{n_cells} cells" in page for page in pages)
    assert pages[0].count('data-cells="') == pages[1].count('data-cells="') > 0


def test_parquet_comes_in_parts(tmp_path):
    pytest.importorskip("pyarrow")
    path = save(tmp_path / "a.tif", crowd())
    tables = []
    for name, regions in (("whole", WHOLE), ("parts", REGIONS)):
        job = replace(bright(regions), table="parquet")
        assert segment_files([path], tmp_path / name, job=job).failed == {}
        tables.append(pd.read_parquet(tmp_path / name / "cells.parquet").drop(columns=FAR[:2]))
    pd.testing.assert_frame_equal(*tables, rtol=1e-5)


def test_what_needs_the_whole_frame_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", crowd())
    method = load_job("egt", settings=SegmentSettings())
    for job, word in (
        (replace(method, regions=REGIONS), "egt is a method without learning"),
        (replace(bright(), keep_probs=True), "--probs and --uncertainty"),
    ):
        failed = segment_files([path], tmp_path / "out", job=job).failed
        assert word in failed[path] and "--region 0" in failed[path]
    assert segment_files([path], tmp_path / "out", job=replace(method, regions=WHOLE)).failed == {}


@pytest.mark.parametrize("shape", [(37, 53), (40, 30, 3), (1, 700)])
def test_the_statistics_take_the_sample_of_the_stretch(tmp_path, monkeypatch, shape):
    monkeypatch.setattr(preprocessing, "SAMPLE_PX", 200)
    monkeypatch.setattr(frame_statistics, "BAND_VALUES", 400)
    image = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    reader = FrameReader(shape[:2], image.dtype, lambda rows, columns: image[rows, columns])
    path = tmp_path / "statistics.json"
    how = Preprocess(low_percentile=1.0, high_percentile=99.8)
    found = frame_statistics.keep_statistics(reader, how=how, path=path)
    stretched = preprocessing.stretch(image, low_percentile=1.0, high_percentile=99.8)
    np.testing.assert_array_equal(
        preprocessing.stretch_between(image, found.low, found.high), stretched
    )
    assert found.is_grey == (not found.is_colour) == (len(shape) == 2)
    assert (
        frame_statistics.keep_statistics(None, how=how, path=path) == found
    )  # which reads nothing any more


def test_nothing_but_nan_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", np.full((140, 150), np.nan, np.float32))
    failed = segment_files([path], tmp_path / "out", job=bright()).failed
    assert "a.tif: " in failed[path] and "NaN" in failed[path]


def test_the_overview_is_reduced_and_the_page_draws_on_it(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "OVERVIEW_PX", 100)
    path = save(tmp_path / "a.tif", crowd((151, 170)))
    out = tmp_path / "out"
    result = segment_files([path], out, job=bright())
    with Image.open(out / "a_overlay.png") as overlay:
        assert overlay.size == (85, 76)
        colours = np.asarray(overlay).astype(int)
    labels = read_labels(out / "a_labels.tif")
    is_drawn = np.ptp(colours, axis=2) > 0
    assert is_drawn.any() and (labels[1::2, 1::2][is_drawn[:75]] > 0).all()
    small = read_labels(out / "records" / "rows" / "a" / "00000_small.tif")
    np.testing.assert_array_equal(small[:75], labels[1::2, 1::2])
    np.testing.assert_array_equal(small[75], labels[150, 1::2])
    assert any("1 pixel for 2 × 2" in note for note in result.done[path].notes)
    assert 'data-cells="' in (out / "report.html").read_text()


def test_squares_are_averaged_and_what_is_left_at_the_end():
    image = np.array([[1, 3, 10], [5, 7, 20], [2, 4, 9]], np.uint8)
    assert reduce_picture(image, 2).tolist() == [[4, 15], [3, 9]]
    assert reduce_picture(np.dstack([image] * 3), 2)[..., 1].tolist() == [[4, 15], [3, 9]]


def test_the_command_line_sets_the_region():
    assert load_job("egt", settings=SegmentSettings()).regions == RegionSettings()
    assert load_job("egt", settings=SegmentSettings(), region=0).regions.core_px == 0


def test_of_a_large_image_the_page_has_every_so_many_th_cell(tmp_path, monkeypatch):
    monkeypatch.setattr(summary, "PAGE_CELLS", 5)
    monkeypatch.setattr(pictures, "MAX_OUTLINES", 5)
    path = save(tmp_path / "a.tif", crowd())
    segment_files([path], tmp_path / "out", job=bright())
    n_cells = len(pd.read_csv(tmp_path / "out" / "cells.csv"))
    page = (tmp_path / "out" / "report.html").read_text()
    assert f"{n_cells} cells; of so many, this page has some evenly spread" in page
    assert 'data-cells="' not in page and n_cells > 5
