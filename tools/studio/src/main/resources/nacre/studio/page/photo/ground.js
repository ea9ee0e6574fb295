// @ts-check
import { Vector3 } from '../three/three.module.min.js';
import { svg } from '../dom.js';
import { corners } from '../scene/box.js';

/** @typedef {import('../scene/overlay.js').Overlay} Overlay */

/**
 * Draws the ground's grid and the horizon below the boxes of an overlay.
 *
 * @param {Overlay} overlay
 * @param {number} height of the camera, which gives the grid its scale
 */
export function drawGround(overlay, height) {
  const { camera } = overlay;
  if (!camera) {
    return;
  }
  const ahead = camera.direction(0.5, 0.5).setZ(0).normalize();
  const { width, height: tall } = overlay.size;
  const step = height * 0.5;
  const middle = camera.position.clone().setZ(0).addScaledVector(ahead, 7 * step);
  const snap = (/** @type {number} */ x) => Math.round(x / step) * step;
  const [x0, y0] = [snap(middle.x), snap(middle.y)];
  let path = '';
  for (let i = -8; i <= 8; i++) {
    path += line(overlay, [x0 + i * step, y0 - 8 * step], [x0 + i * step, y0 + 8 * step]);
    path += line(overlay, [x0 - 8 * step, y0 + i * step], [x0 + 8 * step, y0 + i * step]);
  }
  const far = [-1, 1].map((side) => overlay.at(camera.position.clone()
    .addScaledVector(ahead, 1e5)
    .addScaledVector(new Vector3(-ahead.y, ahead.x, 0), side * 3e5)));
  const horizon = far[0] && far[1] ? `M${far[0].x} ${far[0].y}L${far[1].x} ${far[1].y}` : '';
  overlay.root.prepend(
    svg('rect', { width, height: tall, fill: 'transparent' }),
    svg('path', { class: 'ground', d: path }),
    svg('path', { class: 'horizon', d: horizon }),
  );
}

/**
 * A line on the ground, its part in front of the camera.
 *
 * @param {Overlay} overlay
 * @param {number[]} from
 * @param {number[]} to
 */
function line(overlay, from, to) {
  let path = '';
  let pen = 'M';
  for (let i = 0; i <= 32; i++) {
    const t = i / 32;
    const p = overlay.at(new Vector3(from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]), 0));
    if (p && p.depth > 0.05) {
      path += `${pen}${p.x.toFixed(1)} ${p.y.toFixed(1)}`;
      pen = 'L';
    } else {
      pen = 'M';
    }
  }
  return path;
}

/**
 * Draws the axes of a box from its first corner: x red, y green, z blue.
 *
 * @param {Overlay} overlay
 * @param {import('../scene/box.js').Box} box
 */
export function drawAxes(overlay, box) {
  const points = corners(box).map((c) => overlay.at(c));
  [[4, 'x'], [2, 'y'], [1, 'z']].forEach(([corner, axis]) => {
    const [a, b] = [points[0], points[/** @type {number} */ (corner)]];
    if (a && b) {
      overlay.root.append(svg('path', { class: `axis-${axis}`, d: `M${a.x} ${a.y}L${b.x} ${b.y}` }));
    }
  });
}
