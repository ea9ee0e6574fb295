"""Writes small made-up videos in the formats of Objectron, for the tests of `datasets`.

`python tools/lab/reference/export_objectron.py [FOLDER]`, by default the test resources of
`datasets`. Wants numpy and Pillow. Nothing of it comes from the data set itself.

chair_train-00000-of-00001   two videos, a tf.train.SequenceExample each; map entries in no order,
                             some lists of numbers packed, some not. In the first two chairs, boxes
                             skewed; the second is missing from frame 2 and hardly visible in 4. In
                             the second the camera jumps after frame 8, and in frame 3 it stands
                             in the box.
frames/chair_test-0000?-of-00002   the same videos, a tf.train.Example a frame, shuffled
expected.json                of every frame: the camera (to the world; X right, Y up, -Z forward),
                             and the pose vectors and 2D boxes of the objects that are present
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
       Path(__file__).resolve().parents[3] / "datasets/src/test/resources/nacre/datasets/objectron")
WIDTH, HEIGHT = 30, 40  # portrait; the sensor lies on its side
# As ARKit gives it, for the sensor: x is the portrait picture's height.
PROJECTION = np.array([[1.52, 0, 0.011, 0], [0, 2.03, -0.019, 0],
                       [0, 0, -0.9999998, -0.001], [0, 0, -1, 0]], np.float32)
SIGNS = np.array([[x, y, z] for x in (-.5, .5) for y in (-.5, .5) for z in (-.5, .5)])


def turned(axis: int, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    m = np.eye(3)
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    m[a, a], m[a, b], m[b, a], m[b, b] = c, -s, s, c
    return m


def looking(eye, target) -> np.ndarray:
    """Camera to world in OpenGL's axes: X right, Y up, -Z forward."""
    back = np.subtract(eye, target) / np.linalg.norm(np.subtract(eye, target))
    right = np.cross([0, 1, 0], back)
    right /= np.linalg.norm(right)
    m = np.eye(4)
    m[:3, :3] = np.stack([right, np.cross(back, right), back], 1)
    m[:3, 3] = eye
    return m


# The sensor's axes seen by the upright camera: x down, y right, z backward.
SENSOR = np.array([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)


def chair(center, size, heading, skew) -> np.ndarray:
    """Center and corners in the world; the box's x axis leans against its y axis by `skew`."""
    shear = np.eye(3)
    shear[1, 0] = skew
    axes = turned(1, heading) @ shear
    points = np.concatenate([np.zeros((1, 3)), SIGNS]) * size
    return points @ axes.T + center


CHAIRS = [chair([0.1, 0.45, -0.1], [0.5, 0.9, 0.45], 0.4, 0.11),
          chair([-0.8, 0.4, -0.6], [0.45, 0.8, 0.5], -0.7, -0.05)]


def videos() -> list[list[dict]]:
    first = []
    for t in range(6):
        angle = 0.5 + 0.12 * t
        eye = [2.4 * np.sin(angle), 1.3 + 0.03 * t, 2.4 * np.cos(angle)]
        seen = [0] if t == 2 else [0, 1]
        first.append({"camera": looking(eye, [-0.2, 0.4, -0.3]), "seen": seen,
                      "visibility": [1.0, 0.05 if t == 4 else 0.8][:len(seen)]})
    second = []
    for t in range(12):
        angle = -0.4 + 0.02 * t
        eye = [2.0 * np.sin(angle), 1.2, 2.0 * np.cos(angle)]
        camera = looking(eye, [0.1, 0.4, -0.1])
        if t == 3:
            camera = looking([0.15, 0.5, 0.0], [1.0, 0.3, -1.0])
        if t > 8:
            camera[:3, 3] += [0.3, 0.0, -0.1]
        second.append({"camera": camera, "seen": [0], "visibility": [1.0]})
    for v, video in enumerate((first, second)):
        for t, frame in enumerate(video):
            describe(frame, v, t)
    return [first, second]


def describe(frame: dict, video: int, number: int) -> None:
    view = np.linalg.inv(frame["camera"] @ SENSOR).astype(np.float32)
    frame["view"] = view
    frame["points"], frame["pixels"], frame["present"] = [], [], {}
    picture = Image.new("RGB", (WIDTH, HEIGHT), (200 - 40 * video, 190, 150 + 5 * number))
    draw = ImageDraw.Draw(picture)
    for i, visibility in zip(frame["seen"], frame["visibility"]):
        sensor = (CHAIRS[i] @ view[:3, :3].T.astype(float) + view[:3, 3]).astype(np.float32)
        clip = np.concatenate([sensor, np.ones((9, 1))], 1) @ PROJECTION.T.astype(float)
        ndc = clip[:, :2] / clip[:, 3:]
        uvd = np.stack([(1 + ndc[:, 1]) / 2, (1 + ndc[:, 0]) / 2, -sensor[:, 2]], 1)
        frame["points"].append(sensor)
        frame["pixels"].append(uvd)
        front = uvd[:, 2].min() > 0.01
        if front:
            draw.line([tuple(uvd[k, :2] * [WIDTH, HEIGHT]) for k in (1, 2, 4, 3, 1, 5, 6, 8, 7, 5)],
                      (120 * i, 40, 60))
        if front and visibility > 0.1:
            low, high = uvd[1:, :2].min(0).clip(0, 1), uvd[1:, :2].max(0).clip(0, 1)
            frame["present"][i] = {
                "pose": [float(x) for k in (1, 2, 3, 5) for x in uvd[k]],
                "box": [float(x) for x in (low[1], low[0], high[1], high[0])]}
    png = io.BytesIO()
    picture.save(png, "PNG")
    frame["png"] = png.getvalue()
    frame["rgb"] = np.asarray(picture)


def features(frame: dict, video: int, number: int, packed: bool) -> dict[str, bytes]:
    view = frame["view"]
    points = np.array(frame["points"], np.float32)
    return {
        "image/encoded": feature(frame["png"]),
        "image/filename": feature(f"chair/batch-1/{video}/{number:05d}.png".encode()),
        "image/format": feature(b"png"),
        "image/id": feature([number], packed),
        "image/width": feature([WIDTH], packed),
        "image/height": feature([HEIGHT], packed),
        "image/channels": feature([3]),
        "image/timestamp": feature([33_333 * number]),
        "camera/view": feature(view, packed),
        "camera/extrinsics": feature(np.linalg.inv(view.astype(float))),
        "camera/projection": feature(PROJECTION, packed),
        "camera/orientation": message(1, b""),
        "instance_num": feature([len(points)], packed),
        "point_num": feature([9] * len(points), packed),
        "point_3d": feature(points, packed),
        "point_2d": feature(np.array(frame["pixels"], np.float32)),
        "object/name": feature([b"chair"] * len(points)),
        "object/visibility": feature(np.array(frame["visibility"], np.float32), packed),
    }


def sequence(video: list[dict], number: int, rng: random.Random) -> bytes:
    """A tf.train.SequenceExample."""
    steps = [features(f, number, t, t % 2 == 0) for t, f in enumerate(video)]
    keys = list(steps[0])
    rng.shuffle(keys)
    lists = b"".join(entry(k, b"".join(message(1, s[k]) for s in steps), i % 3 != 1)
                     for i, k in enumerate(keys))
    context = (entry("sequence_id", feature(b"chair/batch-1/%d" % number), True)
               + entry("count", feature([len(video)]), True))
    return message(2, lists) + message(1, context)


def example(frame: dict, video: int, number: int, rng: random.Random) -> bytes:
    """A tf.train.Example."""
    all_of_it = features(frame, video, number, number % 3 != 0)
    keys = list(all_of_it)
    rng.shuffle(keys)
    return message(1, b"".join(entry(k, all_of_it[k], i % 3 != 1) for i, k in enumerate(keys)))


def main() -> None:
    rng = random.Random(1)
    every = videos()
    (OUT / "frames").mkdir(parents=True, exist_ok=True)
    (OUT / "chair_train-00000-of-00001").write_bytes(
        b"".join(record(sequence(video, v, rng)) for v, video in enumerate(every)))
    frames = [example(f, v, t, rng) for v, video in enumerate(every) for t, f in enumerate(video)]
    rng.shuffle(frames)
    for shard in range(2):
        (OUT / f"frames/chair_test-{shard:05d}-of-00002").write_bytes(
            b"".join(map(record, frames[shard::2])))
    (OUT / "expected.json").write_text(json.dumps([
        [{"camera": f["camera"].ravel().tolist(), "objects": f["present"],
          "corner_pixel": f["rgb"][0, 0].tolist()} for f in video] for video in every]) + "\n")


if __name__ == "__main__":
    main()
