"""Writes the reference bundles of vision transformers on images of another size, and with a pooler.

`python tools/lab/reference/export_vit.py [FOLDER]`, by default tools/cli/src/test/resources/bundles.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import ViTConfig, ViTModel

from bundle import perturb, record, write
from neural_assets import vit_disk_name

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"

CONFIG = {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2,
          "intermediate_size": 16, "hidden_act": "gelu", "image_size": 20, "patch_size": 4,
          "num_channels": 3, "qkv_bias": True, "layer_norm_eps": 1e-6}


def vit(folder: Path, name: str, height: int, width: int, pooler: bool, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = ViTModel(ViTConfig(**CONFIG), add_pooling_layer=pooler).eval()
    perturb(model, g)
    with torch.no_grad():  # so large that misplaced position embeddings cannot pass
        model.embeddings.position_embeddings.normal_(generator=g)
    weights = {vit_disk_name(k): v for k, v in model.named_parameters()}

    def run(pixel_values):
        out = model(pixel_values=pixel_values, interpolate_pos_encoding=True)
        outputs = {"last_hidden_state": out.last_hidden_state}
        return outputs | ({"pooler_output": out.pooler_output} if pooler else {})

    inputs = {"pixel_values": torch.randn(2, 3, height, width, generator=g)}
    config = CONFIG | ({"add_pooling_layer": True} if pooler else {})
    write(folder / name, "ViTModel", config, record(run, inputs, g, weights))


def main(folder: Path) -> None:
    vit(folder, "vit-larger", 28, 44, False, 41)  # 5 x 5 positions become 7 x 11
    vit(folder, "vit-smaller", 14, 9, True, 42)  # 3 x 2, and pixels beyond the last patch
    vit(folder, "vit-one-side", 20, 32, False, 43)  # 5 x 8
    vit(folder, "vit-pooler", 20, 20, True, 44)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
