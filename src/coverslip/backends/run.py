"""ONNX → a function of batches, run by ONNX Runtime or OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from coverslip.errors import ModelError
from coverslip.optional import need

Forward: TypeAlias = Callable[[Tensor], Tensor]


def run_onnx(graph: bytes, *, backend: str, threads: int) -> Forward:
    """Load a graph into a runtime.

    Args:
        graph: ONNX with one input and one output; nothing beside it is read.
        backend: "onnxruntime" or "openvino".
        threads: of the CPU.

    Returns:
        Batch (N, C, h, w) → logits (N, K, h, w), float32. It raises RuntimeError where the runtime
        fails, as a network in PyTorch does.

    Raises:
        SettingsError: the runtime is not installed.
        ModelError: it cannot read the graph.
    """
    make = _onnxruntime if backend == "onnxruntime" else _openvino
    run = make(graph, threads=threads)

    def forward(batch: Tensor) -> Tensor:
        try:
            return torch.from_numpy(run(batch.contiguous().numpy()))
        except Exception as error:  # the runtimes have trees of exceptions of their own
            raise RuntimeError(f"{backend}: {error}") from error

    return forward


def _onnxruntime(graph: bytes, *, threads: int) -> Callable[[Any], Any]:
    runtime = need("onnxruntime", extra="onnx", what="ONNX Runtime")
    runtime.disable_telemetry_events()  # Windows' builds report to their maker otherwise
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    # Memory planned in one piece for each size of a tile: no faster, and 0.25 GB more at 1024 px.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # what fails comes as an exception
    # threads that wait ask the processor for nothing, so that other work gets it
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot read this network: {error}") from error
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def _openvino(graph: bytes, *, threads: int) -> Callable[[Any], Any]:
    core = need("openvino", extra="openvino", what="OpenVINO").Core()
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",  # it would take bfloat16 where the processor has it
        "PERFORMANCE_HINT": "LATENCY",
    }
    try:
        compiled = core.compile_model(core.read_model(graph), "CPU", options)
    except Exception as error:
        raise ModelError(f"OpenVINO cannot read this network: {error}") from error
    # a copy, since the next run writes into the same memory
    return lambda images: compiled(images)[0].copy()
