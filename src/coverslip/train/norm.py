"""batch norms of one process's part of a batch → those of the whole batch."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn


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
