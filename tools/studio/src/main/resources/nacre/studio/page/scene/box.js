// @ts-check
import { Vector3 } from '../three/three.module.min.js';

/**
 * An oriented box in the world.
 *
 * @typedef {object} Box
 * @property {Vector3} center
 * @property {Vector3} size lengths of the edges along the box's own axes
 * @property {import('../three/three.module.min.js').Quaternion} rotation from the box's axes to the world's
 */

/** Pairs of corners that are joined by an edge; corners count x, y, z with z fastest. */
export const EDGES = /** @type {const} */ ([
  [0, 1], [0, 2], [0, 4], [1, 3], [1, 5], [2, 3], [2, 6], [3, 7], [4, 5], [4, 6], [5, 7], [6, 7],
]);

/** The six sides, corners in order around each. */
export const SIDES = /** @type {const} */ ([
  [0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3],
]);

/**
 * The corners of a box, in Kubric's order.
 *
 * @param {Box} box
 * @returns {Vector3[]}
 */
export function corners(box) {
  const points = [];
  for (let i = 0; i < 8; i++) {
    points.push(
      new Vector3(i & 4 ? 0.5 : -0.5, i & 2 ? 0.5 : -0.5, i & 1 ? 0.5 : -0.5)
        .multiply(box.size)
        .applyQuaternion(box.rotation)
        .add(box.center),
    );
  }
  return points;
}

/**
 * How far the lowest corner lies below the center.
 *
 * @param {Box} box
 * @param {Vector3} up unit vector
 */
export function drop(box, up) {
  return Math.max(...corners(box).map((c) => box.center.clone().sub(c).dot(up)));
}

/**
 * How far a box has to move along the ground to stand beside where it stands.
 *
 * @param {Box} box
 * @param {Vector3} up
 */
export function beside(box, up) {
  const along = new Vector3(1, 0, 0).applyQuaternion(box.rotation);
  along.addScaledVector(up, -along.dot(up));
  if (along.length() < 0.1) { // its x axis is upright
    along.set(up.y, up.z, up.x).cross(up);
  }
  return along.setLength(1.2 * Math.max(box.size.x, box.size.y));
}
