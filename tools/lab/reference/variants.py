"""The ablations of Neural Assets, and methods that it is compared with, as keys of the same preset.

`Variant` is neural_assets.NeuralAssets with these keys; what they do is in docs/presets.md:

  unet_input                 source: the UNet's input is the noisy samples, those of the source frame
                             (the mode of its latents, scaled like the others), the coordinates
  asset_tokens.content       boxes: a token is neck(pose_mlp(features of the target's pose, features of
                             the source's)); the last is that of the background, there is no encoder
  asset_tokens.source_pose   the same features beside the appearance
  asset_tokens.surface_rays  m: m * m rays through each cell of an object's box in the source, five
                             numbers each, between appearance and pose in a token
  asset_tokens.background    no_pose: zeros stand for the pose of the background; none: no such token
  asset_tokens.corners       3, 4 or 8
  asset_tokens.encoder_positions  false: zeros that are not trained
"""

from __future__ import annotations

import torch
from torch import nn

import neural_assets
from neural_assets import box_mask, derived_box, roi_align

# The order of all eight corners: those of a pose vector, then the others.
CORNERS = (0, 1, 2, 4, 3, 5, 6, 7)
TINY = 1e-6


def frame(poses: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[..., 12] -> corner 0 [..., 3] and the edges to corners 1, 2, 4 [..., 3, 3] in (u*d, v*d, d)."""
    corner = poses.unflatten(-1, (4, 3))
    point = torch.cat([corner[..., :2] * corner[..., 2:], corner[..., 2:]], -1)
    return point[..., 0, :], point[..., 1:, :] - point[..., :1, :]


def corner_features(poses, depth_scale: float, derived: bool, octaves: int, corners: int):
    """[..., 12] -> [..., F]: neural_assets.pose_features for another number of corners."""
    x = poses * torch.tensor([1.0, 1.0, depth_scale] * 4, dtype=poses.dtype)
    origin, edges = frame(x)
    parts = [x]
    for index in CORNERS[4:]:
        steps = torch.tensor([index & 1, index >> 1 & 1, index >> 2 & 1], dtype=x.dtype)
        p = origin + steps @ edges
        seen = p[..., 2:] > TINY
        uv = torch.where(seen, p[..., :2] / torch.where(seen, p[..., 2:], 1), 0)
        parts.append(torch.cat([uv, p[..., 2:]], -1))
    parts = [torch.cat(parts, -1)[..., : 3 * corners]]
    if derived:
        parts.append(derived_box(x))
    x = torch.cat(parts, -1)
    waves = [f(2**k * torch.pi * x) for k in range(octaves) for f in (torch.sin, torch.cos)]
    return torch.cat([x, *waves], -1)


def surface(boxes, poses, side: int, rays: int):
    """boxes [B, N, 4], poses [B, N, 12] -> [B, N, side * side, 5 * rays * rays], face by face."""
    b, n = boxes.shape[:2]
    boxes, poses = boxes.double(), poses.double()
    fine = side * rays
    at = (torch.arange(fine, dtype=torch.float64) + 0.5) / fine
    y0, x0, y1, x1 = (boxes[..., i, None] for i in range(4))
    v = (y0 + (y1 - y0) * at)[..., :, None].expand(b, n, fine, fine)
    u = (x0 + (x1 - x0) * at)[..., None, :].expand(b, n, fine, fine)
    ray = torch.stack([u, v, torch.ones_like(u)], -1).flatten(2, 3)  # [B, N, R, 3]
    origin, edges = frame(poses)
    depth = (origin + edges.sum(-2) / 2)[..., 2]
    extent = edges[..., 2].abs().sum(-1)
    best = torch.full(ray.shape[:-1], torch.inf, dtype=torch.float64)
    place = torch.zeros(*ray.shape[:-1], 3, dtype=torch.float64)
    for axis in range(3):
        a, c = (k for k in range(3) if k != axis)
        for far in (0, 1):
            corner = origin + far * edges[..., axis, :]
            # t * ray = corner + p * edges[a] + q * edges[c]
            columns = [ray, -edges[..., a, :][..., None, :].expand_as(ray)]
            columns.append(-edges[..., c, :][..., None, :].expand_as(ray))
            matrix = torch.stack(columns, -1)
            solvable = torch.linalg.det(matrix).abs() > 1e-12
            matrix = torch.where(solvable[..., None, None], matrix, torch.eye(3, dtype=matrix.dtype))
            wanted = corner[..., None, :].expand_as(ray)
            t, p, q = torch.linalg.solve(matrix, wanted).unbind(-1)
            hit = solvable & (t > 0) & (t < best) & (p >= 0) & (p <= 1) & (q >= 0) & (q <= 1)
            best = torch.where(hit, t, best)
            here = torch.zeros_like(place)
            here[..., axis], here[..., a], here[..., c] = float(far), p, q
            place = torch.where(hit[..., None], here, place)
    hit = best.isfinite() & ((y1 > y0) & (x1 > x0))
    relative = (torch.where(hit, best, 0) - depth[..., None]) / extent.clamp_min(1e-9)[..., None]
    numbers = torch.cat([torch.ones_like(relative)[..., None], relative[..., None], 2 * place - 1], -1)
    numbers = torch.where(hit[..., None], numbers, 0).float()
    cells = numbers.reshape(b, n, side, rays, side, rays, 5).transpose(3, 4)
    return cells.reshape(b, n, side * side, rays * rays * 5)


class Variant(neural_assets.NeuralAssets):
    def __init__(self, config: dict):
        super().__init__(config)
        tokens = config["asset_tokens"]
        self.sees = config.get("unet_input", "noise") == "source"
        self.boxes = tokens.get("content", "appearance") == "boxes"
        self.source_pose = self.boxes or tokens.get("source_pose", False)
        self.rays = tokens.get("surface_rays", 0)
        self.background = tokens.get("background", "full")
        self.aids = (*self.aids, tokens.get("corners", 4))
        wide = corner_features(torch.zeros(12), *self.aids).numel() * (2 if self.source_pose else 1)
        self.pose_mlp[0] = nn.Linear(wide, tokens["pose_hidden"])
        self.background_mlp[2] = nn.Linear(tokens["background_hidden"], wide)
        joint = tokens["pose_dim"] + (0 if self.boxes else tokens["appearance_dim"]) + 5 * self.rays**2
        self.neck = nn.Linear(joint, config["unet"]["cross_attention_dim"])
        if self.background != "full":
            del self.background_mlp
        if self.boxes:
            del self.vit, self.appearance
        elif not tokens.get("encoder_positions", True):
            positions = self.vit.embeddings.position_embeddings.requires_grad_(False)
            positions.zero_()

    def seen(self, source, keep):
        """The source frame's part of the UNet's input, [B, c, s, s]; keep [B]: 0 for zeros."""
        return self.to_samples(source, None) * keep[:, None, None, None] if self.sees else None

    def tokens(self, source, boxes, poses, background_pose, keep, source_poses):
        b, n = boxes.shape[:2]
        boxes = boxes * keep[:, None, None]
        poses = poses * keep[:, None, None]
        source_poses = source_poses * keep[:, None, None]
        features = corner_features(poses, *self.aids)
        if self.source_pose:
            features = torch.cat([features, corner_features(source_poses, *self.aids)], -1)
        if self.background == "full":
            view = self.background_mlp(background_pose * keep[:, None])[:, None]
            places = self.pose_mlp(torch.cat([features, view], 1))
        else:
            places = self.pose_mlp(features)
        if self.background == "no_pose":
            places = torch.cat([places, torch.zeros(b, 1, places.shape[-1])], 1)
        if self.boxes:
            return self.neck(places)
        mask = box_mask(boxes, self.size)
        looks = roi_align(self.encode(source * mask), boxes, self.roi)
        if self.background != "none":
            whole = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(b, 1, 4) * keep[:, None, None]
            back = roi_align(self.encode(source * (1 - mask)), whole, self.roi)
            looks = torch.cat([looks, back], 1)
        parts = [self.appearance(looks)]
        if self.rays:
            geometry = surface(boxes, source_poses, self.roi, self.rays)
            parts.append(torch.cat([geometry, torch.zeros(b, looks.shape[1] - n, *geometry.shape[2:])], 1))
        parts.append(places[:, :, None].expand(-1, -1, looks.shape[2], -1))
        return self.neck(torch.cat(parts, -1)).flatten(1, 2)
