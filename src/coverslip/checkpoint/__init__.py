"""network + its arguments + its settings ↔ one safetensors or ONNX file, never a pickle."""

from coverslip.checkpoint.build import Checkpoint, build_network
from coverslip.checkpoint.file import FORMAT, load_checkpoint, read_card, save_checkpoint
from coverslip.checkpoint.onnx import save_onnx
from coverslip.checkpoint.tensors import halve, hash_contents, read_tensors, write_tensors

__all__ = [
    "FORMAT",
    "Checkpoint",
    "build_network",
    "halve",
    "hash_contents",
    "load_checkpoint",
    "read_card",
    "read_tensors",
    "save_checkpoint",
    "save_onnx",
    "write_tensors",
]
