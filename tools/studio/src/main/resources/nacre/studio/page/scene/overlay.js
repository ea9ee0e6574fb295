// @ts-check
import { Quaternion, Vector3 } from '../three/three.module.min.js';
import { svg } from '../dom.js';
import { corners, drop, EDGES, SIDES } from './box.js';

/** @typedef {import('./box.js').Box} Box */
/** @typedef {import('./camera.js').Camera} Camera */

/**
 * A box as the overlay shows it.
 *
 * @typedef {object} Shown
 * @property {string} name
 * @property {Box} box
 * @property {string} color
 * @property {Box | null} [from] where it was, if it was moved
 */

const RING = 40;

/** 3D boxes over a picture, in true perspective, the nearest last. */
export class Overlay {
  /**
   * @param {SVGSVGElement} root
   * @param {Vector3} up
   */
  constructor(root, up) {
    this.root = root;
    this.up = up;
    /** @type {Camera | null} */
    this.camera = null;
    /** @type {Shown[]} */
    this.shown = [];
    /** @type {string | null} */
    this.selected = null;
    /** Width by height of the picture below. */
    this.aspect = 1;
    new ResizeObserver(() => this.draw()).observe(/** @type {Element} */ (root.parentElement));
  }

  /** Lies down where the picture is, which is shown as a whole. */
  fit() {
    const { clientWidth, clientHeight } = /** @type {Element} */ (this.root.parentElement);
    const width = Math.min(clientWidth, clientHeight * this.aspect);
    const height = width / this.aspect;
    Object.assign(this.root.style, {
      left: `${(clientWidth - width) / 2}px`, top: `${(clientHeight - height) / 2}px`,
      width: `${width}px`, height: `${height}px`,
    });
  }

  /** Width and height on the screen. */
  get size() {
    return { width: this.root.clientWidth || 1, height: this.root.clientHeight || 1 };
  }

  /**
   * A place on the screen in image units.
   *
   * @param {{clientX: number, clientY: number}} event
   */
  place(event) {
    const around = this.root.getBoundingClientRect();
    return {
      u: (event.clientX - around.left) / around.width,
      v: (event.clientY - around.top) / around.height,
    };
  }

  /** A point of the world on the screen; null if it lies behind. @param {Vector3} point */
  at(point) {
    const camera = /** @type {Camera} */ (this.camera);
    const p = camera.project(point);
    const { width, height } = this.size;
    return p.depth > 1e-3 ? { x: p.u * width, y: p.v * height, depth: p.depth } : null;
  }

  draw() {
    this.fit();
    const { width, height } = this.size;
    this.root.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.root.replaceChildren();
    if (!this.camera) {
      return;
    }
    const camera = this.camera;
    const sorted = this.shown
      .map((shown) => ({ shown, depth: camera.project(shown.box.center).depth }))
      .sort((a, b) => b.depth - a.depth);
    const selected = this.shown.find((s) => s.name === this.selected);
    if (selected) {
      this.root.append(this.ring(selected)); // below the boxes, which a press is meant for first
    }
    for (const { shown } of sorted) {
      const group = this.object(shown);
      if (group) {
        this.root.append(group);
      }
    }
    if (selected) {
      this.root.append(this.handles(selected));
    }
  }

  /** @param {Shown} shown */
  object(shown) {
    const points = corners(shown.box);
    const seen = points.map((p) => this.at(p));
    if (seen.some((p) => p === null)) {
      return null;
    }
    const on = /** @type {{x: number, y: number}[]} */ (seen);
    const group = svg('g', {
      class: shown.name === this.selected ? 'box selected' : 'box', 'data-object': shown.name,
    });
    group.style.setProperty('--object', shown.color);
    if (shown.from) {
      const was = corners(shown.from).map((p) => this.at(p));
      group.append(svg('path', { class: 'was', d: this.edges(was, () => true) }));
    }
    const facing = SIDES.map((side) => this.faces(side.map((i) => points[i]), shown.box.center));
    SIDES.forEach((side, s) => {
      const path = side.map((i) => `${on[i].x.toFixed(1)},${on[i].y.toFixed(1)}`).join(' ');
      group.append(svg('polygon', { class: facing[s] ? 'side front' : 'side', points: path }));
    });
    const visible = (/** @type {readonly number[]} */ edge) =>
      SIDES.some((side, s) => facing[s]
        && edge.every((i) => (/** @type {readonly number[]} */ (side)).includes(i)));
    group.append(
      svg('path', { class: 'hidden', d: this.edges(seen, (e) => !visible(e)) }),
      svg('path', { class: 'halo', d: this.edges(seen, visible) }),
      svg('path', { class: 'edge', d: this.edges(seen, visible) }),
    );
    return group;
  }

  /**
   * True if a side is turned to the camera; its corners go around it, whichever way.
   *
   * @param {Vector3[]} side
   * @param {Vector3} center of the box
   */
  faces(side, center) {
    const normal = side[1].clone().sub(side[0]).cross(side[2].clone().sub(side[0]));
    const outward = side[0].clone().sub(center).dot(normal);
    const camera = /** @type {Camera} */ (this.camera);
    return camera.position.clone().sub(side[0]).dot(normal) * outward > 0;
  }

  /**
   * @param {({x: number, y: number} | null)[]} on
   * @param {(edge: readonly number[]) => boolean} wanted
   */
  edges(on, wanted) {
    return EDGES.filter(wanted).map(([a, b]) => {
      const [p, q] = [on[a], on[b]];
      return p && q ? `M${p.x.toFixed(1)} ${p.y.toFixed(1)}L${q.x.toFixed(1)} ${q.y.toFixed(1)}` : '';
    }).join('');
  }

  /** Where the handles of a box are: a ring on the ground, one above it, one at a corner. @param {Box} box */
  anchors(box) {
    const below = drop(box, this.up);
    const ground = box.center.clone().addScaledVector(this.up, -below);
    const top = box.center.clone().addScaledVector(this.up, below);
    const radius = 0.62 * Math.hypot(box.size.x, box.size.y, box.size.z);
    const flat = new Quaternion().setFromUnitVectors(new Vector3(0, 0, 1), this.up);
    const ring = Array.from({ length: RING + 1 }, (_, i) => {
      const a = (2 * Math.PI * i) / RING;
      return new Vector3(Math.cos(a) * radius, Math.sin(a) * radius, 0)
        .applyQuaternion(flat).add(ground);
    });
    return { ground, top, ring };
  }

  /** The ring on the ground by which a box is turned. @param {Shown} shown */
  ring(shown) {
    const group = svg('g', { class: 'handles', 'data-object': shown.name });
    const around = this.anchors(shown.box).ring.map((p) => this.at(p));
    if (around.every((p) => p !== null)) {
      const path = `M${around.map((p) => `${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join('L')}Z`;
      group.append(
        svg('path', { class: 'ring grip', d: path, 'data-grip': 'turn' }),
        svg('path', { class: 'ring line', d: path }),
      );
    }
    return group;
  }

  /** @param {Shown} shown */
  handles(shown) {
    const group = svg('g', { class: 'handles', 'data-object': shown.name });
    group.style.setProperty('--object', shown.color);
    const { top, ring } = this.anchors(shown.box);
    const around = ring.map((p) => this.at(p)).filter((p) => p !== null);
    if (around.length === ring.length) {
      const right = around.reduce((a, b) => (b.x > a.x ? b : a));
      const { width } = this.size;
      group.append(svg('circle', {
        class: 'knob', r: 6, cx: Math.min(right.x, width - 8), cy: right.y, 'data-grip': 'turn',
      }));
    }
    const above = this.at(top);
    if (above) {
      const tip = Math.max(14, above.y - 34);
      group.append(
        svg('path', { class: 'stem', d: `M${above.x} ${above.y}L${above.x} ${tip}` }),
        svg('path', {
          class: 'knob', 'data-grip': 'lift',
          d: `M${above.x - 8} ${tip + 6}L${above.x} ${tip - 8}L${above.x + 8} ${tip + 6}Z`,
        }),
      );
    }
    const seen = corners(shown.box).map((p) => this.at(p)).filter((p) => p !== null);
    if (seen.length === 8) {
      const corner = seen.reduce((a, b) => (b.x - b.y > a.x - a.y ? b : a));
      group.append(svg('rect', {
        class: 'knob', 'data-grip': 'scale', width: 11, height: 11, x: corner.x - 5.5, y: corner.y - 5.5,
      }));
    }
    return group;
  }
}
