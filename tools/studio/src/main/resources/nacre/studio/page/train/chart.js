// @ts-check
import { svg } from '../dom.js';

/** @typedef {{name: string, color: string, points: number[][]}} Curve */

const LEFT = 56;
const BELOW = 28;

/**
 * Draws loss curves over steps, the loss on a logarithmic scale: each as measured, faint, and
 * smoothed over it.
 *
 * @param {SVGSVGElement} root
 * @param {Curve[]} curves
 */
export function drawCurves(root, curves) {
  const width = root.clientWidth || 600;
  const height = root.clientHeight || 300;
  root.setAttribute('viewBox', `0 0 ${width} ${height}`);
  root.replaceChildren();
  const points = curves.flatMap((c) => c.points).filter(([, loss]) => loss > 0);
  const last = Math.max(10, ...points.map(([step]) => step));
  const low = Math.log10(Math.min(...points.map(([, loss]) => loss), Infinity));
  const high = Math.log10(Math.max(...points.map(([, loss]) => loss), -Infinity));
  const [bottom, top] = points.length ? [low - 0.05, Math.max(high, low + 0.3) + 0.05] : [-2, 0];
  const x = (/** @type {number} */ step) => LEFT + (step / last) * (width - LEFT - 12);
  const y = (/** @type {number} */ loss) =>
    8 + ((top - Math.log10(loss)) / (top - bottom)) * (height - 8 - BELOW);

  for (const loss of ticks(bottom, top)) {
    root.append(
      svg('line', { class: 'rule', x1: LEFT, x2: width - 12, y1: y(loss), y2: y(loss) }),
      text(LEFT - 8, y(loss) + 4, String(loss), 'end'),
    );
  }
  const stride = 10 ** Math.floor(Math.log10(last / 2));
  const every = last / stride > 10 ? stride * 5 : last / stride > 5 ? stride * 2 : stride;
  for (let step = 0; step <= last; step += every) {
    root.append(text(x(step), height - 8, step.toLocaleString('en'), step ? 'middle' : 'start'));
  }
  for (const { color, points: own } of curves) {
    const path = (/** @type {number[][]} */ ps) =>
      ps.filter(([, l]) => l > 0).map(([s, l], i) => `${i ? 'L' : 'M'}${x(s).toFixed(1)} ${y(l).toFixed(1)}`).join('');
    root.append(
      svg('path', { class: 'curve', d: path(own), stroke: color, 'stroke-opacity': 0.25 }),
      svg('path', { class: 'curve', d: path(smooth(own)), stroke: color }),
    );
  }
}

/** @param {number} x @param {number} y @param {string} words @param {string} anchor */
function text(x, y, words, anchor) {
  const element = svg('text', { class: 'tick', x, y, 'text-anchor': anchor });
  element.textContent = words;
  return element;
}

/** Round values between two powers of ten. @param {number} bottom @param {number} top */
function ticks(bottom, top) {
  const values = [];
  for (let power = Math.floor(bottom); power <= top; power++) {
    for (const lead of top - bottom > 2 ? [1] : [1, 2, 5]) {
      const value = Number((lead * 10 ** power).toPrecision(2));
      if (Math.log10(value) >= bottom && Math.log10(value) <= top) {
        values.push(value);
      }
    }
  }
  return values;
}

/** The mean over a thirtieth of the curve to each side. @param {number[][]} points */
function smooth(points) {
  const reach = Math.floor(points.length / 30);
  return points.map(([step], i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [step, near.reduce((sum, [, loss]) => sum + loss, 0) / near.length];
  });
}
