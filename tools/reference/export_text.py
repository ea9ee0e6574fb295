"""Writes the reference bundles of what a prompt and a seed become: PyTorch's normal numbers.

`python tools/reference/export_text.py [FOLDER]`, by default tools/src/test/resources/bundles.
Needs an x86-64 processor with AVX2: without it PyTorch's numbers differ in last bits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from bundle import write

FOLDER = Path(__file__).resolve().parents[1] / "src/test/resources/bundles"


def randn(folder: Path, seed: int, shape: list[int]) -> None:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    name = "torch-randn-" + "x".join(str(n) for n in shape)
    # A last bit that differs in one of 16,384 numbers is an error of 5e-10.
    config = {"seed": seed, "shape": shape}
    write(folder / name, "TorchRandn", config, {"output.randn": drawn}, tolerance=1e-12)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    randn(folder, 0, [1])
    randn(folder, 1, [3, 5])
    randn(folder, 2, [16])
    randn(folder, 3, [17])
    randn(folder, 42, [1, 4, 64, 64])
    randn(folder, 2147483647, [3, 4, 9, 7])


if __name__ == "__main__":
    main()
