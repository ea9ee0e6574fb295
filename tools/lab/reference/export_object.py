"""Writes a few made-up pairs of pictures as OBJect has them, for the tests of `datasets`.

`python tools/lab/reference/export_object.py [FOLDER]`, by default the test resources of `datasets`.
Wants numpy and Pillow. Nothing of it comes from the data set itself.

One pair for each task: boxes on the ground, seen by a lens of 35 mm on a sensor of 32 mm, 2.5 units
from the origin, 45 degrees down. Masks have the colors of Set1 in 0 to 255, 1 the edited object; the
pair `rotate` has a gray ground in its masks, the others a transparent one. expected.json has the
true corners of the boxes before and after.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

OUT = (Path(sys.argv[1]) if len(sys.argv) > 1 else
       Path(__file__).resolve().parents[3] / "datasets/src/test/resources/nacre/datasets/object")
SIZE = 256
SET1 = [(228, 26, 28), (55, 126, 184), (77, 175, 74), (152, 78, 163), (255, 127, 0),
        (255, 255, 51), (166, 86, 40), (247, 129, 191), (153, 153, 153)]
HALF = np.sqrt(0.5)
EYE = 2.5 * np.array([0, -HALF, HALF])
RIGHT, UP, FORWARD = np.array([1, 0, 0]), np.array([0, HALF, HALF]), np.array([0, HALF, -HALF])


def corners(center, size, degrees=0.0):
    """Corners of a box that stands on the ground; z fastest, then y, then x."""
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    signs = np.array([[x, y, z] for x in (-.5, .5) for y in (-.5, .5) for z in (-.5, .5)])
    return signs * size @ turn.T + [center[0], center[1], size[2] / 2]


def seen(points):
    p = points - EYE
    d = p @ FORWARD
    return np.stack([.5 + 35 / 32 * (p @ RIGHT) / d, .5 - 35 / 32 * (p @ UP) / d], 1)


def hull(points):
    """Convex hull, by gift wrapping."""
    out, at = [], int(np.argmin(points[:, 0]))
    while True:
        out.append(at)
        best = (at + 1) % len(points)
        for k in range(len(points)):
            a, b = points[best] - points[at], points[k] - points[at]
            if a[0] * b[1] - a[1] * b[0] < -1e-12:
                best = k
        at = best
        if at == out[0]:
            return [tuple(points[k]) for k in out]


def draw(boxes, mask, ground):
    """Boxes by color, the farthest first."""
    scale = 4
    image = Image.new("RGBA", (SIZE * scale, SIZE * scale), ground)
    for color, box in sorted(boxes.items(), key=lambda item: -item[1][:, 1].mean()):
        fill = SET1[color] if mask else tuple(200 - c // 2 for c in SET1[color])
        ImageDraw.Draw(image).polygon(hull(seen(box) * SIZE * scale), fill=(*fill, 255))
    return image.resize((SIZE, SIZE), Image.Resampling.NEAREST)


def main():
    size = {1: np.array([.45, .45, .6]), 0: np.array([.3, .3, .3]), 4: np.array([.5, .5, .25])}
    at = {1: (-.25, -.2), 0: (.5, .35), 4: (-.7, .7)}
    before = {k: corners(at[k], size[k]) for k in size}
    moved = {**before, 1: corners((.2, -.5), size[1])}
    turned = {**before, 1: corners(at[1], size[1], 30)}
    removed = {k: v for k, v in before.items() if k != 1}
    expected = {}
    for task, after, metadata in [
            ("translate", moved, {"end_location_2d": [.6, .7], "translation_category": "crate",
                                  "object_data": [{"uid": "a1", "category": "crate"}]}),
            ("rotate", turned, {"rotation_angle": 30.0, "rotation_category": "crate",
                                "object_data": [{"uid": "a1", "category": "crate"}]}),
            ("remove", removed, {"removed_object_uid": "a1",
                                 "removed_object_camera_coords": [0, 0, 2]})]:
        folder = OUT / "data" / task / "val/seen" / "0a1b2c"
        folder.mkdir(parents=True, exist_ok=True)
        ground = (120, 110, 100, 255) if task == "rotate" else (0, 0, 0, 0)
        for n, boxes in ((1, before), (2, after)):
            draw(boxes, False, (120, 110, 100, 255)).convert("RGB").save(folder / f"{n}.png")
            draw(boxes, True, ground).save(folder / f"{n}_mask.png")
        (folder / "metadata.json").write_text(json.dumps(metadata) + "\n")
        expected[task] = [{str(k): np.round(v, 9).tolist() for k, v in boxes.items()}
                          for boxes in (before, after)]
    (OUT / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
