"""GFLOP/s of the networks beside the machine's peak in a product of matrices, in one run.

python benchmarks/roofline.py [--rounds 5]

Everything takes turns, round after round. The peak is the best round of the product of two float32
matrices of 4096 x 4096 by whoever is fastest at it: PyTorch (MKL, which is slow on processors that
are not Intel's), NumPy (OpenBLAS) or ONNX Runtime. A convolution by Winograd's way does with fewer
multiplications than are counted here, so a network may be above it. Unset OPENBLAS_CORETYPE.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pandas as pd
import torch
from networks import count_gflop

from coverslip._optional import is_installed
from coverslip.inference.runtime import make_forward
from coverslip.models import MODELS
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 4096
BACKENDS = ("torch", "onnxruntime", "openvino")


def onnx_product(matrix: torch.Tensor, other: torch.Tensor) -> Callable[[], object]:
    """The product of two matrices by ONNX Runtime, with the threads of PyTorch."""
    import onnx
    import onnxruntime

    shape = [SIDE, SIDE]
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in "xy"
    ]
    weight = onnx.numpy_helper.from_array(matrix.numpy(), "w")
    graph = onnx.helper.make_graph([node], "product", ends[:1], ends[1:], [weight])
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": other.numpy()})


def main() -> None:
    """Time all in turn, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--image", type=int, default=1024)
    options = parser.parse_args()
    backends = [name for name in BACKENDS if name == "torch" or is_installed("onnx", name)]
    work: dict[tuple[str, str], tuple[float, Callable[[], object]]] = {}
    a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    products = {"torch": lambda: a @ b, "numpy": lambda: a.numpy() @ b.numpy()}
    if "onnxruntime" in backends:
        products["onnxruntime"] = onnx_product(b, a)
    for name, product in products.items():
        work["matrix product", name] = (2 * SIDE**3 / 1e9, product)
    image = torch.randn(1, 3, options.image, options.image)
    image = image.contiguous(memory_format=torch.channels_last)
    for name in ("swift", "resnet18_unet_rp"):
        network = MODELS[name]().eval().to(memory_format=torch.channels_last)
        gflop = count_gflop(network) * (options.image / 256) ** 2
        for backend in backends:
            forward = make_forward(network, backend=backend, channels=3)
            work[name, backend] = (gflop, lambda forward=forward: forward(image))
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    with torch.inference_mode():
        for _ in range(options.rounds + 1):
            for key, (_, do) in work.items():
                begun = time.perf_counter()
                do()
                seconds[key].append(time.perf_counter() - begun)
    medians = {key: statistics.median(values[1:]) for key, values in seconds.items()}
    peak = max(work[key][0] / min(seconds[key][1:]) for key in work if key[0] == "matrix product")
    rows = [
        {
            "what": name,
            "by": backend,
            "GFLOP": work[name, backend][0],
            "s": value,
            "GFLOP/s": work[name, backend][0] / value,
            "% of the product's peak": 100 * work[name, backend][0] / value / peak,
        }
        for (name, backend), value in medians.items()
    ]
    print(f"networks: one image of {options.image} x {options.image}\n")
    print(table_to_markdown(pd.DataFrame(rows), digits=2))
    print(f"\n{torch.get_num_threads()} threads, {options.rounds} rounds, {provenance()}")


if __name__ == "__main__":
    main()
