"""Times the drawing of one edited picture in PyTorch, as a user would install it.

The image encoder, all steps of DDIM with guidance and the decoder, by classes of diffusers and transformers,
of the preset that the Java benchmark reads too: `python tools/lab/bench/torch_edit.py --config PRESET
--threads 2 --dtype bfloat16`. Weights are random, and of that type. `--tuned` starts it again with an
allocator that keeps its memory and with large pages. The last line is JSON: median milliseconds a picture.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))

import torch  # noqa: E402

import neural_assets  # noqa: E402
from torch_train_step import arguments, random_batch  # noqa: E402


def main() -> None:
    args = arguments(__doc__, "paper", 23, pictures=1)
    config = neural_assets.load_config(args.config)
    config["training"]["batch_size"] = 1
    dtype = getattr(torch, args.dtype)
    torch.set_default_dtype(dtype)
    model = neural_assets.NeuralAssets(config).eval().to(dtype)
    batch = {k: v.to(dtype) for k, v in random_batch(config, args.slots).items() if k != "target"}
    unet = config["unet"]
    noise = torch.randn(1, unet["out_channels"], unet["sample_size"], unet["sample_size"])
    sampling = config["sampling"]
    times = []
    for _ in range(args.pictures + 1):
        begin = time.perf_counter()
        neural_assets.sample(
            model,
            neural_assets.scheduler(config),
            **batch,
            noise=noise,
            steps=sampling["num_inference_steps"],
            guidance=sampling["guidance_scale"],
        )
        times.append(time.perf_counter() - begin)
    print(
        json.dumps(
            {
                "name": "edit",
                "framework": "torch " + torch.__version__ + (" tuned" if args.tuned else ""),
                "dtype": args.dtype,
                "threads": args.threads,
                "pictures": args.pictures,
                "median_ms": round(statistics.median(times[1:]) * 1000, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
