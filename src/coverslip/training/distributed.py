"""one training → the part that each of several processes takes in it, as torchrun starts them.

Every process draws and augments the whole batch, and learns from its part of the images: so the
batches are those of one process, to the last bit, and only their sums are taken in another order.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn

from coverslip.errors import SettingsError, TrainingError
from coverslip.training.step import Inputs, inputs_to_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

# What gloo and NCCL say where another process is gone; their errors have no class of their own.
LOST = ("Connection closed", "Connection reset", "Broken pipe", "NCCL", "Timed out", "timed out")


class Learner(nn.Module):
    """A network with its loss: an augmented batch → a scalar."""

    def __init__(self, network: nn.Module, criterion: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network = network
        self.criterion = criterion

    def forward(self, inputs: Inputs) -> Tensor:
        """The mean loss of the batch's images."""
        return inputs_to_loss(self.network, inputs, criterion=self.criterion)


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is; the first one writes."""

    number: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.number == 0

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, in all of them; where it fails, the others end with it."""
        if self.count == 1:
            return make()
        box: list[Any] = [None]
        try:
            if self.first:
                box = [make()]
        finally:
            distributed.broadcast_object_list(box, device=torch.device("cpu"))
        if box[0] is None:
            raise SystemExit(2)
        return cast("T", box[0])

    def part(self, things: Sequence[T]) -> list[T]:
        """This process's things."""
        return list(things[self.number :: self.count])

    def gather(self, things: list[T]) -> list[T]:
        """The things of all processes, those of the first one first."""
        if self.count == 1:
            return things
        lists: list[Any] = [None] * self.count
        distributed.all_gather_object(lists, things)
        return [thing for one in lists for thing in one]

    def learner(
        self, network: nn.Module, criterion: Callable[..., Tensor], *, batch: int
    ) -> Callable[[Inputs], tuple[Tensor, Tensor]]:
        """What turns a batch into two scalars: the loss to learn from here, and the batch's own.

        Raises:
            SettingsError: fewer images a batch than processes, or fewer GPUs than processes here.
        """
        alone = Learner(network, criterion)
        if self.count == 1:
            return lambda inputs: (alone(inputs),) * 2
        if batch < self.count:
            raise SettingsError(
                f"a batch of {batch} for {self.count} processes: wanted an image for each, so "
                f"--batch {self.count} or more."
            )
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if next(network.parameters()).is_cuda and local >= torch.cuda.device_count():
            raise SettingsError(
                f"{torch.cuda.device_count()} GPUs here for more processes: wanted one for each, "
                "by torchrun --nproc-per-node=gpu; or --device cpu."
            )
        share_norms(network)
        together = nn.parallel.DistributedDataParallel(alone)

        def learn(inputs: Inputs) -> tuple[Tensor, Tensor]:
            own = Inputs(*(torch.tensor_split(t, self.count)[self.number] for t in inputs))
            weighted = together(own) * (len(own.images) / len(inputs.images))
            whole = weighted.detach().clone()
            distributed.all_reduce(whole)
            return weighted * self.count, whole  # it takes the mean of the processes' gradients

        return learn


ALONE = Ranks()


def leave(ranks: Ranks) -> None:
    """End this process, now that its training is over, if it is one of several.

    Not by Python's own end: the threads of gloo outlive their group, and one that lets go of its
    last tensor while Python is ending ends the process by SIGABRT, one time in some dozens.
    """
    if ranks.count > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


@contextmanager
def joined() -> Iterator[Ranks]:
    """Meet the other processes that torchrun has started, if it has.

    Raises:
        TrainingError: one of them is gone.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    try:
        distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo")
        yield Ranks(int(os.environ["RANK"]), count)
    except RuntimeError as error:
        if not any(word in str(error) for word in LOST):
            raise
        said = shorten(str(error), 150, placeholder=" …")
        raise TrainingError(
            f"of the {count} processes of this training another has ended or cannot be reached "
            f"({said}): what ended it stands above, or in its machine's log. Start all of them "
            "again with --resume."
        ) from error
    distributed.destroy_process_group()


def share_norms(network: nn.Module) -> None:
    """Let all batch norms of a network take the statistics of the whole batch, in place.

    Names and values of weights and running statistics stay what they are. On a GPU PyTorch's own
    SyncBatchNorm does it, which knows no CPU.
    """
    if next(network.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, WholeBatchNorm.of(child))


class WholeBatchNorm(nn.BatchNorm2d):
    """Batch norm by the mean and variance of a batch of which each process has some images."""

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> WholeBatchNorm:
        """One with the same weights and running statistics, not copies of them."""
        whole = cls(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
        whole.weight, whole.bias = norm.weight, norm.bias
        whole.running_mean, whole.running_var = norm.running_mean, norm.running_var
        whole.num_batches_tracked = norm.num_batches_tracked
        return whole.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, H, W); in training, all processes must call it together."""
        if not self.training:
            return super().forward(x)
        n = x.new_tensor([x.numel() / x.shape[1]])
        sums = sum_over_processes(torch.cat([x.sum(dim=(0, 2, 3)), n]))
        mean, count = sums[:-1] / sums[-1], sums[-1].detach()
        centred = x - mean[:, None, None]
        var = sum_over_processes(centred.square().sum(dim=(0, 2, 3))) / count
        self.keep_running(mean.detach(), var.detach() * count / (count - 1))
        scale = torch.rsqrt(var + self.eps)
        if not self.affine:
            return centred * scale[:, None, None]
        return centred * (scale * self.weight)[:, None, None] + self.bias[:, None, None]

    def keep_running(self, mean: Tensor, var: Tensor) -> None:
        """Move the statistics that prediction uses towards those of a batch."""
        momentum = cast("float", self.momentum)
        cast("Tensor", self.running_mean).lerp_(mean, momentum)
        cast("Tensor", self.running_var).lerp_(var, momentum)
        cast("Tensor", self.num_batches_tracked).add_(1)


def sum_over_processes(x: Tensor) -> Tensor:
    """The sum of a tensor of each process, in all of them; gradients are summed likewise."""
    return cast("Tensor", Sum.apply(x))  # type: ignore[no-untyped-call]


class Sum(torch.autograd.Function):
    """The sum over all processes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The sum, the same everywhere."""
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Each process's x is in every process's sum, so it gets the gradients of all."""
        return Sum.forward(ctx, gradients[0])
