from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from coverslip.errors import ModelError
from coverslip.figures import DOUBLE_MM, MM_PER_INCH, figure_to_bytes, fold_text, text_mm
from coverslip.models import ResNet18UNet, ResNet18UNetRP, Swift, UNet
from coverslip.reproduction.figures.anatomy import read_anatomy
from coverslip.reproduction.figures.architecture import architecture_figure
from coverslip.reproduction.figures.figure1 import Example, examples_figure
from coverslip.reproduction.figures.figure3 import Merged, View, spread_top, tta_figure
from coverslip.reproduction.figures.grid import Attempt, GridImage, grid_figure, wrap
from printed import collisions, pictures, texts

MAGENTA, GREEN = (255, 0, 255), (0, 255, 0)


@pytest.fixture(scope="module")
def rp() -> ResNet18UNetRP:
    return ResNet18UNetRP()


def square_image(side: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A grey ramp with one cell in its middle."""
    image = np.linspace(0, 255, side * side).reshape(side, side)
    labels = np.zeros((side, side), dtype=np.int32)
    labels[side // 4 : -side // 4, side // 4 : -side // 4] = 1
    return image, labels


# Figure 1


def example(words: str = "1 cell") -> Example:
    return Example(*square_image(), words)


def test_each_example_stands_beside_its_outlines():
    figure = examples_figure([("Nuclei", [example(), example()]), ("Cells", [example("27 cells")])])
    assert texts(figure) == ["(a) Nuclei", "1 cell", "1 cell", "(b) Cells", "27 cells"]
    plain, outlined = pictures(figure)[:2]
    assert len(pictures(figure)) == 6
    assert plain.shape == outlined.shape
    centre = len(plain) // 2
    assert plain[centre, centre].tolist() == pytest.approx([128] * 3, abs=8)
    changed = (plain.astype(int) - outlined).any(axis=2)
    edge = len(plain) // 4
    assert changed[edge + 1, centre]
    assert not changed[centre, centre]
    assert not collisions(figure)


def test_a_lone_row_has_no_letter():
    assert texts(examples_figure([("Cells", [example()])]))[0] == "Cells"


def test_an_oblong_image_shows_its_central_square():
    image = np.zeros((10, 30), dtype=np.uint8)
    image[:, 10:20] = 200
    image[:, 10:12] = 100
    shown = pictures(examples_figure([("", [Example(image, image * 0)])]))[0]
    assert shown.shape[0] == shown.shape[1]
    assert shown[:, 0].max() < shown[:, -1].min()
    assert shown[:, -1].min() > 250


@pytest.mark.parametrize("rows", [[], [("Cells", [])]])
def test_nothing_to_show_is_refused(rows):
    with pytest.raises(ValueError, match="no examples"):
        examples_figure(rows)


# Figure 2


def test_the_drawing_says_what_the_network_is(rp):
    figure = architecture_figure(rp)
    said = texts(figure)
    for words in (
        *("3 @ 256²", "64 @ 256²", "128 @ 64²", "512 @ 16²", "32 @ 256²", "1 @ 256²"),
        *("4 units, 32 @ 256²", "3 units, 64 @ 128²", "2 units, 128 @ 64²", "1 unit, 256 @ 32²"),
        *("7×7 convolution", "3×3 max-pooling, stride 2", "4×4 transpose convolution, stride 2"),
        "residual block: 3×3 and 3×3; shortcut: identity or 1×1; stride 2 where the side shrinks",
        *("residual unit: 3×3; shortcut: 1×1", "1×1 convolution", "channels concatenated"),
        "ResNet18UNetRP: 17,651,937 parameters (encoder 11,176,512, residual paths 1,162,112, "
        "decoder 5,313,280, head 33)",
    ):
        assert words in said
    assert said.count("c") == 5  # four joins and the legend
    assert not collisions(figure)


@pytest.mark.parametrize(
    ("arguments", "wanted", "unwanted"),
    [
        ({"path_units": (1, 1, 1, 5)}, "5 units, 256 @ 32²", "1 unit, 256 @ 32²"),
        ({"unit": "basic"}, "4 units, 32 @ 256²", "residual unit: 3×3; shortcut: 1×1"),
        ({"in_channels": 1, "out_channels": 4}, "4 @ 256²", "3 @ 256²"),
        ({"decoder_blocks": 0}, "3×3 convolution", "2 units, 32 @ 256²"),
    ],
)
def test_another_network_is_another_drawing(arguments, wanted, unwanted):
    figure = architecture_figure(ResNet18UNetRP(**arguments))
    said = texts(figure)
    assert wanted in said
    assert unwanted not in said
    assert not collisions(figure)


def test_boxes_are_the_blocks_that_ran():
    def count(**arguments: int) -> int:
        anatomy = read_anatomy(ResNet18UNetRP(**arguments), size_px=64)
        return sum(len(stage.layers) for stage in anatomy.decoder)

    assert (count(decoder_blocks=1), count(decoder_blocks=2), count(decoder_blocks=0)) == (4, 8, 8)


def test_plain_skips_have_no_units():
    network = ResNet18UNet()
    anatomy = read_anatomy(network)
    assert [(skip.stage, skip.units, skip.channels) for skip in anatomy.skips] == [
        (3, (), 256),
        (2, (), 128),
        (1, (), 64),
        (0, (), 64),
    ]
    said = texts(architecture_figure(network))
    assert "Skips" in said
    assert not [words for words in said if "unit" in words]


def test_sizes_are_those_of_the_forward_pass(rp):
    assert "512 @ 4²" in texts(architecture_figure(rp, size_px=64))
    assert [stage.out.size_px for stage in read_anatomy(rp, size_px=64).encoder] == [
        64,
        32,
        16,
        8,
        4,
    ]


def test_the_network_is_not_touched(rp):
    rp.train()
    before = {name: tensor.clone() for name, tensor in rp.state_dict().items()}
    architecture_figure(rp)
    assert rp.training
    assert all(torch.equal(before[name], tensor) for name, tensor in rp.state_dict().items())
    assert not any(module._forward_hooks for module in rp.modules())


class Secretive(ResNet18UNet):
    """Does something between its decoder and its head that no module shows."""

    def forward(self, x):
        *skips, x = self.encoder(x)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        return self.head(x * 2)


class Halving(ResNet18UNet):
    """Alters a skip on its way."""

    def forward(self, x):
        *skips, x = self.encoder(x)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip / 2)
        return self.head(x)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (nn.Conv2d(3, 1, 1), "no decoder and no encoder and no head"),
        (UNet(), "further parts with weights: up"),
        (Swift(), "further parts with weights: lift, fine"),
        (Secretive(), "between its encoder, decoder and head"),
        (Halving(), "a skip comes from none"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_drawn_truly_is_refused(network, reason):
    with pytest.raises(ModelError, match=reason):
        architecture_figure(network)


def test_a_path_that_nothing_uses_is_refused():
    network = ResNet18UNet()
    network.paths = nn.ModuleList([nn.Conv2d(64, 64, 3)])
    with pytest.raises(ModelError, match="leads to no stage"):
        architecture_figure(network)


def test_a_size_that_does_not_fit_is_refused(rp):
    with pytest.raises(ModelError, match=r"100 px.*multiple of its stride, 16"):
        architecture_figure(rp, size_px=100)


# Figure 3


def make_views(side: int = 8) -> list[View]:
    image = np.arange(side * side, dtype=float).reshape(side, side)
    probs = np.zeros((side, side))
    probs[0] = 1.0
    names = ("as it is", "upside down")
    return [
        View(names[0], image, probs, probs),
        View(names[1], image[::-1], probs[::-1] * 0.4, probs * 0.4),
    ]


def test_the_scheme_shows_views_predictions_and_what_becomes_of_them():
    views = make_views()
    mean, spread = views[0].probs * 0.7, views[0].probs * 0.3
    figure = tta_figure(views, Merged(mean, spread, 0.8), title="By whom")
    said = texts(figure)
    for words in ("By whom", "as it is", "upside down", "Turned back", "mean > 0.8: the mask"):
        assert words in said
    shown = pictures(figure)
    assert len(shown) == 2 * 3 + 4 + 2  # two views, what becomes of them, two scales
    mask, before = shown[7], shown[8]
    assert not mask.any()  # 0.7 is not above 0.8; the first view's 1.0 is
    assert before[0].min() == 255
    assert not before[1:].any()
    assert (shown[9][0] == shown[1][0]).all()  # 0.3 of 0.3, the end of its scale: the brightest
    assert {"0", "0.15", "0.3", "0.5", "1"} <= set(said)
    assert not collisions(figure)


def test_the_scale_of_the_spread_ends_at_a_tenth():
    ends = [spread_top(np.array([value])) for value in (0.0, 0.1, 0.1000001, 0.31, 0.5)]
    assert ends == [0.1, 0.1, 0.1, 0.4, 0.5]


def test_one_view_is_no_augmentation():
    with pytest.raises(ValueError, match="1 views"):
        tta_figure(make_views()[:1], Merged(np.zeros((2, 2)), np.zeros((2, 2))))


# Figures 4 and 5


def grid_image(n_systems: int, *, title: str = "median") -> GridImage:
    image, labels = square_image()
    truth = labels > 0
    names = ["ResNet18-UNet+RP", "Tip-Net (reconstruction)", *(f"System {i}" for i in range(20))]
    attempts = {
        name: Attempt(np.roll(truth, i, axis=0), 1 - i / 20)
        for i, name in enumerate(names[:n_systems])
    }
    return GridImage(title, image, truth, attempts)


def test_errors_are_seen_where_they_are():
    figure = grid_figure([grid_image(2)])
    source, truth, perfect, rolled = pictures(figure)
    assert truth[10, 10].tolist() == [255, 255, 255]
    assert (perfect == source).all()
    assert np.abs(rolled[5, 10].astype(int) - MAGENTA).max() < 50  # no longer covered
    assert np.abs(rolled[15, 10].astype(int) - GREEN).max() < 50
    assert (rolled[10] == source[10]).all()


def test_scores_stand_below_and_the_best_is_bold():
    figure = grid_figure([grid_image(3)])
    weights = {t.get_text(): t.get_fontweight() for axes in figure.axes for t in axes.texts}
    assert (weights["1.000"], weights["0.950"], weights["0.900"]) == ("bold", "normal", "normal")
    assert {"Input", "Truth", "false negative", "false positive"} <= set(weights)


@pytest.mark.parametrize("n_systems", [1, 2, 5, 7, 8, 13, 16, 20])
def test_any_number_of_systems_stays_readable(n_systems):
    figure = grid_figure([grid_image(n_systems, title=title) for title in ("worst", "best")])
    assert not collisions(figure)
    assert len(pictures(figure)) == 2 * (2 + n_systems)
    assert figure.get_figwidth() == pytest.approx(175 / MM_PER_INCH)
    panel = next(axes for axes in figure.axes if axes.images)
    assert panel.get_position().width * DOUBLE_MM > 18
    assert min(text.get_fontsize() for axes in figure.axes for text in axes.texts) >= 4.5


def test_panels_wrap_into_the_fewest_rows_evenly():
    assert [wrap(n) for n in (4, 9, 10, 15, 18, 20)] == [
        (1, 4),
        (1, 9),
        (2, 5),
        (2, 8),
        (2, 9),
        (3, 7),
    ]


def test_images_with_different_systems_are_refused():
    with pytest.raises(ValueError, match="the same systems"):
        grid_figure([grid_image(2), grid_image(3)])
    with pytest.raises(ValueError, match="the same systems"):
        grid_figure([])


# page, save


def test_text_is_folded_at_spaces_and_after_hyphens():
    width = text_mm("ResNet18-", size=6) + 0.1
    assert fold_text("ResNet18-UNet+RP", width_mm=width, size=6) == "ResNet18-\nUNet+RP"
    assert fold_text("U-Net", width_mm=width, size=6) == "U-Net"
    assert fold_text("a b", width_mm=0.1, size=6) == "a\nb"


def test_a_png_has_the_size_of_the_page_in_print():
    image = Image.open(io.BytesIO(figure_to_bytes(grid_figure([grid_image(2)]), form="png")))
    assert image.width == pytest.approx(175 / MM_PER_INCH * 300, abs=1)


def test_a_pdf_embeds_its_fonts_as_truetype():
    pdf = figure_to_bytes(examples_figure([("Cells", [example()])]), form="pdf")
    assert pdf.startswith(b"%PDF")
    assert b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


@pytest.mark.parametrize("form", ["pdf", "png"])
def test_the_same_figure_gives_the_same_bytes_in_another_process(form):
    code = (
        "import hashlib, numpy as np\n"
        "from coverslip.reproduction.figures.figure1 import Example, examples_figure\n"
        "from coverslip.figures import figure_to_bytes\n"
        "image = np.arange(64).reshape(8, 8)\n"
        "figure = examples_figure([('Cells', [Example(image, image > 40, '1 cell')])])\n"
        f"print(hashlib.sha256(figure_to_bytes(figure, form={form!r})).hexdigest())\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
