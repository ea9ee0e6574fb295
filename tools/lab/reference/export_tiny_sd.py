"""Writes a tiny Stable Diffusion folder (random weights, all parts, a real tokenizer of a small
vocabulary) and the images that diffusers samples from it.

`python tools/lab/reference/export_tiny_sd.py [FOLDER]`, by default tools/cli/src/test/resources/tiny-sd.
The folder is laid out as those of the hub; weights are f16 as in their fp16 variants, computing is
in f32. Beside it, `epsilon` and `v-prediction` hold the images and a `cases.json` each.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import small_tokenizer
from bundle import perturb

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/tiny-sd"
SIZE = (48, 32)  # width, height

SCHEDULERS = {
    "ddim": (DDIMScheduler, {}),
    "ddpm": (DDPMScheduler, {}),
    "pndm": (PNDMScheduler, {"skip_prk_steps": True}),
    "euler": (EulerDiscreteScheduler, {}),
    "dpm++": (DPMSolverMultistepScheduler, {}),
    "dpm++-karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
}

PROMPT = "A painting of a fox, it's highly detailed: 8k!"

CASES = [
    {"name": "own", "steps": 6, "guidance": 7.5, "seed": 42},
    *(
        {"name": name, "scheduler": name, "steps": 7, "guidance": 5, "seed": 1, "negative": "blurry, low quality"}
        for name in SCHEDULERS
    ),
    {"name": "unguided", "scheduler": "euler", "steps": 5, "guidance": 1, "seed": 4294967295},
    {"name": "three", "scheduler": "ddpm", "steps": 4, "guidance": 3, "seed": 7, "images": 3},
    {"name": "tall", "scheduler": "dpm++", "steps": 4, "guidance": 7.5, "seed": 3, "size": [24, 40]},
    {"name": "long", "scheduler": "ddim", "steps": 3, "guidance": 4, "seed": 5, "prompt": "a red fox " * 30},
    *(
        {"name": f"init-{name}", "scheduler": name, "steps": 8, "guidance": 6, "seed": 9, "strength": strength}
        for name, strength in (("ddim", 0.5), ("pndm", 0.6), ("euler", 0.75), ("dpm++-karras", 0.4), ("ddpm", 1.0))
    ),
]


def unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=4,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=(1, 2, 2),
        cross_attention_dim=16,
        use_linear_projection=True,
        norm_num_groups=4,
    )


def vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=32,
    )


def text_encoder(vocabulary: int) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            hidden_act="gelu",
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
        )
    )


def liven(module: torch.nn.Module, gain: float, generator: torch.Generator) -> None:
    """Makes random weights tell inputs apart, and exact in f16."""
    perturb(module, generator)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if p.dim() > 1:
                p.mul_(20 if "embedding" in name and "time" not in name else gain)
            p.copy_(p.half().float())


def write_scheduler(folder: Path, prediction: str) -> None:
    """As the hub's files for Stable Diffusion 1.5 and 2.1 have it.

    diffusers would write the defaults of its class, too, and another class would then take them for
    choices.
    """
    config = {
        "_class_name": "PNDMScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "clip_sample": False,
        "num_train_timesteps": 1000,
        "prediction_type": prediction,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "trained_betas": None,
    }
    (folder / "scheduler").mkdir(parents=True, exist_ok=True)
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(config, indent=2) + "\n")


def build(folder: Path, prediction: str) -> StableDiffusionPipeline:
    torch.manual_seed(11)
    g = torch.Generator().manual_seed(11)
    vocabulary = small_tokenizer.write(folder / "tokenizer", pad="!")
    parts = {"unet": unet(), "vae": vae(), "text_encoder": text_encoder(vocabulary)}
    for part, gain in (("unet", 1.3), ("vae", 1.2), ("text_encoder", 1)):
        liven(parts[part].eval(), gain, g)
    write_scheduler(folder, prediction)
    return StableDiffusionPipeline(
        **parts,
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        scheduler=PNDMScheduler.from_pretrained(folder / "scheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def save(pipeline: StableDiffusionPipeline, folder: Path) -> None:
    """As the hub has it: f16, and the tokenizer and scheduler as they were."""
    with tempfile.TemporaryDirectory() as saved:
        pipeline.to(torch.float16).save_pretrained(saved)
        pipeline.to(torch.float32)
        for part in ("unet", "vae", "text_encoder"):
            shutil.copytree(Path(saved) / part, folder / part, dirs_exist_ok=True)
        shutil.copy(Path(saved) / "model_index.json", folder)
    index = json.loads((folder / "model_index.json").read_text())
    index["tokenizer"] = ["transformers", "CLIPTokenizer"]
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def first_picture() -> Image.Image:
    """Smooth colors with a hard edge; diffusers scales it down to 48 x 32."""
    x, y = np.meshgrid(np.linspace(0, 1, 53), np.linspace(0, 1, 37))
    rgb = np.stack([x, y, (x + y > 1) * 0.8], axis=-1)
    return Image.fromarray((255 * rgb).round().astype(np.uint8))


def sample(pipeline: StableDiffusionPipeline, own, case: dict) -> list[Image.Image]:
    kind, changes = SCHEDULERS.get(case.get("scheduler"), (type(own), {}))
    pipeline.scheduler = kind.from_config(own.config, **changes)
    arguments = {
        "prompt": case.get("prompt", PROMPT),
        "negative_prompt": case.get("negative"),
        "num_inference_steps": case["steps"],
        "guidance_scale": case["guidance"],
        "num_images_per_prompt": case.get("images", 1),
    }
    seeds = range(case["seed"], case["seed"] + case.get("images", 1))
    arguments["generator"] = [torch.Generator().manual_seed(seed) for seed in seeds]
    if "strength" in case:
        img2img = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
        img2img.set_progress_bar_config(disable=True)
        images = [first_picture()] * len(seeds)
        return img2img(**arguments, image=images, strength=case["strength"]).images
    width, height = case.get("size", SIZE)
    return pipeline(**arguments, width=width, height=height).images


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    model = folder / "model"
    pipeline = build(model, "epsilon")
    save(pipeline, model)
    pipeline.set_progress_bar_config(disable=True)
    for prediction in ("epsilon", "v_prediction"):
        out = folder / prediction.replace("_", "-")
        out.mkdir(parents=True, exist_ok=True)
        first_picture().save(out / "init.png")
        with tempfile.TemporaryDirectory() as changed:
            write_scheduler(Path(changed), prediction)
            scheduler = PNDMScheduler.from_pretrained(Path(changed) / "scheduler")
        for case in CASES:
            for i, image in enumerate(sample(pipeline, scheduler, case)):
                image.save(out / f"{case['name']}-{i}.png", optimize=True)
                pixels = np.asarray(image).astype(float)
                print(f"{prediction:13} {case['name']:18} mean {pixels.mean():6.1f} deviation {pixels.std():5.1f}")
        cases = [{"prompt": PROMPT, "size": list(SIZE)} | case for case in CASES]
        (out / "cases.json").write_text(json.dumps(cases, indent=2) + "\n")


if __name__ == "__main__":
    main()
