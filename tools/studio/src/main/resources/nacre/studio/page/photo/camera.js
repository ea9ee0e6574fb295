// @ts-check
import { Euler, MathUtils, Quaternion } from '../three/three.module.min.js';
import { Camera, wxyz } from '../scene/camera.js';

/**
 * The camera of a photo, as people think of it. The world's ground is z = 0 and the camera stands
 * above its origin.
 *
 * @typedef {object} Lens
 * @property {number} focal millimeters on film whose longer side has 36 mm
 * @property {number} tilt degrees up
 * @property {number} roll degrees
 * @property {number} yaw degrees to the left, which only turns the world's axes
 * @property {number} height above the ground
 */

/**
 * The focal length in widths of the picture.
 *
 * @param {Lens} lens
 * @param {number} aspect width by height
 */
const widths = (lens, aspect) => (lens.focal / 36) * Math.max(1, 1 / aspect);

/**
 * @param {Lens} lens
 * @param {number} aspect width by height
 */
export function cameraOf(lens, aspect) {
  const rad = MathUtils.degToRad;
  const rotation = new Quaternion()
    .setFromEuler(new Euler(rad(90 + lens.tilt), 0, rad(lens.yaw), 'ZYX'))
    .multiply(new Quaternion().setFromEuler(new Euler(0, 0, rad(lens.roll))));
  const fx = widths(lens, aspect);
  return new Camera({
    position: [0, 0, lens.height], rotation: wxyz(rotation), fx, fy: fx * aspect, cx: 0.5, cy: 0.5,
  });
}

/**
 * The tilt by which a place of the picture lies as far from the horizon as another did.
 *
 * @param {Lens} lens
 * @param {number} aspect
 * @param {number} from v of the place that was pressed
 * @param {number} to v of the place that it is dragged to
 */
export function tiltedTo(lens, aspect, from, to) {
  const fy = widths(lens, aspect) * aspect;
  const angle = (/** @type {number} */ v) => Math.atan((0.5 - v) / fy);
  const tilt = lens.tilt + MathUtils.radToDeg(angle(from) - angle(to));
  return MathUtils.clamp(tilt, -89, 89);
}
