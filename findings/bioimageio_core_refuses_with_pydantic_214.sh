# One would guess: pip install bioimageio.core gives a tool that accepts a valid model package of bioimage.io.
# Really: it pins bioimageio.spec 0.5.12.0 but not pydantic; with pydantic 2.14 every package whose files are in its ZIP fails as invalid.
# Version: bioimageio.core 0.11.0, bioimageio.spec 0.5.12.0, pydantic 2.14.4 and 2.13.5 (where it is accepted)
# Source: https://pypi.org/project/bioimageio.core/0.11.0/ (requires bioimageio.spec==0.5.12.0), bioimageio/spec/_internal/io.py
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() { "$work/venv/bin/pip" install -q "$@" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 2; }; }
cat >"$work/try.py" <<'PY'
import io, json, sys, zipfile
from importlib.metadata import version
from pathlib import Path
import numpy as np
from bioimageio.spec import load_description
from loguru import logger

logger.remove()
axes = [{"type": "batch"}, *({"type": "space", "id": a, "size": 8} for a in "yx")]
stream = io.BytesIO()
np.save(stream, np.linspace(0.1, 1, 64, dtype=np.float32).reshape(1, 8, 8))
tensor = {"axes": axes, "data": {"type": "float32"}, "test_tensor": {"source": "a.npy"}}
about = {
    "type": "model", "format_version": "0.5.4", "name": "a model", "description": "none",
    "authors": [{"name": "nobody"}], "license": "MIT",
    "cite": [{"text": "nothing", "doi": "10.1038/s41592-019-0612-7"}],
    "documentation": {"source": "README.md"},
    "inputs": [{"id": "image", **tensor}], "outputs": [{"id": "out", **tensor}],
    "weights": {"onnx": {"source": "w.onnx", "opset_version": 17}},
}
files = {"rdf.yaml": json.dumps(about).encode(), "a.npy": stream.getvalue(), "w.onnx": b"0",
         "README.md": b"# Validation\nnone\n"}
path = Path(sys.argv[1]) / "model.zip"
with zipfile.ZipFile(path, "w") as package:
    for name, data in files.items():
        package.writestr(name, data)
summary = load_description(path, format_version="discover").validation_summary
errors = [each.msg for detail in summary.details for each in detail.errors]
print("bioimageio.spec", version("bioimageio.spec"), "pydantic", version("pydantic"),
      summary.status, [text[:90] for text in errors])
wanted = sys.argv[2]
sys.exit(0 if (summary.status == "failed") == (wanted == "refused") and
         (wanted == "accepted" or "package_file_descr_serializer" in errors[0]) else 1)
PY
install bioimageio.core==0.11.0 pydantic==2.13.5
"$work/venv/bin/python" "$work/try.py" "$work" accepted
install pydantic==2.14.4
"$work/venv/bin/python" "$work/try.py" "$work" refused
