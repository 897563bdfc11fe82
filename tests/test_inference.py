"""Prediction proved with networks whose answer is known beforehand."""

from __future__ import annotations

import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from coverslip.errors import ModelError, SettingsError
from coverslip.inference import PredictSettings, Source, open_predictor, predict
from coverslip.inference.tta import tiles_at_once


class Identity(nn.Module):
    """Gives the image back as probabilities, and remembers the shapes it was given."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(tuple(x.shape))
        return torch.logit(x)


class Pooling(nn.Module):
    """A small U of stride 4 with zero padding, whose every output sees 7 px far."""

    stride = 4

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.deep = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.up = nn.Upsample(scale_factor=4)
        self.head = nn.Conv2d(11, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        deep = torch.sin(6 * self.deep(torch.sin(6 * self.down(x))))
        logits: Tensor = self.head(torch.cat([x, self.up(deep)], dim=1))
        return 3 * logits


class Slope(nn.Module):
    """Adds to the first channel a slope along the columns, so that no turn gives the same."""

    stride = 1

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :1] + torch.linspace(-1, 1, x.shape[-1])


class Shelf:
    """Keeps tiles in memory."""

    def __init__(self) -> None:
        self.parts: dict[tuple[int, int], np.ndarray] = {}
        self.lost: set[tuple[int, int]] = set()

    def has(self, index: tuple[int, int]) -> bool:
        return index in self.parts

    def get(self, index: tuple[int, int]) -> np.ndarray | None:
        return None if index in self.lost else self.parts[index]

    def put(self, index: tuple[int, int], part: np.ndarray) -> None:
        self.parts[index] = part


class Round(nn.Module):
    """A convolution whose kernel looks the same from all sides, hence equivariant."""

    stride = 1

    def forward(self, x: Tensor) -> Tensor:
        kernel = torch.tensor([[0.1, 0.2, 0.1], [0.2, -1.0, 0.2], [0.1, 0.2, 0.1]])
        return torch.conv2d(x[:, :1], kernel[None, None], padding=1)


def random_image(*shape: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.1, 0.9, (channels, *shape)).astype(np.float32)


def tiled(**changes: object) -> PredictSettings:
    defaults: dict[str, object] = {"tile_px": 32, "overlap_px": 8, "device": "cpu"}
    return PredictSettings(**(defaults | changes))  # type: ignore[arg-type]


SIZES = [(1, 1), (1, 7), (17, 33), (31, 32), (32, 32), (33, 32), (64, 31), (20, 150), (95, 70)]


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("stride", [1, 8])
@pytest.mark.parametrize("tta", ["none", "pair", "paper", "d4"])
def test_an_identity_network_gives_the_image_back(
    shape: tuple[int, int], stride: int, tta: str
) -> None:
    image = random_image(*shape)
    before = image.copy()
    prediction = predict(Identity(stride), image, settings=tiled(tta=tta))
    assert prediction.probs.shape == image.shape
    assert prediction.probs.dtype == np.float32
    assert abs(prediction.probs - image).max() < 1e-6
    assert np.array_equal(image, before)
    if tta == "none":
        assert prediction.spread is None
    else:
        assert prediction.spread is not None
        assert prediction.spread.shape == image.shape
        assert prediction.spread.max() < 1e-6


@pytest.mark.parametrize("tta", ["none", "pair", "paper", "d4"])
@pytest.mark.parametrize("shape", [(96, 160), (97, 131), (40, 200), (150, 61), (65, 65)])
def test_tiled_is_untiled_when_the_zero_band_holds_the_receptive_field(
    shape: tuple[int, int], tta: str
) -> None:
    network, image = Pooling(), random_image(*shape)
    whole = predict(network, image, settings=PredictSettings(tta=tta, device="cpu"))
    # a quarter of the overlap is dropped: 8 px
    parts = predict(network, image, settings=tiled(tta=tta, tile_px=64, overlap_px=32))
    assert abs(parts.probs - whole.probs).max() < 1e-5
    if whole.spread is not None:
        assert parts.spread is not None
        assert abs(parts.spread - whole.spread).max() < 1e-5


def test_that_network_sees_seven_pixels_far() -> None:
    image = random_image(64, 64)
    changed = image.copy()
    changed[:, 33, 33] = 5.0  # the first pixel that the block from 36 on sees
    before, after = (
        predict(Pooling(), each, settings=PredictSettings(device="cpu")).probs
        for each in (image, changed)
    )
    rows, columns = np.nonzero((before != after).any(axis=0))
    assert max(abs(rows - 33).max(), abs(columns - 33).max()) == 7


def test_tiled_differs_where_the_zero_band_is_too_small() -> None:
    network, image = Pooling(), random_image(112, 112)
    whole = predict(network, image, settings=PredictSettings(device="cpu"))
    parts = predict(network, image, settings=tiled(tile_px=64, overlap_px=16))
    assert abs(parts.probs - whole.probs).max() > 1e-3


def test_every_tile_is_a_multiple_of_the_stride() -> None:
    network = Identity(stride=16)
    predict(network, random_image(50, 100), settings=tiled(tile_px=60, overlap_px=20))
    assert network.shapes == [(1, 3, 64, 64)] * 3


@pytest.mark.parametrize("tta", ["pair", "paper", "d4"])
@pytest.mark.parametrize("shape", [(9, 9), (9, 14), (40, 70)])
def test_an_equivariant_network_has_no_spread(tta: str, shape: tuple[int, int]) -> None:
    image = random_image(*shape)
    alone = predict(Round(), image, settings=PredictSettings(device="cpu"))
    prediction = predict(Round(), image, settings=PredictSettings(tta=tta, device="cpu"))
    assert prediction.spread is not None
    assert prediction.spread.max() < 1e-6
    assert abs(prediction.probs - alone.probs).max() < 1e-6


PAIRS = {
    "paper": [
        (lambda a: a, lambda a: a),
        (lambda a: np.rot90(a, 1), lambda a: np.rot90(a, -1)),
        (np.flipud, np.flipud),
        (np.fliplr, np.fliplr),
        (np.transpose, np.transpose),
    ],
}
PAIRS["pair"] = PAIRS["paper"][:2]
PAIRS["d4"] = [
    *PAIRS["paper"],
    (lambda a: np.rot90(a, 2), lambda a: np.rot90(a, 2)),
    (lambda a: np.rot90(a, 3), lambda a: np.rot90(a, -3)),
    (lambda a: np.rot90(a, 2).T, lambda a: np.rot90(a.T, 2)),
]


@pytest.mark.parametrize("tta", ["pair", "paper", "d4"])
@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (11, 3)])
def test_mean_and_spread_are_those_computed_by_hand(tta: str, shape: tuple[int, int]) -> None:
    def slope_probs(view: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(view + np.linspace(-1, 1, view.shape[1]))))

    image = random_image(*shape)
    by_hand = [back(slope_probs(there(image[0]))) for there, back in PAIRS[tta]]
    prediction = predict(Slope(), image, settings=PredictSettings(tta=tta, device="cpu"))
    assert prediction.spread is not None
    assert np.allclose(prediction.probs[0], np.mean(by_hand, axis=0), atol=1e-6)
    assert np.allclose(prediction.spread[0], np.std(by_hand, axis=0), atol=1e-6)
    assert prediction.spread.max() > 0.1


@pytest.mark.parametrize(
    ("shape", "tta", "forwards"),
    [
        ((16, 16), "none", [(1, 3, 16, 16)]),
        ((16, 16), "d4", [(8, 3, 16, 16)]),
        ((16, 16), "paper", [(5, 3, 16, 16)]),
        ((16, 24), "d4", [(4, 3, 16, 24), (4, 3, 24, 16)]),
        ((16, 24), "paper", [(3, 3, 16, 24), (2, 3, 24, 16)]),
        # 2 × 3 tiles of 29, one at a time on a CPU
        ((50, 70), "none", [(1, 3, 29, 29)] * 6),
        ((50, 70), "d4", [(8, 3, 29, 29)] * 6),
        # three lying tiles of 16 × 29; four upright and four lying views of each
        ((16, 70), "d4", [(4, 3, 16, 29), (4, 3, 29, 16)] * 3),
    ],
)
def test_views_run_as_batches(
    shape: tuple[int, int], tta: str, forwards: list[tuple[int, ...]]
) -> None:
    network = Identity()
    predict(network, random_image(*shape), settings=tiled(tta=tta))
    assert network.shapes == forwards


@pytest.mark.parametrize(
    ("device", "tile", "batch", "n"),
    [
        ("cpu", (32, 32), 8, 1),
        ("cuda", (32, 32), 8, 8),
        ("cuda", (32, 32), 2, 2),
        ("cuda", (64, 64), 8, 4),
    ],
)
def test_a_gpu_is_given_several_tiles_at_once(device, tile, batch, n) -> None:
    settings = PredictSettings(batch=batch, batch_px=4 * 64 * 64)
    assert tiles_at_once(tile, n_views=1, settings=settings, device=device) == n
    half = tiles_at_once(tile, n_views=2, settings=settings, device=device)
    assert half == max(1, n // 2)


@pytest.mark.parametrize(
    ("changes", "largest"),
    [({"batch": 3}, 3), ({"batch_px": 2 * 26 * 26}, 2), ({"batch_px": 1}, 1)],
)
def test_no_forward_is_larger_than_allowed(changes: dict[str, int], largest: int) -> None:
    network, image = Identity(), random_image(60, 60)
    prediction = predict(network, image, settings=tiled(tta="d4", **changes))
    assert max(shape[0] for shape in network.shapes) == largest
    assert abs(prediction.probs - image).max() < 1e-6


def test_only_one_batch_of_tiles_is_held_at_a_time() -> None:
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    class Watching(Identity):
        def forward(self, x: Tensor) -> Tensor:
            nonlocal most
            most = max(most, sum(ref() is not None for ref in alive))
            alive.append(weakref.ref(x))
            return super().forward(x)

    image = random_image(64, 64 * 64)
    settings = tiled(tile_px=64, batch=4)
    tracemalloc.start()
    try:
        predict(Watching(), image, settings=settings)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    batch_bytes = 4 * 3 * 64 * 64 * 4
    assert len(alive) > 16
    assert most == 0
    # numpy's share: the canvas, as large as the image, and a batch with its indices and products
    assert peak < image.nbytes + 6 * batch_bytes
    assert 6 * batch_bytes < image.nbytes / 2


def test_short_memory_halves_the_batch() -> None:
    class Small(Identity):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) > 2:
                raise torch.cuda.OutOfMemoryError("too much")
            return super().forward(x)

    network, image = Small(), random_image(16, 16)
    prediction = predict(network, image, settings=tiled(tta="d4"))
    assert network.shapes == [(2, 3, 16, 16)] * 4  # after 8 and 4
    assert abs(prediction.probs - image).max() < 1e-6


def test_memory_too_short_for_one_tile_is_said() -> None:
    class Tiny(Identity):
        def forward(self, x: Tensor) -> Tensor:
            raise torch.cuda.OutOfMemoryError("too much")

    with pytest.raises(SettingsError, match=r"\(16, 24\) pixels; use a smaller tile_px"):
        predict(Tiny(), random_image(16, 24), settings=tiled(tta="paper"))


class SmallMemory(Pooling):
    """A device whose memory holds no more than so many pixels."""

    def __init__(self, most_px: int) -> None:
        super().__init__()
        self.most_px = most_px
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        if len(x) * x.shape[-2] * x.shape[-1] > self.most_px:
            raise MemoryError("too much")
        self.shapes.append(tuple(x.shape[-2:]))
        return super().forward(x)


@pytest.mark.parametrize("tta", ["none", "d4"])
def test_memory_too_short_for_a_tile_halves_the_tiles_until_it_suffices(tta: str) -> None:
    image, how = random_image(200, 300), tiled(tta=tta, tile_px=512, overlap_px=32)
    wanted = predict(Pooling(), image, settings=how)
    network, said = SmallMemory(80 * 80), []
    got = predict(network, image, settings=how, on_message=said.append)
    # a quarter of the overlap is dropped: 8 px, and the network sees 7
    assert abs(got.probs - wanted.probs).max() < 1e-5
    if got.spread is not None:
        assert wanted.spread is not None
        assert abs(got.spread - wanted.spread).max() < 1e-5
    assert max(height * width for height, width in network.shapes) <= 80 * 80
    assert said == [
        "memory was too short for larger tiles, so it was predicted in tiles of 152 px.",
        "memory was too short for larger tiles, so it was predicted in tiles of 64 px.",
    ]


def test_tiles_are_not_halved_for_ever() -> None:
    said: list[str] = []
    with pytest.raises(SettingsError, match=r"tile of \(64, 64\) pixels; .* such as 32"):
        settings = tiled(tile_px=512, overlap_px=32)
        predict(SmallMemory(0), random_image(300, 300), settings=settings, on_message=said.append)
    assert len(said) == 2


def test_the_errors_of_the_cpu_are_known_too() -> None:
    class Small(Identity):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) if len(x) <= most else torch.empty(10**15)

    most = 2
    network = Small()
    predict(network, random_image(16, 16), settings=tiled(tta="d4"))
    assert network.shapes == [(2, 3, 16, 16)] * 4  # after 8 and 4
    most = 0
    with pytest.raises(SettingsError, match=r"\(16, 16\) pixels; .* \(--tile\), such as 8"):
        predict(network, random_image(16, 16), settings=tiled())


@pytest.mark.parametrize("where", ["to", "stack"])
def test_memory_may_run_out_outside_of_the_network_too(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(*((nn.Module, "to") if where == "to" else (torch, "stack")), fail)
    with pytest.raises(SettingsError, match="memory of the device is too small"):
        predict(Identity(), random_image(16, 16), settings=tiled(tta="d4"))


def test_every_module_keeps_its_mode_and_its_statistics() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.9), nn.BatchNorm2d(3))
    network.stride = 1  # type: ignore[assignment]
    network.train()
    network[0].eval()
    before = [value.clone() for value in network.state_dict().values()]
    once = predict(network, random_image(8, 8), settings=tiled())
    again = predict(network, random_image(8, 8), settings=tiled())
    assert np.array_equal(once.probs, again.probs)  # no dropout
    assert [module.training for module in network] == [False, True, True]
    assert network.training
    after = network.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_modes_are_kept_when_the_network_fails() -> None:
    class Broken(Identity):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("broken")

    network = Broken().train()
    with pytest.raises(RuntimeError, match="broken"):
        predict(network, random_image(8, 8), settings=tiled())
    assert network.training


def test_a_trained_network_can_be_trained_on() -> None:
    network = Pooling()
    predict(network, random_image(8, 8), settings=tiled())
    network(torch.zeros(1, 3, 8, 8)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_no_gradients_and_channels_last() -> None:
    seen: list[tuple[bool, bool]] = []

    class Looking(Identity):
        def forward(self, x: Tensor) -> Tensor:
            last = x.is_contiguous(memory_format=torch.channels_last)
            seen.append((torch.is_inference_mode_enabled(), last))
            return super().forward(x)

    predict(Looking(), random_image(8, 8), settings=tiled(tta="d4"))
    assert seen == [(True, True)]


def test_the_cpu_computes_in_full_precision() -> None:
    dtypes = []

    class Looking(Identity):
        def forward(self, x: Tensor) -> Tensor:
            dtypes.append(torch.conv2d(x, torch.ones(3, 3, 1, 1)).dtype)
            return super().forward(x)

    predict(Looking(), random_image(8, 8), settings=tiled())
    assert dtypes == [torch.float32]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("tta", ["none", "d4"])
def test_cuda_agrees_with_the_cpu(tta: str) -> None:
    image, how = random_image(97, 131), {"tta": tta, "tile_px": 64, "overlap_px": 32}
    on_cpu = predict(Pooling(), image, settings=tiled(**how))
    on_gpu = predict(Pooling(), image, settings=tiled(**how | {"device": "cuda"}))
    # bfloat16 keeps 8 bits, and the network's sines amplify what is lost
    assert abs(on_cpu.probs - on_gpu.probs).mean() < 0.02


@pytest.mark.parametrize("shape", [(3, 0, 5), (0, 5, 5), (5, 5), (1, 3, 5, 5)])
def test_an_image_without_pixels_or_of_other_axes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"wanted \(C, H, W\)"):
        predict(Identity(), np.zeros(shape, dtype=np.float32), settings=tiled())


def test_a_network_that_changes_the_size_is_refused() -> None:
    network = nn.AvgPool2d(2)
    network.stride = 2
    with pytest.raises(ValueError, match=r"returned \(1, 3, 4, 4\)"):
        predict(network, random_image(8, 8), settings=tiled())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tta": "papr"}, "tta is 'papr'; it must be one of none, pair, paper, d4"),
        ({"device": "gpu"}, "device is 'gpu'; it must be one of auto, cpu, cuda, mps"),
        ({"backend": "onnx"}, "backend is 'onnx'; it must be one of auto, torch, compiled"),
        ({"tile_px": 0}, "tile_px is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"batch_px": -1}, "batch_px is -1"),
        ({"overlap_px": 32}, "the overlap must be smaller than the tile"),
        ({"overlap_px": -1}, "the overlap must be smaller than the tile"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        tiled(**changes)


def test_a_tile_smaller_than_the_stride_is_refused() -> None:
    with pytest.raises(SettingsError, match="use a tile_px over 32"):
        predict(Identity(stride=32), random_image(8, 8), settings=tiled(tile_px=20, overlap_px=4))


def test_an_answer_that_is_no_number_is_refused() -> None:
    class Broken(nn.Module):
        stride = 1

        def forward(self, image: Tensor) -> Tensor:
            return torch.where(image[:, :1] > 0.5, torch.nan, image[:, :1])

    image = np.zeros((3, 8, 8), dtype=np.float32)
    predict(Broken(), image, settings=PredictSettings(device="cpu"))
    image[:, 2, 2] = 1
    with pytest.raises(ModelError, match="no number for some pixels"):
        predict(Broken(), image, settings=PredictSettings(device="cpu"))


@pytest.mark.parametrize("tta", ["none", "d4"])
def test_a_window_has_the_numbers_of_the_whole(tta):
    image = np.random.default_rng(0).random((3, 70, 90), dtype=np.float32)
    settings = PredictSettings(tile_px=32, overlap_px=16, tta=tta, device="cpu", batch=1)
    network, kept = Pooling(), Shelf()
    whole = predict(network, image, settings=settings)
    source = Source((70, 90), lambda rows, columns: image[:, rows, columns])
    for window in ((slice(0, 70), slice(0, 90)), (slice(33, 61), slice(5, 90))):
        with open_predictor(network, settings) as predictor:
            part = predictor.predict_window(source, window, tiles=kept)
        np.testing.assert_array_equal(part.probs, whole.probs[:, *window])
        if whole.spread is None:
            assert part.spread is None
        else:
            np.testing.assert_array_equal(part.spread, whole.spread[:, *window])


def test_a_kept_tile_is_not_predicted_again_and_a_lost_one_is():
    image = np.random.default_rng(0).uniform(0.1, 0.9, (1, 20, 40)).astype(np.float32)
    settings = PredictSettings(tile_px=20, overlap_px=8, device="cpu", batch=1)
    source = Source((20, 40), lambda rows, columns: image[:, rows, columns])
    network, kept = Identity(), Shelf()
    window = slice(0, 20), slice(0, 20)
    with open_predictor(network, settings, channels=1) as predictor:
        predictor.predict_window(source, window, tiles=kept)
        n_tiles = len(network.shapes)
        assert n_tiles == len(kept.parts) == 2
        predictor.predict_window(source, window, tiles=kept)
        assert len(network.shapes) == n_tiles
        kept.lost.add((0, 1))  # said to be there, and gone when it is asked for
        part = predictor.predict_window(source, window, tiles=kept)
    assert len(network.shapes) == n_tiles + 1
    np.testing.assert_allclose(part.probs, image[..., :20], rtol=1e-6)
