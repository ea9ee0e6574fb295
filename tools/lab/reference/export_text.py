"""Writes the reference bundles of text to image's inputs: CLIP's text encoder, PyTorch's
normal numbers.

`python tools/lab/reference/export_text.py [FOLDER]`, by default tools/cli/src/test/resources/bundles.
Needs an x86-64 CPU with AVX2: without it PyTorch's numbers differ in last bits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModel

from bundle import perturb, record, write

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"


def randn(folder: Path, seed: int, shape: list[int]) -> None:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    name = "torch-randn-" + "x".join(str(n) for n in shape)
    # A last bit that differs in one of 16,384 numbers is an error of 5e-10.
    config = {"seed": seed, "shape": shape}
    write(folder / name, "TorchRandn", config, {"output.randn": drawn}, tolerance=1e-12)


def clip_text(folder: Path, name: str, config: dict, batch: int, tokens: int, seed: int) -> None:
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    model = CLIPTextModel(CLIPTextConfig(**config)).eval()
    perturb(model, g)
    with torch.no_grad():
        for k, p in model.named_parameters():
            # As initialized, all tokens would be alike and attention nearly uniform.
            p.mul_(20 if "embedding" in k else 3 if "q_proj" in k else 1)
    inputs = {"input_ids": torch.randint(config["vocab_size"], (batch, tokens), generator=g)}
    # The files of Stable Diffusion have this prefix; what transformers 5 writes has none.
    prefix = "text_model." if seed % 2 == 0 else ""
    weights = {prefix + k: v for k, v in model.named_parameters()}

    def run(input_ids):
        return {"last_hidden_state": model(input_ids=input_ids).last_hidden_state}

    tensors = record(run, inputs, g, weights)
    if prefix:  # old files have this table, too
        positions = torch.arange(config["max_position_embeddings"])[None]
        tensors[f"weight.{prefix}embeddings.position_ids"] = positions
    write(folder / name, "CLIPTextModel", config, tensors)


def clip_texts(folder: Path) -> None:
    config = {
        "vocab_size": 53,
        "hidden_size": 24,
        "intermediate_size": 41,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "bos_token_id": 51,
        "eos_token_id": 52,
    }
    clip_text(folder, "clip-text-quick-gelu", config, 3, 77, 62)
    clip_text(folder, "clip-text-gelu", config | {"hidden_act": "gelu", "num_attention_heads": 2}, 1, 9, 63)
    clip_text(folder, "clip-text-one-token", config | {"num_hidden_layers": 1}, 2, 1, 64)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    clip_texts(folder)
    randn(folder, 0, [1])
    randn(folder, 1, [3, 5])
    randn(folder, 2, [16])
    randn(folder, 3, [17])
    randn(folder, 42, [1, 4, 64, 64])
    randn(folder, 2147483647, [3, 4, 9, 7])


if __name__ == "__main__":
    main()
