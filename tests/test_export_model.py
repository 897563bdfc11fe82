"""A model as one ONNX file: the same cells from the file alone, and nothing from a stranger's."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coverslip.checkpoints import load_checkpoint, load_model, save_onnx
from coverslip.cli.export_model import run_export_model
from coverslip.errors import ModelError, SettingsError
from coverslip.inference import PredictSettings, pick_backend
from coverslip.inference.runtime import onnx as contents
from coverslip.inference.runtime import run_onnx, unpack_onnx
from coverslip.io import open_image, read_frame
from coverslip.pipeline import Segmentation, SegmentSettings, segment

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

EXAMPLES = Path(__file__).parent.parent / "examples"
CPU = PredictSettings(device="cpu")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("onnx") / "nuclei.onnx"
    assert save_onnx(path, load_model("nuclei")) < 1e-4
    return path


@pytest.fixture
def image() -> np.ndarray:
    path = EXAMPLES / "nuclei" / "stained_tissue.png"
    return read_frame(open_image(path))


def segmented(image: np.ndarray, model: object, **predict: str) -> Segmentation:
    settings = SegmentSettings(predict=PredictSettings(device="cpu", **predict))
    return segment(image, model, settings=settings)  # type: ignore[arg-type]


def test_the_file_alone_gives_the_same_cells(file: Path, image: np.ndarray) -> None:
    model, alone = load_model("nuclei"), load_checkpoint(file)
    wanted = segmented(image, model, backend="torch")
    got = segmented(image, alone)
    assert len(got.cells) == len(wanted.cells) > 5
    assert abs(got.probs - wanted.probs).max() < 1e-4
    assert np.array_equal(got.labels, wanted.labels)
    # by a graph of our own
    same = segmented(image, model, backend="onnxruntime", precision="float32")
    assert abs(got.probs - same.probs).max() < 1e-5


def test_in_int8_the_file_gives_the_labels_of_the_model_in_int8(
    file: Path, image: np.ndarray, tmp_path: Path
) -> None:
    small = tmp_path / "small.onnx"
    model = load_model("nuclei")
    assert save_onnx(small, model, precision="int8") is None
    assert small.stat().st_size < 0.3 * file.stat().st_size
    alone = load_checkpoint(small)
    assert alone.settle(CPU).precision == "int8"
    assert load_checkpoint(file).settle(CPU).precision == "float32"
    got, wanted = segmented(image, alone), segmented(image, model, precision="int8")
    assert len(wanted.cells) > 5 and np.array_equal(got.labels, wanted.labels)
    assert np.array_equal(got.probs, wanted.probs)
    in_float = segmented(image, model, precision="float32")
    assert not np.array_equal(got.probs, in_float.probs)  # they are no other numbers by chance
    with pytest.raises(SettingsError, match="computes in int8"):
        segmented(image, alone, precision="float32")


def test_int8_is_refused_of_a_model_without_ranges(tmp_path: Path) -> None:
    bare = replace(load_model("nuclei"), ranges={})
    with pytest.raises(SettingsError, match="no ranges"):
        save_onnx(tmp_path / "a.onnx", bare, precision="int8")
    with pytest.raises(SettingsError, match="float32, int8"):
        save_onnx(tmp_path / "a.onnx", bare, precision="int4")
    assert not list(tmp_path.iterdir())


def test_it_carries_all_that_the_checkpoint_does(file: Path) -> None:
    model, alone = load_model("nuclei"), load_checkpoint(file)
    names = ("model", "arguments", "preprocess", "maps", "card")
    assert [getattr(alone, name) for name in names] == [getattr(model, name) for name in names]
    assert alone.network.stride == model.network.stride
    assert alone.threshold == model.threshold
    assert alone.cell_size_px == model.cell_size_px


def test_other_programs_find_what_they_need_as_plain_text(file: Path) -> None:
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    card = load_model("nuclei").card
    assert (said["stride"], said["channels"]) == ("16", "3")
    assert float(said["threshold"]) == card.get("threshold", 0.5)
    assert said["licence"] == card["licence"] != ""
    assert json.loads(said["maps"])[0] == "mask"
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, given.name) == ("image", "logits")
    assert taken.shape == ["n", 3, "h", "w"]


def test_openvino_runs_it_too(file: Path, image: np.ndarray) -> None:
    pytest.importorskip("openvino")
    got = segmented(image, load_checkpoint(file), backend="openvino")
    assert abs(got.probs - segmented(image, load_checkpoint(file)).probs).max() < 1e-4


def test_what_an_onnx_file_cannot_do_is_said(file: Path, tmp_path: Path) -> None:
    alone = load_checkpoint(file)
    assert pick_backend(alone.network, PredictSettings()) == "onnxruntime"
    with pytest.raises(SettingsError, match=r"an ONNX file runs by onnxruntime or openvino"):
        pick_backend(alone.network, replace(CPU, backend="torch"))
    with pytest.raises(ModelError, match="an ONNX file already"):
        save_onnx(tmp_path / "again.onnx", alone)


def rewritten(file: Path, path: Path, **texts: str) -> Path:
    """The file with other texts, and a checksum that fits them, as anyone can make it."""
    model = onnx.load(file)
    said = {entry.key: entry.value for entry in model.metadata_props} | texts
    onnx.helper.set_model_props(model, {**said, "sha256": contents._hash(model, said)})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"format": "other"}, "none of coverslip's"),
        ({"stride": "0"}, "a stride of 0 px"),
        ({"stride": "many"}, "its stride cannot be read"),
        ({"stride": "8"}, "it does not run|it gives"),
        ({"channels": "1"}, "takes images of 1 channels, and is shown 3"),
        ({"channels": "9" * 4000}, "channels, and is shown 3"),
        ({"stride": "9" * 4000}, "a stride of 9"),
        ({"stride": "9" * 5000}, "its stride cannot be read"),
        ({"maps": '["mask"]'}, r"wanted float32 logits of 1 maps"),
        ({"maps": '["mask", "__import__"]'}, "__import__"),
        ({"maps": "1"}, "its maps .*copy it again"),
        ({"preprocess": '{"sizes": 1}'}, "nuclei.onnx: "),
        ({"card": "{"}, "its card .*copy it again"),
    ],
)
def test_a_forged_description_is_refused(
    file: Path, tmp_path: Path, texts: dict[str, str], message: str
) -> None:
    forged = rewritten(file, tmp_path / "nuclei.onnx", **texts)
    with pytest.raises(ModelError, match=message) as error:
        load_checkpoint(forged)
    assert str(forged) in str(error.value)


def test_damaged_missing_and_foreign_files_are_refused(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.onnx"
    with pytest.raises(ModelError, match=r"a.onnx: cannot be read \(No such file"):
        load_checkpoint(path)
    whole = file.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"a.onnx: not readable as ONNX .*copy the file again"):
        load_checkpoint(path)
    path.write_bytes(whole[:-4000] + b"\x00" + whole[-3999:])
    with pytest.raises(ModelError, match=r"a.onnx: .*copy the file again"):
        load_checkpoint(path)
    model = onnx.load(file)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"but none of coverslip's: pass one that"):
        load_checkpoint(path)
    monkeypatch.setattr(contents, "MOST_BYTES", 1000)
    with pytest.raises(ModelError, match=r"nuclei.onnx: larger than"):
        load_checkpoint(file)


def test_an_export_that_is_wrong_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model("nuclei")

    def wrong(*arguments: object, **named: object) -> object:
        forward = run_onnx(*arguments, **named)  # type: ignore[arg-type]
        return lambda images: 1.01 * forward(images)

    monkeypatch.setattr("coverslip.checkpoints.onnx.run_onnx", wrong)
    with pytest.raises(ModelError, match="it cannot be exported"):
        save_onnx(tmp_path / "a.onnx", model)
    assert list(tmp_path.iterdir()) == []


# --- the verb


def test_the_verb_writes_the_file_and_segment_takes_it(coverslip, tmp_path: Path) -> None:
    file = tmp_path / "new" / "nuclei.onnx"
    said = coverslip("export-model", "nuclei", "-o", file)
    assert (said.status, said.err) == (0, "")
    assert "logits are PyTorch's to" in said.out
    assert unpack_onnx(file.read_bytes())["model"] == load_model("nuclei").model
    image = EXAMPLES / "nuclei" / "fluorescence_small.png"
    said = coverslip("segment", image, "-o", tmp_path / "out", "--model", file)
    assert said.status == 0
    assert "cells in 1 file" in said.out
    assert "onnxruntime" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nuclei", "-o", "a.safetensors"), "wanted a file's name that ends in .onnx"),
        (("egt", "-o", "a.onnx"), "egt is a method without learning: it has no network to export"),
        (("nuclie", "-o", "a.onnx"), "did you mean 'nuclei'?"),
    ],
)
def test_mistakes_are_told(coverslip, arguments: tuple[str, ...], message: str) -> None:
    said = coverslip("export-model", *arguments)
    assert said.status == 2
    assert message in said.err


def test_a_training_cannot_go_on_from_it(coverslip, file: Path, tmp_path: Path) -> None:
    data = EXAMPLES / "nuclei"
    masks = EXAMPLES / "truth" / "nuclei"
    arguments = ("--masks", masks, "-o", tmp_path / "run", "--from", file)
    said = coverslip("train", data, *arguments)
    assert said.status == 2
    assert "an ONNX file predicts and cannot learn" in said.err


def change_graph(file: Path, new: Path, how: str) -> Path:
    """The file with something in its graph that no network of ours has."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(file)
    del model.metadata_props[:]
    weights = next(one for one in model.graph.initializer if len(one.dims) == 4)
    if how == "float8":
        weights.data_type = onnx.TensorProto.FLOAT8E4M3FN
    elif how == "float4":
        weights.data_type = onnx.TensorProto.FLOAT4E2M1
    elif how == "large":
        weights.dims[0] = 10**12
    elif how == "negative":
        weights.dims[0] = -1
    elif how == "short":
        weights.raw_data = weights.raw_data[:-4]
    elif how == "huge":
        shape = onnx.helper.make_tensor("huge", onnx.TensorProto.INT64, [2], [2**15, 2**15])
        model.graph.initializer.append(shape)
        model.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["huge"], ["large"]))
    elif how == "two outputs":
        model.graph.output.append(model.graph.output[0])
    elif how == "graph":
        inner = model.graph.node[0].attribute.add(name="body", type=onnx.AttributeProto.GRAPH)
        inner.g.name = "inner"
    else:
        model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT8E5M2
    new.write_bytes(model.SerializeToString())
    return new


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("float8", "of the ONNX type 17"),
        ("float4", "of the ONNX type 23"),
        ("input of float8", "of the ONNX type 19"),
        ("large", "claims .* values and holds"),
        ("negative", "claims -1 values and holds"),
        ("short", "claims .* values and holds"),
        ("huge", "its ConstantOfShape makes a tensor larger than any"),
        ("two outputs", "not one input and one output"),
        ("graph", "an attribute that no network of ours has"),
    ],
)
def test_what_no_network_of_ours_has_is_refused(
    file: Path, tmp_path: Path, how: str, said: str
) -> None:
    with pytest.raises(ModelError, match=said) as error:
        load_checkpoint(change_graph(file, tmp_path / "a.onnx", how))
    assert "\n" not in str(error.value)


# A package of bioimage.io


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("zoo") / "my nuclei.zip"
    run_export_model("nuclei", path, to="bioimageio")
    return path


def test_the_package_gives_the_models_own_probabilities_to_whoever_does_as_it_says(
    package: Path,
) -> None:
    """By its description alone: stretch, clip, normalise, ONNX, sigmoid."""
    with zipfile.ZipFile(package) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    said = json.loads(files["rdf.yaml"])
    (given,), (wanted,) = (
        np.load(io.BytesIO(files[said[side][0]["test_tensor"]["source"]]))
        for side in ("inputs", "outputs")
    )
    stretch, clip, normalise = (one["kwargs"] for one in said["inputs"][0]["preprocessing"])
    low, high = np.percentile(given, (stretch["min_percentile"], stretch["max_percentile"]))
    ready = np.clip((given - low) / (high - low + stretch["eps"]), clip["min"], clip["max"])
    ready = (ready - np.reshape(normalise["mean"], (3, 1, 1))) / np.reshape(
        normalise["std"], (3, 1, 1)
    )
    forward = run_onnx(files["weights.onnx"], backend="onnxruntime", threads=1)
    (logits,) = forward(ready[None].astype(np.float32))
    assert abs(1 / (1 + np.exp(-logits)) - wanted).max() < 1e-5
    model = load_model("nuclei")
    exact = PredictSettings(device="cpu", precision="float32")
    settings = SegmentSettings(scale=1.0, predict=exact)
    own = segment(given.transpose(1, 2, 0), model, settings=settings)
    assert abs(own.probs - wanted[0]).max() < 0.001
    assert (wanted[0] > 0.5).mean() > 0.02
    assert said["license"] == "BSD-3-Clause" and said["name"] == "coverslip my nuclei"
    assert "10.1038/s41592-019-0612-7" in [one["doi"] for one in said["cite"]]
    assert model.hash in files["README.md"].decode()
    with Image.open(io.BytesIO(files["cover.png"])) as cover:
        assert cover.width == 2 * cover.height


def test_the_same_model_is_the_same_package(package: Path, tmp_path: Path) -> None:
    again = tmp_path / "my nuclei.zip"
    run_export_model("nuclei", again, to="bioimageio")
    assert again.read_bytes() == package.read_bytes()


def test_the_package_passes_the_zoos_own_tests(package: Path) -> None:
    """Its format, and its outputs from its inputs, at several sizes and batches."""
    core = pytest.importorskip("bioimageio.core")
    if version("bioimageio.spec") == "0.5.12.0" and version("pydantic") >= "2.14":
        pytest.skip("this bioimageio.spec refuses every package with this pydantic")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = core.test_model(str(package), weight_format="onnx")
    assert summary.status == "passed", summary.display()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "keras"}, "onnx, bioimageio"),
        ({"to": "bioimageio"}, "ends in .zip"),
        ({"image": Path("a.png")}, "add --to bioimageio"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        run_export_model("nuclei", tmp_path / "a.onnx", **options)
