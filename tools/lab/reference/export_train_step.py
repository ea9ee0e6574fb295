"""Writes one whole training step of a tiny Neural Assets model as a reference bundle.

`python tools/lab/reference/export_train_step.py [FOLDER]`. case.json holds the preset under `config`.
tensors.safetensors holds, in PyTorch's layouts:

  input.source, input.target [B, 3, S, S] in [-1, 1] · input.boxes [B, N, 4] · input.poses [B, N, 12]
  input.background_pose [B, 12] · input.keep [B] (0: tokens dropped) · input.timestep [B] int64 ·
  input.noise (folded shape)
  weight.<name>        every parameter before the step, under checkpoint names
  output.tokens, output.noisy, output.prediction, output.loss [1], cotangent.loss [1] (1)
  grad.weight.<name>   gradients of the loss before clipping, of what is trained: with a key `lora` in
                       the preset the UNet's adapters instead of its own weights
  grad_norm [1]        their norm
  updated.<name>       parameters after clipping and one AdamW step from a zero state
  sampled.image        DDIM, `sampling` of the preset, from input.noise, with the old parameters,
                       conditioned on the step's own source, boxes and poses, nothing dropped
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

import neural_assets
from bundle import perturb, write
from lora_adapters import adapt

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"


def tiny(preset: dict) -> dict:
    """The structure of a preset at the smallest widths."""
    config = {k: dict(v) if isinstance(v, dict) else v for k, v in preset.items()}
    config["image_size"] = 16
    config["unet"] |= {
        "sample_size": 8,
        "block_out_channels": [8, 16],
        "attention_head_dim": [2, 4],
        "cross_attention_dim": 12,
        "norm_num_groups": 4,
    }
    config["image_encoder"] |= {
        "image_size": 16,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 24,
    }
    config["asset_tokens"] |= {"appearance_dim": 7, "pose_dim": 9, "pose_hidden": 10}
    config["asset_tokens"] |= {"background_hidden": 6}
    # The norm must exceed the limit for clipping to be seen. Adam's first step is g / (|g| + eps):
    # with the usual eps, gradients that are zero but for rounding would move parameters at random.
    config["training"] |= {"batch_size": 4, "max_grad_norm": 0.25, "adam_epsilon": 1e-4}
    config["sampling"] |= {"num_inference_steps": 4}
    return config


def scene(config: dict, slots: int, g: torch.Generator) -> dict:
    b, size = config["training"]["batch_size"], config["image_size"]
    low = torch.rand(b, slots, 2, generator=g) * 0.6
    boxes = torch.cat([low, low + 0.1 + torch.rand(b, slots, 2, generator=g) * 0.4], -1)
    center = torch.randn(b, slots, 1, 3, generator=g) + torch.tensor([0.0, 0.0, 6.0])
    edges = torch.linalg.qr(torch.randn(b, slots, 3, 3, generator=g))[0]
    corners = torch.cat([center, center + edges], 2)
    uv = 0.5 + 1.1 * corners[..., :2] / corners[..., 2:]
    poses = torch.cat([uv, corners[..., 2:]], -1).flatten(2)
    boxes[0, -1] = 0  # an object that the source frame does not show
    boxes[1, -1] = 0
    poses[1, -1] = 0  # a slot without an object
    turn = torch.linalg.qr(torch.randn(b, 3, 3, generator=g))[0]
    shift = torch.randn(b, 3, 1, generator=g)
    return {
        "source": torch.rand(b, 3, size, size, generator=g) * 2 - 1,
        "target": torch.rand(b, 3, size, size, generator=g) * 2 - 1,
        "boxes": boxes,
        "poses": poses,
        "background_pose": torch.cat([turn, shift], -1).flatten(1),
    }


def export(folder: Path, name: str, config: dict, seed: int) -> None:
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    model = neural_assets.NeuralAssets(config)
    perturb(model, g)
    if "lora" in config:
        adapt(model.unet, config["lora"], g)
    schedule = neural_assets.scheduler(config)
    inputs = scene(config, 3, g)
    clean = neural_assets.fold_image(inputs["target"], config["fold"])
    keep = torch.ones(clean.shape[0])
    keep[2] = 0
    steps = torch.tensor([7, 250, 640, 990])
    noise = torch.randn(clean.shape, generator=g)
    named = model.disk_parameters()
    before = {f"weight.{k}": v.detach().clone() for k, v in named.items()}
    named = {k: v for k, v in named.items() if v.requires_grad}

    scene_inputs = {k: v for k, v in inputs.items() if k != "target"}
    settings = config["sampling"]
    sampled = neural_assets.sample(
        model,
        schedule,
        **scene_inputs,
        noise=noise,
        steps=settings["num_inference_steps"],
        guidance=settings["guidance_scale"],
    )

    tokens = model.tokens(**scene_inputs, keep=keep)
    noisy = schedule.add_noise(clean, noise, steps)
    prediction = model.denoise(noisy, steps, tokens)
    wanted = neural_assets.training_target(schedule, clean, noise, steps)
    value = F.mse_loss(prediction, wanted)
    value.backward()
    gradients = {f"grad.weight.{k}": v.grad.clone() for k, v in named.items()}
    recipe = config["training"]
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["max_grad_norm"])
    if norm <= recipe["max_grad_norm"]:
        raise ValueError(f"the gradient norm {norm} is not clipped, which would test nothing")
    torch.optim.AdamW(
        model.parameters(),
        lr=recipe["learning_rate"],
        betas=(recipe["adam_beta1"], recipe["adam_beta2"]),
        eps=recipe["adam_epsilon"],
        weight_decay=recipe["weight_decay"],
    ).step()

    tensors = {f"input.{k}": v for k, v in inputs.items()}
    tensors |= {"input.keep": keep, "input.timestep": steps, "input.noise": noise}
    tensors |= before | gradients
    tensors |= {"output.tokens": tokens, "output.noisy": noisy, "output.prediction": prediction}
    tensors |= {"output.loss": value.reshape(1), "cotangent.loss": torch.ones(1)}
    tensors |= {"grad_norm": norm.reshape(1)}
    tensors |= {f"updated.{k}": v for k, v in named.items()}
    tensors |= {"sampled.image": sampled}
    write(folder / name, "NeuralAssetsTrainStep", config, tensors)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    here = Path(__file__).resolve().parent
    demo = tiny(neural_assets.load_config(here / "train_step.json"))
    export(folder, "train-step-demo", demo, 61)
    # The paper's own choices: no aid but the fold, epsilon on the latent schedule.
    paper = tiny(neural_assets.load_config(here / "train_step.json"))
    paper["coordinate_octaves"] = 0
    paper["unet"] |= {"in_channels": 12}
    paper["asset_tokens"] |= {"depth_scale": 1.0, "derived_box": False, "pose_octaves": 0}
    paper["scheduler"] |= {
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
        "timestep_spacing": "leading",
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
    }
    export(folder, "train-step-paper", paper, 62)
    # Adapters of peft beside some layers of the UNet, whose own weights are frozen.
    adapted = tiny(neural_assets.load_config(here / "train_step.json"))
    adapted["lora"] = {"rank": 2, "alpha": 3.0, "targets": ["to_q", "to_k", "to_v", "to_out.0", "net.0.proj", "conv1"]}
    export(folder, "train-step-lora", adapted, 63)


if __name__ == "__main__":
    main()
