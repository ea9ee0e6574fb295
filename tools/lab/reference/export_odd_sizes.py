"""Writes more reference bundles, for the variety of users' checkpoints and pictures.

`python tools/lab/reference/export_odd_sizes.py [FOLDER]`, by default tools/cli/src/test/resources/bundles.
Heads of 8 to 160 channels, contexts of 1, 9, 77 and 96 tokens, batches of 1 and 3, pictures that
are not square and cannot be halved evenly, and every switch of the configs that is built.
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import nn

from export_bundles import FOLDER, attention, autoencoder, layer, timesteps, unet, vit


def layers(folder: Path) -> None:
    conv = {"in_channels": 33, "out_channels": 17, "kernel_size": 3, "stride": 1, "padding": 1}
    layer(folder, "conv2d-one-row", nn.Conv2d, conv, (1, 33, 1, 11), 61)
    half = {"in_channels": 16, "out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1}
    layer(folder, "conv2d-halved-odd", nn.Conv2d, half, (3, 16, 5, 9), 62)
    group = {"num_groups": 32, "num_channels": 96, "eps": 1e-6}
    layer(folder, "group-norm-32-groups", nn.GroupNorm, group, (1, 96, 3, 5), 63)
    row = {"normalized_shape": [320], "eps": 1e-5}
    layer(folder, "layer-norm-320", nn.LayerNorm, row, (1, 9, 320), 64)
    wide = {"in_features": 77, "out_features": 129, "bias": True}
    layer(folder, "linear-wide", nn.Linear, wide, (3, 9, 77), 65)
    layer(folder, "softmax-channels", nn.Softmax, {"dim": 1}, (3, 77, 9), 66)


def attentions(folder: Path) -> None:
    """[B, heads, T, D] of the queries and of keys and values."""
    attention(folder, "attention-8", (3, 2, 15, 8), (3, 2, 96, 8), 71)
    attention(folder, "attention-40", (1, 2, 12, 40), (1, 2, 77, 40), 72)
    attention(folder, "attention-64", (3, 1, 15, 64), (3, 1, 9, 64), 73)
    attention(folder, "attention-64-self", (1, 2, 21, 64), (1, 2, 21, 64), 74)
    attention(folder, "attention-80", (1, 1, 14, 80), (1, 1, 77, 80), 75)
    attention(folder, "attention-160", (3, 1, 15, 160), (3, 1, 1, 160), 76)
    attention(folder, "attention-160-self", (1, 2, 6, 160), (1, 2, 6, 160), 77)
    attention(folder, "attention-causal", (1, 2, 77, 8), (1, 2, 77, 8), 78, causal=True)


def unets(folder: Path) -> None:
    base = {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": [4, 8, 8],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "attention_head_dim": 2,
        "cross_attention_dim": 6,
        "norm_num_groups": 2,
    }
    # As Stable Diffusion 1.5: one number of heads, convolutions around the transformers. The sides
    # halve to 9, 5, 3 and 7, 4, 2.
    unet(folder, "unet-1-77-odd", base, (9, 7), 77, 81, timestep=[981])
    # As 2.1: a number of heads for each level, linear layers, scores in f32.
    second = base | {
        "attention_head_dim": [1, 2, 4],
        "use_linear_projection": True,
        "upcast_attention": True,
        "only_cross_attention": [False, False, False],
        "sample_size": [8, 8],
    }
    unet(folder, "unet-3-96", second, (4, 12), 96, 82, timestep=[0, 500, 999])
    # As distilled models: no middle block. No padding where the size is halved, another order of
    # sinusoids, more than one transformer block, blocks that differ in number.
    distilled = base | {
        "block_out_channels": [4, 8],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "mid_block_type": None,
        "layers_per_block": [2, 1],
        "transformer_layers_per_block": [1, 2],
        "downsample_padding": 0,
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "norm_eps": 1e-6,
    }
    unet(folder, "unet-3-1-no-middle", distilled, (4, 6), 1, 83, timestep=[1, 250, 333])
    flat = base | {
        "block_out_channels": [8],
        "down_block_types": ["CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D"],
        "use_linear_projection": True,
    }
    unet(folder, "unet-1-9-one-level", flat, (3, 5), 9, 84, timestep=[20])


def old_name(name: str) -> str:
    """Of the autoencoder's attention, as files from before 2023 have it."""
    for new, old in {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}.items():
        name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return name


def autoencoders(folder: Path) -> None:
    base = {
        "block_out_channels": [4, 4, 8],
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 2,
    }
    odd = {"image": (1, 3, 11, 15), "latent": (1, 4, 3, 5)}
    autoencoder(folder, "vae-1-odd-old-names", base, odd, 91, old_name)
    plain = base | {
        "block_out_channels": [4, 8],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "in_channels": 1,
        "out_channels": 1,
        "layers_per_block": 2,
        "mid_block_add_attention": False,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
        "shift_factor": 0.1,
        "force_upcast": False,
        "sample_size": [16, 16],
    }
    autoencoder(folder, "vae-3-plain", plain, {"image": (3, 1, 6, 10), "latent": (3, 4, 4, 2)}, 92)


def vits(folder: Path) -> None:
    config = {
        "image_size": 15,
        "patch_size": 3,
        "num_channels": 1,
        "hidden_size": 40,
        "num_hidden_layers": 1,
        "num_attention_heads": 5,
        "intermediate_size": 24,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "qkv_bias": True,
    }
    vit(folder, "vit-1-heads-of-8", config, 93, batch=1)
    other = {"hidden_size": 24, "num_attention_heads": 1, "hidden_act": "quick_gelu"}
    vit(folder, "vit-3-quick-gelu", config | other, 94, batch=3)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    layers(folder)
    attentions(folder)
    timesteps(folder, "timesteps-between", 320, True, 0.0, (0.0, 0.5, 141.375, 998.25, 999.0))
    unets(folder)
    autoencoders(folder)
    vits(folder)


if __name__ == "__main__":
    main()
