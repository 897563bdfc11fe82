"""network ↔ ONNX, checked; ONNX → what ONNX Runtime or OpenVINO runs."""

from __future__ import annotations

import hashlib
import inspect
import io
import math
import warnings
from collections.abc import Callable
from textwrap import shorten
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from coverslip._optional import need
from coverslip.errors import ModelError
from coverslip.inference.runtime.encode import OPSET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

EXPORTING = Lock()  # PyTorch exports one network at a time, and refuses a second thread
TOLERANCE = 1e-4  # of the largest logit, or of 1 where that is smaller


def network_to_onnx(network: nn.Module, *, channels: int, plain: bool = False) -> bytes:
    """Write a network as ONNX: ``image`` (n, channels, h, w) → ``logits`` (n, K, h, w), float32.

    n is free, and so are h and w in multiples of the network's stride.

    PyTorch's exporter by tracing is used on purpose, though since 2.9 it is the older of two: it
    takes 0.1 to 0.8 s, is there from 2.4 on and needs the package onnx alone. That by
    ``torch.export`` needs onnxscript too and took more than 40 s for one of these networks.

    Args:
        network: in evaluation mode, on the CPU, with its `stride`.
        channels: of the image.
        plain: step by step as the network says it, with its weights under their own names, for
            ``scripts/write_graphs.py``; batch norms are folded otherwise.

    Raises:
        SettingsError: the package onnx is not there.
        ModelError: PyTorch cannot write this network as ONNX.
    """
    need("onnx", extra="onnx", what="ONNX")
    torch = need("torch", extra="train", what="the conversion to ONNX")
    options: dict[str, Any] = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    if plain:
        options["training"] = torch.onnx.TrainingMode.PRESERVE
        options["do_constant_folding"] = False
    side = 2 * cast("int", network.stride)
    example = torch.zeros(2, channels, side, side)
    buffer = io.BytesIO()
    # it warns of its age, and where a size in Python is traced; `check_onnx` tries other sizes
    with EXPORTING, warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
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
    """Compare what a runtime makes of a network's ONNX with the network itself, in PyTorch.

    On noise, for batches of one and of three, lying and upright, of none of the sizes that the
    conversion saw.

    Returns:
        The greatest difference of a logit, as a share of the largest one or of 1.

    Raises:
        ModelError: more than `TOLERANCE`.
    """
    torch = need("torch", extra="train", what="the check of an export")
    stride = cast("int", network.stride)
    random = np.random.default_rng(0)
    worst = 0.0
    for n, rows, columns in ((1, 1, 3), (3, 4, 1)):
        shape = (n, channels, rows * stride, columns * stride)
        images = random.standard_normal(shape, dtype=np.float32)
        with torch.inference_mode():
            wanted = network(torch.from_numpy(images)).numpy()
        got = forward(images)
        if got.shape != wanted.shape:
            raise ModelError(
                f"as ONNX the network gives {tuple(got.shape)} for an image of {shape}, and "
                f"{tuple(wanted.shape)} in PyTorch: it cannot be exported; use --backend torch."
            )
        scale = max(1.0, float(np.abs(wanted).max()))
        difference = float(np.abs(got - wanted).max()) / scale
        if not difference <= TOLERANCE:  # nor where it is no number
            raise ModelError(
                f"as ONNX the network's logits differ by {difference:.1e} of the largest, more "
                f"than {TOLERANCE:g}: it cannot be exported; use --backend torch."
            )
        worst = max(worst, difference)
    return worst


MOST_BYTES = 2**30  # ten times our largest network
# What our networks are made of: sums, shapes and windows. Nothing that repeats or branches, and
# nothing of another's making, so a file of a stranger computes logits or is refused.
OPERATORS = frozenset(
    """
    Add AveragePool BatchNormalization Cast Clip Concat Constant ConstantOfShape Conv ConvTranspose
    DepthToSpace DequantizeLinear Div Equal Expand Flatten Floor Gather Gemm GlobalAveragePool
    HardSigmoid Identity LeakyRelu MatMul Max MaxPool Min Mul Neg Pad Pow QuantizeLinear ReduceMean
    Relu Reshape Resize ScatterElements Shape Sigmoid Slice Softmax Split Sqrt Squeeze Sub Tanh
    Transpose Unsqueeze Upsample Where
    """.split()
)


# Of the types of ONNX: what they are in its numbers, and how many bytes a value takes.
TYPES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8}  # float32, (u)int8, int32, int64, …
# Which inputs of an operator say how large its output is.
SIZES = {"ConstantOfShape": (0,), "Expand": (1,), "Pad": (1,), "Resize": (2, 3), "Upsample": (1,)}
MAX_SIDE, MAX_VALUES = 2**16, 2**26
STRANGE_ATTRIBUTES = frozenset({5, 9, 10, 11, 12, 13, 14})  # graphs, lists of tensors, sparse ones


def pack_onnx(graph: bytes, texts: Mapping[str, str]) -> bytes:
    """Put text into a graph's metadata, and a checksum over all of it under ``sha256``.

    Raises:
        SettingsError: the package onnx is not there.
    """
    onnx = need("onnx", extra="onnx", what="ONNX")
    model = onnx.load_model_from_string(graph)
    texts = {**texts, "sha256": _hash(model, texts)}
    onnx.helper.set_model_props(model, texts)
    return bytes(model.SerializeToString())


def read_onnx(path: Path) -> tuple[bytes, dict[str, str]]:
    """What a file of `pack_onnx` holds, and its text, after everything about it was checked.

    Raises:
        SettingsError: the package onnx is not there.
        ModelError: not readable, larger than MOST_BYTES, or what `unpack_onnx` refuses.
    """
    if path.exists() and not path.is_file():
        raise ModelError("no file: a pipe or a device, perhaps; name one.")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"larger than {MOST_BYTES / 2**30:g} GiB, as no network of ours is.")
        contents = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}): check its path.") from error
    return contents, unpack_onnx(contents)


def unpack_onnx(contents: bytes) -> dict[str, str]:
    """The text of a file of `pack_onnx`, after everything about the file was checked.

    Raises:
        SettingsError: the package onnx is not there.
        ModelError: no ONNX, damaged or altered, or with something in it that a network of ours has
            no use for: a part in another file, an operator of another's making, a loop.
    """
    onnx = need("onnx", extra="onnx", what="ONNX")
    try:
        model = onnx.load_model_from_string(contents)
    except Exception as error:  # of protobuf, whose exceptions move from version to version
        raise ModelError(f"not readable as ONNX ({error}): copy the file again.") from error
    texts = {entry.key: entry.value for entry in model.metadata_props}
    if not model.graph.node:
        raise ModelError("not readable as ONNX (no network in it): copy the file again.")
    _refuse_strange(model)
    if texts.get("sha256") not in (None, _hash(model, texts)):
        raise ModelError("its contents do not match its checksum: copy the file again.")
    return texts


def _refuse_strange(model: Any) -> None:
    """Raise ModelError for what a network of ours never has."""
    if model.functions or any(opset.domain not in ("", "ai.onnx") for opset in model.opset_import):
        raise ModelError("it has operators of another's making, which are not run here.")
    for node in model.graph.node:
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise ModelError(f"it has the operator {node.op_type}, which no network of ours has.")
        for attribute in node.attribute:
            if attribute.type in STRANGE_ATTRIBUTES:
                raise ModelError(
                    f"its {node.op_type} has an attribute that no network of ours has."
                )
            _refuse_elsewhere([attribute.t] if attribute.HasField("t") else [])
            if node.op_type == "Cast" and attribute.name == "to":
                _refuse_type(attribute.i, what="a cast")
    _refuse_elsewhere(model.graph.initializer)
    _refuse_huge(model.graph)
    for value in (*model.graph.input, *model.graph.output):
        _refuse_type(value.type.tensor_type.elem_type, what=value.name)
    if len(model.graph.input) != 1 or len(model.graph.output) != 1:
        raise ModelError("it has not one input and one output, as all networks of ours.")
    if model.graph.sparse_initializer:
        raise ModelError("it has sparse weights, which no network of ours has.")


def _refuse_huge(graph: Any) -> None:
    """Raise ModelError where a number in the graph makes a tensor larger than any of ours."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            tensors = [one.t for one in node.attribute if one.HasField("t")]
            constants |= dict(zip(node.output, tensors, strict=False))
    to_array = need("onnx", extra="onnx", what="ONNX").numpy_helper.to_array
    for node in graph.node:
        for number, name in enumerate(node.input):
            if number not in SIZES.get(node.op_type, ()) or name not in constants:
                continue
            values = [abs(value) for value in to_array(constants[name]).ravel().tolist()]
            if max(values, default=0) > MAX_SIDE or math.prod(values) > MAX_VALUES:
                raise ModelError(
                    f"its {node.op_type} makes a tensor larger than any network of ours has."
                )


def _refuse_elsewhere(tensors: Any) -> None:
    """Raise ModelError where a tensor lies in another file: which one is the file's to say."""
    for tensor in tensors:
        if tensor.external_data or tensor.data_location:
            raise ModelError("part of it lies in another file: export it as one file.")
        _refuse_type(tensor.data_type, what=tensor.name)
        _refuse_lies(tensor)


def _refuse_type(number: int, *, what: str) -> None:
    """Raise ModelError for numbers of 4 or 8 bits and others that networks of ours have not."""
    if number not in TYPES:
        raise ModelError(
            f"{what[:100] or 'a tensor'} of it is of the ONNX type {number}, which no network of "
            "ours has; wanted float32."
        )


def _refuse_lies(tensor: Any) -> None:
    """Raise ModelError where a tensor has not the values that its shape claims."""
    claimed = math.prod(tensor.dims) if all(length >= 0 for length in tensor.dims) else -1
    if tensor.HasField("raw_data"):
        held = len(tensor.raw_data) / TYPES[tensor.data_type]
    else:
        held = max(
            len(getattr(tensor, name))
            for name in ("float_data", "int32_data", "int64_data", "double_data")
        )
    if claimed != held:
        raise ModelError(
            f"its tensor {tensor.name[:100]!r} claims {str(claimed)[:50]} values and holds "
            f"{held:g}: it is damaged."
        )


def _hash(model: Any, texts: Mapping[str, str]) -> str:
    """A SHA-256 over the text but the checksum itself, then over the graph."""
    digest = hashlib.sha256()
    for key in sorted(texts.keys() - {"sha256"}):
        digest.update(f"{key}={texts[key]};".encode())
    bare = type(model)()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    digest.update(bare.SerializeToString(deterministic=True))
    return digest.hexdigest()


Forward: TypeAlias = Callable[[Any], Any]  # of arrays as the runtime takes them, see `Arrays`


def run_onnx(graph: bytes, *, backend: str, threads: int) -> Forward:
    """Load a graph into a runtime.

    Args:
        graph: ONNX with one input and one output; nothing beside it is read.
        backend: "onnxruntime" or "openvino".
        threads: of the CPU.

    Returns:
        Batch (N, C, h, w) → logits (N, K, h, w), NumPy's of float32. It raises RuntimeError where
        the runtime fails, as a network in PyTorch does.

    Raises:
        SettingsError: the runtime is not installed.
        ModelError: it cannot read the graph.
    """
    make = _onnxruntime if backend == "onnxruntime" else _openvino
    run = make(graph, threads=threads)

    def forward(batch: Any) -> Any:
        try:
            return run(batch)
        except Exception as error:  # the runtimes have trees of exceptions of their own
            raise RuntimeError(f"{backend}: {error}") from error

    return forward


def _onnxruntime(graph: bytes, *, threads: int) -> Callable[[Any], Any]:
    session = open_session(graph, threads=threads)
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def open_session(graph: bytes, *, threads: int) -> Any:
    """A graph in ONNX Runtime.

    Raises:
        SettingsError: it is not installed.
        ModelError: it cannot read the graph.
    """
    runtime = need("onnxruntime", extra="", what="ONNX Runtime")
    runtime.disable_telemetry_events()  # Windows' builds report to their maker otherwise
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    # Memory planned in one piece for each size of a tile: no faster, and 0.25 GB more at 1024 px.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # what fails comes as an exception
    # threads that wait ask the processor for nothing, so that other work gets it
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot read this network: {error}") from error


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
