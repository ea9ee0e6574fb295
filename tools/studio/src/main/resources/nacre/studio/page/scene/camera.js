// @ts-check
import { Matrix4, Quaternion, Vector3 } from '../three/three.module.min.js';

/** @typedef {import('../api.js').CameraJson} CameraJson */

/**
 * A pinhole camera in the scene folder's conventions: X right, Y up, looking along −Z; focal lengths
 * and principal point in image units, so that a point at depth d appears at u = cx + fx·x/d, v = cy
 * − fy·y/d.
 */
export class Camera {
  /** @param {CameraJson} json */
  constructor(json) {
    this.fx = json.fx;
    this.fy = json.fy;
    this.cx = json.cx;
    this.cy = json.cy;
    this.position = new Vector3().fromArray(json.position);
    this.rotation = quaternion(json.rotation);
    this.toWorld = new Matrix4().compose(this.position, this.rotation, new Vector3(1, 1, 1));
    this.fromWorld = this.toWorld.clone().invert();
  }

  /** @returns {CameraJson} */
  json() {
    const { fx, fy, cx, cy } = this;
    return {
      position: this.position.toArray(), rotation: wxyz(this.rotation), fx, fy, cx, cy,
    };
  }

  /**
   * This camera, moved and turned as seen from itself.
   *
   * @param {number[]} by to the right, up and ahead
   * @param {number[]} degrees to the left about the vertical, and up
   * @param {Vector3} up of the world
   */
  moved(by, degrees, up) {
    const pan = new Quaternion().setFromAxisAngle(up, (degrees[0] * Math.PI) / 180);
    const tilt = new Quaternion()
      .setFromAxisAngle(new Vector3(1, 0, 0), (degrees[1] * Math.PI) / 180);
    const rotation = pan.multiply(this.rotation).multiply(tilt);
    const position = new Vector3(by[0], by[1], -by[2]).applyQuaternion(this.rotation)
      .add(this.position);
    return new Camera({ ...this.json(), position: position.toArray(), rotation: wxyz(rotation) });
  }

  /**
   * How far this camera has gone in all, as seen from itself, once it has gone on.
   *
   * @param {{by: number[], degrees: number[]}} moved how far it has gone and turned
   * @param {Vector3} by how far it goes on, as seen from where it is then
   * @param {Vector3} up of the world
   */
  further(moved, by, up) {
    const on = by.clone().setZ(-by.z)
      .applyQuaternion(this.moved(moved.by, moved.degrees, up).rotation)
      .applyQuaternion(this.rotation.clone().invert());
    return new Vector3().fromArray(moved.by).add(on.setZ(-on.z));
  }

  /**
   * Where a point of the world is seen; what is behind has a depth of 0 or less.
   *
   * @param {Vector3} point
   * @returns {{u: number, v: number, depth: number}}
   */
  project(point) {
    const p = point.clone().applyMatrix4(this.fromWorld);
    const depth = -p.z;
    return { u: this.cx + (this.fx * p.x) / depth, v: this.cy - (this.fy * p.y) / depth, depth };
  }

  /**
   * The direction in which a place of the picture is seen.
   *
   * @param {number} u
   * @param {number} v
   */
  direction(u, v) {
    return new Vector3((u - this.cx) / this.fx, (this.cy - v) / this.fy, -1)
      .transformDirection(this.toWorld);
  }

  /**
   * Where the line of sight through a place of the picture meets a plane; null if it runs along the
   * plane or meets it behind the camera.
   *
   * @param {number} u
   * @param {number} v
   * @param {Vector3} point of the plane
   * @param {Vector3} normal
   * @returns {Vector3 | null}
   */
  hit(u, v, point, normal) {
    const along = this.direction(u, v);
    const slope = along.dot(normal);
    if (Math.abs(slope) < 1e-6) {
      return null;
    }
    const t = point.clone().sub(this.position).dot(normal) / slope;
    return t > 0 ? this.position.clone().addScaledVector(along, t) : null;
  }
}

/** A quaternion of the API, where w comes first. @param {number[]} json */
export function quaternion([w, x, y, z]) {
  return new Quaternion(x, y, z, w).normalize();
}

/** A quaternion for the API. @param {Quaternion} q @returns {number[]} */
export function wxyz(q) {
  return [q.w, q.x, q.y, q.z];
}
