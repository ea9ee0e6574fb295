"""Low-rank adapters of peft beside the layers of a UNet, for reference bundles."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig


def adapt(unet: UNet2DConditionModel, lora: dict, g: torch.Generator) -> None:
    """Puts adapters beside the targets and moves every B off its zeros; the base is frozen.

    `lora` has Nacre's keys and defaults: rank, alpha, and targets, which are peft's target_modules.
    """
    unet.requires_grad_(False)
    targets = lora.get("targets", ["to_q", "to_k", "to_v", "to_out.0"])
    unet.add_adapter(LoraConfig(r=lora["rank"], lora_alpha=lora.get("alpha", lora["rank"]), target_modules=targets))
    with torch.no_grad():
        for name, p in unet.named_parameters():
            if ".lora_B." in name:
                p.copy_(torch.randn(p.shape, generator=g) / lora["rank"])


def saved_name(name: str) -> str:
    """The name under which a parameter of a model with adapters is saved."""
    return name.replace(".base_layer.", ".").replace(".lora_A.default.", ".lora_A.").replace(".lora_B.default.", ".lora_B.")
