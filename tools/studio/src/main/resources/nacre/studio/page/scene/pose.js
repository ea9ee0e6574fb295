// @ts-check
import { Euler, MathUtils, Quaternion, Vector3 } from '../three/three.module.min.js';
import { corners, drop } from './box.js';

/** @typedef {import('./box.js').Box} Box */

/**
 * What edits have made of one object. Values are plain numbers, so that states compare and copy.
 *
 * @typedef {object} Pose
 * @property {number[]} move how far the center went, in the world
 * @property {number[]} turn x, y, z, w of the rotation on top of the object's own
 * @property {number} scale
 * @property {boolean} removed
 * @property {{scene: string, object: string} | null} donor whose appearance it has
 */

/** @type {Readonly<Pose>} */
export const UNCHANGED = Object.freeze({
  move: [0, 0, 0], turn: [0, 0, 0, 1], scale: 1, removed: false, donor: null,
});

/**
 * The box of an object after its edits.
 *
 * @param {Box} box the object's own
 * @param {Pose} pose
 * @returns {Box}
 */
export function posed(box, pose) {
  return {
    center: box.center.clone().add(new Vector3().fromArray(pose.move)),
    size: box.size.clone().multiplyScalar(pose.scale),
    rotation: new Quaternion().fromArray(pose.turn).multiply(box.rotation),
  };
}

/**
 * The pose that takes a box to another of the same proportions.
 *
 * @param {Box} box
 * @param {Box} to
 * @param {Pose} before whose removal and donor are kept
 * @returns {Pose}
 */
export function poseTo(box, to, before) {
  const turn = to.rotation.clone().multiply(box.rotation.clone().invert()).normalize();
  return {
    ...before,
    move: to.center.clone().sub(box.center).toArray(),
    turn: [turn.x, turn.y, turn.z, turn.w],
    scale: to.size.length() / box.size.length(),
  };
}

/**
 * Another scale, the lowest point staying on its ground.
 *
 * @param {Box} box
 * @param {Pose} pose
 * @param {number} scale
 * @param {Vector3} up
 * @returns {Pose}
 */
export function scaled(box, pose, scale, up) {
  const rise = drop(posed(box, pose), up) * (scale / pose.scale - 1);
  const move = new Vector3().fromArray(pose.move).addScaledVector(up, rise);
  return { ...pose, scale, move: move.toArray() };
}

/**
 * A further turn about an axis through the center.
 *
 * @param {Pose} pose
 * @param {Vector3} axis
 * @param {number} degrees counter-clockwise
 * @returns {Pose}
 */
export function turned(pose, axis, degrees) {
  const more = new Quaternion().setFromAxisAngle(axis, MathUtils.degToRad(degrees));
  const turn = more.multiply(new Quaternion().fromArray(pose.turn)).normalize();
  return { ...pose, turn: [turn.x, turn.y, turn.z, turn.w] };
}

/**
 * A pose's rotation as degrees about x, y and the vertical, the last one first.
 *
 * @param {Pose} pose
 * @param {Vector3} up
 * @returns {number[]}
 */
export function angles(pose, up) {
  const upright = new Quaternion().setFromUnitVectors(new Vector3(0, 0, 1), up);
  const turn = upright.clone().invert().multiply(new Quaternion().fromArray(pose.turn)).multiply(upright);
  const euler = new Euler().setFromQuaternion(turn, 'ZYX');
  return [euler.x, euler.y, euler.z].map(MathUtils.radToDeg);
}

/**
 * The rotation that {@link angles} describe.
 *
 * @param {Pose} pose
 * @param {number[]} degrees
 * @param {Vector3} up
 * @returns {Pose}
 */
export function withAngles(pose, degrees, up) {
  const upright = new Quaternion().setFromUnitVectors(new Vector3(0, 0, 1), up);
  const [x, y, z] = degrees.map(MathUtils.degToRad);
  const turn = upright.clone()
    .multiply(new Quaternion().setFromEuler(new Euler(x, y, z, 'ZYX')))
    .multiply(upright.clone().invert());
  return { ...pose, turn: [turn.x, turn.y, turn.z, turn.w] };
}

/**
 * True if all corners of a box lie in front of a camera, as the model needs it.
 *
 * @param {Box} box
 * @param {import('./camera.js').Camera} camera
 */
export function inFront(box, camera) {
  return corners(box).every((c) => camera.project(c).depth > 0);
}
