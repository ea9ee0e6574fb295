"""Numbers that PyTorch computes in float64, for the test of the plain Java backend.

    python tools/lab/reference/plain_values.py > tensor/core/src/test/resources/nacre/tensor/reference/torch.txt

One line a tensor: its name, then its elements in row-major order, images as NHWC, weights as OHWI.
Inputs are wave(phase, shape, height)[i] = float32(height sin(0.7 i + phase)), as in the test.
"""

import math

import numpy
import torch
import torch.nn.functional as F


def wave(phase, *shape, height=1):
    n = math.prod(shape)
    values = [height * math.sin(0.7 * i + phase) for i in range(n)]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape).requires_grad_()


def put(name, tensor):
    values = numpy.asarray(tensor.detach()).reshape(-1)
    print(name, *(f"{v:.8g}" for v in values))


def gradients(name, out, cotangent, **inputs):
    found = torch.autograd.grad(out, list(inputs.values()), cotangent)
    for key, gradient in zip(inputs, found):
        put(f"{name}.d{key}", gradient)


def activations():
    functions = {
        "SILU": F.silu,
        "GELU": F.gelu,
        "GELU_TANH": lambda x: F.gelu(x, approximate="tanh"),
        "QUICK_GELU": lambda x: x * torch.sigmoid(1.702 * x),
        "SIGMOID": torch.sigmoid,
        "RELU": F.relu,
        "TANH": torch.tanh,
        "EXP": torch.exp,
        "SQUARE": torch.square,
        "SQRT": torch.sqrt,
        "SIN": torch.sin,
        "COS": torch.cos,
        "LOG": torch.log,
        "SOFTPLUS": F.softplus,
        "ABS": torch.abs,
    }
    for name, f in functions.items():
        points = [0.0625, 0.5, 1, 2.25, 4, 7.5]
        if name not in ("SQRT", "LOG"):
            points = [-7.5, -4, -2.25, -1, -0.5, -0.0625] + points
        x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
        y = f(x)
        put(f"unary.{name}", y)
        gradients(f"unary.{name}", y, torch.ones_like(y), x=x)


def geglu():
    x = wave(0.1, 3, 10, height=3)
    value, gate = x.chunk(2, dim=-1)
    y = value * F.gelu(gate)
    put("geglu", y)
    gradients("geglu", y, wave(1.1, 3, 5), x=x)


def convolution(name, shape, weight, stride, top, left, bottom, right):
    n, h, w, i = shape
    o, kh, kw = weight
    x = wave(0.2, n, h, w, i)
    k = wave(0.4, o, kh, kw, i)
    bias = wave(0.6, o)
    padded = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    y = F.conv2d(padded, k.permute(0, 3, 1, 2), bias, stride).permute(0, 2, 3, 1)
    residual = wave(0.8, *y.shape)
    put(f"{name}.silu", F.silu(y + residual))
    gradients(name, y, wave(1.0, *y.shape), x=x, w=k, b=bias)


def linear():
    x = wave(0.3, 2, 3, 5)
    w = wave(0.5, 4, 5)
    b = wave(0.7, 4)
    y = F.linear(x, w, b)
    put("linear.gelu", F.gelu(y))
    gradients("linear", y, wave(0.9, *y.shape), x=x, w=w, b=b)


def group_norm(silu):
    name = "groupNorm.silu" if silu else "groupNorm"
    x = wave(0.15, 2, 3, 2, 8)
    gamma = wave(0.35, 8)
    beta = wave(0.55, 8)
    y = F.group_norm(x.permute(0, 3, 1, 2), 4, gamma, beta, 1e-3).permute(0, 2, 3, 1)
    y = F.silu(y) if silu else y
    put(name, y)
    grouped = x.reshape(2, 6, 4, 2).transpose(1, 2).reshape(8, 12)
    put(f"{name}.mean", grouped.mean(1))
    put(f"{name}.rstd", (grouped.var(1, correction=0) + 1e-3).rsqrt())
    gradients(name, y, wave(0.75, *y.shape), x=x, gamma=gamma, beta=beta)


def layer_norm():
    x = wave(0.25, 5, 7)
    gamma = wave(0.45, 7)
    beta = wave(0.65, 7)
    y = F.layer_norm(x, (7,), gamma, beta, 1e-3)
    put("layerNorm", y)
    gradients("layerNorm", y, wave(0.85, 5, 7), x=x, gamma=gamma, beta=beta)


def attention(causal):
    name = "attention.causal" if causal else "attention"
    q = wave(0.12, 2, 4, 2, 3)
    k = wave(0.32, 2, 5, 2, 3)
    v = wave(0.52, 2, 5, 2, 3)
    mask = torch.ones(4, 5, dtype=torch.bool).tril() if causal else None
    heads = [t.transpose(1, 2) for t in (q, k, v)]
    y = F.scaled_dot_product_attention(*heads, attn_mask=mask, scale=0.9).transpose(1, 2)
    put(name, y)
    gradients(name, y, wave(0.72, *y.shape), q=q, k=k, v=v)


def softmax():
    x = wave(0.22, 4, 6, height=3)
    y = torch.softmax(x, -1)
    put("softmax", y)
    gradients("softmax", y, wave(0.42, 4, 6), x=x)


def mean_squared_error():
    a = wave(0.13, 3, 7)
    b = wave(0.33, 3, 7)
    y = F.mse_loss(a, b)
    put("mse", y)
    gradients("mse", y, torch.tensor(0.7, dtype=torch.float64), a=a)


def resize(name, height, width):
    x = wave(0.14, 2, 9, 7, 2)
    y = F.interpolate(
        x.permute(0, 3, 1, 2), (height, width), mode="bilinear", antialias=True
    ).permute(0, 2, 3, 1)
    put(name, y)
    gradients(name, y, wave(0.34, *y.shape), x=x)


def pool(name, shape, kernel, stride, before, after):
    """Of the largest, and of the mean without what is padded."""
    x = wave(0.17, *shape)
    inside = F.pad(x.permute(0, 3, 1, 2), (before, after, before, after), value=-math.inf)
    y = F.max_pool2d(inside, kernel, stride).permute(0, 2, 3, 1)
    put(f"{name}.max", y)
    gradients(f"{name}.max", y, wave(0.37, *y.shape), x=x)
    pad = (before, after, before, after)
    sums = F.avg_pool2d(F.pad(x.permute(0, 3, 1, 2), pad), kernel, stride)
    counts = F.avg_pool2d(F.pad(torch.ones_like(x).permute(0, 3, 1, 2), pad), kernel, stride)
    y = (sums / counts.detach()).permute(0, 2, 3, 1)
    put(f"{name}.mean", y)
    gradients(f"{name}.mean", y, wave(0.37, *y.shape), x=x)


def crop_weights(n, o, a, b):
    """Scale and translate as the paper's code gives them to jax.image.scale_and_translate."""
    length = max(b - a, 1e-6)
    scale = o / (length * n)
    translation = -a * o / length
    inverse = 1 / scale
    spread = max(inverse, 1)
    at = (numpy.arange(o) + 0.5) * inverse - translation * inverse - 0.5
    far = numpy.abs(at[None, :] - numpy.arange(n)[:, None]) / spread
    weights = numpy.maximum(0, 1 - far)
    total = weights.sum(0, keepdims=True)
    normal = numpy.where(
        numpy.abs(total) > 1000 * numpy.finfo(numpy.float32).eps,
        weights / numpy.where(total != 0, total, 1),
        0,
    )
    inside = (at >= -0.5) & (at <= n - 0.5)
    return torch.tensor(numpy.where(inside[None, :], normal, 0))


CROPS = [
    (0, 0, 1, 1),
    (0.125, 0.25, 0.75, 0.875),
    (-0.375, 0.5, 0.625, 1.375),
    (-0.5, -0.25, 1.5, 1.25),
    (0.4375, 0.5625, 0.46875, 0.59375),
    (0, 0, 0, 0),
    (0.75, 0.625, 0.25, 0.375),
    (1.75, 0.25, 2.25, 0.5),
]


def crop():
    x = wave(0.24, 1, 9, 7, 2)
    boxes = []
    for y0, x0, y1, x1 in CROPS:
        rows = crop_weights(9, 2, y0, y1)
        columns = crop_weights(7, 3, x0, x1)
        boxes.append(torch.einsum("ir,nijc,js->nrsc", rows, x, columns))
    y = torch.stack(boxes, 1)
    put("crop", y)
    gradients("crop", y, wave(0.44, *y.shape), x=x)


def timesteps():
    """The formula of diffusers' get_timestep_embedding."""
    t = torch.tensor([0.0, 1.0, 17.5, 999.0], dtype=torch.float64)
    for dim in (8, 9):
        for shift in (0, 1):
            half = dim // 2
            exponent = -math.log(10000) * torch.arange(half, dtype=torch.float64) / (half - shift)
            angle = t[:, None] * exponent.exp()[None, :]
            for flip in (False, True):
                parts = [angle.sin(), angle.cos()]
                y = torch.cat(parts[::-1] if flip else parts, dim=-1)
                y = F.pad(y, (0, dim - 2 * half))
                put(f"timesteps.{dim}.{shift}.{'cosine' if flip else 'sine'}", y)


def adamw(name, clip):
    p = [wave(0.16, 5).detach(), wave(0.36, 2, 3).detach()]
    p = [t.clone().requires_grad_() for t in p]
    optimizer = torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)
    for step in range(3):
        for i, t in enumerate(p):
            t.grad = wave(0.5 + step + 0.25 * i, *t.shape).detach()
        if clip:
            torch.nn.utils.clip_grad_norm_(p, clip)
        optimizer.step()
    put(f"{name}.0", p[0])
    put(f"{name}.1", p[1])


activations()
geglu()
convolution("conv.down", (2, 5, 6, 3), (4, 3, 3), 2, 0, 0, 1, 1)
convolution("conv.uneven", (1, 4, 5, 2), (3, 2, 3), 1, 2, 0, 1, 3)
linear()
group_norm(False)
group_norm(True)
layer_norm()
attention(False)
attention(True)
softmax()
mean_squared_error()
resize("resize.shrink", 4, 3)
resize("resize.grow", 12, 10)
resize("resize.mixed", 4, 10)
pool("pool.even", (2, 4, 6, 3), 2, 2, 0, 0)
pool("pool.around", (1, 5, 4, 2), 3, 1, 1, 1)
pool("pool.behind", (1, 6, 4, 2), 3, 2, 0, 1)
crop()
timesteps()
adamw("adamw", None)
adamw("adamw.clipped", 1.5)
