"""network → ONNX, checked against the network itself."""

from __future__ import annotations

import inspect
import io
import warnings
from textwrap import shorten
from typing import TYPE_CHECKING, Any, cast

import torch

from coverslip.errors import ModelError
from coverslip.optional import need

if TYPE_CHECKING:
    from torch import nn

    from coverslip.backends.run import Forward

OPSET = 17  # of 2022: everything here, read by every runtime still in use
TOLERANCE = 1e-4  # of the largest logit, or of 1 where that is smaller


def network_to_onnx(network: nn.Module, *, channels: int) -> bytes:
    """Write a network as ONNX: ``image`` (n, channels, h, w) → ``logits`` (n, K, h, w), float32.

    n is free, and so are h and w in multiples of the network's stride.

    PyTorch's exporter by tracing is used on purpose, though since 2.9 it is the older of two: it
    takes 0.1 to 0.8 s, is there from 2.4 on and needs the package onnx alone. That by
    ``torch.export`` needs onnxscript too and took more than 40 s for one of these networks.

    Args:
        network: in evaluation mode, on the CPU, with its `stride`.
        channels: of the image.

    Raises:
        SettingsError: the package onnx is not there.
        ModelError: PyTorch cannot write this network as ONNX.
    """
    need("onnx", extra="onnx", what="ONNX")
    options: dict[str, Any] = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    side = 2 * cast("int", network.stride)
    example = torch.zeros(2, channels, side, side)
    buffer = io.BytesIO()
    # it warns of its age, and where a size in Python is traced; `check_onnx` tries other sizes
    with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                network,
                (example,),
                cast("Any", buffer),  # a path is not all that it takes
                opset_version=OPSET,
                input_names=["image"],
                output_names=["logits"],
                dynamic_axes={name: {0: "n", 2: "h", 3: "w"} for name in ("image", "logits")},
                **options,
            )
        except Exception as error:  # of many kinds, by what the network does
            reason = shorten(str(error), 300, placeholder=" …")
            raise ModelError(
                f"PyTorch cannot write this network as ONNX ({reason}): use --backend torch."
            ) from error
    return buffer.getvalue()


def check_onnx(network: nn.Module, forward: Forward, *, channels: int) -> float:
    """Compare what a runtime makes of a network's ONNX with the network itself.

    On noise, for batches of one and of three, lying and upright, of none of the sizes that the
    conversion saw.

    Returns:
        The greatest difference of a logit, as a share of the largest one or of 1.

    Raises:
        ModelError: more than `TOLERANCE`.
    """
    stride = cast("int", network.stride)
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for n, rows, columns in ((1, 1, 3), (3, 4, 1)):
        shape = (n, channels, rows * stride, columns * stride)
        images = torch.randn(shape, generator=generator)
        with torch.inference_mode():
            wanted = network(images)
        got = forward(images)
        if got.shape != wanted.shape:
            raise ModelError(
                f"as ONNX the network gives {tuple(got.shape)} for an image of {shape}, and "
                f"{tuple(wanted.shape)} in PyTorch: it cannot be exported; use --backend torch."
            )
        scale = max(1.0, float(wanted.abs().max()))
        difference = float((got - wanted).abs().max()) / scale
        if not difference <= TOLERANCE:  # nor where it is no number
            raise ModelError(
                f"as ONNX the network's logits differ by {difference:.1e} of the largest, more "
                f"than {TOLERANCE:g}: it cannot be exported; use --backend torch."
            )
        worst = max(worst, difference)
    return worst
