"""Writes the reference bundles that the tests compare with: PyTorch, diffusers and transformers.

`python tools/lab/reference/export_bundles.py [FOLDER]`, by default tools/cli/src/test/resources/bundles.
Sizes are odd on purpose and small enough to commit.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.embeddings import Timesteps
from torch import nn
from transformers import ViTConfig, ViTModel

from bundle import perturb, record, write
from neural_assets import vit_disk_name

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"


def seeded(seed: int) -> torch.Generator:
    torch.manual_seed(seed)  # the initializers draw from the global state
    return torch.Generator().manual_seed(seed)


def layer(folder, name, module, config, shape, seed):
    """A torch.nn layer with one input x and one output out."""
    g = seeded(seed)
    built = module(**config)
    perturb(built, g)
    x = torch.randn(shape, generator=g)
    tensors = record(lambda x: {"out": built(x)}, {"x": x}, g, dict(built.named_parameters()))
    write(folder / name, module.__name__, config, tensors)


def layers(folder: Path) -> None:
    linear = {"in_features": 13, "out_features": 7, "bias": True}
    layer(folder, "linear", nn.Linear, linear, (3, 5, 13), 1)
    layer(folder, "linear-no-bias", nn.Linear, linear | {"bias": False}, (11, 13), 2)
    conv = {"in_channels": 5, "out_channels": 7, "kernel_size": 3, "stride": 1, "padding": 1}
    layer(folder, "conv2d-3x3", nn.Conv2d, conv, (2, 5, 9, 6), 3)
    layer(folder, "conv2d-3x3-stride2", nn.Conv2d, conv | {"stride": 2}, (2, 5, 9, 6), 4)
    point = conv | {"kernel_size": 1, "padding": 0}
    layer(folder, "conv2d-1x1", nn.Conv2d, point, (3, 5, 4, 7), 5)
    patches = conv | {"kernel_size": 4, "stride": 4, "padding": 0, "bias": False}
    layer(folder, "conv2d-patchify", nn.Conv2d, patches, (2, 5, 8, 12), 6)
    group = {"num_groups": 3, "num_channels": 9, "eps": 1e-5}
    layer(folder, "group-norm", nn.GroupNorm, group, (2, 9, 5, 7), 7)
    layer(folder, "layer-norm", nn.LayerNorm, {"normalized_shape": [19], "eps": 1e-6}, (3, 7, 19), 8)
    layer(folder, "silu", nn.SiLU, {}, (3, 37), 9)
    layer(folder, "gelu", nn.GELU, {"approximate": "none"}, (3, 37), 10)
    layer(folder, "gelu-tanh", nn.GELU, {"approximate": "tanh"}, (3, 37), 11)
    layer(folder, "softmax", nn.Softmax, {"dim": -1}, (3, 5, 23), 12)


def attention(folder: Path, name: str, q_shape, kv_shape, seed: int, causal=False) -> None:
    g = seeded(seed)
    inputs = {
        "query": torch.randn(q_shape, generator=g),
        "key": torch.randn(kv_shape, generator=g),
        "value": torch.randn(kv_shape, generator=g),
    }
    config = {"is_causal": True} if causal else {}
    tensors = record(
        lambda query, key, value: {
            "out": F.scaled_dot_product_attention(query, key, value, **config)
        },
        inputs,
        g,
    )
    if kv_shape[2] == 1:
        # The one weight is always 1: nothing but noise reaches query and key.
        del tensors["grad.input.query"], tensors["grad.input.key"]
    write(folder / name, "ScaledDotProductAttention", config, tensors)


def timesteps(
    folder: Path, name: str, channels: int, flip: bool, shift: float, at=(0, 1, 17, 500, 999)
) -> None:
    embed = Timesteps(channels, flip_sin_to_cos=flip, downscale_freq_shift=shift)
    inputs = {"timesteps": torch.tensor(at)}
    tensors = record(
        lambda timesteps: {"out": embed(timesteps)}, inputs, seeded(1), differentiate=False
    )
    config = {"num_channels": channels, "flip_sin_to_cos": flip, "downscale_freq_shift": shift}
    write(folder / name, "Timesteps", config, tensors)


def unet(
    folder: Path, name: str, config: dict, spatial, tokens: int, seed: int, timestep=(3, 771)
) -> None:
    g = seeded(seed)
    n = len(timestep)
    model = UNet2DConditionModel(**config).eval()
    perturb(model, g)
    inputs = {
        "sample": torch.randn(n, config["in_channels"], *spatial, generator=g),
        "timestep": torch.tensor(timestep),
        "encoder_hidden_states": torch.randn(n, tokens, config["cross_attention_dim"], generator=g),
    }

    if config.get("time_cond_proj_dim"):
        inputs["timestep_cond"] = torch.randn(n, config["time_cond_proj_dim"], generator=g)

    def run(sample, timestep, encoder_hidden_states, timestep_cond=None):
        return {"sample": model(sample, timestep, encoder_hidden_states, timestep_cond=timestep_cond).sample}

    tensors = record(run, inputs, g, dict(model.named_parameters()))
    full = {k: v for k, v in model.config.items() if not k.startswith("_")}
    write(folder / name, "UNet2DConditionModel", full, tensors)


def unets(folder: Path) -> None:
    pixel = {
        "sample_size": 8,
        "in_channels": 5,
        "out_channels": 3,
        "block_out_channels": [8, 12],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "attention_head_dim": [2, 3],
        "cross_attention_dim": 9,
        "use_linear_projection": True,
        "norm_num_groups": 4,
    }
    unet(folder, "unet-two-levels", pixel, (8, 6), 11, 21)
    latent = pixel | {
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": [4, 8, 8],
        "layers_per_block": 2,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "attention_head_dim": 2,
        "use_linear_projection": False,
        "norm_num_groups": 2,
    }
    unet(folder, "unet-three-levels", latent, (8, 12), 7, 22)
    distilled = {"time_cond_proj_dim": 6, "block_out_channels": [4, 4], "cross_attention_dim": 4}
    distilled |= {"attention_head_dim": 2, "norm_num_groups": 2}
    distilled |= {"down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"]}
    distilled |= {"up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]}
    unet(folder, "unet-guidance", pixel | distilled, (4, 6), 3, 23)


def autoencoder(folder: Path, name: str, config: dict, inputs: dict, seed: int, disk_name=str) -> None:
    """Encoder, decoder or both, as the inputs' shapes ask for; `disk_name` may change names."""
    g = seeded(seed)
    model = AutoencoderKL(**config).eval()
    perturb(model, g)
    inputs = {k: torch.randn(shape, generator=g) for k, shape in inputs.items()}
    used = ("encoder.", "quant_conv.") if "image" in inputs else ()
    used += ("decoder.", "post_quant_conv.") if "latent" in inputs else ()

    def run(image=None, latent=None):
        outputs = {}
        if image is not None:
            outputs["moments"] = model.encode(image).latent_dist.parameters
        if latent is not None:
            outputs["decoded"] = model.decode(latent).sample
        return outputs

    parameters = dict(model.named_parameters())
    tensors = record(
        run, inputs, g, {disk_name(k): v for k, v in parameters.items() if k.startswith(used)}
    )
    # The other half's weights belong to the checkpoint, too.
    tensors |= {f"weight.{disk_name(k)}": v for k, v in parameters.items()}
    full = {k: v for k, v in model.config.items() if not k.startswith("_")}
    write(folder / name, "AutoencoderKL", full, tensors)


def autoencoders(folder: Path) -> None:
    config = {
        "in_channels": 3,
        "out_channels": 3,
        "block_out_channels": [4, 8],
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
        "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
        "layers_per_block": 1,
        "latent_channels": 3,
        "norm_num_groups": 2,
        "sample_size": 16,
    }
    autoencoder(folder, "vae-encode", config, {"image": (2, 3, 10, 14)}, 23)
    autoencoder(folder, "vae-decode", config, {"latent": (2, 3, 5, 7)}, 24)


def vit(folder: Path, name: str, config: dict, seed: int, batch: int = 2) -> None:
    g = seeded(seed)
    model = ViTModel(ViTConfig(**config), add_pooling_layer=False).eval()
    perturb(model, g)
    side = config["image_size"]
    inputs = {"pixel_values": torch.randn(batch, config["num_channels"], side, side, generator=g)}
    weights = {vit_disk_name(k): v for k, v in model.named_parameters()}

    def run(pixel_values):
        return {"last_hidden_state": model(pixel_values=pixel_values).last_hidden_state}

    write(folder / name, "ViTModel", config, record(run, inputs, g, weights))


def vits(folder: Path) -> None:
    config = {
        "image_size": 12,
        "patch_size": 4,
        "num_channels": 3,
        "hidden_size": 18,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 29,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-6,
        "qkv_bias": True,
    }
    vit(folder, "vit", config, 31)
    vit(folder, "vit-no-qkv-bias", config | {"qkv_bias": False, "num_hidden_layers": 1}, 32)


def adamw(folder: Path, name: str, config: dict, seed: int) -> None:
    g = seeded(seed)
    steps, shape = 6, (5, 7)
    start = torch.randn(shape, generator=g)
    # Sizes from tiny to large, so that epsilon matters in some elements.
    gradients = torch.randn((steps, *shape), generator=g) * 10 ** torch.linspace(-9, 1, 7)
    p = nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([p], **config)
    after = []
    for gradient in gradients:
        p.grad = gradient.clone()
        optimizer.step()
        after.append(p.detach().clone())
    tensors = {"input.param": start, "input.grad": gradients, "output.param": torch.stack(after)}
    config = config | {"betas": list(config["betas"])}
    write(folder / name, "AdamW", config, tensors, tolerance=1e-6)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    layers(folder)
    attention(folder, "attention-self", (2, 3, 17, 5), (2, 3, 17, 5), 13)
    attention(folder, "attention-cross", (2, 2, 19, 8), (2, 2, 7, 8), 14)
    timesteps(folder, "timesteps", 32, True, 0.0)
    timesteps(folder, "timesteps-odd", 11, False, 1.0)
    unets(folder)
    autoencoders(folder)
    vits(folder)
    adamw(folder, "adamw", {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}, 51)
    adamw(
        folder, "adamw-no-decay", {"lr": 3e-3, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.0}, 52
    )


if __name__ == "__main__":
    main()
