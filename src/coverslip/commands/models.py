"""coverslip models: what ships."""

from __future__ import annotations

import pandas as pd

from coverslip.checkpoint import read_card
from coverslip.commands.console import show_table, tell
from coverslip.models import MODELS
from coverslip.shipped import shipped_models


def run_models() -> None:
    """List what ships, from the models' own cards, and the networks that can be trained."""
    rows = []
    for name, path in shipped_models().items():
        card = read_card(path)
        rows.append(
            {
                "model": name,
                "finds": card.get("task", ""),
                "network": card["network"],
                "data": card.get("data", ""),
                "licence": card.get("licence", ""),
                "size": f"{path.stat().st_size / 1e6:.1f} MB",
                "Jaccard": card.get("score", ""),
            }
        )
    show_table(pd.DataFrame(rows), title="models that ship (coverslip segment --model …)")
    tell(f"networks to train (coverslip train --model …): {', '.join(MODELS)}")
