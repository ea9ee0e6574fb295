"""Writes a tiny 3DIT (Michel et al., 2023) with what PyTorch computes with it.

`python tools/lab/reference/export_3dit.py [FOLDER]`, by default
evaluation/src/test/resources/nacre/evaluation/threedit. Two files:

  checkpoint.ckpt          as PyTorch Lightning writes it, weights in f16: model.diffusion_model.*,
                           cc_projection.*, first_stage_model.*, cond_stage_model.model.visual.* (as
                           OpenAI's CLIP), cond_stage_model.text_model.transformer.*
  case.safetensors         in PyTorch's layouts:
    input.ids [B, 7] int64 · input.source, input.target [B, 3, 16, 16] in [-1, 1] · input.T [B, 4] ·
    input.drawn [B]: the number that decides what is dropped · input.timestep [B] int64 ·
    input.noise, input.latent_noise [B, 4, 8, 8] · input.steps [4, B, 4, 8, 8]: noise of the steps
    output.image_pixels, what the image encoder sees · output.tokens [B, 8, 12] · output.context, after
    cc_projection, nothing dropped · output.concat, the source's latent · output.loss
    grad.<name> of the UNet and cc_projection under diffusers' names, updated.<name> after a step of
    AdamW at LR, ten times it for cc_projection
    sampled.{unguided,guided} [B, 3, 16, 16]: DDIM, 4 steps, eta 1, guidance 1 and 3

The renaming of UNet and autoencoder is checked against diffusers' own converters.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.loaders import single_file_utils
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from bundle import perturb

FOLDER = Path(__file__).resolve().parents[3] / "evaluation/src/test/resources/nacre/evaluation/threedit"
WIDTH = 12
LR = 1e-3
EPS = 1e-4  # Adam's first step is g / (|g| + eps): larger than what rounding makes of a zero
UNCONDITIONAL = 0.05

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
CLIP_LAYER = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}


def unet_names(levels: int, layers: int) -> dict:
    names = {
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "conv_in": "input_blocks.0.0",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
        "mid_block.attentions.0": "middle_block.1",
    }
    resnets = {"mid_block.resnets.0": "middle_block.0", "mid_block.resnets.1": "middle_block.2"}
    place = 1
    for level in range(levels):
        for layer in range(layers):
            resnets[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{place}.0"
            names[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{place}.1"
            place += 1
        if level < levels - 1:
            names[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{place}.0.op"
            place += 1
    place = 0
    for level in range(levels):
        for layer in range(layers + 1):
            resnets[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{place}.0"
            names[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{place}.1"
            place += 1
        if level < levels - 1:
            names[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{place - 1}.2.conv"
    for ours, theirs in resnets.items():
        names |= {f"{ours}.{k}": f"{theirs}.{v}" for k, v in RESNET.items()}
    return names


def vae_names(levels: int, layers: int) -> dict:
    names = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
    resnets = {}
    for coder in ("encoder", "decoder"):
        names[f"{coder}.conv_in"] = f"{coder}.conv_in"
        names[f"{coder}.conv_norm_out"] = f"{coder}.norm_out"
        names[f"{coder}.conv_out"] = f"{coder}.conv_out"
        resnets[f"{coder}.mid_block.resnets.0"] = f"{coder}.mid.block_1"
        resnets[f"{coder}.mid_block.resnets.1"] = f"{coder}.mid.block_2"
        attention = {f"{coder}.mid_block.attentions.0.{k}": f"{coder}.mid.attn_1.{v}" for k, v in VAE_ATTENTION.items()}
        names |= attention
    for level in range(levels):
        for layer in range(layers):
            resnets[f"encoder.down_blocks.{level}.resnets.{layer}"] = f"encoder.down.{level}.block.{layer}"
        up = levels - 1 - level
        for layer in range(layers + 1):
            resnets[f"decoder.up_blocks.{level}.resnets.{layer}"] = f"decoder.up.{up}.block.{layer}"
        if level < levels - 1:
            names[f"encoder.down_blocks.{level}.downsamplers.0.conv"] = f"encoder.down.{level}.downsample.conv"
            names[f"decoder.up_blocks.{level}.upsamplers.0.conv"] = f"decoder.up.{up}.upsample.conv"
    for ours, theirs in resnets.items():
        for part in ("norm1", "conv1", "norm2", "conv2"):
            names[f"{ours}.{part}"] = f"{theirs}.{part}"
        names[f"{ours}.conv_shortcut"] = f"{theirs}.nin_shortcut"
    return names


def renamed(state: dict, names: dict) -> dict:
    """The longest name that applies decides."""
    out = {}
    for name, tensor in state.items():
        ours = max((n for n in names if name == n or name.startswith(n + ".")), key=len)
        out[names[ours] + name[len(ours) :]] = tensor
    return out


def openai_visual(state: dict) -> dict:
    """CLIPVisionModelWithProjection's tensors under the names of OpenAI's CLIP."""
    out = {}
    for name, tensor in state.items():
        if name == "visual_projection.weight":
            out["proj"] = tensor.T
            continue
        name = name.removeprefix("vision_model.")
        simple = {
            "embeddings.class_embedding": "class_embedding",
            "embeddings.patch_embedding.weight": "conv1.weight",
            "embeddings.position_embedding.weight": "positional_embedding",
        }
        if name in simple:
            out[simple[name]] = tensor
        elif name.startswith("pre_layrnorm."):
            out[name.replace("pre_layrnorm", "ln_pre")] = tensor
        elif name.startswith("post_layernorm."):
            out[name.replace("post_layernorm", "ln_post")] = tensor
        elif ".self_attn.q_proj." in name:
            kind = name.rsplit(".", 1)[1]
            layer = name.split(".")[2]
            stacked = [state["vision_model." + name.replace("q_proj", p)] for p in ("q_proj", "k_proj", "v_proj")]
            out[f"transformer.resblocks.{layer}.attn.in_proj_{kind}"] = torch.cat(stacked)
        elif ".self_attn.out_proj." in name:
            out[name.replace("encoder.layers", "transformer.resblocks").replace("self_attn", "attn")] = tensor
        elif ".self_attn." not in name:
            layer = name.split(".")[2]
            rest = name.split(".", 3)[3]
            part, kind = rest.rsplit(".", 1)
            out[f"transformer.resblocks.{layer}.{CLIP_LAYER[part]}.{kind}"] = tensor
    return out


class ThreeDit(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel(
            sample_size=8,
            in_channels=8,
            out_channels=4,
            block_out_channels=(8, 12),
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            attention_head_dim=2,
            cross_attention_dim=WIDTH,
            norm_num_groups=4,
        )
        self.vae = AutoencoderKL(
            block_out_channels=(4, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=2,
            sample_size=16,
        )
        self.text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=40,
                hidden_size=WIDTH,
                intermediate_size=24,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=7,
                bos_token_id=38,
                eos_token_id=39,
            )
        )
        self.image = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=16,
                intermediate_size=24,
                projection_dim=WIDTH,
                num_hidden_layers=1,
                num_attention_heads=2,
                image_size=12,
                patch_size=4,
            )
        )
        self.cc_projection = torch.nn.Linear(WIDTH + 4, WIDTH)

    def image_pixels(self, x: torch.Tensor) -> torch.Tensor:
        x = F.interpolate(x, size=(12, 12), mode="bicubic", align_corners=True)
        mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
        std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
        return ((x + 1) / 2 - mean) / std

    def tokens(self, ids: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        text = self.text(input_ids=ids).last_hidden_state
        image = self.image(pixel_values=self.image_pixels(source)).image_embeds
        return torch.cat([text, image[:, None]], 1)

    def context(self, tokens: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        return self.cc_projection(torch.cat([tokens, turn[:, None].expand(-1, tokens.shape[1], -1)], -1))

    def noise_of(self, noisy, concat, timestep, context) -> torch.Tensor:
        return self.unet(torch.cat([noisy, concat], 1), timestep, context).sample


def main(folder: Path) -> None:
    torch.manual_seed(12)
    g = torch.Generator().manual_seed(12)
    model = ThreeDit().eval()
    perturb(model, g)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1 and name.split(".")[0] in ("text", "image"):
                p.mul_(15 if "embedding" in name else 4)
            if ".to_q." in name or ".to_k." in name:
                p.mul_(2)
            p.copy_(p.half().float())
    for part in (model.vae, model.text, model.image):
        part.requires_grad_(False)
    b = 4
    x = {
        "ids": torch.randint(0, 38, (b, 7), generator=g),
        "source": torch.rand(b, 3, 16, 16, generator=g) * 2 - 1,
        "target": torch.rand(b, 3, 16, 16, generator=g) * 2 - 1,
        "T": torch.tensor(
            [
                [math.pi / 2, math.sin(0.7), math.cos(0.7), 0],
                [0, 0.3, 0.8, 0],
                [0, 0, 0, 0],
                [math.pi / 2, math.sin(-2.0), math.cos(-2.0), 0],
            ]
        ),
        # nothing, tokens, tokens and picture, picture
        "drawn": torch.tensor([0.6, 0.02, 0.07, 0.12]),
        "timestep": torch.tensor([30, 400, 777, 999]),
        "noise": torch.randn(b, 4, 8, 8, generator=g),
        "latent_noise": torch.randn(b, 4, 8, 8, generator=g),
        "steps": torch.randn(4, b, 4, 8, 8, generator=g),
    }
    schedule = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    with torch.no_grad():
        tokens = model.tokens(x["ids"], x["source"])
        concat = model.vae.encode(x["source"]).latent_dist.mode()
        posterior = model.vae.encode(x["target"]).latent_dist
        clean = (posterior.mean + posterior.std * x["latent_noise"]) * 0.18215
    r = x["drawn"]
    kept_tokens = torch.where((r < 2 * UNCONDITIONAL)[:, None, None], torch.zeros(1, 1, WIDTH), tokens)
    kept_concat = concat * (1 - ((r >= UNCONDITIONAL) & (r < 3 * UNCONDITIONAL)).float())[:, None, None, None]
    noisy = schedule.add_noise(clean, x["noise"], x["timestep"])
    predicted = model.noise_of(noisy, kept_concat, x["timestep"], model.context(kept_tokens, x["T"]))
    loss = F.mse_loss(predicted, x["noise"])
    loss.backward()
    trained = {f"unet.{n}": p for n, p in model.unet.named_parameters()}
    trained |= {f"cc_projection.{n}": p for n, p in model.cc_projection.named_parameters()}
    out = {f"input.{k}": v for k, v in x.items()}
    out["output.image_pixels"] = model.image_pixels(x["source"])
    out["output.tokens"] = tokens
    out["output.context"] = model.context(tokens, x["T"])
    out["output.concat"] = concat
    out["output.loss"] = loss.reshape(1)
    out |= {f"grad.{n}": p.grad for n, p in trained.items()}

    with torch.no_grad():
        for name, scale in (("unguided", 1.0), ("guided", 3.0)):
            schedule.set_timesteps(4)
            latent = x["noise"]
            context = model.context(tokens, x["T"])
            for i, t in enumerate(schedule.timesteps):
                predicted = model.noise_of(latent, concat, t, context)
                if scale != 1:
                    without = model.noise_of(latent, concat, t, torch.zeros_like(context))
                    predicted = without + scale * (predicted - without)
                latent = schedule.step(predicted, t, latent, eta=1.0, variance_noise=x["steps"][i]).prev_sample
            out[f"sampled.{name}"] = model.vae.decode(latent / 0.18215).sample

    unet = renamed(model.unet.state_dict(), unet_names(2, 1))
    vae = renamed(model.vae.state_dict(), vae_names(2, 1))
    check(unet, model.unet, single_file_utils.convert_ldm_unet_checkpoint, "model.diffusion_model.")
    check(vae, model.vae, single_file_utils.convert_ldm_vae_checkpoint, "first_stage_model.")
    checkpoint = {f"model.diffusion_model.{k}": v for k, v in unet.items()}
    for name, tensor in vae.items():
        pointwise = ".mid.attn_1." in name and tensor.dim() == 2  # the original has 1x1 convolutions there
        checkpoint[f"first_stage_model.{name}"] = tensor[:, :, None, None] if pointwise else tensor
    checkpoint |= {f"cc_projection.{k}": v for k, v in model.cc_projection.state_dict().items()}
    checkpoint |= {f"cond_stage_model.model.visual.{k}": v for k, v in openai_visual(model.image.state_dict()).items()}
    for name, tensor in model.text.state_dict().items():
        full = name if name.startswith("text_model.") else "text_model." + name
        checkpoint["cond_stage_model.text_model.transformer." + full] = tensor
    checkpoint["cond_stage_model.model.logit_scale"] = torch.tensor(4.6)
    checkpoint["betas"] = schedule.betas
    folder.mkdir(parents=True, exist_ok=True)
    lightning = {
        "epoch": 1,
        "global_step": 20,
        "pytorch-lightning_version": "1.4.2",
        "state_dict": {k: v.detach().half().contiguous() for k, v in checkpoint.items()},
        "optimizer_states": [{"state": {0: {"step": 20, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": LR}]}],
    }
    torch.save(lightning, folder / "checkpoint.ckpt")

    decay = {"weight_decay": 0.01, "eps": EPS}
    groups = [
        {"params": list(model.unet.parameters()), "lr": LR},
        {"params": list(model.cc_projection.parameters()), "lr": 10 * LR},
    ]
    torch.optim.AdamW(groups, **decay).step()
    out |= {f"updated.{n}": p for n, p in trained.items() if p.numel() <= 200 or "cc_" in n}
    save(out, folder / "case.safetensors")


def check(state: dict, model: torch.nn.Module, converter, prefix: str) -> None:
    back = converter({prefix + k: v for k, v in state.items()}, dict(model.config))
    for name, tensor in model.state_dict().items():
        assert torch.equal(back[name].reshape(tensor.shape), tensor), name


def save(tensors: dict, file: Path) -> None:
    save_file({k: v.detach().clone().contiguous() for k, v in sorted(tensors.items())}, file)
    print(f"{file.name:28} {len(tensors):4} tensors {file.stat().st_size / 1000:8.1f} kB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
