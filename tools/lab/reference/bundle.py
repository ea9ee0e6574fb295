"""Writing reference bundles: `case.json` and `tensors.safetensors` (see CONTRIBUTING).

Keys: weight.<checkpoint name>, input.<argument>, output.<name>, cotangent.<name>,
grad.input.<argument>, grad.weight.<name>; all in PyTorch's own layouts. Gradients are those of the
sum over the outputs of output x cotangent.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def perturb(module: torch.nn.Module, generator: torch.Generator) -> None:
    """Moves every vector off its initial zero or one, so that no bias or gain hides a mistake."""
    with torch.no_grad():
        for p in module.parameters():
            if p.dim() == 1:
                p.add_(torch.randn(p.shape, generator=generator) * 0.2)


def write(folder: Path, module: str, config: dict, tensors: dict, tolerance: float = 2e-4) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    case = {"module": module, "config": config, "dtype": "float32", "tolerance": tolerance}
    (folder / "case.json").write_text(json.dumps(case, indent=2) + "\n")
    enlist(folder.parent)
    ready = {k: v.detach().clone().contiguous() for k, v in sorted(tensors.items())}
    save_file(ready, folder / "tensors.safetensors")
    size = (folder / "tensors.safetensors").stat().st_size
    print(f"{folder.name:28} {module:24} {len(ready):4} tensors {size / 1000:8.1f} kB")


def enlist(folder: Path) -> None:
    """Brings the list of a collection of bundles up to date, where it keeps one."""
    manifest = folder / "manifest.json"
    if manifest.exists():
        cases = sorted(folder.glob("*/case.json"))
        modules = {case.parent.name: json.loads(case.read_text())["module"] for case in cases}
        manifest.write_text(json.dumps(modules, indent=2) + "\n")


def record(
    run, inputs: dict, generator: torch.Generator, weights: dict | None = None, differentiate=True
) -> dict:
    """Runs `run(**inputs) -> {name: tensor}` and returns the bundle's tensors, gradients included.

    `weights` maps checkpoint names to the parameters that `run` uses.
    """
    weights = weights or {}
    if differentiate:
        for value in inputs.values():
            if value.is_floating_point():
                value.requires_grad_(True)
    outputs = run(**inputs)
    tensors = {f"weight.{k}": v for k, v in weights.items()}
    tensors |= {f"input.{k}": v for k, v in inputs.items()}
    tensors |= {f"output.{k}": v for k, v in outputs.items()}
    if not differentiate:
        return tensors
    cotangents = {k: torch.randn(v.shape, generator=generator) for k, v in outputs.items()}
    sum((v * cotangents[k]).sum() for k, v in outputs.items()).backward()
    tensors |= {f"cotangent.{k}": v for k, v in cotangents.items()}
    for k, v in inputs.items():
        if v.grad is not None:
            tensors[f"grad.input.{k}"] = v.grad
    for k, v in weights.items():
        if v.grad is None:
            raise ValueError(f"no gradient reached {k}")
        tensors[f"grad.weight.{k}"] = v.grad
    return tensors
