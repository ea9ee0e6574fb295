"""Writes the reference bundles of image encoders: DINOv2, MAE, CLIP's vision tower.

`python tools/lab/reference/export_encoders.py [FOLDER]`, by default
tools/cli/src/test/resources/bundles. Names are those that save_pretrained writes, which is checked.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import (CLIPVisionConfig, CLIPVisionModel, Dinov2Config, Dinov2Model,
                          Dinov2WithRegistersConfig, Dinov2WithRegistersModel, ViTMAEConfig,
                          ViTMAEModel)
from transformers.models.vit_mae.modeling_vit_mae import build_2d_sinusoidal_position_embedding

from bundle import perturb, record, write
from neural_assets import vit_disk_name

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"

SIZES = {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 20,
         "patch_size": 4, "num_channels": 3}
DINOV2 = {**SIZES, "mlp_ratio": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-6}
MAE = {**SIZES, "intermediate_size": 16, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
       "mask_ratio": 0.0}
CLIP = {**SIZES, "intermediate_size": 16, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}

# From names in memory to those on disk, which transformers 5 tells apart.
_DINOV2_NAMES = (
    ("attention.q_proj", "attention.attention.query"),
    ("attention.k_proj", "attention.attention.key"),
    ("attention.v_proj", "attention.attention.value"),
    ("attention.o_proj", "attention.output.dense"),
    ("mlp.down_proj", "mlp.weights_out"),
)


def dinov2_disk_name(name: str) -> str:
    for memory, disk in _DINOV2_NAMES:
        name = name.replace(memory, disk)
    return name


def stack(tensors: dict) -> dict:
    """On disk the two halves of SwiGLU's first layer are one tensor."""
    stacked = {}
    for name, tensor in tensors.items():
        if "mlp.gate_proj" in name:
            up = tensors[name.replace("gate_proj", "up_proj")]
            stacked[name.replace("gate_proj", "weights_in")] = torch.cat([tensor, up])
        elif "mlp.up_proj" not in name:
            stacked[name] = tensor
    return stacked


def check_names(model: torch.nn.Module, tensors: dict) -> None:
    """The weights are those of the file that transformers writes, under the same names."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        saved = load_file(Path(folder) / "model.safetensors")
    found = {k[len("weight."):]: v for k, v in tensors.items() if k.startswith("weight.")}
    if found.keys() != saved.keys():
        raise ValueError(f"not the names on disk: {sorted(found.keys() ^ saved.keys())}")
    for name, value in saved.items():
        if not torch.equal(found[name], value):
            raise ValueError(f"{name} is not what is saved")


def encoder(folder: Path, name: str, model: torch.nn.Module, config: dict, disk_name, run,
            seed: int, shape: tuple[int, ...]) -> None:
    g = torch.Generator().manual_seed(seed)
    perturb(model, g)
    inputs = {"pixel_values": torch.randn(*shape, generator=g)}
    frozen = {k: v for k, v in model.named_parameters() if not v.requires_grad}
    trained = {disk_name(k): v for k, v in model.named_parameters() if k not in frozen}
    tensors = record(run, inputs, g, trained)
    tensors |= {f"weight.{disk_name(k)}": v for k, v in frozen.items()}
    tensors = stack(tensors)
    check_names(model.eval(), tensors)
    config = {"model_type": model.config.model_type} | config
    write(folder / name, type(model).__name__, config, tensors)


def dinov2(folder: Path, name: str, seed: int, shape, registers: bool = False, **changes) -> None:
    torch.manual_seed(seed)
    config = DINOV2 | changes
    model = (Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**config)) if registers
             else Dinov2Model(Dinov2Config(**config))).eval()
    with torch.no_grad():  # so large that misplaced tokens cannot pass
        model.embeddings.position_embeddings.normal_()
        model.embeddings.cls_token.normal_()
        if registers:
            model.embeddings.register_tokens.normal_()
    model.embeddings.mask_token.requires_grad_(False)  # not used

    def run(pixel_values):
        out = model(pixel_values=pixel_values)
        return {"last_hidden_state": out.last_hidden_state, "pooler_output": out.pooler_output}

    encoder(folder, name, model, config, dinov2_disk_name, run, seed, shape)


def mae(folder: Path, name: str, seed: int, shape) -> None:
    torch.manual_seed(seed)
    model = ViTMAEModel(ViTMAEConfig(**MAE)).eval()
    with torch.no_grad():  # a bare model has zeros; in files are those of initialize_weights
        fixed = build_2d_sinusoidal_position_embedding(5, 5, MAE["hidden_size"], cls_token=True)
        half = fixed.shape[1] // 2
        fixed = torch.cat([fixed[:, half:], fixed[:, :half]], dim=1)
        model.embeddings.position_embeddings.copy_(fixed[None])

    def run(pixel_values):  # noise that increases keeps the patches in their order
        patches = (shape[2] // MAE["patch_size"]) * (shape[3] // MAE["patch_size"])
        noise = torch.arange(patches).expand(shape[0], patches)
        out = model(pixel_values=pixel_values, noise=noise, interpolate_pos_encoding=True)
        return {"last_hidden_state": out.last_hidden_state}

    encoder(folder, name, model, MAE, vit_disk_name, run, seed, shape)


def clip(folder: Path, name: str, seed: int, shape, **changes) -> None:
    torch.manual_seed(seed)
    config = CLIP | changes
    model = CLIPVisionModel(CLIPVisionConfig(**config)).eval()
    with torch.no_grad():
        model.embeddings.position_embedding.weight.normal_()

    def run(pixel_values):
        out = model(pixel_values=pixel_values, interpolate_pos_encoding=True)
        return {"last_hidden_state": out.last_hidden_state, "pooler_output": out.pooler_output}

    encoder(folder, name, model, config, lambda k: k, run, seed, shape)


def main(folder: Path) -> None:
    dinov2(folder, "dinov2", 51, (2, 3, 20, 20), num_hidden_layers=2)
    dinov2(folder, "dinov2-other-size", 52, (1, 3, 13, 28))  # 5 x 5 positions become 3 x 7
    dinov2(folder, "dinov2-swiglu", 53, (1, 3, 20, 20), use_swiglu_ffn=True, mlp_ratio=3)
    dinov2(folder, "dinov2-registers", 54, (1, 3, 20, 20), registers=True, num_register_tokens=3)
    dinov2(folder, "dinov2-registers-other-size", 55, (1, 3, 8, 28), registers=True)
    mae(folder, "vit-mae", 56, (2, 3, 20, 20))
    mae(folder, "vit-mae-other-size", 57, (1, 3, 12, 28))
    clip(folder, "clip-vision", 58, (2, 3, 20, 20), num_hidden_layers=2)
    clip(folder, "clip-vision-other-size", 59, (1, 3, 14, 28), hidden_act="gelu")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
