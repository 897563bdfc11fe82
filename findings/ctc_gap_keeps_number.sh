# One would guess: a cell that is missed for a frame may come back under its number in a tracking result.
# Really: py-ctcmetrics calls the whole result invalid and gives no score; a new number with the old as parent scores 1.
# Version: py-ctcmetrics 1.3.3
# Source: https://pypi.org/project/py-ctcmetrics/1.3.3/ (metrics/validation/valid.py, inspect_masks)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q py-ctcmetrics==1.3.3 2>"$work/pip.log" || { cat "$work/pip.log"; exit 2; }
cat >"$work/try.py" <<'PY'
import contextlib, io, sys, warnings
from importlib.metadata import version
from pathlib import Path
import numpy as np, tifffile
from ctc_metrics import evaluate_sequence

warnings.simplefilter("ignore")
root = Path(sys.argv[1])

def save(folder, prefix, table, numbers, rows):
    folder.mkdir(parents=True)
    for t, number in enumerate(numbers):
        mask = np.zeros((20, 20), np.uint16)
        mask[5:12, 5:12] = number
        mask[15:18, 15:18] = 9
        tifffile.imwrite(folder / f"{prefix}{t:03}.tif", mask)
    (folder / table).write_text("".join(f"{row}\n" for row in rows))

def score(result):
    with contextlib.redirect_stdout(io.StringIO()):
        found = evaluate_sequence(str(root / result), str(root / "GT"), ["Valid", "TRA"], threads=1)
    return found["Valid"], found["TRA"]

other = "9 0 3 0"
save(root / "GT" / "TRA", "man_track", "man_track.txt", (1, 0, 2, 2), ("1 0 0 0", "2 2 3 1", other))
save(root / "same", "mask", "res_track.txt", (1, 0, 1, 1), ("1 0 3 0", other))
save(root / "new", "mask", "res_track.txt", (1, 0, 2, 2), ("1 0 0 0", "2 2 3 1", other))
print("py-ctcmetrics", version("py-ctcmetrics"))
same, new = score("same"), score("new")
print("the same number after the gap: valid, TRA =", same)
print("a new number, the old one its parent: valid, TRA =", new)
sys.exit(0 if same == (0, None) and new == (1, 1.0) else 1)
PY
"$work/venv/bin/python" "$work/try.py" "$work/data"
