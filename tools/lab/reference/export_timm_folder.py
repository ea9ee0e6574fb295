"""Writes a folder of an image encoder as timm saves it for the hub.

`python tools/lab/reference/export_timm_folder.py [FOLDER]`, by default
nn/src/test/resources/encoders. Needs timm 1.0.29 and torchvision beside the requirements.
"""

from __future__ import annotations

import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf

from bundle import perturb

FOLDER = Path(__file__).resolve().parents[3] / "nn/src/test/resources/encoders"

ARGUMENTS = {"img_size": 8, "patch_size": 4, "embed_dim": 8, "depth": 1, "num_heads": 2,
             "mlp_ratio": 1.5, "num_classes": 0}


def main(folder: Path) -> None:
    torch.manual_seed(1)
    g = torch.Generator().manual_seed(3)
    model = timm.create_model("vit_small_patch16_224.dino", pretrained=False,
                              pretrained_cfg_overlay={"input_size": (3, 8, 8)}, **ARGUMENTS).eval()
    perturb(model, g)
    with torch.no_grad():
        model.pos_embed.normal_(generator=g)
    target = folder / "timm-dino"
    save_for_hf(model, str(target), model_args=ARGUMENTS, safe_serialization=True)
    pixels = torch.randn(2, 3, 8, 8, generator=g)
    with torch.no_grad():
        out = model.forward_features(pixels)
    save_file({"pixel_values": pixels, "last_hidden_state": out}, target / "expected.safetensors")
    print(sorted(file.name for file in target.iterdir()))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
