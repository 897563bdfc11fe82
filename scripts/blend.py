"""A model + a training that went on from it → a run whose weights lie between the two.

python scripts/blend.py MODEL RUN SHARE OUT

OUT/best.safetensors gets old + SHARE × (new - old) of every weight and of the batch norms' means
and variances, where old is MODEL's and new is RUN as it was after its last epoch; OUT/settings.json
is RUN's. What was learnt before is forgotten less in this way (Wortsman et al. 2022, Robust
fine-tuning of zero-shot models, arXiv 2109.01903).
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from coverslip.checkpoints import find_model, load_checkpoint, save_checkpoint
from coverslip.checkpoints.safetensors import read_tensors


def main(model: str, run: Path, share: float, out: Path) -> None:
    """Read both, and write what lies between."""
    old = load_checkpoint(find_model(model)).network.state_dict()
    checkpoint = load_checkpoint(run / "best.safetensors")
    tensors, metadata = read_tensors(run / "state.safetensors")
    last = json.loads(metadata["history"])[-1]
    new = {key: tensors[f"network.{key}"] for key in old}
    between = {
        key: old[key] + share * (new[key] - old[key]) if old[key].is_floating_point() else new[key]
        for key in old
    }
    checkpoint.network.load_state_dict(between)
    # Scores of the history are of the training's own weights, not of these.
    card = {key: value for key, value in checkpoint.card.items() if not key.startswith("val_")}
    card |= {"epoch": int(last["epoch"]), "blended_with": model, "share_of_training": share}
    out.mkdir(parents=True, exist_ok=True)
    save_checkpoint(out / "best.safetensors", replace(checkpoint, card=card, ranges={}))
    shutil.copy(run / "settings.json", out / "settings.json")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
