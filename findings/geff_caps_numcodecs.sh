# One would guess: geff wants numcodecs below 0.16 on Python 3.10 and 3.11 alone, as its marker means to say.
# Really: the marker is malformed ('3.10,<=3.11'), is compared as text, and holds on every Python from 3.11 on.
# Version: geff 1.3.1.1.3
# Source: its metadata on PyPI, https://pypi.org/project/geff/1.3.1.1.3/ (Requires-Dist: numcodecs<0.16,>=0.13)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q packaging==25.0 2>"$work/pip.log" || { cat "$work/pip.log"; exit 2; }
"$work/venv/bin/pip" download -q --no-deps -d "$work" geff==1.3.1.1.3 2>"$work/pip.log" || { cat "$work/pip.log"; exit 2; }
cat >"$work/try.py" <<'PY'
import sys, zipfile
from pathlib import Path
from packaging.requirements import Requirement

wheel = next(Path(sys.argv[1]).glob("geff-*.whl"))
with zipfile.ZipFile(wheel) as archive:
    name = next(it for it in archive.namelist() if it.endswith(".dist-info/METADATA"))
    lines = archive.read(name).decode().splitlines()
capped = [it.partition(": ")[2] for it in lines if it.startswith("Requires-Dist: numcodecs<")]
print(wheel.name)
print(capped[0])
holds = {
    python: Requirement(capped[0]).marker.evaluate({"python_version": python})
    for python in ("3.10", "3.11", "3.12", "3.13", "3.14")
}
print("holds on", ", ".join(python for python, it in holds.items() if it))
wanted = {"3.10": False, "3.11": True, "3.12": True, "3.13": True, "3.14": True}
sys.exit(0 if holds == wanted else 1)
PY
"$work/venv/bin/python" "$work/try.py" "$work"
