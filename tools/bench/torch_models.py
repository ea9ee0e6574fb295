"""Times the models of `nacre bench models` in PyTorch, diffusers and transformers.

One kind of work a call, with random weights, as a user would install and run it:
`python tools/bench/torch_models.py --work unet-32x32 --config unet.json --dtype bfloat16`.
`--tuned` starts it again with an allocator that keeps its memory and with large pages;
`--compile` compiles the model first. The last line is JSON: the median seconds and the peak memory.
Needs torch, diffusers and transformers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import time

TUNABLES = (
    "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.mmap_max=0"
    ":glibc.malloc.trim_threshold=1099511627776:glibc.malloc.top_pad=268435456"
    ":glibc.malloc.hugetlb=1"
)


def build(make, dtype):
    """A model whose weights are random and not slowly initialised."""
    import torch

    with torch.device("meta"):
        model = make()
    model = model.to_empty(device="cpu").to(dtype)
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.uniform_(-1, 1).div_((p[0].numel()) ** 0.5)
            else:
                p.fill_(0.5)
    for name, buffer in model.named_buffers():
        buffer.zero_()
    return model


def unet(config, dtype, batch, side, tokens, train=False, compiled=False):
    import torch
    from diffusers import UNet2DConditionModel

    model = build(lambda: UNet2DConditionModel.from_config(config), dtype)
    x = torch.randn(batch, 4, side, side, dtype=dtype)
    t = torch.full((batch,), 500)
    context = torch.randn(batch, tokens, config["cross_attention_dim"], dtype=dtype)
    if train:
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5)
        target = torch.randn(batch, 4, side, side)

        def step():
            if dtype == torch.float32:
                out = model(x, t, context).sample
            else:
                with torch.autocast("cpu", dtype):
                    out = model(x.float(), t, context.float()).sample
            loss = torch.nn.functional.mse_loss(out.float(), target)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            return loss.item()

        if dtype != torch.float32:
            model.float()
        return step
    model.eval()
    forward = torch.compile(model) if compiled else model
    return lambda: forward(x, t, context).sample


def vae(config, dtype, decode, side, compiled=False):
    import torch
    from diffusers import AutoencoderKL

    model = build(lambda: AutoencoderKL.from_config(config), dtype).eval()
    f = 2 ** (len(config["block_out_channels"]) - 1)
    if decode:
        z = torch.randn(1, config["latent_channels"], side // f, side // f, dtype=dtype)
        run = torch.compile(model.decode) if compiled else model.decode
        return lambda: run(z).sample
    x = torch.randn(1, 3, side, side, dtype=dtype)
    run = torch.compile(model.encode) if compiled else model.encode
    return lambda: run(x).latent_dist.mode()


def vit(config, dtype, compiled=False):
    import torch
    from transformers import ViTConfig, ViTModel

    shape = ViTConfig(**config)
    model = build(lambda: ViTModel(shape, add_pooling_layer=False), dtype).eval()
    x = torch.randn(1, 3, shape.image_size, shape.image_size, dtype=dtype)
    forward = torch.compile(model) if compiled else model
    return lambda: forward(x).last_hidden_state


WORK = {
    "unet-32": lambda c, d, k: unet(c, d, 1, 32, 77, compiled=k),
    "unet-32-b2": lambda c, d, k: unet(c, d, 2, 32, 77, compiled=k),
    "unet-64-b2": lambda c, d, k: unet(c, d, 2, 64, 77, compiled=k),
    "vae-encode-256": lambda c, d, k: vae(c, d, False, 256, k),
    "vae-decode-256": lambda c, d, k: vae(c, d, True, 256, k),
    "vae-decode-512": lambda c, d, k: vae(c, d, True, 512, k),
    "vit-b8-256": lambda c, d, k: vit(c, d, k),
    "unet-train-32": lambda c, d, k: unet(c, d, 1, 32, 17, train=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", required=True, choices=WORK)
    parser.add_argument("--config", required=True)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5, help="time until there are enough runs")
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    if args.tuned and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        os.execv(sys.executable, [sys.executable, *sys.argv])

    import torch

    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    with open(args.config) as file:
        config = json.load(file)
    if args.compile:
        torch._inductor.config.freezing = True
    train = "train" in args.work
    with torch.set_grad_enabled(train):
        begin = time.perf_counter()
        run = WORK[args.work](config, getattr(torch, args.dtype), args.compile)
        built = time.perf_counter() - begin
        times = []
        while len(times) < 4 or (sum(times[1:]) < args.seconds and len(times) < 100):
            begin = time.perf_counter()
            run()
            times.append(time.perf_counter() - begin)
    print(
        json.dumps(
            {
                "name": args.work,
                "framework": "torch " + torch.__version__ + (" tuned" if args.tuned else ""),
                "threads": args.threads,
                "built_s": round(built, 3),
                "first_s": round(times[0], 3),
                "runs": len(times) - 1,
                "median_s": round(statistics.median(times[1:]), 4),
                "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
