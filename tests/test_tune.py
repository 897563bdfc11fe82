from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coverslip.checkpoints import load_model
from coverslip.errors import SettingsError
from coverslip.io import open_image
from coverslip.pipeline import segment
from coverslip.pipeline.tune import STEPS, THRESHOLDS, middle_part, tune_frame
from coverslip.report.tune import Choice, tune_page

EXAMPLE = Path(__file__).parent.parent / "examples" / "nuclei" / "fluorescence_culture.png"


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory):
    """A part of an image of nuclei, in a file with a blank in its name."""
    path = tmp_path_factory.mktemp("tune") / "some nuclei.png"
    Image.fromarray(np.asarray(Image.open(EXAMPLE))[:128, :128]).save(path)
    return path


def test_each_picture_has_the_cells_that_its_settings_give(nuclei):
    model = load_model("nuclei")
    tuning = tune_frame(open_image(nuclei), model)
    assert [len(row) for row in tuning.rows] == [len(THRESHOLDS) + 1] * len(STEPS)
    (own,) = [one for row in tuning.rows for one in row if one.is_own]
    assert own.threshold == model.threshold
    by_itself = segment(nuclei, model)
    assert own.n_cells == len(by_itself.cells) > 3
    assert own.confluence == pytest.approx(by_itself.confluence)
    last = tuning.rows[-1][0]
    assert last.cell_size_px == pytest.approx(2 * own.cell_size_px)
    again = segment(nuclei, model, threshold=last.threshold, cell_size=last.cell_size_px)
    assert last.n_cells == len(again.cells)
    for row in tuning.rows:  # a lower threshold calls more cell
        shares = [one.confluence for one in row]
        assert shares == sorted(shares, reverse=True)


def test_a_frame_that_is_not_there_and_a_part_of_a_large_image(nuclei):
    with pytest.raises(SettingsError, match="has frames 0 to 0"):
        tune_frame(open_image(nuclei), load_model("nuclei"), frame=1)
    assert middle_part((100, 2000)) == (slice(0, 100), slice(744, 1256))


def test_the_page_loads_nothing_and_escapes_what_it_is_given():
    picture = np.zeros((8, 8, 3), np.uint8)
    page = tune_page("<b>", [("size & so", [Choice("t", picture, 1, 0.5, "cmd 'a<b'", True)])])
    assert "&lt;b&gt;" in page and "size &amp; so" in page and "cmd &#39;a&lt;b&#39;" in page
    assert "default-src 'none'" in unescape(page) and "://" not in page and 'src="data:' in page
    assert "<b>1</b> cell " in page and "by itself" in page


def test_the_command_writes_a_page_whose_commands_name_the_image(coverslip, nuclei, tmp_path):
    out = tmp_path / "page.html"
    ran = coverslip("tune", nuclei, "-o", out, "--model", "nuclei")
    assert ran.status == 0, ran.err
    commands = re.findall("<code>(.*?)</code>", out.read_text("utf-8"))
    assert len(commands) == len(STEPS) * (len(THRESHOLDS) + 1)
    words = shlex.split(unescape(commands[0]))
    assert words[:3] == ["coverslip", "segment", str(nuclei)]
    assert "--threshold" in words and "--cell-size" in words
    for bad in (["-o", tmp_path / "page.txt"], ["--model", "egt"]):
        assert coverslip("tune", nuclei, *bad).status == 2
