"""Prints what bfloat16 costs in PyTorch: errors of its own bfloat16 on the bundles of UNets and
autoencoders, by the measure of `nacre verify --dtype bfloat16`, one row a tensor.

`python tools/lab/reference/bfloat16_errors.py [--autocast] BUNDLE...`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file

MODELS = {"UNet2DConditionModel": UNet2DConditionModel, "AutoencoderKL": AutoencoderKL}


def run(module, arguments: dict) -> dict:
    if "sample" in arguments:
        return {"sample": module(**arguments).sample}
    outputs = {}
    if "image" in arguments:
        outputs["moments"] = module.encode(arguments["image"]).latent_dist.parameters
    if "latent" in arguments:
        outputs["decoded"] = module.decode(arguments["latent"]).sample
    return outputs


def errors(folder: Path, autocast: bool) -> dict:
    case = json.loads((folder / "case.json").read_text())
    expected = load_file(folder / "tensors.safetensors")
    module = MODELS[case["module"]](**case["config"]).eval()
    module.load_state_dict({k[7:]: v for k, v in expected.items() if k.startswith("weight.")})
    stored = torch.float32 if autocast else torch.bfloat16
    module = module.to(stored)
    inputs = {k[6:]: v for k, v in expected.items() if k.startswith("input.")}
    inputs = {k: v.to(stored).requires_grad_() if v.is_floating_point() else v for k, v in inputs.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        outputs = run(module, inputs)
    sum((v.float() * expected[f"cotangent.{k}"]).sum() for k, v in outputs.items()).backward()
    got = {f"output.{k}": v for k, v in outputs.items()}
    got |= {f"grad.input.{k}": v.grad for k, v in inputs.items() if v.grad is not None}
    got |= {f"grad.weight.{k}": v.grad for k, v in module.named_parameters() if v.grad is not None}
    result = {}
    for kind, floor in (("output.", 1e-3), ("grad.", 1e-1)):
        norms = {k: v.norm() for k, v in expected.items() if k.startswith(kind)}
        for k, norm in norms.items():
            difference = got[k].float() - expected[k]
            divisor = max(norm, floor * max(norms.values()))
            result[k] = (float(difference.norm() / divisor), float(difference.abs().max()))
    return result


def main() -> None:
    autocast = "--autocast" in sys.argv
    for folder in (Path(a) for a in sys.argv[1:] if a != "--autocast"):
        for tensor, (relative, largest) in errors(folder, autocast).items():
            print(f"{folder.name}  {relative:.2e}  {largest:.2e}  {tensor}")


main()
