"""Lists every tensor of Stable Diffusion 1.5 and 2.1 in both dialects, for the tests of loading.

`python tools/lab/reference/export_manifests.py [FOLDER]`, by default the test resources of `diffusion`.

The names under which the original code saved are spelled out below; that they are right is checked
by diffusers' own conversion: it must turn them, each one and each third of a fused projection, into
exactly the tensors of the models that diffusers and transformers build from the same configs.

A manifest is {component: [[original name, its shape, [names in diffusers], their shape], ...]},
and under "leftover" [[name, shape], ...]: what the published files hold that no model wants.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as diffusers_code
from transformers import CLIPTextConfig, CLIPTextModel

ROOT = Path(__file__).resolve().parents[3] / "diffusion/src"
CONFIGS = ROOT / "main/resources/nacre/diffusion/checkpoint"
OUT = ROOT / "test/resources/nacre/diffusion/checkpoint"

RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
          "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
UNET = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2", "conv_norm_out": "out.0", "conv_out": "out.2"}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
CLIP = {"embeddings.token_embedding.weight": "token_embedding.weight",
        "embeddings.position_embedding.weight": "positional_embedding",
        "final_layer_norm.": "ln_final.", "encoder.layers.": "transformer.resblocks.",
        "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
        "self_attn": "attn"}
SCHEDULE = ["betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod",
            "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod",
            "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance",
            "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2"]


def original_unet(name: str, levels: int, layers: int) -> str:
    step = layers + 1
    if m := re.fullmatch(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.+)", name):
        return f"input_blocks.{step * (int(m[1]) + 1)}.0.op.{m[2]}"
    if m := re.fullmatch(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.+)", name):
        return f"output_blocks.{step * int(m[1]) + layers}.{1 if m[1] == '0' else 2}.conv.{m[2]}"
    if m := re.fullmatch(r"(down|up|mid)_block(?:s\.(\d+))?\.(resnets|attentions)\.(\d+)\.(.+)", name):
        way, level, kind, index, rest = m[1], int(m[2] or 0), m[3], int(m[4]), m[5]
        if kind == "resnets":
            part, _, leaf = rest.partition(".")
            rest = f"{RESNET[part]}.{leaf}"
        attention = int(kind == "attentions")
        if way == "mid":
            return f"middle_block.{1 if attention else 2 * index}.{rest}"
        block = step * level + index + (1 if way == "down" else 0)
        return f"{'in' if way == 'down' else 'out'}put_blocks.{block}.{attention}.{rest}"
    part, _, leaf = name.rpartition(".")
    return f"{UNET[part]}.{leaf}"


def original_vae(name: str, levels: int) -> str:
    name = re.sub(r"up_blocks\.(\d+)", lambda m: f"up.{levels - 1 - int(m[1])}", name)
    name = re.sub(r"mid_block\.resnets\.(\d+)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    if m := re.fullmatch(r"(.*)mid_block\.attentions\.0\.(.+)\.(\w+)", name):
        return f"{m[1]}mid.attn_1.{ATTENTION[m[2]]}.{m[3]}"
    for new, old in [("down_blocks.", "down."), ("resnets.", "block."), ("conv_norm_out", "norm_out"),
                     ("conv_shortcut", "nin_shortcut"), ("samplers.0.conv", "sample.conv")]:
        name = name.replace(new, old)
    return name


def original_open_clip(name: str) -> str:
    for new, old in CLIP.items():
        name = name.replace(new, old)
    return re.sub(r"attn\.[qkv]_proj\.(\w+)", r"attn.in_proj_\1", name)


def rows(model: torch.nn.Module, original, convert, prefix: str = "", pointwise=lambda name: False):
    """Renames a model's tensors by `original` and has `convert` rename them back.

    Tensors are told apart by their values: the number of the original tensor, and by quarters which
    part of it. They are expanded scalars, so that none takes memory.
    """
    wanted = {prefix + k: list(v.shape) for k, v in model.state_dict().items()}
    names: dict[str, list[str]] = {}
    for name in wanted:
        names.setdefault(original(name), []).append(name)
    state, listed, expected = {}, [], {}
    for number, (old, new) in enumerate(names.items()):
        if len(new) == 3:
            new.sort(key=lambda n: "qkv".index(re.search(r"([qkv])_proj", n)[1]))
        shape = wanted[new[0]]
        stored = shape + [1, 1] if pointwise(old) and len(shape) == 2 else shape
        parts = [torch.full([1] * len(stored), number + i / 4).expand(stored) for i in range(len(new))]
        state[old] = torch.cat(parts) if len(new) > 1 else parts[0]
        listed.append([old, list(state[old].shape), new, shape])
        expected.update({n: number + i / 4 for i, n in enumerate(new)})
    converted = convert(state)
    found = {k: list(v.shape) for k, v in converted.items()}
    if found != wanted:
        raise ValueError(f"{set(found.items()) ^ set(wanted.items())}")
    for name, value in converted.items():
        if not (value.flatten()[0] == value.flatten()[-1] == expected[name]):
            raise ValueError(f"{name} comes from another tensor")
    return listed


def add_prefix(listed: list, prefix: str) -> list:
    return [[prefix + old, *rest] for old, *rest in listed]


def manifest(config: dict) -> dict:
    unet_config, vae_config = config["unet/config.json"], config["vae/config.json"]
    text_config = CLIPTextConfig(**config["text_encoder/config.json"])
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(unet_config)
        vae = AutoencoderKL.from_config(vae_config)
        text = CLIPTextModel(text_config)
    levels, layers = len(unet_config["block_out_channels"]), unet_config["layers_per_block"]

    def convert_unet(state):
        state = {diffusers_code.LDM_UNET_KEY + k: v for k, v in state.items()}
        return diffusers_code.convert_ldm_unet_checkpoint(state, unet_config)

    def convert_vae(state):
        state = {diffusers_code.LDM_VAE_KEYS[0] + k: v for k, v in state.items()}
        return diffusers_code.convert_ldm_vae_checkpoint(state, vae_config)

    open_clip = unet_config["cross_attention_dim"] == 1024
    text_prefix = "cond_stage_model." + ("model." if open_clip else "transformer.")

    def convert_text(state):
        state = {text_prefix + k: v for k, v in state.items()}
        if open_clip:
            holder = SimpleNamespace(config=text_config)
            return diffusers_code.convert_open_clip_checkpoint(holder, state, text_prefix)
        return diffusers_code.convert_ldm_clip_checkpoint(state)

    # The original code's names have the prefix that transformers dropped in version 5.
    prefix = "" if any(k.startswith("text_model.") for k in text.state_dict()) else "text_model."
    original_text = (lambda n: original_open_clip(n.removeprefix("text_model."))) if open_clip else str
    return {
        "unet": add_prefix(
            rows(unet, lambda n: original_unet(n, levels, layers), convert_unet),
            diffusers_code.LDM_UNET_KEY,
        ),
        "vae": add_prefix(
            rows(vae, lambda n: original_vae(n, len(vae_config["block_out_channels"])), convert_vae,
                 pointwise=lambda n: re.search(r"attn_1\.(q|k|v|proj_out)\.weight", n)),
            diffusers_code.LDM_VAE_KEYS[0],
        ),
        "text_encoder": add_prefix(rows(text, original_text, convert_text, prefix), text_prefix),
        "leftover": leftover(text_config, open_clip),
    }


def leftover(text: CLIPTextConfig, open_clip: bool) -> list:
    listed = [[name, [1000]] for name in SCHEDULE]
    listed += [["model_ema.decay", []], ["model_ema.num_updates", []]]
    if not open_clip:
        return listed + [["cond_stage_model.transformer.text_model.embeddings.position_ids", [1, 77]]]
    # The text encoder's last layer, which the UNet was trained without.
    width, inner = text.hidden_size, text.intermediate_size
    last = f"cond_stage_model.model.transformer.resblocks.{text.num_hidden_layers}."
    shapes = {"attn.in_proj_weight": [3 * width, width], "attn.in_proj_bias": [3 * width],
              "attn.out_proj.weight": [width, width], "attn.out_proj.bias": [width],
              "ln_1.weight": [width], "ln_1.bias": [width], "ln_2.weight": [width],
              "ln_2.bias": [width], "mlp.c_fc.weight": [inner, width], "mlp.c_fc.bias": [inner],
              "mlp.c_proj.weight": [width, inner], "mlp.c_proj.bias": [width]}
    listed += [[last + name, shape] for name, shape in shapes.items()]
    model = "cond_stage_model.model."
    return listed + [[model + "text_projection", [width, width]], [model + "logit_scale", []]]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for config in sorted(CONFIGS.glob("*.json")):
        lists = manifest(json.loads(config.read_text()))
        text = json.dumps(lists, separators=(",", ":"))
        file = folder / f"{config.stem}.manifest.json.gz"
        file.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
        counts = ", ".join(f"{len(rows)} {name}" for name, rows in lists.items())
        print(f"{file.name:32} {file.stat().st_size:6} bytes  {counts}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
