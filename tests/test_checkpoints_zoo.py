"""The models that ship, whichever they are: they load, say what they are, and find the cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.checkpoints import find_model, load_checkpoint, load_model, shipped_models
from coverslip.errors import ModelError
from coverslip.inference import PredictSettings
from coverslip.io import open_image, read_frame, read_labels
from coverslip.metrics import count_pixels, jaccard
from coverslip.pipeline import Segmentation, SegmentSettings, segment
from coverslip.segmentation import mask_to_labels

EXAMPLES = Path(__file__).parent.parent / "examples"
SETTINGS = SegmentSettings(predict=PredictSettings(device="cpu"))
LEAST_JACCARD = 0.6
PACKAGE_LIMIT = 30_000_000  # bytes of all weights, so that the wheel stays below 40 MB

needs_weights = pytest.mark.skipif(not shipped_models(), reason="no weights in this source tree")


@needs_weights
def test_both_models_ship_and_are_small():
    assert {"nuclei", "phase"} <= set(shipped_models())
    assert sum(path.stat().st_size for path in shipped_models().values()) < PACKAGE_LIMIT


@pytest.mark.parametrize("name", list(shipped_models()))
def test_its_card_says_what_it_is(name):
    card = load_model(name).card
    for entry in ("task", "data", "licence", "score"):
        assert card.get(entry), f"the card of {name} has no {entry}"


@pytest.mark.parametrize("name", list(shipped_models()))
def test_it_is_named_by_its_name_or_path(name):
    assert find_model(name) == find_model(str(shipped_models()[name])) == shipped_models()[name]
    model = load_model(name)
    assert not model.network.training
    assert all(np.isfinite(p.detach().numpy()).all() for p in model.network.parameters())


def example(path: Path) -> tuple[Segmentation, np.ndarray]:
    """What a model finds in an example, and the truth."""
    image = read_frame(open_image(path))
    truth = read_labels(EXAMPLES / "truth" / path.parent.name / path.name)
    return segment(image, load_model(path.parent.name), settings=SETTINGS), truth


@needs_weights
@pytest.mark.parametrize(
    "path",
    sorted((EXAMPLES / "truth").glob("*/*.png")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_it_finds_the_cells_of_the_examples(path):
    found, truth = example(EXAMPLES / path.parent.name / path.name)
    assert jaccard(count_pixels(truth > 0, found.labels > 0)) > LEAST_JACCARD
    # Cells that touch are one piece of a mask, so the truth is counted in pieces as well.
    n_pieces = int(mask_to_labels(truth > 0).max())
    assert 0.4 * n_pieces <= len(found.cells) <= 2.5 * n_pieces


def test_a_name_that_is_no_model_is_not_replaced_by_another(tmp_path):
    with pytest.raises(ModelError, match="no model 'nucleis'"):
        find_model("nucleis")
    with pytest.raises(ModelError, match="a folder without best"):
        find_model(str(tmp_path))


def test_a_folder_of_a_training_stands_for_its_best(tmp_path):
    (tmp_path / "best.safetensors").write_bytes(b"")
    assert find_model(str(tmp_path)) == tmp_path / "best.safetensors"
    with pytest.raises(ModelError, match="not readable"):
        load_checkpoint(find_model(str(tmp_path)))
