"""Writes what diffusers makes of the configs of the tiny Stable Diffusion, and its defaults for keys
that a config lacks: what the configs of a run must come to that begins with it.

`python tools/lab/reference/export_saved_configs.py [FOLDER]`, by default
tools/cli/src/test/resources/tiny-sd, which must hold `model`; writes `saved-configs.json` there.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, UNet2DConditionModel

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/tiny-sd"


def plain(value):
    return list(value) if isinstance(value, tuple) else value


def keys(config: dict) -> dict:
    return {k: plain(v) for k, v in sorted(config.items()) if not k.startswith("_")}


def defaults(cls) -> dict:
    parameters = inspect.signature(cls.__init__).parameters.values()
    return keys({p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty})


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    model = folder / "model"
    unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet")
    vae = AutoencoderKL.from_pretrained(model, subfolder="vae")
    pndm = PNDMScheduler.from_pretrained(model, subfolder="scheduler")
    # As StableDiffusionPipeline mends it: latents are not clipped.
    ddim = DDIMScheduler.from_config(pndm.config, clip_sample=False)
    written = {}
    for name, part in (("unet", unet), ("vae", vae), ("scheduler", ddim)):
        known = defaults(type(part))
        config = {k: v for k, v in keys(part.config).items() if k in known}
        written[name] = {"class": type(part).__name__, "config": config, "defaults": known}
    text = json.dumps(written, indent=1, sort_keys=True)
    (folder / "saved-configs.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
