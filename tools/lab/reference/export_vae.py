"""Writes what diffusers draws with the tiny model of export_tiny_sd.py and another autoencoder.

`python tools/lab/reference/export_vae.py [FOLDER]`, by default tools/cli/src/test/resources/tiny-sd,
where export_tiny_sd.py wrote the model. The other autoencoder is the model's, changed by `change`
and with a scaling factor of its own, as in the test.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)

from export_inpainting import mask_picture
from export_tiny_sd import FOLDER, PROMPT, SIZE, first_picture

SCALING = 0.5
STEPS, GUIDANCE, SEED = 5, 4, 3


def change(vae: AutoencoderKL) -> AutoencoderKL:
    """Exact in f16."""
    changed = AutoencoderKL.from_config(vae.config, scaling_factor=SCALING)
    weights = vae.state_dict()
    weights["quant_conv.weight"] = weights["quant_conv.weight"] * 0.5
    weights["post_quant_conv.weight"] = weights["post_quant_conv.weight"] * 2
    weights["decoder.conv_out.weight"] = -weights["decoder.conv_out.weight"]
    changed.load_state_dict(weights)
    return changed.eval()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    out = folder / "vae"
    out.mkdir(parents=True, exist_ok=True)
    own = AutoencoderKL.from_pretrained(folder / "model/vae", torch_dtype=torch.float32)
    loaded = StableDiffusionPipeline.from_pretrained(
        folder / "model", vae=change(own), safety_checker=None, torch_dtype=torch.float32
    )
    loaded.scheduler = DDIMScheduler.from_config(loaded.scheduler.config)
    common = dict(prompt=PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE)
    width, height = SIZE
    for name, kind, arguments in (
        ("text", StableDiffusionPipeline, {"width": width, "height": height}),
        ("init", StableDiffusionImg2ImgPipeline, {"image": first_picture(), "strength": 0.6}),
        ("mask", StableDiffusionInpaintPipeline,
         {"image": first_picture(), "mask_image": mask_picture(), "width": width, "height": height}),
    ):
        pipeline = kind(**loaded.components, requires_safety_checker=False)
        pipeline.set_progress_bar_config(disable=True)
        image = pipeline(**common, **arguments, generator=torch.Generator().manual_seed(SEED)).images[0]
        image.save(out / f"{name}.png", optimize=True)
        pixels = np.asarray(image).astype(float)
        print(f"{name:8} mean {pixels.mean():6.1f} deviation {pixels.std():5.1f}")
    case = {"prompt": PROMPT, "steps": STEPS, "guidance": GUIDANCE, "seed": SEED, "scaling_factor": SCALING}
    (out / "case.json").write_text(json.dumps(case, indent=2) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
