"""Writes small made-up videos in the format of MOVi-E, for the tests of `datasets`.

`python tools/lab/reference/export_movi.py [FOLDER]`, by default the test resources of `datasets`.
Wants numpy and Pillow. Nothing of it comes from the data set itself.

movi_e-train.tfrecord-00000-of-00001        a video of 6 frames
movi_e-validation.tfrecord-00000-of-00002   another, and in -00001-of-00002 a third; map entries in
                                            no order, numbers packed and not
expected.json   of every video and frame: the camera (to the world; X right, Y up, -Z forward), and
                of every object its pose vector, its 2D box in pixels and the pixels that show it
"""

from __future__ import annotations

import io
import json
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tfrecords import entry, feature, message, record

OUT = (Path(sys.argv[1]) if len(sys.argv) > 1 else
       Path(__file__).resolve().parents[3] / "datasets/src/test/resources/nacre/datasets/movi")
SIDE, FRAMES = 32, 6
FOCAL_LENGTH, SENSOR = 35.0, 32.0
SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
FACES = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]


def rotation(q) -> np.ndarray:
    w, x, y, z = q
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def times(p, q) -> np.ndarray:
    a, b, c, d = p
    e, f, g, h = q
    return np.array([a * e - b * f - c * g - d * h, a * f + b * e + c * h - d * g,
                     a * g - b * h + c * e + d * f, a * h + b * g - c * f + d * e])


def turn(axis: int, angle: float) -> np.ndarray:
    q = np.zeros(4)
    q[0], q[1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return q


def video(seed: int, objects: int) -> dict:
    rng = np.random.default_rng(seed)
    # Looks along +y from y = -9, a little downwards; moves to the right.
    positions = np.stack([[0.2 * t, -9.0 + 0.05 * t, 2.0] for t in range(FRAMES)]).astype(np.float32)
    turns = np.stack([times(turn(2, 0.02 * t), turn(0, np.pi / 2 - 0.2))
                      for t in range(FRAMES)]).astype(np.float32)
    boxes = np.zeros((objects, FRAMES, 8, 3), np.float32)
    dynamic = [int(i == objects - 1) for i in range(objects)]
    for i in range(objects):
        center = np.array([2.4 * i - 1.2 * (objects - 1), rng.uniform(-1, 1), 0.4])
        extents, heading = rng.uniform(0.5, 1.1, 3), rng.uniform(0, 3)
        for t in range(FRAMES):
            axes = rotation(turn(2, heading + 0.2 * t * dynamic[i]))
            boxes[i, t] = SIGNS * extents @ axes.T + center + [0, 0, 0.1 * t * dynamic[i]]
    pixels = np.zeros((FRAMES, SIDE, SIDE), np.uint8)
    poses = np.zeros((FRAMES, objects, 8, 3))
    for t in range(FRAMES):
        seen = (boxes[:, t].astype(float) - positions[t]) @ rotation(turns[t].astype(float))
        depth = -seen[..., 2]
        f = FOCAL_LENGTH / SENSOR
        poses[t] = np.stack([0.5 + f * seen[..., 0] / depth, 0.5 - f * seen[..., 1] / depth, depth], -1)
        picture = Image.new("L", (SIDE, SIDE))
        draw = ImageDraw.Draw(picture)
        for i in np.argsort(-depth.mean(1)):
            for face in FACES:
                draw.polygon([tuple(poses[t, i, k, :2] * SIDE - 0.5) for k in face], int(i) + 1)
        pixels[t] = np.asarray(picture)
    return sort({"positions": positions, "quaternions": turns, "boxes": boxes, "dynamic": dynamic,
                 "pixels": pixels, "poses": poses, "seed": seed})


def sort(v: dict) -> dict:
    """Objects in the order of the pixels that are seen of them."""
    count = len(v["boxes"])
    seen = np.array([[(p == i + 1).sum() for p in v["pixels"]] for i in range(count)])
    order = np.argsort(-seen.sum(1), kind="stable")
    labels = np.zeros(count + 1, np.uint8)
    labels[order + 1] = np.arange(1, count + 1)
    return v | {"boxes": v["boxes"][order], "dynamic": [v["dynamic"][i] for i in order],
                "poses": v["poses"][:, order], "pixels": labels[v["pixels"]], "visibility": seen[order]}


def png(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def color(v: dict, t: int) -> np.ndarray:
    """Gray levels per object, and red that tells the frame."""
    rgb = np.repeat((60 * v["pixels"][t] % 251)[..., None], 3, 2).astype(np.uint8)
    rgb[..., 0] = 10 * t + v["seed"]
    return rgb


def boxes_2d(v: dict) -> list[list[dict]]:
    frames = []
    for p in v["pixels"]:
        here = []
        for i in range(len(v["boxes"])):
            rows, cols = np.nonzero(p == i + 1)
            here.append([0, 0, 0, 0] if not len(rows) else
                        [int(rows.min()), int(cols.min()), int(rows.max()) + 1, int(cols.max()) + 1])
        frames.append(here)
    return frames


def ragged(v: dict) -> dict[str, bytes]:
    flat, numbers, lengths = [], [], []
    for i in range(len(v["boxes"])):
        seen = [(t, b[i]) for t, b in enumerate(boxes_2d(v)) if b[i][2]]
        lengths.append(len(seen))
        numbers += [t for t, _ in seen]
        flat += [x / SIDE for _, b in seen for x in b]
    return {"instances/bboxes/ragged_flat_values": feature(np.array(flat)),
            "instances/bboxes/ragged_row_lengths_0": feature(lengths),
            "instances/bbox_frames/ragged_flat_values": feature(numbers, False),
            "instances/bbox_frames/ragged_row_lengths_0": feature(lengths)}


def example(v: dict, rng: random.Random) -> bytes:
    count = len(v["boxes"])
    flow = [65_535 - i % 200 for i in range(3000)]
    features = {
        "video": feature([png(color(v, t)) for t in range(FRAMES)]),
        "segmentations": feature([png(p) for p in v["pixels"]]),
        "forward_flow": feature(flow), "backward_flow": feature(flow),
        "metadata/video_name": feature(b"%d" % v["seed"]),
        "metadata/width": feature([SIDE]), "metadata/height": feature([SIDE], False),
        "metadata/num_frames": feature([FRAMES]), "metadata/num_instances": feature([count]),
        "camera/focal_length": feature(np.array([FOCAL_LENGTH])),
        "camera/sensor_width": feature(np.array([SENSOR]), False),
        "camera/positions": feature(v["positions"]),
        "camera/quaternions": feature(v["quaternions"], False),
        "instances/bboxes_3d": feature(v["boxes"]),
        "instances/visibility": feature([int(x) for x in v["visibility"].ravel()]),
        "instances/is_dynamic": feature(v["dynamic"]),
        # The second thing is the same as the first.
        "instances/asset_id": feature([b"thing_%d" % max(0, i - 1) for i in range(count)]),
        "events/collisions/frame": message(3, b""),
    } | ragged(v)
    keys = list(features)
    rng.shuffle(keys)
    return message(1, b"".join(entry(k, features[k], i % 3 != 1) for i, k in enumerate(keys)))


def main() -> None:
    rng = random.Random(1)
    files = {"train.tfrecord-00000-of-00001": video(1, 3),
             "validation.tfrecord-00000-of-00002": video(2, 2),
             "validation.tfrecord-00001-of-00002": video(3, 4)}
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, v in files.items():
        (OUT / f"movi_e-{name}").write_bytes(record(example(v, rng)))
        frames = []
        for t in range(FRAMES):
            camera = np.eye(4)
            camera[:3, :3], camera[:3, 3] = rotation(v["quaternions"][t].astype(float)), v["positions"][t]
            frames.append({
                "camera": camera.ravel().tolist(),
                "poses": v["poses"][t][:, (0, 1, 2, 4)].reshape(-1, 12).tolist(),
                "boxes": boxes_2d(v)[t], "visible": v["visibility"][:, t].tolist()})
        expected[f"movi_e-{name}"] = {"dynamic": v["dynamic"], "frames": frames}
    (OUT / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
