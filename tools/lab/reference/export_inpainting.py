"""Writes the pictures that diffusers' StableDiffusionInpaintPipeline draws with the tiny model of
export_tiny_sd.py: as it is, with 4 channels, and with a UNet of 9 channels.

`python tools/lab/reference/export_inpainting.py [FOLDER]`, by default tools/cli/src/test/resources/tiny-sd,
where export_tiny_sd.py wrote the model. The UNet of 9 channels is the same but for its first
convolution, whose further weights are `further(i)`, as in the test.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image, ImageDraw

from export_tiny_sd import FOLDER, PROMPT, SCHEDULERS, SIZE, first_picture

CASES = [
    *(
        {"name": f"{channels}-{name}", "channels": channels, "scheduler": name, "steps": 6, "guidance": 5, "seed": 1}
        for channels in (4, 9)
        for name in SCHEDULERS
    ),
    *(
        {"name": f"{channels}-strength-{name}", "channels": channels, "scheduler": name, "steps": 8, "guidance": 3,
         "seed": 9, "strength": strength}
        for channels in (4, 9)
        for name, strength in (("ddpm", 0.5), ("euler", 0.75), ("pndm", 0.6), ("dpm++", 0.4))
    ),
    *(
        {"name": f"{channels}-three", "channels": channels, "scheduler": "ddpm", "steps": 4, "guidance": 1,
         "seed": 7, "images": 3, "strength": 0.8, "size": [24, 40]}
        for channels in (4, 9)
    ),
]


def further(i: int) -> float:
    """Exact in f16."""
    return ((7 * i + 3) % 17 - 8) / 32


def widened(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same with 9 channels, the last 5 after the first 4 in each filter."""
    wide = UNet2DConditionModel.from_config(unet.config, in_channels=9)
    weights = unet.state_dict()
    first = weights["conv_in.weight"]
    filters, _, height, width = first.shape
    values = [further(i) for i in range(filters * 5 * height * width)]
    more = torch.tensor(values).reshape(filters, 5, height, width)
    weights["conv_in.weight"] = torch.cat([first, more], dim=1)
    wide.load_state_dict(weights)
    return wide.eval()


def mask_picture() -> Image.Image:
    """An ellipse with soft edges, in color, of another size than the picture."""
    mask = Image.new("RGB", (41, 29))
    ImageDraw.Draw(mask).ellipse((9, 5, 30, 22), fill="white")
    x = np.linspace(0, 1, 41)[None, :, None]
    shades = np.asarray(mask) * (0.3 + 0.7 * x) * np.array([1.0, 0.9, 0.8])
    return Image.fromarray(shades.round().astype(np.uint8))


def sample(pipeline: StableDiffusionInpaintPipeline, own, case: dict) -> list[Image.Image]:
    kind, changes = SCHEDULERS[case["scheduler"]]
    pipeline.scheduler = kind.from_config(own.config, **changes)
    seeds = range(case["seed"], case["seed"] + case.get("images", 1))
    width, height = case.get("size", SIZE)
    return pipeline(
        prompt=PROMPT,
        image=[first_picture()] * len(seeds),
        mask_image=[mask_picture()] * len(seeds),
        num_inference_steps=case["steps"],
        guidance_scale=case["guidance"],
        num_images_per_prompt=len(seeds),
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        width=width,
        height=height,
        **({"strength": case["strength"]} if "strength" in case else {}),
    ).images


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    out = folder / "inpainting"
    out.mkdir(parents=True, exist_ok=True)
    mask_picture().save(out / "mask.png", optimize=True)
    loaded = StableDiffusionPipeline.from_pretrained(folder / "model", safety_checker=None, torch_dtype=torch.float32)
    unets = {4: loaded.unet, 9: widened(loaded.unet)}
    for case in CASES:
        parts = {**loaded.components, "unet": unets[case["channels"]]}
        pipeline = StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)
        pipeline.set_progress_bar_config(disable=True)
        for i, image in enumerate(sample(pipeline, loaded.scheduler, case)):
            image.save(out / f"{case['name']}-{i}.png", optimize=True)
            pixels = np.asarray(image).astype(float)
            print(f"{case['name']:24} mean {pixels.mean():6.1f} deviation {pixels.std():5.1f}")
    cases = [{"prompt": PROMPT, "size": list(SIZE)} | case for case in CASES]
    (out / "cases.json").write_text(json.dumps(cases, indent=2) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
