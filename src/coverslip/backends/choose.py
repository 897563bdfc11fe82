"""what was asked for + network + device → the backend that will run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.backends.ready import OnnxNetwork
from coverslip.errors import SettingsError
from coverslip.optional import is_installed

if TYPE_CHECKING:
    from torch import nn

# What each of the runtimes needs: packages, and the extra that brings them.
PACKAGES = {
    "onnxruntime": (("onnx", "onnxruntime"), "onnx"),
    "openvino": (("onnx", "openvino"), "onnx,openvino"),
}


def choose_backend(name: str, network: nn.Module, *, device: str, quick: bool) -> str:
    """What will run a network.

    "auto" is ONNX Runtime on the CPU where it is installed and was measured to be faster
    (docs/speed.md), and PyTorch otherwise.

    Args:
        name: one of BACKENDS.
        network: what is to run.
        device: "cpu", "cuda" or "mps".
        quick: whether ONNX Runtime was measured to run this network faster.

    Returns:
        A name of BACKENDS but "auto".

    Raises:
        SettingsError: a backend that is not installed, or not for this device or network.
    """
    of_onnx = isinstance(network, OnnxNetwork)
    if name == "auto":
        fast = device == "cpu" and quick and is_installed("onnx", "onnxruntime")
        name = "onnxruntime" if of_onnx or fast else "torch"
    if name in PACKAGES:
        _check_runtime(name, device=device)
    elif of_onnx:
        raise SettingsError(
            f"backend {name}: an ONNX file runs by onnxruntime or openvino; leave it out, or name "
            "the model's .safetensors file."
        )
    return name


def _check_runtime(name: str, *, device: str) -> None:
    packages, extra = PACKAGES[name]
    if device != "cpu":
        raise SettingsError(
            f"the backend {name} runs on the CPU, and the device is {device}: wanted --device cpu, "
            "or a model as .safetensors file and --backend torch."
        )
    if not is_installed(*packages):
        raise SettingsError(
            f"the backend {name} needs the packages {' and '.join(packages)}, and one is not "
            f"installed: pip install '.[{extra}]' in a clone of coverslip's repository, or "
            "--backend torch."
        )
