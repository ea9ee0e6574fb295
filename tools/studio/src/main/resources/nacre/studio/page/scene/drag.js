// @ts-check
import { MathUtils, Vector3 } from '../three/three.module.min.js';
import { posed, scaled, turned } from './pose.js';

/** @typedef {import('./box.js').Box} Box */
/** @typedef {import('./pose.js').Pose} Pose */
/** @typedef {import('./overlay.js').Overlay} Overlay */
/** @typedef {'move' | 'lift' | 'turn' | 'scale'} Mode */

/** To what values snap. */
export const SNAP = { move: 0.25, turn: 15, scale: 0.1 };

/**
 * A value rounded to a multiple of a step.
 *
 * @param {number} value
 * @param {number} step
 * @param {boolean} on
 */
export const snapped = (value, step, on) => (on ? Math.round(value / step) * step : value);

/**
 * A drag in the picture that began at one place: says which pose every further place means.
 *
 * @param {Overlay} overlay
 * @param {Mode} mode
 * @param {Box} box the object's own
 * @param {Pose} pose at the beginning
 * @param {{u: number, v: number}} start
 * @returns {(place: {u: number, v: number}, snap: boolean) => Pose | null} null for a place that
 *     means nothing, such as the sky
 */
export function begin(overlay, mode, box, pose, start) {
  const camera = /** @type {import('./camera.js').Camera} */ (overlay.camera);
  const { up } = overlay;
  const now = posed(box, pose);
  const center = camera.project(now.center);
  const { width, height } = overlay.size;
  const from = (/** @type {{u: number, v: number}} */ p) => ({
    x: (p.u - center.u) * width, y: (p.v - center.v) * height,
  });
  switch (mode) {
    case 'move': {
      const { ground } = overlay.anchors(now);
      // Of a box that is seen from the side, the plane through its center says more.
      const plane = camera.hit(start.u, start.v, ground, up) ? ground : now.center;
      const first = camera.hit(start.u, start.v, plane, up);
      return (place, snap) => {
        const hit = first && camera.hit(place.u, place.v, plane, up);
        if (!hit || hit.distanceTo(camera.position) > 8 * now.center.distanceTo(camera.position)) {
          return null;
        }
        return moved(pose, hit.sub(first), up, snap);
      };
    }
    case 'lift': {
      const facing = now.center.clone().sub(camera.position);
      facing.addScaledVector(up, -facing.dot(up)).normalize();
      const first = camera.hit(start.u, start.v, now.center, facing);
      return (place, snap) => {
        const hit = first && camera.hit(place.u, place.v, now.center, facing);
        const by = hit ? snapped(hit.sub(first).dot(up), SNAP.move, snap) : null;
        return by === null ? null : shifted(pose, up.clone().multiplyScalar(by));
      };
    }
    case 'turn': {
      const angle = (/** @type {{u: number, v: number}} */ p) => Math.atan2(-from(p).y, from(p).x);
      const above = camera.position.clone().sub(now.center).dot(up) >= 0 ? 1 : -1;
      const first = angle(start);
      return (place, snap) => {
        const degrees = MathUtils.radToDeg(angle(place) - first) * above;
        return turned(pose, up, snapped(degrees, SNAP.turn, snap));
      };
    }
    case 'scale': {
      const length = (/** @type {{u: number, v: number}} */ p) => Math.hypot(from(p).x, from(p).y);
      const first = Math.max(8, length(start));
      return (place, snap) => {
        const scale = snapped((pose.scale * length(place)) / first, SNAP.scale, snap);
        return scaled(box, pose, MathUtils.clamp(scale, 0.1, 10), up);
      };
    }
  }
}

/**
 * A pose moved along the ground.
 *
 * @param {Pose} pose
 * @param {Vector3} by
 * @param {Vector3} up
 * @param {boolean} snap
 */
function moved(pose, by, up, snap) {
  const along = by.clone().addScaledVector(up, -by.dot(up));
  return shifted(pose, new Vector3().fromArray(along.toArray().map((/** @type {number} */ d) =>
    snapped(d, SNAP.move, snap))));
}

/**
 * A pose moved by a distance in the world.
 *
 * @param {Pose} pose
 * @param {Vector3} by
 * @returns {Pose}
 */
export function shifted(pose, by) {
  return { ...pose, move: new Vector3().fromArray(pose.move).add(by).toArray() };
}
