"""What can be known without a model is said before one is loaded."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from coverslip.cli import checks
from coverslip.evaluation import DEGRADATIONS
from drawn import squares, write_dataset


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with images, a data set and no model that could be loaded."""

    def load(*arguments: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("coverslip.checkpoints.load_model", load)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    Image.fromarray(squares(1)[0]).save(tmp_path / "images" / "a.png")
    write_dataset(tmp_path / "data", n=2)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("segment images -o out --table excel", "a table as excel: wanted csv or parquet"),
        ("segment image -o out", "image: no such file or folder. Did you mean images?"),
        ("segment . -o out", "The images lie one folder deeper: name images."),
        ("segment images -o images/a.png", "A file stands where a folder is wanted"),
        ("suggest images -o s.csv -n 0", "--number 0: wanted 1 or more"),
        ("suggest images -o s.csv --every -1", "--every -1: wanted 1 or more"),
        ("suggest images -o s.csv --model egt", "egt is a method without learning: it is never"),
        ("suggest images -o images", "A folder of that name is in the way"),
        ("suggest images -o s.csv --copy images", "not empty"),
        ("suggest images -o s.csv --copy images/a.png/b", "A file stands where a folder"),
        ("robustness phase data -o out --only gama", "Did you mean gamma?"),
        ("robustness data phase -o out", "coverslip robustness phase data"),
        ("robustness phase data -o images/a.png", "A file stands where a folder is wanted"),
        ("robustness phase images -o out", "are named by --masks FOLDER"),
        ("score phase images", "are named by --masks FOLDER"),
        ("score data egt", "wanted the model first, coverslip score egt data"),
        ("score phase data -o images", "A folder of that name is in the way"),
        ("score phase data --errors images/a.png", "A file stands where a folder is wanted"),
        ("train data -o out --model nuclei", "--from nuclei goes on from its weights"),
        ("evaluate data data -o images", "A folder of that name is in the way"),
        ("export data --to svg -o images/a.png", "A file stands where a folder is wanted"),
        ("demo -o images/a.png", "A file stands where a folder is wanted"),
    ],
)
def test_a_mistake_is_found_before_the_model_is_loaded(coverslip, place, command, words):
    before = sorted(place.rglob("*"))
    said = coverslip(*command.split())
    assert said.status == 2 and said.out == "" and words in said.err
    assert said.err.count("error:") == 1 and sorted(place.rglob("*")) == before


def test_degradations_are_those_that_there_are():
    assert tuple(DEGRADATIONS) == checks.DEGRADATIONS


@pytest.mark.parametrize("verb", ["measure", "evaluate", "export"])
def test_a_photograph_in_place_of_labels(coverslip, place, verb):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(place / "a.png")
    options = {
        "measure": ("a.png", "-o", "cells.csv"),
        "evaluate": ("a.png", "a.png"),
        "export": ("a.png", "--to", "svg", "-o", "out"),
    }
    said = coverslip(verb, *options[verb])
    assert said.status == (1 if verb == "export" else 2)
    assert "a photograph and no labels" in said.err and not (place / "cells.csv").exists()


def test_one_of_anything_is_told_in_the_singular(coverslip, place):
    labels = place / "labels"
    labels.mkdir()
    Image.fromarray(squares(1)[1]).save(labels / "a.png")
    said = coverslip("measure", labels, "-o", place / "cells.csv")
    assert said.out == f"1 cell in 1 file: {place / 'cells.csv'}\n"
    (place / "pred").mkdir()
    for name in ("a", "b"):
        Image.fromarray(squares(1)[1]).save(place / "pred" / f"{name}.png")
    said = coverslip("evaluate", place / "pred", labels)
    assert "1 prediction has no truth and is left out" in said.err
