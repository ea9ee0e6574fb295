"""Writes what metrics make of pictures, with small networks of random weights, as PyTorch and SciPy compute it.

`python tools/lab/reference/export_metrics.py`: an Inception v3 of small widths and its features to
nn/src/test/resources/inception; to evaluation/src/test/resources/metrics resized pictures, Fréchet
distances as pytorch-fid computes them, a small ViT in DINO's place and the similarities it finds.
Needs torch, transformers, safetensors, numpy, scipy and pillow.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import nn

ROOT = Path(__file__).resolve().parents[3]
NN = ROOT / "nn/src/test/resources/inception"
METRICS = ROOT / "evaluation/src/test/resources/metrics"


class Unit(nn.Module):
    def __init__(self, channels: int, out: int, kernel, stride=1, padding=0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


def mean_around(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def max_around(x):
    return F.max_pool2d(x, 3, 1, 1)


class BlockA(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(c, 3, 1)
        self.branch5x5_1 = Unit(c, 2, 1)
        self.branch5x5_2 = Unit(2, 3, 5, padding=2)
        self.branch3x3dbl_1 = Unit(c, 2, 1)
        self.branch3x3dbl_2 = Unit(2, 3, 3, padding=1)
        self.branch3x3dbl_3 = Unit(3, 4, 3, padding=1)
        self.branch_pool = Unit(c, 2, 1)
        self.out = 12

    def forward(self, x):
        return torch.cat([
            self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))), self.branch_pool(mean_around(x))], 1)


class BlockB(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.branch3x3 = Unit(c, 4, 3, 2)
        self.branch3x3dbl_1 = Unit(c, 3, 1)
        self.branch3x3dbl_2 = Unit(3, 2, 3, padding=1)
        self.branch3x3dbl_3 = Unit(2, 3, 3, 2)
        self.out = c + 7

    def forward(self, x):
        return torch.cat([
            self.branch3x3(x), self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            F.max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(c, 3, 1)
        self.branch7x7_1 = Unit(c, 2, 1)
        self.branch7x7_2 = Unit(2, 3, (1, 7), padding=(0, 3))
        self.branch7x7_3 = Unit(3, 4, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = Unit(c, 2, 1)
        self.branch7x7dbl_2 = Unit(2, 3, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = Unit(3, 2, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = Unit(2, 3, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = Unit(3, 2, (1, 7), padding=(0, 3))
        self.branch_pool = Unit(c, 3, 1)
        self.out = 12

    def forward(self, x):
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return torch.cat([
            self.branch1x1(x), self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(double)), self.branch_pool(mean_around(x))], 1)


class BlockD(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.branch3x3_1 = Unit(c, 2, 1)
        self.branch3x3_2 = Unit(2, 3, 3, 2)
        self.branch7x7x3_1 = Unit(c, 2, 1)
        self.branch7x7x3_2 = Unit(2, 3, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Unit(3, 2, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Unit(2, 3, 3, 2)
        self.out = c + 6

    def forward(self, x):
        other = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), self.branch7x7x3_4(other), F.max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    def __init__(self, c: int, pool) -> None:
        super().__init__()
        self.branch1x1 = Unit(c, 3, 1)
        self.branch3x3_1 = Unit(c, 2, 1)
        self.branch3x3_2a = Unit(2, 3, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Unit(2, 2, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Unit(c, 2, 1)
        self.branch3x3dbl_2 = Unit(2, 3, 3, padding=1)
        self.branch3x3dbl_3a = Unit(3, 2, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Unit(3, 3, (3, 1), padding=(1, 0))
        self.branch_pool = Unit(c, 3, 1)
        self.pool = pool
        self.out = 16

    def forward(self, x):
        one = self.branch3x3_1(x)
        two = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return torch.cat([
            self.branch1x1(x), self.branch3x3_2a(one), self.branch3x3_2b(one), self.branch3x3dbl_3a(two),
            self.branch3x3dbl_3b(two), self.branch_pool(self.pool(x))], 1)


class Inception(nn.Module):
    """As pytorch-fid patches torchvision's, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 4, 3, 2)
        self.Conv2d_2a_3x3 = Unit(4, 3, 3)
        self.Conv2d_2b_3x3 = Unit(3, 6, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(6, 4, 1)
        self.Conv2d_4a_3x3 = Unit(4, 7, 3)
        c = 7
        for name, block in {
            "5b": BlockA, "5c": BlockA, "5d": BlockA, "6a": BlockB, "6b": BlockC, "6c": BlockC, "6d": BlockC,
            "6e": BlockC, "7a": BlockD, "7b": lambda c: BlockE(c, mean_around), "7c": lambda c: BlockE(c, max_around),
        }.items():
            made = block(c)
            setattr(self, "Mixed_" + name, made)
            c = made.out
        self.fc = nn.Linear(c, 5)

    def features(self, x):
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


def inception() -> Inception:
    torch.manual_seed(11)
    net = Inception().eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.6, 1.4)
                module.bias.normal_(std=0.3)
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.3, 1.5)
    return net


def write_inception(net: Inception) -> None:
    NN.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), NN / "model.safetensors")
    x = torch.rand(2, 3, 97, 83) * 2 - 1
    with torch.no_grad():
        found = net.features(x)
    save_file({"x": x, **{f"features.{i}": f.contiguous() for i, f in enumerate(found)}}, NN / "expected.safetensors")


def sample(name: str) -> torch.Tensor:
    """A picture [3, 64, 64] of bytes, as floats."""
    return torch.tensor(np.array(Image.open(METRICS / f"lpips_ex_{name}.png").convert("RGB"))).permute(2, 0, 1).float()


def tf1(x: torch.Tensor, high: int, wide: int) -> torch.Tensor:
    """Bilinear as TensorFlow 1, by hand: pixel i at i * old / new."""
    def along(x, axis, n):
        old = x.shape[axis]
        at = torch.arange(n, dtype=torch.float64) * old / n
        low = at.floor().long()
        share = (at - low).float()
        shape = [1] * x.ndim
        shape[axis] = n
        share = share.reshape(shape)
        return x.index_select(axis, low) * (1 - share) + x.index_select(axis, (low + 1).clamp(max=old - 1)) * share
    return along(along(x, -2, high), -1, wide)


def write_resized() -> None:
    torch.manual_seed(12)
    x = torch.rand(1, 3, 13, 9)
    tensors = {"x": x}
    for high, wide in ((7, 20), (26, 5), (13, 12)):
        size = f"{high}x{wide}"
        tensors[f"BILINEAR.{size}"] = F.interpolate(x, (high, wide), mode="bilinear", align_corners=False)
        tensors[f"BILINEAR_TF1.{size}"] = tf1(x, high, wide)
        tensors[f"BILINEAR_ANTIALIASED.{size}"] = F.interpolate(x, (high, wide), mode="bilinear", antialias=True)
        tensors[f"BICUBIC_ANTIALIASED.{size}"] = F.interpolate(x, (high, wide), mode="bicubic", antialias=True)
    save_file(tensors, METRICS / "resized.safetensors")


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """pytorch-fid's, with SciPy's square root of a matrix that is not symmetric."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(one.dot(two))
    assert np.isfinite(root).all()
    d = a.mean(0) - b.mean(0)
    return float(d.dot(d) + np.trace(one) + np.trace(two) - 2 * np.trace(root.real))


def exact(a: np.ndarray, b: np.ndarray) -> float:
    """For fewer vectors than dimensions: the root's trace is the sum of the singular values of X Yᵀ."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    d = a.mean(0) - b.mean(0)
    x, y = (a - a.mean(0)) / np.sqrt(len(a) - 1), (b - b.mean(0)) / np.sqrt(len(b) - 1)
    return float(d.dot(d) + (x * x).sum() + (y * y).sum() - 2 * np.linalg.svd(x @ y.T, compute_uv=False).sum())


def write_distances(net: Inception) -> dict:
    rng = np.random.default_rng(13)
    mix = rng.normal(size=(24, 24))
    a = (rng.normal(size=(70, 24)) @ mix + 3).astype(np.float32)
    b = (rng.normal(size=(60, 24)) * rng.uniform(0.2, 2, 24) + 2.5).astype(np.float32)
    save_file({"a": torch.tensor(a), "b": torch.tensor(b)}, METRICS / "features.safetensors")
    assert abs(frechet(a, b) / exact(a, b) - 1) < 1e-9
    values = {"frechet": frechet(a, b), "near": frechet(a, a * 1.01), "few": exact(a[:10], b[:14]),
              "few and many": exact(a[:10], b)}
    ref, p0, p1 = sample("ref"), sample("p0"), sample("p1")
    drawn = torch.stack([p0, p1, p0.flip(2), p1.flip(1), ref.flip(1)]) / 255 * 0.973  # between the levels of 8 bits
    wanted = torch.stack([ref, ref.flip(2), ref.flip(1), p0.flip(1), p1.flip(2)]) / 255
    styles = {
        "PYTORCH_FID": lambda x: 2 * F.interpolate((x * 255).round() / 255, (299, 299), mode="bilinear", align_corners=False) - 1,
        "TORCH_FIDELITY": lambda x: (tf1((x * 255).round(), 299, 299) - 128) / 128,
        "CUT": lambda x: (tf1((x * 255).to(torch.uint8).float(), 299, 299) - 128) / 128,
    }
    for style, shown in styles.items():
        with torch.no_grad():
            one, two = net.features(shown(drawn)), net.features(shown(wanted))
        for tap, (f, g) in enumerate(zip(one, two)):
            values[f"{style}.{tap}"] = exact(f.numpy(), g.numpy())
    return values


def write_vit() -> dict:
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(14)
    config = ViTConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
                       image_size=224, patch_size=16)
    vit = ViTModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, p in vit.named_parameters():
            if p.dim() > 1:
                p.normal_(std=0.5 if p.dim() == 2 else 0.1)
    vit.save_pretrained(METRICS / "vit")
    (METRICS / "vit" / "preprocessor_config.json").write_text(json.dumps({
        "do_normalize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        "size": {"height": 224, "width": 224}}))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def bicubic(x, high, wide):
        return F.interpolate(x, (high, wide), mode="bicubic", antialias=True)

    def crop(x):
        h, w = x.shape[2:]
        x = bicubic(x, 256 * h // min(h, w), 256 * w // min(h, w))
        top, left = round((x.shape[2] - 224) / 2), round((x.shape[3] - 224) / 2)
        return x[:, :, top:top + 224, left:left + 224]

    fits = {"CROP": crop, "WHOLE": lambda x: bicubic(x, 224, 224)}
    values = {}
    ref = sample("ref")[None] / 255
    for name in ("p0", "p1"):
        for label, rows in (("whole", slice(0, 64)), ("part", slice(5, 48))):
            a, b = sample(name)[None, :, rows] / 255, ref[:, :, rows]
            for fit, shown in fits.items():
                with torch.no_grad():
                    u, v = (vit((shown(x) - mean) / std).last_hidden_state for x in (a, b))
                cosine = nn.CosineSimilarity()
                values[f"{fit}.CLASS.{name}.{label}"] = cosine(u[:, 0], v[:, 0]).item()
                values[f"{fit}.PATCH_MEAN.{name}.{label}"] = cosine(u[:, 1:].mean(1), v[:, 1:].mean(1)).item()
    return values


def main() -> None:
    torch.set_num_threads(1)
    net = inception()
    write_inception(net)
    write_resized()
    values = {**write_distances(net), **write_vit()}
    (METRICS / "values.json").write_text(json.dumps(values, indent=1) + "\n")
    print(json.dumps(values, indent=1))


if __name__ == "__main__":
    main()
