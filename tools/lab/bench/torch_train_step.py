"""Times one training step of a preset in PyTorch, as a user would install it.

Where the preset has a vae the encoding of the target frames, forward, backward, clip, AdamW and, unless
ema_decay is 0, EMA of the preset that the Java benchmark reads too, on random data of the preset's batch size:
`python tools/lab/bench/torch_train_step.py --config PRESET --threads 2 --dtype bfloat16`. In bfloat16 all
but the optimizer runs under autocast, the autoencoder too. `--tuned` starts it again with an allocator that
keeps its memory and with large pages. Weights are random.
The last line is JSON: median milliseconds a step, images a second, the loss of the last step.
Needs torch, diffusers and transformers; for a preset with `lora` peft as well.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRESETS = HERE.parents[2] / "neuralassets/src/main/resources/nacre/neuralassets/presets"
sys.path.insert(0, str(HERE.parent / "reference"))

import torch  # noqa: E402

import neural_assets  # noqa: E402
from torch_models import TUNABLES  # noqa: E402


def arguments(description: str, preset: str, slots: int, **numbers: int) -> argparse.Namespace:
    """The arguments that benchmarks of presets have, after a second start where they are --tuned."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--config", default=PRESETS / f"{preset}.json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=slots, help="object slots a scene")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--tuned", action="store_true")
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    if args.tuned and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        os.execv(sys.executable, [sys.executable, *sys.argv])
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    return args


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


def build(config: dict) -> neural_assets.NeuralAssets:
    model = neural_assets.NeuralAssets(config)
    if "lora" in config:
        from lora_adapters import adapt

        adapt(model.unet, config["lora"], torch.Generator().manual_seed(0))
    if config["training"].get("gradient_checkpointing", False):
        model.unet.enable_gradient_checkpointing()
        model.vit.gradient_checkpointing_enable()
    model.train()
    return model


class Step:
    """A training step on one batch, with noise of its own each time."""

    def __init__(self, config: dict, slots: int, dtype: str):
        self.config = config
        self.recipe = config["training"]
        self.model = build(config)
        self.schedule = neural_assets.scheduler(config)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.decay = self.recipe.get("ema_decay", 0)
        self.average = [p.detach().clone() for p in self.parameters] if self.decay else None
        self.optimizer = neural_assets.optimizer(self.model)
        self.batch = random_batch(config, slots)
        self.low = dtype == "bfloat16"

    def draw(self) -> dict:
        """What a step draws: timesteps, noise, and which samples lose their tokens."""
        b = self.recipe["batch_size"]
        unet = self.config["unet"]
        shape = (b, unet["out_channels"], unet["sample_size"], unet["sample_size"])
        total = self.config["scheduler"]["num_train_timesteps"]
        drawn = {
            "t": neural_assets.draw_timesteps(b, total, self.recipe.get("timestep_power", 1)),
            "noise": torch.randn(shape),
            "keep": (torch.rand(b) >= self.recipe["drop_probability"]).float(),
        }
        if self.model.vae is not None:
            drawn["latent_noise"] = torch.randn(shape)
        weight = self.recipe.get("object_weight", 1)
        if weight != 1:  # the boxes of the target frame; the source's are as good for a timing
            drawn["weights"] = self.model.object_weights(self.batch["boxes"], weight)
        return drawn

    def run(self) -> float:
        whole = self.batch | self.draw()
        parts = self.recipe.get("gradient_accumulation_steps", 1)
        count = self.recipe["batch_size"] // parts
        self.optimizer.zero_grad()
        loss = 0
        for first in range(0, count * parts, count):
            part = {k: v[first : first + count] for k, v in whole.items()}
            with torch.autocast("cpu", torch.bfloat16, enabled=self.low):
                value = neural_assets.loss(self.model, self.schedule, **part) / parts
            value.backward()
            loss += value.item()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe["max_grad_norm"])
        self.optimizer.step()
        if self.average:
            with torch.no_grad():
                torch._foreach_lerp_(self.average, self.parameters, 1 - self.decay)
        return loss


def main() -> None:
    args = arguments(__doc__, "demo", 4, warmup=10, steps=60)
    config = neural_assets.load_config(args.config)
    step = Step(config, args.slots, args.dtype)
    times = []
    for _ in range(args.warmup + args.steps):
        begin = time.perf_counter()
        last = step.run()
        times.append(time.perf_counter() - begin)
    median = statistics.median(times[args.warmup :]) * 1000
    b = config["training"]["batch_size"]
    print(
        json.dumps(
            {
                "name": "train_step",
                "framework": "torch " + torch.__version__ + (" tuned" if args.tuned else ""),
                "dtype": args.dtype,
                "threads": args.threads,
                "batch": b,
                "slots": args.slots,
                "parameters": sum(p.numel() for p in step.parameters),
                "steps": args.steps,
                "median_ms": round(median, 3),
                "images_per_second": round(b / median * 1000, 3),
                "loss": round(last, 6),
            }
        )
    )


if __name__ == "__main__":
    main()
