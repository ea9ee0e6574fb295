"""Writes a tiny text encoder as Stable Diffusion 2 has one (GELU, padded with "!", the last of its
layers gone already), what diffusers encodes prompts to with each `clip_skip`, and what it draws.

`python tools/lab/reference/export_clip_skip.py`, after export_tiny_sd.py, whose other parts it uses:
tools/cli/src/test/resources/tiny-sd/sd2. Tests make the folder from both.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from bundle import perturb
from export_tiny_sd import FOLDER as TINY

FOLDER = TINY / "sd2"
LAYERS = 4

# Several at a time, of any length; the tokenizer cuts what is too long.
PROMPTS = ["a red fox", "", "a painting of a fox in the forest, watercolor, soft colors " * 8, "cat!"]
NEGATIVES = ["blurry, low quality", "", "a dog " * 90, "!"]


def pipeline(folder: Path) -> StableDiffusionPipeline:
    shutil.copytree(TINY / "model", folder, dirs_exist_ok=True)
    shutil.copytree(FOLDER / "text_encoder", folder / "text_encoder", dirs_exist_ok=True)
    shutil.copytree(FOLDER / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    loaded = StableDiffusionPipeline.from_pretrained(
        folder, torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )
    loaded.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler", prediction_type="v_prediction")
    loaded.set_progress_bar_config(disable=True)
    return loaded


def write_text_encoder() -> None:
    tiny = CLIPTextModel.from_pretrained(TINY / "model/text_encoder").config.to_dict()
    torch.manual_seed(23)
    config = CLIPTextConfig(**{**tiny, "num_hidden_layers": LAYERS, "hidden_act": "gelu", "dtype": None})
    model = CLIPTextModel(config).eval()
    perturb(model, torch.Generator().manual_seed(23))
    model.half().save_pretrained(FOLDER / "text_encoder")
    folder = FOLDER / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        settings = json.loads((TINY / "model/tokenizer" / name).read_text())
        settings["pad_token"] = "!"
        (folder / name).write_text(json.dumps(settings, indent=2) + "\n")


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    if not hasattr(CLIPTextModel, "text_model"):  # diffusers looks below it, transformers 5 has nothing there
        CLIPTextModel.text_model = property(lambda self: self)
    write_text_encoder()
    tensors = {}
    with tempfile.TemporaryDirectory() as folder:
        pipe = pipeline(Path(folder))
        assert isinstance(pipe.tokenizer, CLIPTokenizer) and pipe.tokenizer.pad_token_id == pipe.tokenizer.get_vocab()["!"]
        for skip in (None, *range(LAYERS + 1)):
            prompt, negative = pipe.encode_prompt(PROMPTS, "cpu", 1, True, NEGATIVES, clip_skip=skip)
            name = "none" if skip is None else str(skip)
            tensors[f"prompt.{name}"] = prompt.clone()
            tensors[f"negative.{name}"] = negative.clone()
        for skip in (None, 1, 2):
            images = pipe(
                PROMPTS[:3],
                negative_prompt=NEGATIVES[:3],
                num_inference_steps=4,
                guidance_scale=5,
                width=32,
                height=32,
                clip_skip=skip,
                generator=[torch.Generator().manual_seed(8) for _ in range(3)],
            ).images
            for i, image in enumerate(images):
                image.save(FOLDER / f"clip-skip-{skip or 0}-{i}.png", optimize=True)
    for name in ("prompt", "negative"):
        assert torch.equal(tensors[f"{name}.none"], tensors.pop(f"{name}.0"))
    assert all(torch.equal(tensors["negative.none"], tensors.pop(f"negative.{skip}")) for skip in range(1, LAYERS + 1))
    save_file(tensors, FOLDER / "encodings.safetensors")
    (FOLDER / "prompts.json").write_text(json.dumps({"prompts": PROMPTS, "negatives": NEGATIVES}, indent=1) + "\n")
    print({name: list(t.shape) for name, t in tensors.items()})


if __name__ == "__main__":
    main()
