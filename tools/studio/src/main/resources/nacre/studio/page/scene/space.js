// @ts-check
import * as THREE from '../three/three.module.min.js';
import { OrbitControls } from '../three/OrbitControls.js';
import { TransformControls } from '../three/TransformControls.js';
import { corners } from './box.js';

/** @typedef {import('./box.js').Box} Box */
/** @typedef {import('./overlay.js').Shown} Shown */

/**
 * Where an object is: three.js defines these properties where no compiler sees them.
 *
 * @param {any} object
 * @returns {{position: THREE.Vector3, quaternion: THREE.Quaternion, scale: THREE.Vector3, userData: Record<string, any>}}
 */
const placed = (object) => object;

/** The scene from outside: its boxes on the ground, and the camera that took the picture. */
export class Space {
  /**
   * @param {HTMLElement} place
   * @param {{
   *   select: (name: string | null) => void,
   *   change: (name: string, box: Box) => void,
   *   settle: () => void,
   * }} tell
   * @throws {Error} where there is no WebGL
   */
  constructor(place, tell) {
    this.place = place;
    this.tell = tell;
    this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    const canvas = this.renderer.domElement;
    canvas.setAttribute('aria-hidden', 'true');
    place.append(canvas);
    this.scene = new THREE.Scene();
    this.view = new THREE.PerspectiveCamera(45, 1, 0.05, 500);
    this.orbit = new OrbitControls(this.view, canvas);
    this.orbit.enableDamping = false;
    this.orbit.addEventListener('change', () => this.render());
    this.gizmo = new TransformControls(this.view, canvas);
    this.gizmo.setSize(0.8);
    this.scene.add(this.gizmo.getHelper());
    this.gizmo.addEventListener('change', () => this.render());
    this.gizmo.addEventListener('dragging-changed', (/** @type {{value: unknown}} */ e) => {
      this.orbit.enabled = !e.value;
      if (!e.value) {
        this.tell.settle();
        this.refresh();
      }
    });
    this.gizmo.addEventListener('objectChange', () => this.dragged());
    this.content = new THREE.Group();
    this.ground = new THREE.Group();
    this.scene.add(this.ground, this.content);
    /** @type {Map<string, THREE.Mesh>} */
    this.meshes = new Map();
    /** @type {Shown[]} */
    this.shown = [];
    /** @type {string | null} */
    this.selected = null;
    this.up = new THREE.Vector3(0, 0, 1);
    this.pending = 0;
    this.clicks(canvas);
    new ResizeObserver(() => this.resize()).observe(place);
  }

  /** Selection by click, but not at the end of an orbit. @param {HTMLCanvasElement} canvas */
  clicks(canvas) {
    let start = { x: 0, y: 0 };
    canvas.addEventListener('pointerdown', (e) => {
      start = { x: e.clientX, y: e.clientY };
    });
    canvas.addEventListener('pointerup', (e) => {
      if (Math.hypot(e.clientX - start.x, e.clientY - start.y) > 4 || this.gizmo.axis) {
        return;
      }
      const around = canvas.getBoundingClientRect();
      const at = new THREE.Vector2(
        ((e.clientX - around.left) / around.width) * 2 - 1,
        1 - ((e.clientY - around.top) / around.height) * 2,
      );
      const ray = new THREE.Raycaster();
      ray.setFromCamera(at, this.view);
      const [hit] = ray.intersectObjects([...this.meshes.values()], false);
      this.tell.select(hit ? hit.object.name : null);
    });
  }

  /**
   * Shows another scene, from a little behind its camera.
   *
   * @param {import('./camera.js').Camera} camera
   * @param {THREE.Vector3} up
   * @param {Box[]} boxes
   * @param {string} picture URL
   */
  open(camera, up, boxes, picture) {
    this.up = up.clone();
    this.view.up.copy(up);
    const middle = boxes
      .reduce((sum, b) => sum.add(b.center), new THREE.Vector3())
      .divideScalar(Math.max(1, boxes.length));
    if (boxes.length === 0) {
      middle.copy(camera.position).addScaledVector(camera.direction(0.5, 0.5), 5);
    }
    const away = camera.position.clone().sub(middle);
    const side = up.clone().cross(away).multiplyScalar(0.55);
    this.reach = away.length();
    placed(this.view).position.copy(middle).add(away.multiplyScalar(1.15)).add(side)
      .addScaledVector(up, this.reach * 0.35);
    this.view.near = this.reach / 200;
    this.view.far = this.reach * 50;
    this.view.updateProjectionMatrix();
    // OrbitControls reads the camera's up only when it is made.
    this.orbit.dispose();
    this.orbit = new OrbitControls(this.view, this.renderer.domElement);
    this.orbit.target.copy(middle);
    this.orbit.addEventListener('change', () => this.render());
    this.orbit.update();
    this.floor = Math.min(
      0, ...boxes.flatMap((b) => corners(b).map((c) => c.dot(up))),
    );
    this.camera = camera;
    this.picture = picture;
    this.surroundings();
  }

  /** Grid, and the frustum of the camera with its picture. */
  surroundings() {
    this.ground.clear();
    if (!this.camera) {
      return;
    }
    const line = getComputedStyle(this.place);
    const color = new THREE.Color(line.getPropertyValue('--grid').trim() || '#888888');
    const step = 10 ** Math.floor(Math.log10(this.reach ?? 10) - 0.3);
    const grid = new THREE.GridHelper(step * 20, 20, /** @type {any} */ (color), /** @type {any} */ (color));
    placed(grid).quaternion.setFromUnitVectors(new THREE.Vector3(0, 1, 0), this.up);
    placed(grid).position.copy(this.up).multiplyScalar(this.floor ?? 0);
    this.ground.add(grid);
    const { position } = this.camera;
    const far = (this.reach ?? 10) * 0.3;
    const forward = this.camera.direction(0.5, 0.5);
    const tips = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, v]) => {
      const along = /** @type {import('./camera.js').Camera} */ (this.camera).direction(u, v);
      return position.clone().addScaledVector(along, far / along.dot(forward));
    });
    const points = tips.flatMap((tip, i) => [position, tip, tip, tips[(i + 1) % 4]]);
    const ink = new THREE.Color(line.getPropertyValue('--frustum').trim() || '#888888');
    this.ground.add(new THREE.LineSegments(
      new THREE.BufferGeometry().setFromPoints(points), new THREE.LineBasicMaterial({ color: ink }),
    ));
    if (this.picture) {
      const plane = new THREE.BufferGeometry().setFromPoints(tips);
      plane.setIndex([0, 3, 2, 0, 2, 1]);
      plane.setAttribute('uv', new THREE.Float32BufferAttribute([0, 1, 1, 1, 1, 0, 0, 0], 2));
      const texture = new THREE.TextureLoader().load(this.picture, () => this.render());
      texture.colorSpace = THREE.SRGBColorSpace;
      this.ground.add(new THREE.Mesh(plane, new THREE.MeshBasicMaterial({
        map: texture, side: THREE.DoubleSide, transparent: true, opacity: 0.85,
      })));
    }
    this.render();
  }

  /** @param {Shown[]} shown @param {string | null} selected */
  show(shown, selected) {
    this.shown = shown;
    this.selected = selected;
    if (!this.gizmo.dragging) {
      this.refresh();
    }
  }

  refresh() {
    this.content.traverse((/** @type {any} */ o) => {
      if (o instanceof THREE.Mesh || o instanceof THREE.LineSegments) {
        o.geometry.dispose();
        o.material.dispose();
      }
    });
    this.content.clear();
    this.meshes.clear();
    for (const { name, box, color } of this.shown) {
      const chosen = name === this.selected;
      const shape = new THREE.BoxGeometry(box.size.x, box.size.y, box.size.z);
      const mesh = new THREE.Mesh(shape, new THREE.MeshBasicMaterial({
        color, transparent: true, opacity: chosen ? 0.45 : 0.22, depthWrite: false,
      }));
      mesh.name = name;
      const { position, quaternion, userData } = placed(mesh);
      position.copy(box.center);
      quaternion.copy(box.rotation);
      userData.size = box.size.clone();
      mesh.add(new THREE.LineSegments(
        new THREE.EdgesGeometry(/** @type {any} */ (shape)), new THREE.LineBasicMaterial({ color }),
      ));
      this.content.add(mesh);
      this.meshes.set(name, mesh);
    }
    const mesh = this.selected === null ? undefined : this.meshes.get(this.selected);
    if (mesh) {
      this.gizmo.attach(mesh);
    } else {
      this.gizmo.detach();
    }
    this.render();
  }

  /** What the gizmo does to the selected object. */
  dragged() {
    const mesh = this.selected === null ? undefined : this.meshes.get(this.selected);
    if (!mesh) {
      return;
    }
    // Objects have one scale: the axis that was dragged furthest gives it.
    const { position, quaternion, scale, userData } = placed(mesh);
    const factor = scale.toArray()
      .reduce((/** @type {number} */ a, /** @type {number} */ b) => (Math.abs(Math.log(Math.max(b, 0.01))) > Math.abs(Math.log(a)) ? Math.max(b, 0.01) : a), 1);
    scale.setScalar(factor);
    this.tell.change(mesh.name, {
      center: position.clone(),
      size: userData.size.clone().multiplyScalar(factor),
      rotation: quaternion.clone(),
    });
  }

  /** @param {import('./drag.js').Mode} mode */
  setMode(mode) {
    const kinds = /** @type {const} */ ({
      move: 'translate', lift: 'translate', turn: 'rotate', scale: 'scale',
    });
    this.gizmo.setMode(kinds[mode]);
    this.render();
  }

  /** @param {boolean} on */
  setSnap(on) {
    this.gizmo.setTranslationSnap(on ? 0.25 : null);
    this.gizmo.setRotationSnap(on ? Math.PI / 12 : null);
    this.gizmo.setScaleSnap(on ? 0.1 : null);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (width && height) {
      this.renderer.setSize(width, height);
      this.view.aspect = width / height;
      this.view.updateProjectionMatrix();
      this.render();
    }
  }

  /** Draws with the next frame, however often it is asked for. */
  render() {
    if (!this.pending) {
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        this.renderer.render(this.scene, this.view);
      });
    }
  }
}
