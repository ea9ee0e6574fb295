"""Checks that every part of a model which `nacre train` saved loads in diffusers and transformers without
a warning, and that UNet, autoencoder and image encoder compute the same there.

`python tools/lab/reference/check_saved_model.py FOLDER [NACRE]`: FOLDER is a model folder, such as
`ema` of a checkpoint; NACRE is the command, by default ./nacre. Exit status 0 if all agrees.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler

import check_saved_encoder
import check_saved_unet
from bundle import record, write


def autoencoder(folder: Path, nacre: str) -> int:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, info = AutoencoderKL.from_pretrained(
            folder, subfolder="vae", output_loading_info=True, low_cpu_mem_usage=False
        )
    complaints = [str(w.message) for w in caught if "vae" in str(w.message).lower()]
    complaints += [f"{kind}: {names}" for kind, names in info.items() if names]
    for complaint in complaints:
        print("warning:", complaint)
    model = model.float().eval()
    factor = 2 ** (len(model.config.block_out_channels) - 1)

    def run(image, latent):
        moments = model.quant_conv(model.encoder(image)) if model.quant_conv else model.encoder(image)
        return {"moments": moments, "decoded": model.decode(latent).sample}

    g = torch.Generator().manual_seed(3)
    inputs = {
        "image": torch.rand(1, 3, 4 * factor, 2 * factor, generator=g) * 2 - 1,
        "latent": torch.randn(1, model.config.latent_channels, 2, 4, generator=g),
    }
    with torch.no_grad(), tempfile.TemporaryDirectory() as scratch:
        weights = dict(model.named_parameters())
        tensors = record(run, inputs, torch.Generator(), weights, differentiate=False)
        config = {k: v for k, v in model.config.items() if not k.startswith("_")}
        bundle = Path(scratch) / "saved-vae"
        write(bundle, "AutoencoderKL", config, tensors, tolerance=1e-3)
        status = subprocess.run([nacre, "verify", str(bundle)], check=False).returncode
    return status or len(complaints)


def scheduler(folder: Path) -> int:
    config = json.loads((folder / "scheduler/scheduler_config.json").read_text())
    loaded = DDIMScheduler.from_pretrained(folder, subfolder="scheduler").config
    strange = [key for key, value in config.items() if key != "_class_name" and loaded.get(key) != value]
    print("scheduler:", f"not what was written: {strange}" if strange else "as it was written")
    return len(strange)


def main() -> int:
    folder = Path(sys.argv[1])
    nacre = sys.argv[2] if len(sys.argv) > 2 else "./nacre"
    failed = check_saved_unet.main() or check_saved_encoder.main() or scheduler(folder)
    if (folder / "vae").exists():
        failed = failed or autoencoder(folder, nacre)
    print(f"{folder}: {'does not agree' if failed else 'agrees'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
