"""coverslip models: nothing → which models ship, need no learning, or can be trained."""

from __future__ import annotations

import json
from dataclasses import asdict

from coverslip.cli.messages import tell


def models() -> None:
    """List the models that ship, and the networks that can be trained."""
    run_models()


def run_models() -> None:
    """List what ships, from the models' own cards, the methods and the networks to train."""
    from coverslip.checkpoints import read_card, shipped_models
    from coverslip.models import MODELS
    from coverslip.segmentation.classical import METHODS

    for name, path in shipped_models().items():
        card = read_card(path)
        tell(f"{name}: {card.get('task', 'no card')}")
        facts = {
            "learnt from": card.get("data"),
            "Jaccard, %": card.get("score"),
            "network": f"{card['network']}, {path.stat().st_size / 1e6:.1f} MB",
            "licence": card.get("licence"),
        }
        for fact, value in facts.items():
            tell(f"  {fact:<12} {value or 'not said'}")
    for name, (_, settings) in METHODS.items():
        values = ", ".join(f"{key}={json.dumps(value)}" for key, value in asdict(settings).items())
        tell(f"{name}: a method without learning\n  --argument   {values}")
    tell(f"networks to train (coverslip train --model): {', '.join(MODELS)}")
