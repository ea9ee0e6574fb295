"""Times one training step of the demo model in PyTorch, as a user would install it.

Forward, backward, clip, AdamW and EMA of the preset that the Java benchmark reads too, on random
data of the preset's batch size: `python tools/lab/bench/torch_train_step.py --config PRESET --threads 2`.
The last line is JSON: median milliseconds a step, images a second, the loss of the last step.
Needs torch, diffusers and transformers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRESETS = HERE.parents[2] / "neuralassets/src/main/resources/nacre/neuralassets/presets"
sys.path.insert(0, str(HERE.parent / "reference"))

import torch  # noqa: E402

import neural_assets  # noqa: E402


def random_batch(config: dict, slots: int) -> dict:
    b, size = config["training"]["batch_size"], config["image_size"]
    corner = torch.rand(b, slots, 2) * 0.6
    pose = torch.rand(b, slots, 4, 3) + torch.tensor([0.0, 0.0, 5.0])
    return {
        "source": torch.rand(b, 3, size, size) * 2 - 1,
        "target": torch.rand(b, 3, size, size) * 2 - 1,
        "boxes": torch.cat([corner, corner + torch.rand(b, slots, 2) * 0.3 + 0.1], -1),
        "poses": pose.flatten(2),
        "background_pose": torch.eye(3, 4).flatten().expand(b, 12).clone(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default=PRESETS / "demo.json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=4, help="object slots a scene")
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = neural_assets.load_config(args.config)
    recipe = config["training"]
    model = neural_assets.NeuralAssets(config)
    schedule = neural_assets.scheduler(config)
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(
        parameters,
        lr=recipe["learning_rate"],
        betas=(recipe["adam_beta1"], recipe["adam_beta2"]),
        eps=recipe["adam_epsilon"],
        weight_decay=recipe["weight_decay"],
    )
    batch = random_batch(config, args.slots)
    b = recipe["batch_size"]
    folded = neural_assets.fold_image(batch["target"], config["fold"]).shape
    times = []
    for _ in range(args.warmup + args.steps):
        begin = time.perf_counter()
        total = config["scheduler"]["num_train_timesteps"]
        t = neural_assets.draw_timesteps(b, total, recipe.get("timestep_power", 1))
        noise = torch.randn(folded)
        keep = (torch.rand(b) >= recipe["drop_probability"]).float()
        weight = recipe.get("object_weight", 1)
        weights = None
        if weight != 1:  # the boxes of the target frame; the source's are as good for a timing
            weights = neural_assets.object_weights(
                batch["boxes"], config["image_size"], config["fold"], weight
            )
        value = neural_assets.loss(
            model, schedule, **batch, keep=keep, t=t, noise=noise, weights=weights
        )
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, recipe["max_grad_norm"])
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - recipe["ema_decay"])
        last = value.item()
        times.append(time.perf_counter() - begin)
    median = statistics.median(times[args.warmup :]) * 1000
    print(
        json.dumps(
            {
                "name": "train_step",
                "framework": "torch " + torch.__version__,
                "threads": args.threads,
                "batch": b,
                "slots": args.slots,
                "parameters": sum(p.numel() for p in parameters),
                "steps": args.steps,
                "median_ms": round(median, 3),
                "images_per_second": round(b / median * 1000, 1),
                "loss": round(last, 6),
            }
        )
    )


if __name__ == "__main__":
    main()
