"""Neural Assets (arXiv 2406.09292) in PyTorch, on diffusers' UNet and autoencoder and transformers' ViT.

The model that `nacre.neuralassets` builds in Java, implemented again on other libraries' building blocks,
so that the two can be compared digit by digit. Both read the same JSON preset.

Shapes: B samples, N object slots, C = cross_attention_dim, K = roi_size ** 2 tokens a box, S the side
of images, s and c side and channels of the samples that the UNet draws: latents, or folded pixels.

  source image  [B, 3, S, S] in [-1, 1]           boxes      [B, N, 4]  (y0, x0, y1, x1) in [0, 1]
  object poses  [B, N, 12]   (u, v, depth) of the box corners 0, 1, 2, 4 in the target camera
  background pose [B, 12]    inverse(target camera) @ source camera: 9 rotation row-major, 3 shift
  -> tokens     [B, K * (N + 1), C]: objects in slot order, the background last; inside a box the
                cells of the 2x2 grid row by row
  -> UNet       noisy sample [B, c, s, s] -> the same shape

Parameter names (also on disk):
  unet.*            as UNet2DConditionModel.save_pretrained writes them
  vae.*             as AutoencoderKL.save_pretrained writes them; frozen
  vit.*             as ViTModel.save_pretrained writes them (`vit.encoder.layer.0.attention.
                    attention.query.weight`), without a pooler
  appearance.weight [appearance_dim, hidden_size], appearance.bias
  pose_mlp.0.*      [pose_hidden, F], pose_mlp.2.* [pose_dim, pose_hidden]
  background_mlp.0.* [background_hidden, 12], background_mlp.2.* [F, background_hidden]
  neck.*            [C, appearance_dim + pose_dim]
F is the width of the pose features: 12 in the paper, more with the aids below. The activation in
both MLPs is GELU in its tanh approximation.

Details that both implementations must share:
  vae               with this key samples are latents: the distribution that the frozen encoder makes of
                    a frame, from which one is drawn with given noise, times scaling_factor. Without
                    it they are folded pixels.
  fold              space to depth: pixel (fold*y + dy, fold*x + dx), color c goes to row y, column
                    x, channel (dy * fold + dx) * 3 + c.
  masks             a box covers rows round(y0*S) <= y < round(y1*S), columns likewise, rounding
                    half to even. Object pass: pixels outside the union of the boxes become 0
                    (gray 0.5 of [0, 1]). Background pass: pixels inside it become 0.
  ViT               sees the masked image normalized by asset_tokens' image_mean and image_std (0.5
                    each: [-1, 1]), then resized to its image_size by an antialiased bilinear filter.
                    Positions are interpolated where that is not what the ViT was made for. Patch
                    tokens after the last LayerNorm, CLS dropped, [B, hidden, side/patch,
                    side/patch]. Both passes share the weights.
  RoIAlign          antialiased, `roi_align` below; the background uses the box (0, 0, 1, 1).
                    An empty box (y1 <= y0 or x1 <= x0) gives zero features.
  drop              a dropped sample has all boxes (the background's too) and all poses 0.

Aids that the paper's model lacks, each switched off by its zero:
  fold              1: plain pixels (the paper works on VAE latents)
  coordinate_octaves  o > 0: 4*o constant channels behind the image channels of the UNet's input; for
                    k = 0..o-1: sin(2^k pi u), cos(2^k pi u), sin(2^k pi v), cos(2^k pi v) with
                    u = (column + 0.5) / width, v = (row + 0.5) / height.
  depth_scale       1 in the paper: depths are multiplied by it before all else.
  derived_box       appends uc, vc, dc, umin, vmin, umax, vmax to the 12 numbers: the projected box
                    center and the extent of all eight projected corners. In (u*d, v*d, d) the
                    camera's projection is linear, so they follow from the four corners alone. A
                    point with d <= 1e-6 counts as (0, 0).
  pose_octaves      o > 0: each number x of the vector so far (12 or 19) is followed by
                    sin(2^k pi x), cos(2^k pi x): [x..., sin_0..., cos_0..., sin_1..., cos_1...].
  initial_gain      g > 0: the weights of appearance, pose_mlp, background_mlp and neck start as
                    normal(0, g / sqrt(fan_in)), their biases as 0. PyTorch's default shrinks what
                    comes from the poses to a standard deviation of 0.03 in the tokens, too faint
                    for cross-attention to notice for thousands of steps; 1.5 makes the tokens about 1.
  timestep_power    p: timesteps are floor(u^(1/p) * T), u uniform; p > 1 gives more noise.
  object_weight     w > 1: the squared errors inside the target frame's object boxes count w times,
                    sum(weight * error) / sum(weight) for each sample, then the mean over samples.
                    A latent's weight is the mean over the pixels that it stands for.
  prediction_type   v_prediction or sample (the paper: epsilon), beta_schedule squaredcos_cap_v2 (the
                    paper: scaled_linear).

Training has three groups of parameters: the UNet at the learning rate, the ViT at
encoder_learning_rate_factor times it, the layers between at token_learning_rate_factor times it; a
factor of 0 freezes them. With gradient_accumulation_steps a batch is computed in so many parts.
The background pose goes through background_mlp only, whose output takes the place of the features.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import ViTConfig, ViTModel

from lora_adapters import saved_name

SHIPPED = Path(__file__).resolve().parents[3] / "models/autoencoder"

_VIT_NAMES = (
    (r"^layers\.(\d+)\.attention\.q_proj\.", r"encoder.layer.\1.attention.attention.query."),
    (r"^layers\.(\d+)\.attention\.k_proj\.", r"encoder.layer.\1.attention.attention.key."),
    (r"^layers\.(\d+)\.attention\.v_proj\.", r"encoder.layer.\1.attention.attention.value."),
    (r"^layers\.(\d+)\.attention\.o_proj\.", r"encoder.layer.\1.attention.output.dense."),
    (r"^layers\.(\d+)\.mlp\.fc1\.", r"encoder.layer.\1.intermediate.dense."),
    (r"^layers\.(\d+)\.mlp\.fc2\.", r"encoder.layer.\1.output.dense."),
    (r"^layers\.(\d+)\.", r"encoder.layer.\1."),
)


def vit_disk_name(name: str) -> str:
    """The name under which ViTModel.save_pretrained writes a parameter (transformers 5 renames)."""
    for pattern, replacement in _VIT_NAMES:
        renamed = re.sub(pattern, replacement, name)
        if renamed != name:
            return renamed
    return name


def disk_name(name: str) -> str:
    """The on-disk name of a parameter of NeuralAssets."""
    return "vit." + vit_disk_name(name[4:]) if name.startswith("vit.") else saved_name(name)


def load_config(path) -> dict:
    """A preset; the sizes of a `vae` that it only names are read from where it is."""
    config = json.loads(Path(path).read_text())
    if "vae_from" in config and "vae" not in config:
        place = Path(SHIPPED if config["vae_from"] == "shipped" else config["vae_from"])
        folder = place / "vae" if (place / "vae").is_dir() else place
        config["vae"] = json.loads((folder / "config.json").read_text())
    return config


def fold_image(image: torch.Tensor, fold: int) -> torch.Tensor:
    """[B, 3, S, S] -> [B, fold*fold*3, S/fold, S/fold], channel (dy * fold + dx) * 3 + c."""
    b, c, h, w = image.shape
    cells = image.reshape(b, c, h // fold, fold, w // fold, fold)
    return cells.permute(0, 3, 5, 1, 2, 4).reshape(b, fold * fold * c, h // fold, w // fold)


def unfold_image(folded: torch.Tensor, fold: int) -> torch.Tensor:
    """The inverse of fold_image."""
    b, c, h, w = folded.shape
    cells = folded.reshape(b, fold, fold, c // (fold * fold), h, w)
    return cells.permute(0, 3, 4, 1, 5, 2).reshape(b, c // (fold * fold), h * fold, w * fold)


def coordinate_channels(size: int, octaves: int) -> torch.Tensor:
    """[1, 4 * octaves, size, size]."""
    center = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    u = center.expand(size, size)
    v = u.T
    planes = []
    for k in range(octaves):
        for x in (u, v):
            planes += [torch.sin(2**k * math.pi * x), torch.cos(2**k * math.pi * x)]
    stacked = torch.stack(planes) if planes else torch.zeros(0, size, size)
    return stacked.float()[None]


def box_mask(boxes: torch.Tensor, size: int) -> torch.Tensor:
    """[B, N, 4] -> [B, 1, size, size], 1 inside the union of the boxes."""
    y0, x0, y1, x1 = torch.round(boxes * size).unbind(-1)
    cell = torch.arange(size, device=boxes.device)
    rows = (cell >= y0[..., None]) & (cell < y1[..., None])
    columns = (cell >= x0[..., None]) & (cell < x1[..., None])
    return (rows[..., :, None] & columns[..., None, :]).any(1, keepdim=True).float()


def roi_weights(low: torch.Tensor, high: torch.Tensor, n: int, out: int) -> torch.Tensor:
    """Antialiased linear resampling of [low, high] of n cells to `out`: [..., out, n]."""
    length = (high - low).clamp_min(1e-6)
    scale = out / (length * n)
    shift = -low * out / length
    inverse = 1 / scale
    kernel = inverse.clamp_min(1)[..., None, None]
    j = torch.arange(out, dtype=low.dtype)
    at = (j + 0.5) * inverse[..., None] - shift[..., None] * inverse[..., None] - 0.5
    i = torch.arange(n, dtype=low.dtype)
    weight = (1 - (at[..., None] - i).abs() / kernel).clamp_min(0)
    total = weight.sum(-1, keepdim=True)
    enough = total > 1000 * torch.finfo(torch.float32).eps
    weight = torch.where(enough, weight / torch.where(enough, total, 1), 0)
    inside = (at >= -0.5) & (at <= n - 0.5)
    return weight * inside[..., None]


def roi_align(features: torch.Tensor, boxes: torch.Tensor, out: int) -> torch.Tensor:
    """features [B, D, H, W], boxes [B, M, 4] -> [B, M, out*out, D]; empty boxes give zeros."""
    y0, x0, y1, x1 = boxes.unbind(-1)
    rows = roi_weights(y0, y1, features.shape[2], out)  # [B, M, out, H]
    columns = roi_weights(x0, x1, features.shape[3], out)
    pooled = torch.einsum("bmih,bmjw,bdhw->bmijd", rows, columns, features).flatten(2, 3)
    full = ((y1 > y0) & (x1 > x0)).to(features.dtype)
    return pooled * full[..., None, None]


def derived_box(poses: torch.Tensor) -> torch.Tensor:
    """[..., 12] -> [..., 7]: uc, vc, dc, umin, vmin, umax, vmax of the projected box."""
    corner = poses.unflatten(-1, (4, 3))
    depth = corner[..., 2:]
    point = torch.cat([corner[..., :2] * depth, depth], -1)  # (u*d, v*d, d): linear in space
    origin, edges = point[..., 0, :], point[..., 1:, :] - point[..., :1, :]
    choose = torch.tensor([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], dtype=poses.dtype)
    all8 = origin[..., None, :] + choose @ edges  # [..., 8, 3]
    center = origin + edges.sum(-2) / 2

    def project(p):
        seen = p[..., 2:] > 1e-6
        return torch.where(seen, p[..., :2] / torch.where(seen, p[..., 2:], 1), 0)

    uv = project(all8)
    return torch.cat([project(center), center[..., 2:], uv.amin(-2), uv.amax(-2)], -1)


def pose_features(poses: torch.Tensor, depth_scale: float, derived: bool, octaves: int):
    """[..., 12] -> [..., F]."""
    scale = torch.tensor([1.0, 1.0, depth_scale] * 4, dtype=poses.dtype)
    x = poses * scale
    if derived:
        x = torch.cat([x, derived_box(x)], -1)
    parts = [x]
    for k in range(octaves):
        parts += [torch.sin(2**k * math.pi * x), torch.cos(2**k * math.pi * x)]
    return torch.cat(parts, -1)


class NeuralAssets(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        tokens = config["asset_tokens"]
        self.fold = config["fold"]
        self.size = config["image_size"]
        self.unet = UNet2DConditionModel(**config["unet"])
        self.vae = None
        if "vae" in config:
            self.vae = AutoencoderKL.from_config(config["vae"]).requires_grad_(False)
        family = config["image_encoder"].get("model_type", "vit")
        if family != "vit":
            raise ValueError(f"the twin has no image encoder {family}, only vit")
        encoder = ViTConfig(attn_implementation="sdpa", **config["image_encoder"])
        self.vit = ViTModel(encoder, add_pooling_layer=False)
        self.encoder_size = tokens.get("image_size", encoder.image_size)
        self.encoder_resized = self.encoder_size != encoder.image_size
        for name in ("image_mean", "image_std"):
            values = torch.tensor(tokens.get(name, [0.5] * 3)).reshape(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)
        self.roi = tokens["roi_size"]
        self.aids = (tokens["depth_scale"], tokens["derived_box"], tokens["pose_octaves"])
        wide = pose_features(torch.zeros(12), *self.aids).numel()
        self.appearance = nn.Linear(encoder.hidden_size, tokens["appearance_dim"])
        self.pose_mlp = nn.Sequential(
            nn.Linear(wide, tokens["pose_hidden"]),
            nn.GELU(approximate="tanh"),
            nn.Linear(tokens["pose_hidden"], tokens["pose_dim"]),
        )
        self.background_mlp = nn.Sequential(
            nn.Linear(12, tokens["background_hidden"]),
            nn.GELU(approximate="tanh"),
            nn.Linear(tokens["background_hidden"], wide),
        )
        joint = tokens["appearance_dim"] + tokens["pose_dim"]
        self.neck = nn.Linear(joint, config["unet"]["cross_attention_dim"])
        coordinates = coordinate_channels(self.unet.config.sample_size, config["coordinate_octaves"])
        gain = tokens.get("initial_gain", 0)
        for part in (self.appearance, self.pose_mlp, self.background_mlp, self.neck):
            for layer in part.modules():
                if gain and isinstance(layer, nn.Linear):
                    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.in_features))
                    nn.init.zeros_(layer.bias)
        self.register_buffer("coordinates", coordinates, persistent=False)
        recipe = config["training"]
        self.vit.requires_grad_(recipe.get("encoder_learning_rate_factor", 1) > 0)
        for part in (self.appearance, self.pose_mlp, self.background_mlp, self.neck):
            part.requires_grad_(recipe.get("token_learning_rate_factor", 1) > 0)

    @torch.no_grad()
    def to_samples(self, images, latent_noise=None):
        """[B, 3, S, S] -> [B, c, s, s]; of latents the mode where there is no noise [B, c, s, s]."""
        if self.vae is None:
            return fold_image(images, self.fold)
        posterior = self.vae.encode(images).latent_dist
        latents = posterior.mean if latent_noise is None else posterior.mean + posterior.std * latent_noise
        return latents * self.vae.config.scaling_factor

    @torch.no_grad()
    def to_images(self, samples):
        """[B, c, s, s] -> [B, 3, S, S]."""
        if self.vae is None:
            return unfold_image(samples, self.fold)
        return self.vae.decode(samples / self.vae.config.scaling_factor).sample

    def object_weights(self, target_boxes, weight: float):
        """[B, N, 4] -> [B, c, s, s]: `weight` inside the target frame's boxes, 1 outside."""
        pixels = 1 + (weight - 1) * box_mask(target_boxes, self.size)
        if self.vae is None:
            return fold_image(pixels.expand(-1, 3, -1, -1), self.fold)
        shrink = self.size // self.unet.config.sample_size
        return F.avg_pool2d(pixels, shrink).expand(-1, self.unet.config.out_channels, -1, -1)

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """[B, 3, S, S] in [-1, 1] -> [B, hidden, side/patch, side/patch]."""
        pixels = ((image + 1) / 2 - self.image_mean) / self.image_std
        if self.encoder_size != self.size:
            side = (self.encoder_size, self.encoder_size)
            pixels = F.interpolate(pixels, side, mode="bilinear", antialias=True)
        seen = self.vit(pixel_values=pixels, interpolate_pos_encoding=self.encoder_resized)
        hidden = seen.last_hidden_state[:, 1:]
        side = math.isqrt(hidden.shape[1])
        return hidden.transpose(1, 2).unflatten(2, (side, side))

    def tokens(self, source, boxes, poses, background_pose, keep):
        """The cross-attention context [B, K * (N + 1), C]; keep [B]: 0 drops a sample's tokens."""
        b = source.shape[0]
        boxes = boxes * keep[:, None, None]
        poses = poses * keep[:, None, None]
        background_pose = background_pose * keep[:, None]
        whole = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(b, 1, 4) * keep[:, None, None]
        mask = box_mask(boxes, self.size)
        front, back = self.encode(torch.cat([source * mask, source * (1 - mask)])).chunk(2)
        looks = torch.cat([roi_align(front, boxes, self.roi), roi_align(back, whole, self.roi)], 1)
        looks = self.appearance(looks)  # [B, N + 1, K, appearance_dim]
        features = torch.cat(
            [pose_features(poses, *self.aids), self.background_mlp(background_pose)[:, None]], 1
        )
        places = self.pose_mlp(features)[:, :, None].expand(-1, -1, looks.shape[2], -1)
        return self.neck(torch.cat([looks, places], -1)).flatten(1, 2)

    def seen(self, source, keep):
        """What the UNet sees beside the noisy samples: nothing. Variants see the source frame."""
        return None

    def denoise(self, noisy, timestep, tokens, seen=None):
        """noisy [B, c, s, s], timestep [B] -> the prediction, same shape as noisy."""
        coordinates = self.coordinates.expand(noisy.shape[0], -1, -1, -1)
        parts = [noisy, coordinates] if seen is None else [noisy, seen, coordinates]
        return self.unet(torch.cat(parts, 1), timestep, tokens).sample

    def disk_parameters(self) -> dict[str, nn.Parameter]:
        return {disk_name(name): p for name, p in self.named_parameters()}


def scheduler(config: dict) -> DDIMScheduler:
    return DDIMScheduler(**config["scheduler"])


def training_target(schedule: DDIMScheduler, clean, noise, timestep):
    kind = schedule.config.prediction_type
    if kind == "v_prediction":
        return schedule.get_velocity(clean, noise, timestep)
    return {"epsilon": noise, "sample": clean}[kind]


def draw_timesteps(count: int, total: int, power: float) -> torch.Tensor:
    return (torch.rand(count) ** (1 / power) * total).long().clamp_max(total - 1)


def optimizer(model: NeuralAssets) -> torch.optim.AdamW:
    """AdamW over what is trained, each group at its own rate."""
    recipe = model.config["training"]
    rates = {"unet": 1, "vit": recipe.get("encoder_learning_rate_factor", 1)}
    groups = {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            factor = rates.get(name.split(".")[0], recipe.get("token_learning_rate_factor", 1))
            groups.setdefault(factor, []).append(p)
    return torch.optim.AdamW(
        [{"params": ps, "lr": f * recipe["learning_rate"]} for f, ps in groups.items()],
        betas=(recipe["adam_beta1"], recipe["adam_beta2"]),
        eps=recipe["adam_epsilon"],
        weight_decay=recipe["weight_decay"],
    )


def error(guess, wanted, weights=None):
    """The mean squared error, of each sample weighted by weights [B, c, s, s]."""
    if weights is None:
        return F.mse_loss(guess, wanted)
    squares = (guess - wanted) ** 2
    return ((squares * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3))).mean()


def loss(
    model: NeuralAssets,
    schedule: DDIMScheduler,
    source,
    target,
    boxes,
    poses,
    background_pose,
    keep,
    t,
    noise,
    latent_noise=None,
    weights=None,
):
    """The error of the prediction; target [B, 3, S, S], noise and weights [B, c, s, s]."""
    clean = model.to_samples(target, latent_noise)
    tokens = model.tokens(source, boxes, poses, background_pose, keep)
    guess = model.denoise(schedule.add_noise(clean, noise, t), t, tokens)
    return error(guess, training_target(schedule, clean, noise, t), weights)


@torch.no_grad()
def sample(model: NeuralAssets, schedule, noise, steps, guidance, **scene):
    """DDIM with eta 0 from `noise` [B, c, s, s] -> [B, 3, S, S], not clipped; `scene` as for tokens."""
    b = noise.shape[0]
    tokens = model.tokens(**scene, keep=torch.ones(b))
    seen = model.seen(scene["source"], torch.ones(b))
    twice = None if seen is None else torch.cat([seen, seen])
    if guidance != 1:
        dropped = model.tokens(**{k: v[:1] for k, v in scene.items()}, keep=torch.zeros(1))
        tokens = torch.cat([dropped.expand(b, -1, -1), tokens])
    schedule.set_timesteps(steps)
    x = noise
    for t in schedule.timesteps:
        if guidance == 1:
            guess = model.denoise(x, t.expand(b), tokens, seen)
        else:
            both = model.denoise(torch.cat([x, x]), t.expand(2 * b), tokens, twice)
            free, led = both.chunk(2)
            guess = free + guidance * (led - free)
        x = schedule.step(guess, t, x, eta=0.0).prev_sample
    return model.to_images(x)
