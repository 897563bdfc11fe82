"""A training's best checkpoint + what to say of it → a model that ships.

python scripts/ship.py RUN NAME docs/models/NAME.json

Writes src/coverslip/weights/NAME.safetensors in float16, with the card: the JSON's entries beside
those that the training recorded (settings, number of images, epoch, validation Jaccard) and the
facts of its settings.json (data fingerprint, versions, commit, machine).
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from coverslip.checkpoints import load_checkpoint, save_checkpoint
from coverslip.checkpoints.zoo import FOLDER

FACTS = ("fingerprint", "coverslip", "commit", "python", "packages", "machine")


def main(run: Path, name: str, card: Path) -> None:
    """Read, add the card, write."""
    checkpoint = load_checkpoint(run / "best.safetensors")
    record = json.loads((run / "settings.json").read_text())
    training = {**checkpoint.card, **{fact: record[fact] for fact in FACTS}}
    training["settings"] = portable(training["settings"])
    said = json.loads(card.read_text(encoding="utf-8"))
    shipped = replace(checkpoint, card={**said, "training": training})
    save_checkpoint(FOLDER / f"{name}.safetensors", shipped, half=True)


def portable(settings: dict[str, object]) -> dict[str, object]:
    """Settings without the paths of the machine they were used on."""
    encoder = str(settings["encoder"])
    return {**settings, "encoder": Path(encoder).name}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
