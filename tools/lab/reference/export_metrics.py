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

from vision import Inception, randomized

ROOT = Path(__file__).resolve().parents[3]
NN = ROOT / "nn/src/test/resources/inception"
METRICS = ROOT / "evaluation/src/test/resources/metrics"


def inception() -> Inception:
    torch.manual_seed(11)
    return randomized(Inception(lambda n: max(2, n // 28)))


def write_inception(net: Inception) -> None:
    NN.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), NN / "model.safetensors")
    x = torch.rand(2, 3, 97, 83) * 2 - 1
    with torch.no_grad():
        found = net.features(x)
    save_file({"x": x, **{f"features.{i}": f.contiguous() for i, f in enumerate(found)}}, NN / "expected.safetensors")


def sample(name: str) -> torch.Tensor:
    """A picture [3, 64, 64] of bytes, as floats."""
    return torch.tensor(np.array(picture(name))).permute(2, 0, 1).float()


def picture(name: str) -> Image.Image:
    return Image.open(METRICS / f"lpips_ex_{name}.png").convert("RGB")


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
        image = Image.fromarray((x[0] * 255).round().byte().permute(1, 2, 0).contiguous().numpy())
        levels = np.array(image.resize((wide, high), Image.BICUBIC))
        tensors[f"BICUBIC.{size}"] = torch.tensor(levels).permute(2, 0, 1)[None].float().contiguous()
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

    def bicubic(image, high, wide):
        return image.resize((wide, high), Image.BICUBIC)

    def crop(image):
        w, h = image.size
        image = bicubic(image, int(256 * h / min(h, w)), int(256 * w / min(h, w)))
        left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
        return image.crop((left, top, left + 224, top + 224))

    def tensor(image):
        return torch.tensor(np.array(image)).permute(2, 0, 1)[None].float() / 255

    fits = {"CROP": crop, "WHOLE": lambda image: bicubic(image, 224, 224)}
    values = {}
    ref = picture("ref")
    for name in ("p0", "p1"):
        for label, rows in (("whole", (0, 0, 64, 64)), ("part", (0, 5, 64, 48))):
            a, b = picture(name).crop(rows), ref.crop(rows)
            for fit, shown in fits.items():
                with torch.no_grad():
                    u, v = (vit((tensor(shown(x)) - mean) / std).last_hidden_state for x in (a, b))
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
