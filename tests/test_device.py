"""Which device is taken, and in which type it computes."""

from contextlib import AbstractContextManager, nullcontext

import pytest
import torch

from coverslip.device import autocast, pick_device
from coverslip.errors import SettingsError


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_cuda_computes_in_the_short_type_it_has(
    monkeypatch: pytest.MonkeyPatch, native: bool, dtype: torch.dtype
) -> None:
    asked: list[tuple[str, torch.dtype]] = []

    def fake(device_type: str, *, dtype: torch.dtype) -> AbstractContextManager[None]:
        asked.append((device_type, dtype))
        return nullcontext()

    # the CPU stands in for the GPU, whose name is all that decides
    monkeypatch.setattr(torch, "autocast", fake)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    with autocast(torch.device("cuda")):
        assert asked == [("cuda", dtype)]
    with autocast(torch.device("cpu")), autocast(torch.device("mps")):
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("cuda", "mps", "found"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_fastest_device_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device("auto") == torch.device(found)
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match=f"the device {name} was asked for"):
        pick_device(name)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(SettingsError, match="one of auto, cpu, cuda, mps"):
        pick_device("tpu")
