"""Writes the files that the safetensors tests compare with, by the format's own library.

`python tools/lab/reference/export_safetensors.py [FOLDER]`, by default the test resources of
`weights`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parents[3] / "weights/src/test/resources"


def write(file: Path, tensors: dict[str, torch.Tensor]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata={"format": "pt"})


def reference() -> dict[str, torch.Tensor]:
    return {
        "conv.weight": torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5),
        "conv.bias": torch.tensor([0.5, -1.25]),
        "half": torch.arange(6, dtype=torch.float16).reshape(2, 3) / 4,
        "brain": torch.arange(6, dtype=torch.bfloat16).reshape(3, 2) / 8,
        "double": torch.tensor([1 / 3, -1e300], dtype=torch.float64),
        "long": torch.tensor([-(2**40), 7], dtype=torch.int64),
        "int": torch.tensor([[-(2**31)], [2**31 - 1]], dtype=torch.int32),
        "short": torch.tensor([-300, 300], dtype=torch.int16),
        "signed": torch.tensor([-3, 3], dtype=torch.int8),
        "byte": torch.tensor([0, 255, 3], dtype=torch.uint8),
        "truth": torch.tensor([True, False]),
        "scalar": torch.tensor(42.0),
        "nothing": torch.zeros(0, 3),
        'odd "name" \\ ✓': torch.tensor([1.0]),
    }


def float8() -> dict[str, torch.Tensor]:
    """Every code of the 8-bit types, in order, and what PyTorch makes of it."""
    codes = torch.arange(256).to(torch.uint8)
    tensors = {}
    for name, dtype in {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}.items():
        stored = codes.clone().view(dtype)
        tensors[name] = stored
        tensors[name + ".f32"] = stored.to(torch.float32)
        tensors[name + ".f16"] = stored.to(torch.float16)
        tensors[name + ".bf16"] = stored.to(torch.bfloat16)
    return tensors


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    write(folder / "reference.safetensors", reference())
    write(folder / "float8.safetensors", float8())
