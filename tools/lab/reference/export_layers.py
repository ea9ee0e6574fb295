"""Writes the reference bundles of layers that are not models of their own: diffusers' attention,
feed-forward and time embedding, and AdamW with groups and clipping.

`python tools/lab/reference/export_layers.py [FOLDER]`, by default the test resources of `nn`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import TimestepEmbedding

from bundle import perturb, record, write

FOLDER = Path(__file__).resolve().parents[3] / "nn/src/test/resources/bundles"


def module(folder: Path, name: str, built, config: dict, inputs: dict, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    perturb(built, g)
    inputs = {k: torch.randn(shape, generator=g) for k, shape in inputs.items()}
    weights = dict(built.named_parameters())
    tensors = record(lambda **x: {"out": built(*x.values())}, inputs, g, weights)
    write(folder / name, type(built).__name__, config, tensors)


def adamw(folder: Path) -> None:
    """Three steps; names ending in bias without decay at ten times the rate; clipped to norm 1."""
    g = torch.Generator().manual_seed(4)
    shapes = {"a.weight": (5, 3), "a.bias": (5,), "b.weight": (4, 2, 3, 3), "late": (7,)}
    parameters = {k: torch.randn(s, generator=g).requires_grad_() for k, s in shapes.items()}
    tensors = {f"weight.{k}": v.detach().clone() for k, v in parameters.items()}
    plain = [v for k, v in parameters.items() if not k.endswith("bias")]
    biases = [v for k, v in parameters.items() if k.endswith("bias")]
    groups = [{"params": plain}, {"params": biases, "lr": 0.1, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), weight_decay=0.1)
    norms = []
    for step in range(3):
        for k, v in parameters.items():
            # One parameter has no gradient at first: its count of steps lags behind.
            v.grad = torch.randn(v.shape, generator=g) if k != "late" or step > 0 else None
            if v.grad is not None:
                tensors[f"input.{step}.{k}"] = v.grad.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0))
        optimizer.step()
        tensors |= {f"output.{step}.{k}": v.detach().clone() for k, v in parameters.items()}
    tensors["output.norms"] = torch.stack(norms)
    config = {"lr": 0.01, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1, "max_norm": 1.0}
    write(folder / "adamw-groups", "AdamW", config, tensors, 1e-6)


def main(folder: Path) -> None:
    torch.manual_seed(1)
    config = {"query_dim": 10, "cross_attention_dim": None, "heads": 3, "dim_head": 4}
    module(folder, "self-attention", Attention(**config), config, {"x": (2, 7, 10)}, 1)
    config = config | {"cross_attention_dim": 6, "bias": True}
    inputs = {"x": (2, 7, 10), "context": (2, 5, 6)}
    module(folder, "cross-attention", Attention(**config), config, inputs, 2)
    module(folder, "feed-forward", FeedForward(6), {"dim": 6}, {"x": (2, 5, 6)}, 3)
    config = {"in_channels": 6, "time_embed_dim": 10}
    module(folder, "timestep-embedding", TimestepEmbedding(**config), config, {"x": (3, 6)}, 4)
    adamw(folder)


main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
