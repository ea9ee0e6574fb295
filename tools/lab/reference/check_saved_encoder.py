"""Checks that an image encoder saved by Nacre loads in transformers without a warning and computes
the same.

`python tools/lab/reference/check_saved_encoder.py FOLDER [NACRE]`: FOLDER holds `image_encoder/`, as
a model of `nacre train`; NACRE is the command, by default ./nacre.

transformers loads the weights with the class that `model_index.json` names and runs them on random
images; what it computed becomes a reference bundle, which `nacre verify` then runs. The image
processor is loaded, too. Exit status 0 if there was no warning and all agrees.
"""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoImageProcessor
from transformers.utils import logging as transformers_logging

from bundle import record, write


def load(folder: Path, name: str):
    """The model, and everything that transformers said while loading it."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setLevel(logging.WARNING)
    transformers_logging.set_verbosity_warning()
    transformers_logging.add_handler(handler)
    options = {"add_pooling_layer": False} if name == "ViTModel" else {}
    model, info = getattr(transformers, name).from_pretrained(
        folder, output_loading_info=True, **options
    )
    complaints = [line for line in said.getvalue().splitlines() if line.strip()]
    complaints += [f"{kind}: {names}" for kind, names in info.items() if names]
    return model.float().eval(), complaints


def main() -> int:
    folder = Path(sys.argv[1])
    nacre = sys.argv[2] if len(sys.argv) > 2 else "./nacre"
    encoder = folder / "image_encoder"
    library, name = json.loads((folder / "model_index.json").read_text())["image_encoder"]
    if library != "transformers":
        print(f"{folder}: the encoder {name} is of the library {library}")
        return 1
    model, complaints = load(encoder, name)
    for complaint in complaints:
        print("warning:", complaint)
    processor = AutoImageProcessor.from_pretrained(encoder)
    side = processor.size["height"]
    print(f"{name}, images of {side} pixels, mean {processor.image_mean}, std {processor.image_std}")

    def run(pixel_values):
        options = {} if "Dinov2" in name else {"interpolate_pos_encoding": True}
        if name == "ViTMAEModel":  # all patches in their order
            patches = (side // model.config.patch_size) ** 2
            options["noise"] = torch.arange(patches).expand(2, patches)
        return {"last_hidden_state": model(pixel_values, **options).last_hidden_state}

    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(3))
    with torch.no_grad(), tempfile.TemporaryDirectory() as scratch:
        weights = load_file(encoder / "model.safetensors")
        tensors = record(run, {"pixel_values": pixels}, torch.Generator(), weights,
                         differentiate=False)
        config = json.loads((encoder / "config.json").read_text())
        bundle = Path(scratch) / "saved-encoder"
        write(bundle, name, config, tensors)
        status = subprocess.run([nacre, "verify", str(bundle)], check=False).returncode
    if not complaints and status == 0:
        print(f"{encoder}: loads without a warning and computes the same")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
