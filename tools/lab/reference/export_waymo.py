"""Writes a small made-up drive in the formats of the Waymo Open Dataset, for the tests of `datasets`.

`python tools/lab/reference/export_waymo.py [FOLDER]`, by default the test resources of `datasets`.
Wants pyarrow, numpy and Pillow. Nothing of it comes from the data set itself.

published/  version 2 as it is published: Brotli, cameras as int8, transforms in float64, a column
            `index` of pandas, several row groups
plain/      version 2 as in the files of Waymo's own tests: not compressed, cameras as texts,
            transforms in float32; no projected_lidar_box; the boxes with Snappy
frames.tfrecord  version 1: a record a frame, doubles unpacked in the first three and packed in the
            others, pictures not in the order of their cameras, lidar data in between
expected.json  cameras (camera to world, X right, Y up, -Z forward), pose vectors and 2D boxes
"""

from __future__ import annotations

import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from tfrecords import record, varint

OUT = (Path(sys.argv[1]) if len(sys.argv) > 1 else
       Path(__file__).resolve().parents[3] / "datasets/src/test/resources/nacre/datasets/waymo")
SEGMENT = "made_up_0000_000_0020_000"
FRAMES, WIDTH, HEIGHT = 6, 192, 128
INTRINSIC = [204.45, 204.40, 95.2, 63.1, 0.0404, -0.330, 0.0009, -0.0016, 0.0]
FRONT, SIDES = 1, (2, 4, 3, 5)
VEHICLE, PEDESTRIAN, SIGN = 1, 2, 3
START = 1_543_000_000_000_000


def rotation_z(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def transform(rotation: np.ndarray, translation) -> np.ndarray:
    m = np.eye(4)
    m[:3, :3], m[:3, 3] = rotation, translation
    return m


def tilt(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def car(seconds: float) -> np.ndarray:
    """The car that carries the cameras: 8 m/s, turning slowly, far from the world's origin."""
    return transform(rotation_z(0.6 + 0.1 * seconds), [8241.5 + 8 * seconds, -3307.25, 41.0])


EXTRINSIC = transform(rotation_z(0.01) @ tilt(0.02), [1.54, -0.02, 2.11])
# name, type, center in the car's axes at the start, size, heading, velocity in the world, points
THINGS = [
    ("parked", VEHICLE, [13.0, 4.2, 0.9], [4.6, 1.9, 1.7], 0.1, [0, 0], 400),
    ("ahead", VEHICLE, [17.0, -1.0, 1.0], [5.1, 2.1, 1.9], -0.2, [7, 5], 250),
    ("truck", VEHICLE, [32.0, -9.0, 1.7], [9.5, 2.8, 3.6], 1.3, [0, 0], 90),
    ("hidden", VEHICLE, [26.0, 1.0, 0.8], [4.2, 1.8, 1.5], 0.0, [0, 0], 0),
    ("passed", VEHICLE, [5.3, 2.6, 0.8], [4.3, 1.8, 1.5], 0.0, [0, 0], 900),
    ("behind", VEHICLE, [-9.0, 0.0, 0.8], [4.3, 1.8, 1.5], 0.0, [8, 0], 300),
    ("walker", PEDESTRIAN, [11.0, -4.0, 0.9], [0.8, 0.8, 1.8], 0.4, [0, 1], 60),
    ("stop", SIGN, [12.0, -5.5, 2.2], [0.2, 0.7, 0.7], 0.0, [0, 0], 20),
]


def corners(center, size, heading) -> np.ndarray:
    """Eight corners, z fastest, then y, then x."""
    signs = np.array([[x, y, z] for x in (-.5, .5) for y in (-.5, .5) for z in (-.5, .5)])
    return signs * size @ rotation_z(heading).T + center


def distorted(points: np.ndarray) -> np.ndarray:
    """Pixels of points in the car's axes, as OpenCV's model has it; NaN behind the camera."""
    f_u, f_v, c_u, c_v, k1, k2, p1, p2, k3 = INTRINSIC
    p = (points - EXTRINSIC[:3, 3]) @ EXTRINSIC[:3, :3]
    u, v = -p[:, 1] / p[:, 0], -p[:, 2] / p[:, 0]
    r2 = u * u + v * v
    grid = np.arange(0.001, 2, 0.001)
    curve = grid * (1 + k1 * grid**2 + k2 * grid**4 + k3 * grid**6)
    limit = grid[np.argmax(np.diff(curve) <= 0)]
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    du = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u * u)
    dv = v * radial + 2 * p2 * u * v + p1 * (r2 + 2 * v * v)
    inside = r2 < limit**2
    at = np.stack([f_u * np.where(inside, du, u) + c_u, f_v * np.where(inside, dv, v) + c_v], 1)
    at[p[:, 0] <= 0] = np.nan
    return at


def labels(frame: int) -> list[dict]:
    """The boxes in the car's axes at a sweep."""
    out = []
    first, now = car(0), car(frame / 10)
    back = np.linalg.inv(now)
    turn = 0.1 * frame / 10
    for name, kind, center, size, heading, velocity, points in THINGS:
        world = (first @ [*center, 1])[:3] + np.array([*velocity, 0]) * frame / 10
        here = (back @ [*world, 1])[:3]
        box = {"id": name, "type": kind, "center": here, "size": np.array(size),
               "heading": heading - turn, "points": points}
        at = distorted(corners(here, box["size"], box["heading"]))
        if np.isfinite(at).all():
            low = np.clip(at.min(0), 0, [WIDTH, HEIGHT])
            high = np.clip(at.max(0), 0, [WIDTH, HEIGHT])
            if (high > low).all():
                box["seen"] = (low, high)
                box["pixels"] = at
        out.append(box)
    return out


def picture(boxes: list[dict], width: int, height: int) -> bytes:
    rows = np.linspace(40, 200, height).astype(np.uint8)
    image = Image.fromarray(np.repeat(rows[:, None], width, 1)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for k, box in enumerate(sorted(boxes, key=lambda b: -b["center"][0])):
        if "pixels" in box:
            for a, b in [(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5),
                         (4, 6), (5, 7), (6, 7)]:
                draw.line([*box["pixels"][a], *box["pixels"][b]],
                          fill=(60 * k % 256, 255 - 30 * k, 90 + 20 * k), width=2)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def all_frames() -> list[dict]:
    frames = []
    for t in range(FRAMES):
        boxes = labels(t)
        frames.append({
            "time": START + 100_000 * t, "vehicle": car(t / 10), "image": car(t / 10 + 0.02),
            "labels": boxes,
            "pictures": {FRONT: picture(boxes, WIDTH, HEIGHT),
                         **{c: picture([], 24, 16) for c in SIDES}}})
    return frames


def expected(frames: list[dict]) -> dict:
    axes = np.array([[0, 0, -1, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    origin = frames[0]["vehicle"][:3, 3]
    out = []
    for f in frames:
        camera = f["image"] @ EXTRINSIC @ axes
        camera[:3, 3] -= origin
        objects = {}
        for box in f["labels"]:
            if box["type"] != VEHICLE or box["points"] < 1 or "seen" not in box:
                continue
            world = corners(box["center"], box["size"], box["heading"]) @ f["vehicle"][:3, :3].T \
                + f["vehicle"][:3, 3] - origin
            p = (world - camera[:3, 3]) @ camera[:3, :3]
            if not (-p[:, 2] > 0.1).all():
                continue
            u = (INTRINSIC[2] + INTRINSIC[0] * p[:, 0] / -p[:, 2]) / WIDTH
            v = (INTRINSIC[3] - INTRINSIC[1] * p[:, 1] / -p[:, 2]) / HEIGHT
            low, high = box["seen"]
            objects[box["id"]] = {
                "pose": [float(x) for k in (0, 1, 2, 4) for x in (u[k], v[k], -p[k, 2])],
                "box": [low[1] / HEIGHT, low[0] / WIDTH, high[1] / HEIGHT, high[0] / WIDTH]}
        out.append({"camera": camera.ravel().tolist(), "objects": objects})
    return {"width": WIDTH, "height": HEIGHT, "frames": out}


# --- version 2 ---

def tables(frames: list[dict], published: bool) -> dict[str, pa.Table]:
    number = pa.float64() if published else pa.float32()
    matrices = pa.list_(number, 16) if published else pa.list_(number)

    def camera(codes):
        names = {1: "FRONT", 2: "FRONT_LEFT", 3: "FRONT_RIGHT", 4: "SIDE_LEFT", 5: "SIDE_RIGHT"}
        return (pa.array(codes, pa.int8()) if published
                else pa.array([names[c] for c in codes], pa.string()))

    def table(rows: int, columns: dict) -> pa.Table:
        extra = {"index": [f"{SEGMENT};{i}" for i in range(rows)]} if published else {}
        return pa.table({**extra, "key.segment_context_name": [SEGMENT] * rows, **columns})

    cameras = [FRONT, *SIDES]
    shots = [(f, c) for f in frames for c in (2, FRONT, 4, 3, 5)]
    boxes = [(f, b) for f in frames for b in f["labels"]]
    seen = [(f, b, c) for f, b in boxes if "seen" in b for c in (FRONT, 2)]
    intrinsic = {f"[CameraCalibrationComponent].intrinsic.{n}": [v] * 5
                 for n, v in zip(("f_u", "f_v", "c_u", "c_v", "k1", "k2", "p1", "p2", "k3"), INTRINSIC)}
    out = {
        "camera_calibration": table(5, {
            "key.camera_name": camera(cameras[::-1]), **intrinsic,
            "[CameraCalibrationComponent].extrinsic.transform":
                pa.array([EXTRINSIC.ravel().tolist()] * 5, matrices),
            "[CameraCalibrationComponent].width": pa.array([WIDTH] * 5, pa.int32()),
            "[CameraCalibrationComponent].height": pa.array([HEIGHT] * 5, pa.int32())}),
        "vehicle_pose": table(len(frames), {
            "key.frame_timestamp_micros": pa.array([f["time"] for f in frames], pa.int64()),
            "[VehiclePoseComponent].world_from_vehicle.transform":
                pa.array([f["vehicle"].ravel().tolist() for f in frames], matrices)}),
        "camera_image": table(len(shots), {
            "key.frame_timestamp_micros": pa.array([f["time"] for f, _ in shots], pa.int64()),
            "key.camera_name": camera([c for _, c in shots]),
            "[CameraImageComponent].image": pa.array([f["pictures"][c] for f, c in shots], pa.binary()),
            "[CameraImageComponent].pose.transform":
                pa.array([f["image"].ravel().tolist() for f, _ in shots], matrices)}),
        "lidar_box": table(len(boxes), {
            "key.frame_timestamp_micros": pa.array([f["time"] for f, _ in boxes], pa.int64()),
            "key.laser_object_id": [b["id"] for _, b in boxes],
            **{f"[LiDARBoxComponent].box.center.{a}": [b["center"][k] for _, b in boxes]
               for k, a in enumerate("xyz")},
            **{f"[LiDARBoxComponent].box.size.{a}": [b["size"][k] for _, b in boxes]
               for k, a in enumerate("xyz")},
            "[LiDARBoxComponent].box.heading": [b["heading"] for _, b in boxes],
            "[LiDARBoxComponent].type": pa.array([b["type"] for _, b in boxes], pa.int8()),
            "[LiDARBoxComponent].num_lidar_points_in_box":
                pa.array([b["points"] for _, b in boxes], pa.int64()),
            "[LiDARBoxComponent].difficulty_level.detection": pa.array([None] * len(boxes), pa.int8())}),
    }
    if published:
        out["projected_lidar_box"] = table(len(seen), {
            "key.frame_timestamp_micros": pa.array([f["time"] for f, _, _ in seen], pa.int64()),
            "key.camera_name": camera([c for _, _, c in seen]),
            "key.laser_object_id": [b["id"] for _, b, _ in seen],
            # On another camera the boxes are elsewhere.
            **{f"[ProjectedLiDARBoxComponent].box.center.{a}":
                   [sum(s[k] for s in b["seen"]) / 2 if c == FRONT else 5.0 for _, b, c in seen]
               for k, a in enumerate("xy")},
            **{f"[ProjectedLiDARBoxComponent].box.size.{a}":
                   [b["seen"][1][k] - b["seen"][0][k] if c == FRONT else 2.0 for _, b, c in seen]
               for k, a in enumerate("xy")}})
    return out


def write_tables(folder: Path, frames: list[dict], published: bool) -> None:
    for name, table in tables(frames, published).items():
        file = folder / name / f"{SEGMENT}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        codec = "brotli" if published else "snappy" if name == "lidar_box" else "none"
        pq.write_table(table, file, compression=codec, row_group_size=12)


# --- version 1 ---

def field(number: int, value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def doubles(number: int, values, packed: bool) -> bytes:
    if packed:
        return field(number, struct.pack(f"<{len(values)}d", *values))
    return b"".join(field(number, float(v)) for v in values)


def matrix(m: np.ndarray, packed: bool) -> bytes:
    return doubles(1, m.ravel(), packed)


def frame_bytes(f: dict, packed: bool) -> bytes:
    context = field(1, SEGMENT)
    for c in (4, FRONT, 2, 3, 5):
        context += field(2, field(1, c) + doubles(2, INTRINSIC, packed)
                         + field(3, matrix(EXTRINSIC, packed)) + field(4, WIDTH) + field(5, HEIGHT))
    context += field(3, field(1, 1) + field(2, b"beams" * 20))
    out = field(1, context) + field(2, f["time"]) + field(3, matrix(f["vehicle"], packed))
    for c in (4, FRONT, 2, 3, 5):
        out += field(4, field(1, c) + field(2, f["pictures"][c]) + field(3, matrix(f["image"], packed)))
    out += field(5, field(1, 1) + field(2, bytes(range(256)) * 4))
    projected = b""
    for b in f["labels"]:
        x, y, z = (float(v) for v in b["center"])
        length, width, height = (float(v) for v in b["size"])
        box = (field(1, x) + field(2, y) + field(3, z) + field(4, width) + field(5, length)
               + field(6, height) + field(7, float(b["heading"])))
        label = field(1, box) + field(3, b["type"]) + field(4, b["id"])
        out += field(6, label + (field(7, b["points"]) if b["points"] else b""))
        if "seen" in b:
            low, high = b["seen"]
            flat = (field(1, float(low[0] + high[0]) / 2) + field(2, float(low[1] + high[1]) / 2)
                    + field(4, float(high[1] - low[1])) + field(5, float(high[0] - low[0])))
            projected += field(2, field(1, flat) + field(3, b["type"]) + field(4, b["id"] + "_FRONT"))
    out += field(9, field(1, 2) + field(2, field(4, "parked_FRONT_LEFT")))
    return out + field(9, field(1, FRONT) + projected)


def main() -> None:
    frames = all_frames()
    write_tables(OUT / "published", frames, True)
    write_tables(OUT / "plain", frames, False)
    (OUT / "frames.tfrecord").write_bytes(
        b"".join(record(frame_bytes(f, t >= 3)) for t, f in enumerate(frames)))
    (OUT / "expected.json").write_text(json.dumps(expected(frames)) + "\n")


if __name__ == "__main__":
    main()
