"""Stable Diffusion's UNet and autoencoder in nothing but PyTorch, for machines without diffusers.

Modules and parameters are named as in checkpoints of diffusers, and compute the same: run as a
program, `python tools/lab/bench/torch_sd.py BUNDLE…` compares them with bundles of Nacre's tests (this
needs safetensors). Only what SD 1.x and 2.x are made of is here.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as f


class Resnet(nn.Module):
    def __init__(self, n, m, groups, eps, embedding=None):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, n, eps)
        self.conv1 = nn.Conv2d(n, m, 3, padding=1)
        if embedding:
            self.time_emb_proj = nn.Linear(embedding, m)
        self.norm2 = nn.GroupNorm(groups, m, eps)
        self.conv2 = nn.Conv2d(m, m, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(n, m, 1) if n != m else None

    def forward(self, x, embedding=None):
        h = self.conv1(f.silu(self.norm1(x)))
        if embedding is not None:
            h = h + self.time_emb_proj(f.silu(embedding))[:, :, None, None]
        h = self.conv2(f.silu(self.norm2(h)))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + h


class Attention(nn.Module):
    def __init__(self, n, heads, context=None, bias=False, groups=None, eps=1e-6):
        super().__init__()
        self.heads = heads
        if groups:
            self.group_norm = nn.GroupNorm(groups, n, eps)
        self.to_q = nn.Linear(n, n, bias=bias)
        self.to_k = nn.Linear(context or n, n, bias=bias)
        self.to_v = nn.Linear(context or n, n, bias=bias)
        self.to_out = nn.ModuleList([nn.Linear(n, n)])

    def forward(self, x, context=None):
        context = x if context is None else context
        q, k, v = (
            y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for y in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        y = f.scaled_dot_product_attention(q, k, v)
        return self.to_out[0](y.transpose(1, 2).flatten(2))


class ImageAttention(Attention):
    """The autoencoder's: one head over all pixels."""

    def forward(self, x):
        y = self.group_norm(x).flatten(2).transpose(1, 2)
        return x + super().forward(y).transpose(1, 2).unflatten(2, x.shape[2:])


class Geglu(nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.proj = nn.Linear(n, 2 * m)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * f.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.net = nn.ModuleList([Geglu(n, 4 * n), nn.Identity(), nn.Linear(4 * n, n)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    def __init__(self, n, heads, context):
        super().__init__()
        self.norm1 = nn.LayerNorm(n)
        self.attn1 = Attention(n, heads)
        self.norm2 = nn.LayerNorm(n)
        self.attn2 = Attention(n, heads, context)
        self.norm3 = nn.LayerNorm(n)
        self.ff = FeedForward(n)

    def forward(self, x, context):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, n, heads, context, groups, linear):
        super().__init__()
        self.linear = linear
        self.norm = nn.GroupNorm(groups, n, 1e-6)
        project = (lambda: nn.Linear(n, n)) if linear else (lambda: nn.Conv2d(n, n, 1))
        self.proj_in = project()
        self.transformer_blocks = nn.ModuleList([TransformerBlock(n, heads, context)])
        self.proj_out = project()

    def forward(self, x, context):
        y = self.norm(x)
        if self.linear:
            y = self.proj_in(y.permute(0, 2, 3, 1).flatten(1, 2))
        else:
            y = self.proj_in(y).permute(0, 2, 3, 1).flatten(1, 2)
        y = self.transformer_blocks[0](y, context).unflatten(1, x.shape[2:])
        if self.linear:
            return x + self.proj_out(y).permute(0, 3, 1, 2)
        return x + self.proj_out(y.permute(0, 3, 1, 2))


class Sampling(nn.Module):
    """Half the size by a convolution, or twice the size before one."""

    def __init__(self, n, up, padding=1):
        super().__init__()
        self.up, self.padding = up, padding
        self.conv = nn.Conv2d(n, n, 3, 1 if up else 2, 1 if up else padding)

    def forward(self, x, size=None):
        if self.up:
            factor = None if size else 2.0
            return self.conv(f.interpolate(x, size=size, scale_factor=factor, mode="nearest"))
        return self.conv(x if self.padding else f.pad(x, (0, 1, 0, 1)))


class Block(nn.Module):
    """Resnets, each followed by a transformer where there are such, then a change of size."""

    def __init__(self, resnets, attentions=(), down=None, up=None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)
        if down:
            self.downsamplers = nn.ModuleList([down])
        if up:
            self.upsamplers = nn.ModuleList([up])

    def layers(self):
        attentions = self.attentions if hasattr(self, "attentions") else [None] * len(self.resnets)
        return zip(self.resnets, attentions)


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = config
        widths, groups, eps = c["block_out_channels"], c["norm_num_groups"], c["norm_eps"]
        layers, context, n = c["layers_per_block"], c["cross_attention_dim"], len(widths)
        heads = c["attention_head_dim"]
        heads = heads if isinstance(heads, list) else [heads] * n
        linear = c.get("use_linear_projection", False)
        e = 4 * widths[0]

        def transformer(i):
            return Transformer(widths[i], heads[i], context, groups, linear)

        def resnet(a, b):
            return Resnet(a, b, groups, eps, e)

        self.conv_in = nn.Conv2d(c["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = nn.ModuleDict(
            {"linear_1": nn.Linear(widths[0], e), "linear_2": nn.Linear(e, e)}
        )
        self.down_blocks = nn.ModuleList()
        for i, kind in enumerate(c["down_block_types"]):
            before = widths[max(i - 1, 0)]
            self.down_blocks.append(
                Block(
                    [resnet(before if j == 0 else widths[i], widths[i]) for j in range(layers)],
                    [transformer(i) for _ in range(layers)] if "CrossAttn" in kind else (),
                    down=Sampling(widths[i], False) if i < n - 1 else None,
                )
            )
        last = widths[-1]
        self.mid_block = Block([resnet(last, last) for _ in range(2)], [transformer(n - 1)])
        self.up_blocks = nn.ModuleList()
        for k, kind in enumerate(c["up_block_types"]):
            i = n - 1 - k
            before, skip = widths[min(i + 1, n - 1)], widths[max(i - 1, 0)]
            inputs = [(before if j == 0 else widths[i]) + widths[i] for j in range(layers)]
            inputs.append(widths[i] + skip)
            self.up_blocks.append(
                Block(
                    [resnet(a, widths[i]) for a in inputs],
                    [transformer(i) for _ in inputs] if "CrossAttn" in kind else (),
                    up=Sampling(widths[i], True) if i > 0 else None,
                )
            )
        self.conv_norm_out = nn.GroupNorm(groups, widths[0], eps)
        self.conv_out = nn.Conv2d(widths[0], c["out_channels"], 3, padding=1)

    def timesteps(self, t, like):
        half = self.config["block_out_channels"][0] // 2
        rate = torch.arange(half, device=t.device, dtype=torch.float32)
        rate = torch.exp(rate * (-math.log(10000) / (half - self.config["freq_shift"])))
        angle = t[:, None].float() * rate
        parts = [torch.cos(angle), torch.sin(angle)]
        if not self.config["flip_sin_to_cos"]:
            parts.reverse()
        return torch.cat(parts, -1).to(like.dtype)

    def forward(self, x, t, context):
        e = self.time_embedding["linear_1"](self.timesteps(t, x))
        e = self.time_embedding["linear_2"](f.silu(e))
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for resnet, attention in block.layers():
                x = resnet(x, e)
                x = x if attention is None else attention(x, context)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        first, second = self.mid_block.resnets
        x = second(self.mid_block.attentions[0](first(x, e), context), e)
        for block in self.up_blocks:
            for resnet, attention in block.layers():
                x = resnet(torch.cat([x, skips.pop()], 1), e)
                x = x if attention is None else attention(x, context)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x, skips[-1].shape[2:])
        return self.conv_out(f.silu(self.conv_norm_out(x)))


class Coder(nn.Module):
    """One half of the autoencoder: blocks of which each but the last changes the size."""

    def __init__(self, config, decodes):
        super().__init__()
        c = config
        widths, groups = list(c["block_out_channels"]), c["norm_num_groups"]
        layers = c["layers_per_block"] + decodes
        if decodes:
            widths.reverse()
        self.decodes = decodes
        self.conv_in = nn.Conv2d(
            c["latent_channels"] if decodes else c["in_channels"], widths[0], 3, padding=1
        )

        def resnet(a, b):
            return Resnet(a, b, groups, 1e-6)

        blocks = nn.ModuleList()
        for i, width in enumerate(widths):
            before = widths[max(i - 1, 0)]
            change = Sampling(width, decodes, 0) if i < len(widths) - 1 else None
            resnets = [resnet(before if j == 0 else width, width) for j in range(layers)]
            blocks.append(Block(resnets, **{"up" if decodes else "down": change}))
        mid = widths[0 if decodes else -1]
        self.mid_block = Block(
            [resnet(mid, mid) for _ in range(2)],
            [ImageAttention(mid, 1, bias=True, groups=groups)],
        )
        setattr(self, "up_blocks" if decodes else "down_blocks", blocks)
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], 1e-6)
        out = c["out_channels"] if decodes else 2 * c["latent_channels"]
        self.conv_out = nn.Conv2d(widths[-1], out, 3, padding=1)

    def middle(self, x):
        first, second = self.mid_block.resnets
        return second(self.mid_block.attentions[0](first(x)))

    def forward(self, x):
        x = self.conv_in(x)
        x = self.middle(x) if self.decodes else x
        for block in self.up_blocks if self.decodes else self.down_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            for change in getattr(block, "upsamplers" if self.decodes else "downsamplers", ()):
                x = change(x)
        x = x if self.decodes else self.middle(x)
        return self.conv_out(f.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        z = config["latent_channels"]
        self.encoder = Coder(config, False)
        self.decoder = Coder(config, True)
        self.quant_conv = nn.Conv2d(2 * z, 2 * z, 1)
        self.post_quant_conv = nn.Conv2d(z, z, 1)

    def encode(self, image):
        return self.quant_conv(self.encoder(image))

    def decode(self, latent):
        return self.decoder(self.post_quant_conv(latent))


def compare(folder):
    """The largest relative error of a bundle's outputs."""
    import json
    from pathlib import Path

    from safetensors.torch import load_file

    case = json.loads((Path(folder) / "case.json").read_text())
    tensors = load_file(Path(folder) / "tensors.safetensors")
    kinds = {"UNet2DConditionModel": UNet, "AutoencoderKL": Autoencoder}
    model = kinds[case["module"]](case["config"])
    prefix = "weight."
    weights = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    model.load_state_dict(weights)
    if isinstance(model, UNet):
        x, t, context = (
            tensors["input." + k] for k in ("sample", "timestep", "encoder_hidden_states")
        )
        outputs = {"sample": model(x, t.expand(len(x)), context)}
    else:
        outputs = {}
        if "input.image" in tensors:
            outputs["moments"] = model.encode(tensors["input.image"])
        if "input.latent" in tensors:
            outputs["decoded"] = model.decode(tensors["input.latent"])
    errors = [
        (value - tensors["output." + k]).norm() / tensors["output." + k].norm()
        for k, value in outputs.items()
    ]
    return max((float(e) for e in errors), key=lambda e: float("inf") if e != e else e)


def main():
    import sys

    errors = []
    with torch.no_grad():
        for folder in sys.argv[1:]:
            error = compare(folder)
            errors.append(error)
            print(f"{error:.1e}  {folder}")
    sys.exit(0 if errors and all(e < 1e-4 for e in errors) else 1)  # not of NaN


if __name__ == "__main__":
    main()
