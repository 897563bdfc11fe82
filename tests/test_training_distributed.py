"""Two real processes train together, and see what one would have seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import distributed, nn

from coverslip.checkpoints import read_tensors
from coverslip.errors import SettingsError
from coverslip.io import find_pairs
from coverslip.models import MODELS
from coverslip.training import Ranks, resume_plan
from coverslip.training import train as fit
from coverslip.training.distributed import ALONE, WholeBatchNorm, share_norms
from drawn import write_dataset
from tiny import Tiny

HERE = Path(__file__).parent
EPOCHS, STEPS, BATCH = 4, 3, 5  # of which one process takes 3 images, and the other 2


def train(folder: Path, *more: str, processes: int, die: str = "") -> subprocess.CompletedProcess:
    """The command line, in so many processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), str(HERE / "ranked.py"), "train"]
    command += [str(folder / "set"), "-o", str(folder / "run"), "--model", "tiny", "--crop", "32"]
    command += ["--epochs", str(EPOCHS), "--steps-per-epoch", str(STEPS), "--batch", str(BATCH)]
    command += ["--val-fraction", "0.4", "--device", "cpu", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DIE": die}
    return subprocess.run(
        command, env=environment, check=False, capture_output=True, text=True, timeout=900
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """A training by two processes, one of which was killed in the third epoch."""
    for _ in range(3):  # torchrun may end the other process before it can say what it sees
        folder = tmp_path_factory.mktemp("killed")
        write_dataset(folder / "set", n=7)
        # Passes of process 1: one that tries the network, then three of learning and one of two or
        # one images to validate on in each epoch.
        said = train(folder, processes=2, die="1 12")
        if "another has ended" in said.stderr:
            break
    return folder, said


@pytest.fixture
def group(tmp_path):
    """A group of this one process."""
    store = f"file://{tmp_path / 'store'}"
    distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_the_end_of_one_is_the_end_of_all(killed):
    folder, said = killed
    assert said.returncode == 1
    ours, _, torchruns = said.stderr.partition("torch/distributed/elastic")
    assert "Traceback" not in ours and "Warning" not in ours
    assert "Signal 9 (SIGKILL)" in torchruns
    assert "of the 2 processes of this training another has ended" in said.stderr
    assert "Start all of them again with --resume" in " ".join(said.stderr.split())
    assert len(pd.read_csv(folder / "run" / "history.csv")) == 2


def test_resumed_they_come_to_what_one_process_comes_to(killed, tmp_path, monkeypatch):
    folder, _ = killed
    said = train(folder, "--resume", processes=2)
    assert said.returncode == 0, said.stderr
    assert "2 processes share each batch of 5" in said.stderr
    assert said.stderr.count("epoch    4") == 1  # one process speaks

    monkeypatch.setitem(MODELS, "tiny", Tiny)
    alone = tmp_path / "run"
    alone.mkdir()
    settings = (folder / "run" / "settings.json").read_text()
    (alone / "settings.json").write_text(settings)
    fit(resume_plan(alone, find_pairs(folder / "set")), alone)

    one, two = (pd.read_csv(run / "history.csv") for run in (alone, folder / "run"))
    assert len(one) == EPOCHS
    columns = ["epoch", "lr", "train_loss", "val_loss"]
    pd.testing.assert_frame_equal(one[columns], two[columns], check_exact=False, rtol=1e-5)
    weights, other = (read_tensors(run / "state.safetensors")[0] for run in (alone, folder / "run"))
    assert weights.keys() == other.keys()
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=1e-5)


# --- the parts


@pytest.mark.parametrize("affine", [True, False])
def test_a_batch_norm_of_the_whole_batch_is_batch_norm(group, affine):
    torch.manual_seed(0)
    plain, whole = nn.BatchNorm2d(3, affine=affine), nn.BatchNorm2d(3, affine=affine)
    network = nn.Sequential(nn.Conv2d(3, 3, 1), whole)
    share_norms(network)
    whole = network[1]
    assert isinstance(whole, WholeBatchNorm)
    x = torch.randn(4, 3, 5, 6) * 3 + 7
    slope = torch.randn_like(x)
    results = []
    for norm in (plain, whole):
        given = x.clone().requires_grad_()
        given_back = norm(given)
        (given_back * slope).sum().backward()
        results.append([given_back, given.grad, *(p.grad for p in norm.parameters())])
    for expected, result in zip(*results, strict=True):
        torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)
    assert plain.state_dict().keys() == whole.state_dict().keys()
    for name, expected in plain.state_dict().items():
        torch.testing.assert_close(whole.state_dict()[name], expected)
    torch.testing.assert_close(whole.eval()(x), plain.eval()(x))


def test_alone_everything_is_as_without_others():
    network, things = Tiny(), [3, 1, 2]
    assert ALONE.part(things) == things == ALONE.gather(things)
    assert ALONE.from_first(lambda: 5) == 5
    before = list(network.modules())
    ALONE.learner(network, nn.functional.mse_loss, batch=1)
    assert list(network.modules()) == before


def test_each_thing_is_for_one_process():
    assert [Ranks(n, 3).part(list("abcde")) for n in range(3)] == [["a", "d"], ["b", "e"], ["c"]]


def test_an_image_for_each_process():
    with pytest.raises(SettingsError, match="--batch 4 or more"):
        Ranks(0, 4).learner(Tiny(), nn.functional.mse_loss, batch=3)
