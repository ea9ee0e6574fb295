"""Checks that adapters trained by Nacre load in diffusers and compute the same there.

`python tools/lab/reference/check_saved_lora.py FOLDER [NACRE]`: FOLDER is a model of `nacre train --lora`, with
`unet/`, `pytorch_lora_weights.safetensors` and `preset.json`; NACRE is the command, by default ./nacre.

diffusers loads the UNet and the adapters and runs them on random inputs; what it computed, with the weights as
Nacre wrote them, becomes a reference bundle, which `nacre verify` then runs. Exit status 0 if all agrees.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from bundle import record, write
from check_saved_unet import inputs, load
from lora_adapters import saved_name

FILE = "pytorch_lora_weights.safetensors"


def main() -> int:
    folder = Path(sys.argv[1])
    nacre = sys.argv[2] if len(sys.argv) > 2 else "./nacre"
    model, complaints = load(folder)
    arguments = inputs(model)
    with torch.no_grad():
        plain = model(**arguments).sample
    model.load_lora_adapter(folder, weight_name=FILE, prefix="unet")
    for complaint in complaints:
        print("warning:", complaint)

    def run(sample, timestep, encoder_hidden_states):
        return {"sample": model(sample, timestep, encoder_hidden_states).sample}

    saved = {k.removeprefix("unet."): v for k, v in load_file(folder / FILE).items()}
    with torch.no_grad(), tempfile.TemporaryDirectory() as scratch:
        base = {saved_name(k): v for k, v in model.named_parameters() if ".lora_" not in k}
        tensors = record(run, arguments, torch.Generator(), base | saved, differentiate=False)
        change = float((tensors["output.sample"] - plain).norm() / plain.norm())
        print(f"{len(saved) // 2} adapters change the output by {change:.2g}")
        lora = json.loads((folder / "preset.json").read_text())["lora"]
        rank = lora["rank"]
        whole = {"rank": rank, "alpha": lora.get("alpha", rank)}
        whole["targets"] = sorted({k.rsplit(".lora_", 1)[0] for k in saved})
        config = {k: v for k, v in model.config.items() if not k.startswith("_")} | {"lora": whole}
        bundle = Path(scratch) / "saved-lora"
        write(bundle, "UNet2DConditionModel", config, tensors, tolerance=1e-3)
        status = subprocess.run([nacre, "verify", str(bundle)], check=False).returncode
    if change > 0 and not complaints and status == 0:
        print(f"{folder}: loads without a warning and computes the same")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
