"""Writes the pictures that diffusers draws with the tiny model of export_tiny_sd.py and each scheduler that
is not there yet: from noise, from a picture, and of a part of a picture; and with a UNet that takes the
guidance scale, as models distilled for few steps do.

`python tools/lab/reference/export_tiny_schedulers.py [FOLDER]`, by default
tools/cli/src/test/resources/tiny-sd, where export_tiny_sd.py wrote the model. The UNet that takes the
guidance is the same but for `time_embedding.cond_proj`, whose weights are 8 times `further(i)` of export_inpainting.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import (
    LatentConsistencyModelImg2ImgPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)

from export_inpainting import further, mask_picture
from export_tiny_sd import FOLDER, PROMPT, SIZE, first_picture

SDE = {"algorithm_type": "sde-dpmsolver++"}
SCHEDULERS = {
    "ddim": ("DDIMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "euler-beta": ("EulerDiscreteScheduler", {"use_beta_sigmas": True}),
    "heun": ("HeunDiscreteScheduler", {}),
    "heun-karras": ("HeunDiscreteScheduler", {"use_karras_sigmas": True}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2-a": ("KDPM2AncestralDiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "dpm++-2m-sde": ("DPMSolverMultistepScheduler", SDE),
    "dpm++-2m-sde-exponential": ("DPMSolverMultistepScheduler", SDE | {"use_exponential_sigmas": True}),
    "dpm++-2s": ("DPMSolverSinglestepScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
}
WIDTH = 6  # of the embedded guidance

OLD = ("ddim", "euler")  # of export_tiny_sd.py
NEW = [name for name in SCHEDULERS if name not in OLD]

CASES = [
    *({"name": name, "scheduler": name, "steps": 7, "guidance": 5, "seed": 1} for name in NEW),
    *(
        {"name": f"init-{name}", "scheduler": name, "steps": 8, "guidance": 6, "seed": 9, "strength": strength}
        for name, strength in zip(NEW, (0.5, 0.6, 0.75, 0.4, 0.8, 0.7, 0.6, 0.65, 0.9, 0.55, 0.5, 0.75, 0.5, 1.0))
    ),
    *(
        {"name": f"mask-{name}", "scheduler": name, "steps": 6, "guidance": 4, "seed": 3, "strength": 0.8, "mask": True}
        for name in ("heun", "dpm2", "dpm2-a", "unipc")
    ),
    *(
        {"name": f"eta-{name}", "scheduler": name, "steps": 5, "guidance": 3, "seed": 6, "eta": eta}
        for name, eta in (("ddim", 0.7), ("tcd", 0.3))
    ),
    *(
        {"name": f"distilled-{name}", "scheduler": name, "steps": 4, "guidance": guidance, "seed": 2, "distilled": True}
        for name, guidance in (("lcm", 8.5), ("tcd", 1), ("euler", 3))
    ),
    {"name": "distilled-init", "scheduler": "lcm", "steps": 5, "guidance": 2.5, "seed": 4, "strength": 0.6,
     "distilled": True},
    {"name": "distilled-within", "scheduler": "lcm", "steps": 4, "guidance": 8.5, "seed": 5, "strength": 0.5,
     "distilled": True, "pipeline": "LatentConsistencyModelPipeline"},
]


def distilled(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same with a projection of the embedded guidance."""
    other = UNet2DConditionModel.from_config(unet.config, time_cond_proj_dim=WIDTH)
    weights = unet.state_dict()
    count = other.time_embedding.cond_proj.weight.numel()
    values = torch.tensor([8 * further(i) for i in range(count)])
    weights["time_embedding.cond_proj.weight"] = values.reshape(-1, WIDTH)
    other.load_state_dict(weights)
    return other.eval()


def sample(pipeline: StableDiffusionPipeline, own, unets: dict, case: dict):
    kind, changes = SCHEDULERS[case["scheduler"]]
    components = pipeline.components | {
        "scheduler": getattr(diffusers, kind).from_config(own.config, **changes),
        "unet": unets["distilled" in case],
    }
    arguments = {
        "prompt": PROMPT,
        "num_inference_steps": case["steps"],
        "guidance_scale": case["guidance"],
        "eta": case.get("eta", 0.0),
        "generator": torch.Generator().manual_seed(case["seed"]),
    }
    width, height = SIZE
    kind = StableDiffusionPipeline
    if "mask" in case:
        kind = StableDiffusionInpaintPipeline
        arguments |= {"image": first_picture(), "mask_image": mask_picture(), "strength": case["strength"]}
        arguments |= {"width": width, "height": height}
    elif "strength" in case:
        kind = LatentConsistencyModelImg2ImgPipeline if "pipeline" in case else StableDiffusionImg2ImgPipeline
        arguments |= {"image": first_picture(), "strength": case["strength"]}
    else:
        arguments |= {"width": width, "height": height}
    if "pipeline" in case:
        del arguments["eta"]
    made = kind(**components, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made(**arguments).images[0]


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    out = folder / "schedulers"
    out.mkdir(parents=True, exist_ok=True)
    pipeline = StableDiffusionPipeline.from_pretrained(folder / "model", torch_dtype=torch.float32)
    own = pipeline.scheduler
    unets = {False: pipeline.unet, True: distilled(pipeline.unet)}
    for case in CASES:
        image = sample(pipeline, own, unets, case)
        image.save(out / f"{case['name']}.png", optimize=True)
        print(case["name"])
    (out / "cases.json").write_text(json.dumps(CASES, indent=2) + "\n")


if __name__ == "__main__":
    main()
