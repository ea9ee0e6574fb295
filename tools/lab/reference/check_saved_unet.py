"""Checks that a UNet saved by Nacre loads in diffusers without a warning and computes the same.

`python tools/lab/reference/check_saved_unet.py FOLDER [NACRE]`: FOLDER holds `unet/`, as a model of
`nacre train`, or what `nacre weights convert` wrote; NACRE is the command, by default ./nacre.

diffusers loads the weights and runs them on random inputs; what it computed becomes a reference
bundle, which `nacre verify` then runs. Exit status 0 if there was no warning and all agrees.
"""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging

from bundle import record, write


def load(folder: Path) -> tuple[UNet2DConditionModel, list[str]]:
    """The model, and everything that diffusers or Python said while loading it."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setLevel(logging.WARNING)
    diffusers_logging.set_verbosity_warning()
    diffusers_logging.add_handler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, info = UNet2DConditionModel.from_pretrained(
            folder, subfolder="unet", output_loading_info=True, low_cpu_mem_usage=False
        )
    complaints = [line for line in said.getvalue().splitlines() if line.strip()]
    complaints += [str(w.message) for w in caught if "unet" in str(w.message).lower()]
    complaints += [f"{kind}: {names}" for kind, names in info.items() if names]
    return model.float().eval(), complaints


def inputs(model: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(3)
    config = model.config
    side = 2 ** len(config.block_out_channels)
    return {
        "sample": torch.randn(2, config.in_channels, side, 2 * side, generator=g),
        "timestep": torch.tensor([7, 803]),
        "encoder_hidden_states": torch.randn(2, 13, config.cross_attention_dim, generator=g),
    }


def main() -> int:
    folder = Path(sys.argv[1])
    nacre = sys.argv[2] if len(sys.argv) > 2 else "./nacre"
    model, complaints = load(folder)
    for complaint in complaints:
        print("warning:", complaint)

    def run(sample, timestep, encoder_hidden_states):
        return {"sample": model(sample, timestep, encoder_hidden_states).sample}

    with torch.no_grad(), tempfile.TemporaryDirectory() as scratch:
        weights = dict(model.named_parameters())
        arguments = inputs(model)
        tensors = record(run, arguments, torch.Generator(), weights, differentiate=False)
        config = {k: v for k, v in model.config.items() if not k.startswith("_")}
        bundle = Path(scratch) / "saved-unet"
        write(bundle, "UNet2DConditionModel", config, tensors, tolerance=1e-3)
        status = subprocess.run([nacre, "verify", str(bundle)], check=False).returncode
    if not complaints and status == 0:
        print(f"{folder}: loads without a warning and computes the same")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
