"""all of a checkpoint but its weights ↔ text, as both kinds of files hold it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from coverslip.cells import check_maps
from coverslip.errors import ModelError
from coverslip.images import dict_to_preprocess
from coverslip.limits import check_arguments, check_card, check_preprocess, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coverslip.checkpoint.build import Checkpoint


def describe(checkpoint: Checkpoint) -> dict[str, str]:
    """All of a checkpoint but its weights, as text."""
    return {
        "model": checkpoint.model,
        "arguments": json.dumps(checkpoint.arguments),
        "preprocess": json.dumps(asdict(checkpoint.preprocess)),
        "maps": json.dumps(checkpoint.maps),
        "card": json.dumps(checkpoint.card, ensure_ascii=False),
    }


def read_settings(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a `Checkpoint`, but for its network, from the text of a file.

    Raises:
        ModelError: one is missing, or says what cannot be.
        SettingsError: maps that are no list of maps to learn.
    """
    missing = {"model", "arguments", "preprocess", "card"} - metadata.keys()
    if missing:
        raise ModelError(f"it does not say its {', '.join(sorted(missing))}")
    arguments = parse(metadata["arguments"], what="arguments", kind=dict)
    preprocess = parse(metadata["preprocess"], what="preprocess", kind=dict)
    card = parse(metadata["card"], what="card", kind=dict)
    maps = parse(metadata.get("maps", '["mask"]'), what="maps", kind=list)
    check_arguments(arguments)
    check_preprocess(preprocess)
    check_card(card)
    check_maps([str(name)[:50] for name in maps])
    return {
        "model": metadata["model"],
        "arguments": arguments,
        "preprocess": dict_to_preprocess(preprocess),
        "maps": tuple(maps),
        "card": card,
    }
