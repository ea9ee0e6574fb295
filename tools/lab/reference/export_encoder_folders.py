"""Writes folders of image encoders as transformers saves them, as parts of larger models too.

`python tools/lab/reference/export_encoder_folders.py [FOLDER]`, by default
nn/src/test/resources/encoders. Beside each model `expected.safetensors` has pixel_values and the
last_hidden_state that the encoder computes of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (BitImageProcessor, CLIPConfig, CLIPImageProcessor, CLIPModel,
                          CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config,
                          Dinov2ForImageClassification, ViTConfig, ViTForImageClassification,
                          ViTImageProcessor, ViTMAEConfig, ViTMAEForPreTraining)

from bundle import perturb

FOLDER = Path(__file__).resolve().parents[3] / "nn/src/test/resources/encoders"

SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 8,
         "patch_size": 4}
WIDE = SIZES | {"intermediate_size": 12}
SIDE = {"height": 8, "width": 8}


def save(folder: Path, name: str, model: torch.nn.Module, processor, run) -> None:
    g = torch.Generator().manual_seed(len(name))
    perturb(model, g)
    model.eval().save_pretrained(folder / name)
    processor.save_pretrained(folder / name)
    pixels = torch.randn(2, 3, 8, 8, generator=g)
    with torch.no_grad():
        out = run(pixels).last_hidden_state
    save_file({"pixel_values": pixels, "last_hidden_state": out},
              folder / name / "expected.safetensors")
    print(name, sorted(file.name for file in (folder / name).iterdir()))


def main(folder: Path) -> None:
    torch.manual_seed(7)
    vit = ViTForImageClassification(ViTConfig(**WIDE))
    imagenet = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    save(folder, "vit-classifier", vit, ViTImageProcessor(size=SIDE, **imagenet), vit.vit)

    dino = Dinov2ForImageClassification(Dinov2Config(**SIZES, mlp_ratio=2))
    cropped = BitImageProcessor(size={"shortest_edge": 10}, crop_size=SIDE, **imagenet)
    save(folder, "dinov2-classifier", dino, cropped, dino.dinov2)

    mae = ViTMAEForPreTraining(ViTMAEConfig(
        **WIDE, mask_ratio=0.0, decoder_hidden_size=8, decoder_num_attention_heads=2,
        decoder_num_hidden_layers=1, decoder_intermediate_size=8))
    with torch.no_grad():
        mae.vit.embeddings.position_embeddings.normal_()
    save(folder, "mae-pretraining", mae, ViTImageProcessor(size=SIDE, **imagenet),
         lambda x: mae.vit(x, noise=torch.arange(4).expand(2, 4)))

    processor = CLIPImageProcessor(size={"shortest_edge": 8}, crop_size=SIDE)
    text = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1,
            "intermediate_size": 4, "vocab_size": 8, "max_position_embeddings": 4,
            "bos_token_id": 0, "eos_token_id": 1}
    whole = CLIPModel(CLIPConfig(vision_config=WIDE, text_config=text, projection_dim=4))
    save(folder, "clip", whole, processor, whole.vision_model)

    projection = CLIPVisionModelWithProjection(CLIPVisionConfig(**WIDE, projection_dim=4))
    save(folder, "clip-projection", projection, processor, projection.vision_model)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
