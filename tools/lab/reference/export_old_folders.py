"""Has diffusers draw with variants of the tiny Stable Diffusion folder such as people have: configs
of older versions, tokens of textual inversion.

`python tools/lab/reference/export_old_folders.py [FOLDER]`, by default
tools/cli/src/test/resources/tiny-sd/old-folders. A variant is the folder of export_tiny_sd.py with
patches of its JSON files (RFC 7396: null removes a key), which `cases.json` lists; tests make it
from that. Where `rows` is given, the text encoder's table has that many rows more, which are copies
of its rows 100, 101 and so on. `size` is what the pipeline draws where none is asked for.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline
from safetensors.torch import load_file, save_file

from export_tiny_sd import FOLDER as TINY
from export_tiny_sd import SIZE

SCHEDULER = "scheduler/scheduler_config.json"
UNET = "unet/config.json"
VAE = "vae/config.json"
TEXT = "text_encoder/config.json"
TOKENIZER = "tokenizer/tokenizer_config.json"
CHOICES = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}
PROMPT = "a painting of <fox-toy> in the style of <gogh>"

INDEX = "model_index.json"
LEARNED = {"<fox-toy>": 734, "<gogh>": 735, "<gogh>_1": 736}
CLIP = {
    key: None
    for key in ("hidden_act", "hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "vocab_size")
}


def token(text: str, normalized: bool) -> dict:
    return {"content": text, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}


def own(kind: str, **changes) -> dict:
    """A scheduler of a class. Diffusers takes the class that model_index.json names."""
    return {
        INDEX: {"scheduler": ["diffusers", kind]},
        SCHEDULER: {"_class_name": kind, "skip_prk_steps": None} | changes,
    }


MISSING = {"clip_sample": None, "steps_offset": None}
WRONG = {"clip_sample": True, "steps_offset": 0}
DEFAULTS = {"use_karras_sigmas": True, "_use_default_values": ["use_karras_sigmas", "trained_betas"]}

CASES = [
    {"name": "ddim-missing", "files": own("DDIMScheduler", **MISSING)},
    {"name": "ddim-wrong", "files": own("DDIMScheduler", **WRONG)},
    {"name": "ddpm-missing", "files": own("DDPMScheduler", **MISSING)},
    {"name": "pndm-offset", "files": {SCHEDULER: {"steps_offset": None}}},
    {"name": "euler-leading", "files": own("EulerDiscreteScheduler", timestep_spacing="leading", steps_offset=3)},
    {"name": "defaults-by-name", "files": own("EulerDiscreteScheduler", **DEFAULTS)},
    {"name": "keys-of-0.1", "files": {SCHEDULER: {"tensor_format": "pt", "predict_epsilon": True}}},
    {"name": "index-says-pndm", "files": {SCHEDULER: {"_class_name": "DDIMScheduler"}}},
    {"name": "index-says-ddim", "files": {INDEX: {"scheduler": ["diffusers", "DDIMScheduler"]}}},
    {"name": "chosen-missing", "scheduler": "ddim", "files": own("DDIMScheduler", **MISSING)},
    {"name": "chosen-wrong", "scheduler": "ddim", "files": own("DDIMScheduler", **WRONG)},
    {"name": "chosen-from-pndm-wrong", "scheduler": "ddim", "files": {SCHEDULER: WRONG}},
    {"name": "chosen-from-pndm-missing", "scheduler": "ddim", "files": {SCHEDULER: MISSING}},
    {"name": "chosen-from-euler-missing", "scheduler": "ddim", "files": own("EulerDiscreteScheduler", **MISSING)},
    {"name": "small-of-0.6", "files": {UNET: {"_diffusers_version": "0.6.0", "sample_size": 32}}},
    {"name": "small-of-0.9", "files": {UNET: {"_diffusers_version": "0.9.0", "sample_size": 32}}},
    {"name": "small-of-0.8-dev", "files": {UNET: {"_diffusers_version": "0.8.0.dev0", "sample_size": 32}}},
    {"name": "large-of-0.6", "files": {UNET: {"_diffusers_version": "0.6.0", "sample_size": 96}}},
    {"name": "old-blocks", "files": {UNET: {
        "down_block_types": ["UNetResCrossAttnDownBlock2D", "UNetResCrossAttnDownBlock2D", "UNetResDownBlock2D"],
        "up_block_types": ["UNetResUpBlock2D", "UNetResCrossAttnUpBlock2D", "UNetResCrossAttnUpBlock2D"],
        "decay": 0.9999, "optimization_step": 100, "not_known_to_anyone": 3,
    }}},
    {"name": "nested-text-config", "files": {TEXT: CLIP | {"model_type": "clip", "text_config": {
        "hidden_act": "gelu", "hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2,
        "num_hidden_layers": 2, "vocab_size": 734, "bos_token_id": 732, "eos_token_id": 733,
    }}}},
    {"name": "learned-added-tokens", "rows": 3, "prompt": PROMPT, "files": {TEXT: {"vocab_size": 737}, "tokenizer/added_tokens.json": LEARNED}},
    {"name": "learned-decoder", "rows": 3, "prompt": PROMPT, "files": {TEXT: {"vocab_size": 737}, TOKENIZER: {"added_tokens_decoder": {
        "732": token("<|startoftext|>", True), "733": token("<|endoftext|>", False), **{str(i): token(t, True) for t, i in LEARNED.items()},
    }}}},
]  # fmt: skip


def patch(target: dict, changes: dict) -> dict:
    for key, value in changes.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = patch(target.get(key, {}), value)
        else:
            target[key] = value
    return target


def variant(case: dict, folder: Path) -> None:
    shutil.copytree(TINY / "model", folder)
    for name, changes in case["files"].items():
        file = folder / name
        before = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(patch(before, changes)))
    if "rows" in case:
        file = folder / "text_encoder/model.safetensors"
        tensors = load_file(file)
        name = next(n for n in tensors if n.endswith("token_embedding.weight"))
        tensors[name] = torch.cat([tensors[name], tensors[name][100 : 100 + case["rows"]]])
        save_file(tensors, file, {"format": "pt"})


def draw(case: dict, folder: Path):
    with tempfile.TemporaryDirectory() as parent:
        variant(case, Path(parent) / "model")
        pipeline = StableDiffusionPipeline.from_pretrained(Path(parent) / "model", torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    if "scheduler" in case:
        pipeline.scheduler = CHOICES[case["scheduler"]].from_config(pipeline.scheduler.config)
    width, height = SIZE
    image = pipeline(
        case["prompt"],
        num_inference_steps=case["steps"],
        guidance_scale=case["guidance"],
        width=width,
        height=height,
        generator=torch.Generator().manual_seed(case["seed"]),
    ).images[0]
    image.save(folder / f"{case['name']}.png", optimize=True)
    return pipeline.unet.config.sample_size * pipeline.vae_scale_factor


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TINY / "old-folders"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    cases = []
    for case in CASES:
        whole = {"prompt": "a fox in the forest", "steps": 5, "guidance": 5, "seed": 4} | case
        cases.append(whole | {"size": draw(whole, folder)})
        print(whole["name"], cases[-1]["size"])
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
