#!/bin/sh
# One would guess: two threads may each export a network of their own to ONNX.
# What happens: the exporter by tracing keeps a flag for the whole process; all but one thread get an AssertionError,
# "GLOBALS.in_onnx_export must be False" (or True), and write nothing. A lock around the call mends it.
# Version: torch 2.13.0, onnx 1.23.2. On Linux pip takes torch with CUDA; PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS may name its CPU build.
# Source: torch.onnx's utils.exporter_context: it asserts that no export is under way.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 onnx==1.23.2 numpy==2.4.6
cat > "$folder/threads.py" <<'PROGRAM'
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import torch

lock = threading.Lock()


def network():
    layers = [torch.nn.Conv2d(8, 8, 3, padding=1) for _ in range(60)]
    return torch.nn.Sequential(*layers).eval()


def export(one):
    buffer = io.BytesIO()
    try:
        torch.onnx.export(one, (torch.zeros(1, 8, 64, 64),), buffer, dynamo=False)
    except AssertionError as error:
        return str(error)
    return len(buffer.getvalue())


def export_locked(one):
    with lock:
        return export(one)


with ThreadPoolExecutor(4) as pool:
    free = list(pool.map(export, [network() for _ in range(4)]))
    locked = list(pool.map(export_locked, [network() for _ in range(4)]))
assert any("in_onnx_export must be" in str(one) for one in free), free
assert all(isinstance(one, int) for one in locked), locked
print("four threads at once:", free)
print("one after the other: ", locked)
PROGRAM
"$folder/venv/bin/python" -W ignore "$folder/threads.py"
