"""Writes LoRA training as peft does it: a bundle of a UNet with adapters, output and gradients.

`python tools/lab/reference/export_lora_training.py`; writes `unet-lora` beside the other bundles. The
case's config is the UNet's with a key `lora` of Nacre's own: rank, alpha and targets, which are names
of layers from a dot on, as peft's target_modules. The base is frozen, and B is not zero.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from bundle import perturb, record, write
from lora_adapters import adapt, saved_name

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"

CONFIG = {
    "sample_size": 6,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [4, 8],
    "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "attention_head_dim": 2,
    "cross_attention_dim": 6,
    "norm_num_groups": 2,
}
# Every kind of layer with every way to compute it: attention with a residual, GEGLU, convolutions of
# one pixel, with a shift by the timestep, with a stride, enlarged, an activation behind a linear layer.
LORA = {
    "rank": 3,
    "alpha": 4.5,
    "targets": [
        "to_q",
        "to_k",
        "to_v",
        "to_out.0",
        "ff.net.0.proj",
        "ff.net.2",
        "proj_in",
        "conv1",
        "conv2",
        "conv_shortcut",
        "time_emb_proj",
        "downsamplers.0.conv",
        "upsamplers.0.conv",
        "linear_1",
        "conv_in",
    ],
}


def parameters(module: nn.Module, trained: bool) -> dict[str, nn.Parameter]:
    return {saved_name(k): p for k, p in module.named_parameters() if p.requires_grad == trained}


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(81)
    g = torch.Generator().manual_seed(81)
    unet = UNet2DConditionModel(**CONFIG).eval()
    perturb(unet, g)
    adapt(unet, LORA, g)
    inputs = {
        "sample": torch.randn(2, 4, 6, 4, generator=g),
        "timestep": torch.tensor([981, 37]),
        "encoder_hidden_states": torch.randn(2, 5, CONFIG["cross_attention_dim"], generator=g),
    }

    def run(sample, timestep, encoder_hidden_states):
        return {"sample": unet(sample, timestep, encoder_hidden_states).sample}

    tensors = record(run, inputs, g, parameters(unet, trained=True))
    tensors |= {f"weight.{k}": v for k, v in parameters(unet, trained=False).items()}
    config = {k: v for k, v in unet.config.items() if not k.startswith("_")}
    write(FOLDER / "unet-lora", "UNet2DConditionModel", config | {"lora": LORA}, tensors)


if __name__ == "__main__":
    main()
