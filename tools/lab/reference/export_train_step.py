"""Writes whole training steps of tiny Neural Assets models as reference bundles.

`python tools/lab/reference/export_train_step.py [FOLDER]`. case.json holds the preset under `config`.
tensors.safetensors holds, in PyTorch's layouts:

  input.source, input.target [B, 3, S, S] in [-1, 1] · input.boxes [B, N, 4] · input.poses [B, N, 12]
  input.background_pose [B, 12] · input.keep [B] (0: tokens dropped) · input.timestep [B] int64 ·
  input.noise [B, c, s, s] · with a vae input.latent_noise, with which its posterior is sampled, and
  with an object_weight input.target_boxes [B, N, 4]
  of variants input.source_poses [B, N, 12], input.keep_source [B] (0: the UNet does not see the source)
  weight.<name>        every parameter before the step, under checkpoint names
  output.tokens, output.noisy, output.prediction, output.loss [1], cotangent.loss [1] (1); with a vae
  output.clean         the target frames' latents
  grad.weight.<name>   gradients of the loss before clipping, of what is trained: no autoencoder, no
                       encoder whose learning rate is 0, and with a key `lora` in the preset the
                       UNet's adapters instead of its own weights
  grad_norm [1]        their norm
  updated.<name>       parameters after clipping and one AdamW step from a zero state
  sampled.image        DDIM, `sampling` of the preset, from input.noise, with the old parameters,
                       conditioned on the step's own source, boxes and poses, nothing dropped
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

import neural_assets
from bundle import perturb, write
from lora_adapters import adapt
from variants import Variant

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


def poses_before(poses: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    """The same boxes elsewhere: scaled in depth and moved in the picture, which keeps boxes boxes."""
    factor = 0.8 + 0.4 * torch.rand(poses.shape[0], poses.shape[1], 1, 1, generator=g)
    corner = poses.unflatten(-1, (4, 3))
    uv, depth = corner[..., :2], corner[..., 2:]
    point = torch.cat([uv * depth, depth], -1) * factor
    point[..., 0] += 0.2 * point[..., 2]
    there = poses.abs().sum(-1)[..., None, None] > 0
    uv = torch.where(there, point[..., :2] / torch.where(there, point[..., 2:], 1), 0)
    return torch.cat([uv, torch.where(there, point[..., 2:], 0)], -1).flatten(2)


def sharpen(model: neural_assets.NeuralAssets) -> None:
    """Makes attention choose. At first it averages, and hardly a gradient reaches queries and keys."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.startswith("vit.") and p.dim() == 2:
                p.mul_(8)
        for name, p in model.unet.named_parameters():
            if ".to_q." in name or ".to_k." in name:
                p.mul_(3)


def export(folder: Path, name: str, config: dict, seed: int, kind=neural_assets.NeuralAssets) -> None:
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    model = kind(config)
    perturb(model, g)
    if model.vae is not None:
        sharpen(model)
    if "lora" in config:
        adapt(model.unet, config["lora"], g)
    schedule = neural_assets.scheduler(config)
    inputs = scene(config, 3, g)
    noise = torch.randn(model.to_samples(inputs["target"]).shape, generator=g)
    latent_noise = None if model.vae is None else torch.randn(noise.shape, generator=g)
    clean = model.to_samples(inputs["target"], latent_noise)
    keep = torch.ones(clean.shape[0])
    keep[2] = 0
    keep_source = torch.ones(keep.shape)
    if kind is Variant:
        inputs["source_poses"] = poses_before(inputs["poses"], g)
        keep_source[1] = 0
    steps = torch.tensor([7, 250, 640, 990])
    recipe = config["training"]
    weights = None
    if "object_weight" in recipe:
        target_boxes = scene(config, 3, g)["boxes"]
        weights = model.object_weights(target_boxes, recipe["object_weight"])
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
    prediction = model.denoise(noisy, steps, tokens, model.seen(inputs["source"], keep_source))
    wanted = neural_assets.training_target(schedule, clean, noise, steps)
    value = neural_assets.error(prediction, wanted, weights)
    value.backward()
    gradients = {f"grad.weight.{k}": v.grad.clone() for k, v in named.items()}
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["max_grad_norm"])
    if norm <= recipe["max_grad_norm"]:
        raise ValueError(f"the gradient norm {norm} is not clipped, which would test nothing")
    neural_assets.optimizer(model).step()

    tensors = {f"input.{k}": v for k, v in inputs.items()}
    tensors |= {"input.keep": keep, "input.timestep": steps, "input.noise": noise}
    if kind is Variant:
        tensors |= {"input.keep_source": keep_source}
    if latent_noise is not None:
        tensors |= {"input.latent_noise": latent_noise, "output.clean": clean}
    if weights is not None:
        tensors |= {"input.target_boxes": target_boxes}
    tensors |= before | gradients
    tensors |= {"output.tokens": tokens, "output.noisy": noisy, "output.prediction": prediction}
    tensors |= {"output.loss": value.reshape(1), "cotangent.loss": torch.ones(1)}
    tensors |= {"grad_norm": norm.reshape(1)}
    tensors |= {f"updated.{k}": v for k, v in named.items()}
    tensors |= {"sampled.image": sampled}
    write(folder / name, "NeuralAssetsTrainStep", config, tensors)


def latent(preset: dict) -> dict:
    """The paper's pipeline: latents of 4 by 4 pixels each, and an encoder with pixels of its own."""
    config = tiny(preset)
    config |= {"image_size": 16, "fold": 1, "coordinate_octaves": 0}
    config["vae"] = {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "block_out_channels": [4, 4, 4],
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "layers_per_block": 1,
        "norm_num_groups": 2,
        "act_fn": "silu",
        "sample_size": 16,
        "scaling_factor": 0.18215,
    }
    config["unet"] |= {
        "sample_size": 4,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": [8, 8],
        "norm_num_groups": 2,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
        "cross_attention_dim": 10,
    }
    config["image_encoder"] |= {"image_size": 8, "hidden_size": 12, "num_attention_heads": 3}
    config["asset_tokens"] |= {
        "depth_scale": 1.0,
        "derived_box": False,
        "pose_octaves": 0,
        "initial_gain": 1.0,
        "image_size": 12,  # smaller than the frames, larger than what the ViT has positions for
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    config["scheduler"] |= PAPER_SCHEDULER
    config["training"] |= {"token_learning_rate_factor": 4}
    return config


def small(config: dict) -> dict:
    """The same with half the channels."""
    narrow = {k: dict(v) if isinstance(v, dict) else v for k, v in config.items()}
    narrow["unet"] |= {"block_out_channels": [4, 4], "attention_head_dim": [2, 2], "norm_num_groups": 1}
    narrow["vae"] |= {"block_out_channels": [2, 2, 2]}
    return narrow


PAPER_SCHEDULER = {
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    torch.set_num_threads(1)
    preset = neural_assets.load_config(Path(__file__).resolve().parent / "train_step.json")
    export(folder, "train-step-demo", tiny(preset), 61)
    # The paper's own choices: no aid but the fold, epsilon on the latent schedule.
    paper = tiny(preset)
    paper["coordinate_octaves"] = 0
    paper["unet"] |= {"in_channels": 12}
    paper["asset_tokens"] |= {"depth_scale": 1.0, "derived_box": False, "pose_octaves": 0}
    paper["scheduler"] |= PAPER_SCHEDULER
    export(folder, "train-step-paper", paper, 62)
    # Adapters of peft beside some layers of the UNet, whose own weights are frozen.
    adapted = tiny(preset)
    adapted["lora"] = {"rank": 2, "alpha": 3.0, "targets": ["to_q", "to_k", "to_v", "to_out.0", "net.0.proj", "conv1"]}
    export(folder, "train-step-lora", adapted, 63)
    # As a base of Stable Diffusion 1 is built: one number of heads, projections that are convolutions.
    sd1 = latent(preset)
    sd1["unet"] |= {"attention_head_dim": 8, "use_linear_projection": False}
    sd1["training"] |= {"encoder_learning_rate_factor": 0.5}
    export(folder, "train-step-sd1", sd1, 64)
    # As a base of Stable Diffusion 2 is built, with v, and an encoder that is frozen.
    sd2 = latent(preset)
    sd2["scheduler"] |= {"prediction_type": "v_prediction"}
    sd2["training"] |= {"encoder_learning_rate_factor": 0}
    export(folder, "train-step-sd2", sd2, 65)
    # As the demo: clean latents are predicted, objects count more, every aid but the fold.
    aided = latent(preset)
    aided["coordinate_octaves"] = 1
    aided["unet"] |= {"in_channels": 8}
    aided["asset_tokens"] = tiny(preset)["asset_tokens"] | {"initial_gain": 1.0}
    aided["scheduler"] |= preset["scheduler"] | {"prediction_type": "sample", "clip_sample": False}
    aided["training"] |= {"object_weight": 4}
    export(folder, "train-step-latents", aided, 66)
    # 3DIT for several objects: the UNet sees the source frame, tokens are boxes.
    narrow = small(aided)
    boxes = narrow | {"unet_input": "source"}
    boxes["unet"] = narrow["unet"] | {"in_channels": 12}
    boxes["asset_tokens"] = narrow["asset_tokens"] | {"content": "boxes"}
    export(folder, "train-step-boxes", boxes, 67, Variant)
    # Every key that tokens of appearance have, with a background that has no pose, or none.
    geometry = small(aided)
    geometry["asset_tokens"] |= {"background": "no_pose", "corners": 8, "encoder_positions": False}
    geometry["asset_tokens"] |= {"source_pose": True, "surface_rays": 2}
    export(folder, "train-step-geometry", geometry, 68, Variant)
    objects = small(aided)
    objects["asset_tokens"] |= {"background": "none", "corners": 3, "roi_size": 1}
    export(folder, "train-step-objects", objects, 69, Variant)


if __name__ == "__main__":
    main()
