"""coverslip models: its options."""

from __future__ import annotations


def models() -> None:
    """List the models that ship, and the networks that can be trained."""
    from coverslip.commands.models import run_models

    run_models()
