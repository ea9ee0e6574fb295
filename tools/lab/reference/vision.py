"""Networks that metrics look through, written out: Inception v3 as pytorch-fid patches torchvision's.

Used by export_metrics.py, in small, and by the benchmark tools/lab/bench/torch_models.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Unit(nn.Module):
    def __init__(self, channels: int, out: int, kernel, stride=1, padding=0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


def mean_around(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def max_around(x):
    return F.max_pool2d(x, 3, 1, 1)


def row(channels: int, out: int, n: int) -> Unit:
    return Unit(channels, out, (1, n), padding=(0, n // 2))


def column(channels: int, out: int, n: int) -> Unit:
    return Unit(channels, out, (n, 1), padding=(n // 2, 0))


class BlockA(nn.Module):
    def __init__(self, c: int, w, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(c, w(64), 1)
        self.branch5x5_1 = Unit(c, w(48), 1)
        self.branch5x5_2 = Unit(w(48), w(64), 5, padding=2)
        self.branch3x3dbl_1 = Unit(c, w(64), 1)
        self.branch3x3dbl_2 = Unit(w(64), w(96), 3, padding=1)
        self.branch3x3dbl_3 = Unit(w(96), w(96), 3, padding=1)
        self.branch_pool = Unit(c, w(pooled), 1)
        self.out = 2 * w(64) + w(96) + w(pooled)

    def forward(self, x):
        return torch.cat([
            self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))), self.branch_pool(mean_around(x))], 1)


class BlockB(nn.Module):
    def __init__(self, c: int, w) -> None:
        super().__init__()
        self.branch3x3 = Unit(c, w(384), 3, 2)
        self.branch3x3dbl_1 = Unit(c, w(64), 1)
        self.branch3x3dbl_2 = Unit(w(64), w(96), 3, padding=1)
        self.branch3x3dbl_3 = Unit(w(96), w(96), 3, 2)
        self.out = c + w(384) + w(96)

    def forward(self, x):
        return torch.cat([
            self.branch3x3(x), self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            F.max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    def __init__(self, c: int, w, inner: int) -> None:
        super().__init__()
        i, o = w(inner), w(192)
        self.branch1x1 = Unit(c, o, 1)
        self.branch7x7_1 = Unit(c, i, 1)
        self.branch7x7_2 = row(i, i, 7)
        self.branch7x7_3 = column(i, o, 7)
        self.branch7x7dbl_1 = Unit(c, i, 1)
        self.branch7x7dbl_2 = column(i, i, 7)
        self.branch7x7dbl_3 = row(i, i, 7)
        self.branch7x7dbl_4 = column(i, i, 7)
        self.branch7x7dbl_5 = row(i, o, 7)
        self.branch_pool = Unit(c, o, 1)
        self.out = 4 * o

    def forward(self, x):
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return torch.cat([
            self.branch1x1(x), self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(double)), self.branch_pool(mean_around(x))], 1)


class BlockD(nn.Module):
    def __init__(self, c: int, w) -> None:
        super().__init__()
        i = w(192)
        self.branch3x3_1 = Unit(c, i, 1)
        self.branch3x3_2 = Unit(i, w(320), 3, 2)
        self.branch7x7x3_1 = Unit(c, i, 1)
        self.branch7x7x3_2 = row(i, i, 7)
        self.branch7x7x3_3 = column(i, i, 7)
        self.branch7x7x3_4 = Unit(i, i, 3, 2)
        self.out = c + w(320) + i

    def forward(self, x):
        other = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), self.branch7x7x3_4(other), F.max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    def __init__(self, c: int, w, pool) -> None:
        super().__init__()
        i = w(384)
        self.branch1x1 = Unit(c, w(320), 1)
        self.branch3x3_1 = Unit(c, i, 1)
        self.branch3x3_2a = row(i, i, 3)
        self.branch3x3_2b = column(i, i, 3)
        self.branch3x3dbl_1 = Unit(c, w(448), 1)
        self.branch3x3dbl_2 = Unit(w(448), i, 3, padding=1)
        self.branch3x3dbl_3a = row(i, i, 3)
        self.branch3x3dbl_3b = column(i, i, 3)
        self.branch_pool = Unit(c, w(192), 1)
        self.pool = pool
        self.out = w(320) + 4 * i + w(192)

    def forward(self, x):
        one = self.branch3x3_1(x)
        two = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return torch.cat([
            self.branch1x1(x), self.branch3x3_2a(one), self.branch3x3_2b(one), self.branch3x3dbl_3a(two),
            self.branch3x3dbl_3b(two), self.branch_pool(self.pool(x))], 1)


class Inception(nn.Module):
    """`width` makes of the usual channels of a layer those that it has."""

    def __init__(self, width=lambda n: n) -> None:
        super().__init__()
        w = width
        self.Conv2d_1a_3x3 = Unit(3, w(32), 3, 2)
        self.Conv2d_2a_3x3 = Unit(w(32), w(32), 3)
        self.Conv2d_2b_3x3 = Unit(w(32), w(64), 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(w(64), w(80), 1)
        self.Conv2d_4a_3x3 = Unit(w(80), w(192), 3)
        c = w(192)
        for name, block in {
            "5b": lambda c: BlockA(c, w, 32), "5c": lambda c: BlockA(c, w, 64), "5d": lambda c: BlockA(c, w, 64),
            "6a": lambda c: BlockB(c, w), "6b": lambda c: BlockC(c, w, 128), "6c": lambda c: BlockC(c, w, 160),
            "6d": lambda c: BlockC(c, w, 160), "6e": lambda c: BlockC(c, w, 192), "7a": lambda c: BlockD(c, w),
            "7b": lambda c: BlockE(c, w, mean_around), "7c": lambda c: BlockE(c, w, max_around),
        }.items():
            made = block(c)
            setattr(self, "Mixed_" + name, made)
            c = made.out
        self.fc = nn.Linear(c, 5)

    def features(self, x) -> list:
        """Means over the pixels at the four places where FID may look."""
        x = F.max_pool2d(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))), 3, 2)
        found = [x]
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, 2)
        found.append(x)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e"):
            x = getattr(self, "Mixed_" + name)(x)
        found.append(x)
        for name in ("7a", "7b", "7c"):
            x = getattr(self, "Mixed_" + name)(x)
        found.append(x)
        return [y.mean((2, 3)) for y in found]


def randomized(net: nn.Module) -> nn.Module:
    """With weights and norms that keep activations of about one size."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.6, 1.4)
                module.bias.normal_(std=0.3)
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.3, 1.5)
    return net.eval()
