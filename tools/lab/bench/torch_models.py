"""Times the works of `nacre bench models` and `nacre bench metrics` in PyTorch, diffusers and transformers.

One kind of work a call, with random weights, as a user would install and run it:
`python tools/lab/bench/torch_models.py --work unet-32 --config unet.json --dtype bfloat16`.
The last line is JSON: the median seconds and the peak memory.

On the CPU `--tuned` starts it again with an allocator that keeps its memory and with large
pages. With `--device cuda` cuDNN chooses its algorithms by timing them, convolutions are channels
last, attention is PyTorch's scaled_dot_product_attention, AdamW is the fused one, and f32 products
are exact unless there is `--tf32`. `--compile [MODE]` compiles the model first, by default so that
launches are captured as well (reduce-overhead) where nothing is trained; operations on few numbers,
which a compiler would make one of, are captured and not compiled.

Needs torch, for the ViT transformers, and for the other models diffusers; without that they are
those of torch_sd.py, which compute the same.
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
SMALLER = 8  # by how much images are less high and wide with --small
REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "reference")
FEW = 2  # images that there are at most with --small


def sample(out):
    """The output tensor of a model, which diffusers wraps in an object."""
    return getattr(out, "sample", out)


class Bench:
    """The builder of the works' models."""

    def __init__(self, args):
        import torch

        with open(args.config) as file:
            self.config = json.load(file)
        self.dtype = getattr(torch, args.dtype)
        self.device = args.device
        self.smaller = SMALLER if args.small else 1
        self.mode = args.compile
        try:
            import diffusers
        except ImportError:
            diffusers = None
        self.diffusers = diffusers

    def models_of(self, work):
        """The origin of the model's code."""
        if work == "launches":
            return ""
        if work.startswith(("lpips", "fid")):
            return "written out"
        if work.startswith(("vit", "dino")):
            import transformers

            return "transformers " + transformers.__version__
        return "torch_sd" if self.diffusers is None else "diffusers " + self.diffusers.__version__

    def build(self, make):
        """A model whose weights are random and not slowly initialized."""
        import torch

        with torch.device("meta"):
            model = make()
        model = model.to_empty(device=self.device).to(self.dtype)
        with torch.no_grad():
            for p in model.parameters():
                if p.dim() > 1:
                    p.uniform_(-1, 1).div_((p[0].numel()) ** 0.5)
                else:
                    p.fill_(0.5)
        for name, buffer in model.named_buffers():
            buffer.zero_()
        return model

    def images(self, x):
        """A model or a tensor [N, C, H, W] in the fastest memory format for convolutions."""
        import torch

        return x.to(memory_format=torch.channels_last) if self.device == "cuda" else x

    def random(self, *shape):
        import torch

        return torch.randn(*shape, dtype=self.dtype, device=self.device)

    def compiled(self, run, train=False):
        import torch

        if self.mode is None:
            return run
        mode = self.mode
        if mode == "auto":
            mode = "default" if train or self.device == "cpu" else "reduce-overhead"
        return torch.compile(run, mode=mode)

    def unet(self, batch, side, tokens=77):
        import torch

        if self.diffusers:
            make = self.diffusers.UNet2DConditionModel.from_config
        else:
            from torch_sd import UNet as make
        model = self.images(self.build(lambda: make(self.config)))
        side //= self.smaller
        batch = batch if self.smaller == 1 else min(batch, FEW)
        x = self.images(self.random(batch, 4, side, side))
        t = torch.full((batch,), 500, device=self.device)
        context = self.random(batch, tokens, self.config["cross_attention_dim"])
        return model, x, t, context

    def unet_step(self, batch, side):
        model, x, t, context = self.unet(batch, side)
        forward = self.compiled(model.eval())
        return lambda: sample(forward(x, t, context))

    def training_step(self, batch):
        import torch

        model, x, t, context = self.unet(batch, 32, 17)
        model = model.float().train()
        x, context = x.float(), context.float()
        fused = {"fused": True} if self.device == "cuda" else {}
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, **fused)
        target = torch.randn(x.shape, device=self.device)
        forward = self.compiled(model, train=True)
        mixed = self.dtype != torch.float32

        def step():
            with torch.autocast(self.device, torch.bfloat16, enabled=mixed):
                out = sample(forward(x, t, context))
            loss = torch.nn.functional.mse_loss(out.float(), target)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss.item()

        return step

    def vae(self, decode, side):
        if self.diffusers:
            make = self.diffusers.AutoencoderKL.from_config
        else:
            from torch_sd import Autoencoder as make
        model = self.images(self.build(lambda: make(self.config)).eval())
        side //= self.smaller
        if decode:
            f = 2 ** (len(self.config["block_out_channels"]) - 1)
            z = self.images(self.random(1, self.config["latent_channels"], side // f, side // f))
            run = self.compiled(model.decode)
            return lambda: sample(run(z))
        x = self.images(self.random(1, 3, side, side))
        run = self.compiled(model.encode)
        return lambda: run(x)

    def lpips(self, net):
        """As in tools/lab/reference/export_lpips.py; in place where PyTorch's own models are."""
        sys.path.insert(0, REFERENCE)
        import export_lpips
        import torch

        if net == "vgg":
            trunk, taps = export_lpips.vgg([64, 128, 256, 512, 512])
            side = 16
        else:
            trunk, taps = export_lpips.alex([64, 192, 384, 256, 256])
            side = 31
        for layer in trunk:
            if isinstance(layer, torch.nn.ReLU):
                layer.inplace = True
        trunk = self.images(trunk.to(self.device, self.dtype).eval())
        widths = [c.out_channels for c in trunk if isinstance(c, torch.nn.Conv2d)]
        widths = widths if net == "alex" else [64, 128, 256, 512, 512]
        heads = [torch.rand(1, w, 1, 1, dtype=self.dtype, device=self.device) for w in widths]
        export_lpips.SHIFT = export_lpips.SHIFT.to(self.device, self.dtype)
        export_lpips.SCALE = export_lpips.SCALE.to(self.device, self.dtype)
        count = 4 if self.smaller == 1 else FEW
        side = 256 if self.smaller == 1 else side
        a, b = (self.images(self.random(count, 3, side, side)) for _ in range(2))
        run = self.compiled(lambda: export_lpips.distances(trunk, taps, heads, a, b, export_lpips.authors))
        return run

    def inception(self):
        sys.path.insert(0, REFERENCE)
        from vision import Inception, randomized

        net = self.images(randomized(Inception()).to(self.device, self.dtype))
        side = 299 if self.smaller == 1 else 96
        x = self.images(self.random(8 if self.smaller == 1 else FEW, 3, side, side))
        run = self.compiled(lambda: net.features(x)[-1])
        return run

    def vit(self, count):
        from transformers import ViTConfig, ViTModel

        shape = ViTConfig(**self.config)
        shape._attn_implementation = "sdpa"
        model = self.build(lambda: ViTModel(shape, add_pooling_layer=False)).eval()
        count = count if self.smaller == 1 else min(count, FEW)
        x = self.random(count, 3, shape.image_size, shape.image_size)
        forward = self.compiled(model)
        return lambda: forward(x).last_hidden_state

    def launches(self):
        import torch

        x = self.random(1024)
        count = 100 if self.smaller > 1 else 1000

        def chain():
            y = x
            for _ in range(count):
                y = y * 1.0001
            return y

        if self.mode is None or self.device != "cuda":
            return chain
        chain()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            chain()
        return graph.replay


WORK = {
    "unet-32": lambda b: b.unet_step(1, 32),
    "unet-32-b2": lambda b: b.unet_step(2, 32),
    "unet-32-b16": lambda b: b.unet_step(16, 32),
    "unet-64-b2": lambda b: b.unet_step(2, 64),
    "unet-64-b16": lambda b: b.unet_step(16, 64),
    "vae-encode-256": lambda b: b.vae(False, 256),
    "vae-decode-256": lambda b: b.vae(True, 256),
    "vae-decode-512": lambda b: b.vae(True, 512),
    "vit-b8-256": lambda b: b.vit(1),
    "lpips-vgg-256": lambda b: b.lpips("vgg"),
    "lpips-alex-256": lambda b: b.lpips("alex"),
    "fid-299": lambda b: b.inception(),
    "dino-s16-224": lambda b: b.vit(16),
    "unet-train-32": lambda b: b.training_step(1),
    "unet-train-32-b32": lambda b: b.training_step(32),
    "launches": lambda b: b.launches(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", required=True, choices=WORK)
    parser.add_argument("--config", required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5, help="time until there are enough runs")
    parser.add_argument("--small", action="store_true", help="small images, to try the benchmark")
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--tf32", action="store_true", help="let f32 products round their operands")
    parser.add_argument("--compile", nargs="?", const="auto", metavar="MODE")
    args = parser.parse_args()
    if args.tuned and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        os.execv(sys.executable, [sys.executable, *sys.argv])

    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    import torch

    torch.manual_seed(0)
    gpu = args.device == "cuda"
    if gpu:
        if not torch.cuda.is_available():
            sys.exit("torch_models: this PyTorch finds no GPU")
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = args.tf32
        torch.backends.cuda.matmul.allow_tf32 = args.tf32
    else:
        torch.set_num_threads(args.threads)
    if args.compile:
        import torch._inductor.config

        torch._inductor.config.freezing = not gpu

    def timed(run):
        if gpu:
            torch.cuda.synchronize()
        begin = time.perf_counter()
        run()
        if gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    train = "train" in args.work
    with torch.set_grad_enabled(train):
        begin = time.perf_counter()
        bench = Bench(args)
        run = WORK[args.work](bench)
        built = time.perf_counter() - begin
        first = timed(run)
        if gpu:
            for _ in range(4):  # compilers and cuDNN try algorithms in the first runs
                timed(run)
            torch.cuda.reset_peak_memory_stats()
        times = []
        while len(times) < 3 or (sum(times) < args.seconds and len(times) < (200 if gpu else 99)):
            times.append(timed(run))
    peak = torch.cuda.max_memory_allocated() / 1e9 if gpu else None
    # What a captured graph keeps for its next replay counts as reserved only.
    held = {"reserved_gb": round(torch.cuda.memory_reserved() / 1e9, 4)} if gpu else {}
    how = " tuned" if args.tuned else ""
    if args.compile:
        how += " captured" if args.work == "launches" else " compile"
        how += "" if args.compile == "auto" else " " + args.compile
    elif gpu:
        how += " eager"
    print(
        json.dumps(
            {
                "name": args.work,
                "framework": "torch " + torch.__version__ + how,
                "models": bench.models_of(args.work),
                "device": torch.cuda.get_device_name() if gpu else "cpu",
                **held,
                "tf32": args.tf32,
                "threads": args.threads,
                "built_s": round(built, 3),
                "first_s": round(first, 3),
                "runs": len(times),
                "median_s": round(statistics.median(times), 7),
                "peak_gb": round(peak, 4)
                if gpu
                else round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
