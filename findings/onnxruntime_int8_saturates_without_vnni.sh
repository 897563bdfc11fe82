# One would guess: an int8 network in QDQ form (unsigned features, signed weights) gives the same numbers on every processor.
# Really: on x86 without VNNI ONNX Runtime adds two products in 16 bits and cuts the sum off, silently: a sum of 64 comes out as 32. Weights of 7 bits (-63 to 63) are right everywhere.
# Version: onnxruntime 1.32.0, onnx 1.23.2
# Source: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html (section on reduce_range)
set -eu
if ! grep -q avx2 /proc/cpuinfo || grep -qE 'avx512_vnni|avx_vnni' /proc/cpuinfo; then
  echo "this processor has VNNI, or no AVX2: nothing to see here"; exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnxruntime==1.32.0 onnx==1.23.2 2>"$work/pip.log" || { cat "$work/pip.log"; exit 2; }
cat >"$work/try.py" <<'PY'
import sys
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

N = 64  # channels: an image of ones, weights of 1 each, so the answer is 64


def answer(most):
    arrays = {
        "xs": np.float32(1 / 255), "xz": np.uint8(0),
        "w": np.full((1, N, 1, 1), most, np.int8), "ws": np.float32(1 / most), "wz": np.int8(0),
        "ys": np.float32(N / 255), "yz": np.uint8(0),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"]),
        helper.make_node("Conv", ["xd", "wd"], ["c"], kernel_shape=[1, 1]),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "ys", "yz"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, N, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 4, 4])],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.ones((1, N, 4, 4), np.float32)})[0].mean())


full, seven = answer(127), answer(63)
print("onnxruntime", onnxruntime.__version__)
print(f"64 products of 1 x 1: weights up to 127 give {full:.1f}, weights up to 63 give {seven:.1f}")
sys.exit(0 if full < 40 and abs(seven - 64) < 0.5 else 1)
PY
"$work/venv/bin/python" "$work/try.py"
