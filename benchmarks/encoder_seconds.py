"""encoders of swift → what a megapixel costs by ONNX Runtime, in either precision, and the score.

    OMP_NUM_THREADS=1 python benchmarks/encoder_seconds.py [--scores encoders.csv] [--plot PNG]

Weights are random: they change no time. int8 is static quantisation by ONNX Runtime's own tool in
the form of `coverslip.inference.runtime.quantize`, for every encoder alike: weights of 7 bits,
unsigned features. Networks take turns, round after round; the fastest of the rounds counts, in
seconds of the processor. --scores is a table of `benchmarks/encoders.py`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from onnxruntime import quantization  # type: ignore[import-untyped]

from coverslip.inference.runtime import network_to_onnx, run_onnx
from coverslip.models import ENCODERS, Swift
from coverslip.provenance import provenance
from coverslip.reproduction.network_cost import count_gflop, count_parameters
from coverslip.reproduction.tables.write import table_to_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIDE = 512


def main() -> None:
    """Time every encoder in both precisions, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--plot", type=Path, help="PNG or SVG of score against seconds.")
    options = parser.parse_args()
    table = time_encoders(options.rounds)
    if options.scores:
        scores = pd.read_csv(options.scores)
        best = scores.groupby("encoder")["val_jaccard"].max().rename("Jaccard")
        table = table.join(best, on="encoder")
        if options.plot:
            plot_scores(table, options.plot)
    sys.stdout.write(f"{table_to_markdown(table, digits=2)}\n\n{provenance()}\n")


def time_encoders(rounds: int) -> pd.DataFrame:
    """A row for each encoder: size, operations, seconds."""
    image = np.random.default_rng(0).standard_normal((1, 3, SIDE, SIDE), dtype=np.float32)
    runs: dict[tuple[str, str], Any] = {}
    for name in ENCODERS:
        graph = network_to_onnx(seasoned(name), channels=3)
        for precision, contents in (("float32", graph), ("int8", to_int8(graph))):
            runs[name, precision] = run_onnx(contents, backend="onnxruntime", threads=1)
    seconds = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds + 1):  # memory is got ready in the first, which is never the fastest
        for key, run in runs.items():
            begun = time.process_time()
            run(image)
            seconds[key] = min(seconds[key], time.process_time() - begun)
    megapixels = SIDE**2 / 1e6
    return pd.DataFrame(
        {
            "encoder": name,
            "parameters (M)": count_parameters("swift", {"encoder": name}) / 1e6,
            "GFLOP per megapixel": count_gflop("swift", {"encoder": name}, size_px=SIDE)
            / megapixels,
            "float32: CPU-s per megapixel": seconds[name, "float32"] / megapixels,
            "int8: CPU-s per megapixel": seconds[name, "int8"] / megapixels,
        }
        for name in ENCODERS
    )


def seasoned(encoder: str) -> Swift:
    """Swift with norms that have seen something: equal ones are stored once, and stay in float."""
    torch.manual_seed(0)
    network = Swift(encoder=encoder).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            torch.nn.init.normal_(tensor, std=0.1)
    return network


def to_int8(graph: bytes) -> bytes:
    """The same network in 8 bits, with ranges of noise."""
    logging.getLogger().setLevel(logging.ERROR)  # it recommends a step that is of no use here
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(graph)
        quantization.quantize_static(
            source,
            target,
            Noise(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return target.read_bytes()


class Noise(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Two images of noise, one after the other."""

    def __init__(self) -> None:
        self.images = self._draw()

    def _draw(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        draws = np.random.default_rng(0)
        for _ in range(2):
            yield {"image": draws.standard_normal((1, 3, 128, 128), dtype=np.float32)}

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next image; None after the last."""
        return next(self.images, None)


def plot_scores(table: pd.DataFrame, path: Path) -> None:
    """Draw the score against the seconds of either precision, a point for each encoder."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    scored = table.dropna(subset="Jaccard")
    both = {name: scored[f"{name}: CPU-s per megapixel"] for name in ("int8", "float32")}
    for *ends, score, encoder in zip(
        *both.values(), scored["Jaccard"], scored["encoder"], strict=True
    ):
        axes.plot(ends, [score, score], color="0.8", zorder=0)
        axes.annotate(
            encoder, (ends[0], score), (0, 6), fontsize="small", textcoords="offset points"
        )
    for (precision, seconds), marker in zip(both.items(), "so", strict=True):
        axes.plot(seconds, scored["Jaccard"], marker, label=precision)
    axes.margins(x=0.1, y=0.1)
    axes.set_xlabel("CPU seconds for a megapixel, one thread")
    axes.set_ylabel("Jaccard index after 200 steps (%)")
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
