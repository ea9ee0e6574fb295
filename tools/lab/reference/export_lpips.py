"""Writes what LPIPS (Zhang et al., 2018, version 0.1) makes of two pictures, with small networks of random weights.

`python tools/lab/reference/export_lpips.py [FOLDER]`, by default nn/src/test/resources/lpips. For
each network: the trunk as a file of timm or torchvision has it, with the start of a classifier, the
linear heads as their authors name them, and the distances with their gradient.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).resolve().parents[3] / "nn/src/test/resources/lpips"

SHIFT = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
SCALE = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)


def vgg(widths: list[int]) -> tuple[nn.Sequential, list[int]]:
    layers: list[nn.Module] = []
    taps = []
    channels = 3
    for stage, width in enumerate(widths):
        if stage > 0:
            layers.append(nn.MaxPool2d(2, 2))
        for _ in range(2 if stage < 2 else 3):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        taps.append(len(layers) - 1)
    assert taps == [3, 8, 15, 22, 29]
    return nn.Sequential(*layers), taps


def alex(widths: list[int]) -> tuple[nn.Sequential, list[int]]:
    a, b, c, d, e = widths
    layers = [nn.Conv2d(3, a, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
              nn.Conv2d(a, b, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
              nn.Conv2d(b, c, 3, padding=1), nn.ReLU(),
              nn.Conv2d(c, d, 3, padding=1), nn.ReLU(),
              nn.Conv2d(d, e, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers), [1, 4, 7, 9, 11]


class Fire(nn.Module):
    """Of SqueezeNet, as torchvision names its parts."""

    def __init__(self, channels: int, squeeze: int, one: int, three: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, one, 1)
        self.expand3x3 = nn.Conv2d(squeeze, three, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


def squeeze(widths: list[int]) -> tuple[nn.Sequential, list[int]]:
    """SqueezeNet 1.1; a fire module of width w expands to w // 2 and the rest."""
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, stride=2), nn.ReLU()]
    channels = widths[0]
    for stage, width in enumerate(widths[1:]):
        if stage < 3:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        for _ in range(2 if stage < 2 else 1):
            layers.append(Fire(channels, 2 + stage, width // 2, width - width // 2))
            channels = width
    assert len(layers) == 13
    return nn.Sequential(*layers), [1, 4, 7, 9, 10, 11, 12]


def features(trunk: nn.Sequential, taps: list[int], image: torch.Tensor, unit) -> list[torch.Tensor]:
    x = (image - SHIFT) / SCALE
    found = []
    for i, layer in enumerate(trunk):
        x = layer(x)
        if i in taps:
            found.append(unit(x))
    return found


def authors(x: torch.Tensor) -> torch.Tensor:
    return x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)


def torchmetrics(x: torch.Tensor) -> torch.Tensor:
    return x / (1e-8 + x.square().sum(1, keepdim=True)).sqrt()


def distances(trunk: nn.Sequential, taps: list[int], heads: list, first, second, unit) -> torch.Tensor:
    distance = torch.zeros(len(first), dtype=first.dtype, device=first.device)
    of, to = features(trunk, taps, first, unit), features(trunk, taps, second, unit)
    for head, x, y in zip(heads, of, to):
        distance = distance + (head * (x - y).square()).sum(1).mean((1, 2))
    return distance


def export(folder: Path, name: str, build, widths: list[int], size: tuple[int, int], seed: int) -> None:
    torch.manual_seed(seed)
    trunk, taps = build(widths)
    with torch.no_grad():
        for layer in trunk.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                layer.bias.normal_(std=0.1)
                layer.bias[0] = 0.5  # so that no pixel is zero in all channels
    heads = [torch.rand(1, width, 1, 1) for width in widths]
    first = torch.rand(2, 3, *size) * 2 - 1
    second = (first + 0.3 * torch.randn(first.shape)).clamp(-1, 1)
    first.requires_grad_(True)
    distance = distances(trunk, taps, heads, first, second, authors)
    cotangent = torch.tensor([0.7, -1.3])
    (distance * cotangent).sum().backward()
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"features.{k}": v.detach().clone() for k, v in trunk.state_dict().items()}
    weights["pre_logits.fc1.weight" if name == "vgg" else "classifier.1.weight"] = torch.zeros(2, 2)
    with torch.no_grad():
        other = distances(trunk, taps, heads, first, second, torchmetrics)
    save_file(weights, folder / "model.safetensors")
    save_file({f"lin{i}.model.1.weight": head for i, head in enumerate(heads)}, folder / "heads.safetensors")
    save_file({"first": first.detach(), "second": second, "distance": distance.detach(),
               "torchmetrics": other,
               "cotangent": cotangent, "gradient": first.grad}, folder / "expected.safetensors")
    print(name, distance.tolist(), sum(f.stat().st_size for f in folder.iterdir()) // 1000, "kB")


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    export(folder, "vgg", vgg, [4, 6, 8, 10, 8], (33, 18), 1)
    export(folder, "alex", alex, [6, 8, 10, 8, 6], (47, 35), 2)
    export(folder, "squeeze", squeeze, [6, 7, 8, 9, 9, 11, 11], (40, 29), 3)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
