// @ts-check
import { MathUtils, Quaternion, Vector3 } from '../three/three.module.min.js';
import { api } from '../api.js';
import { $, el, say, trying } from '../dom.js';
import { wxyz } from '../scene/camera.js';
import { begin } from '../scene/drag.js';
import { Overlay } from '../scene/overlay.js';
import { inFront, posed, UNCHANGED } from '../scene/pose.js';
import { Undo } from '../scene/undo.js';
import { cameraOf, tiltedTo } from './camera.js';
import { drawAxes, drawGround } from './ground.js';

/** @typedef {import('../scene/box.js').Box} Box */
/** @typedef {import('./camera.js').Lens} Lens */
/** @typedef {{name: string, center: number[], size: number[], turn: number}} PhotoBox */
/** @typedef {{lens: Lens, boxes: PhotoBox[]}} PhotoState */

const COLORS = ['#ff8a5c', '#5cc8ff', '#ffd257', '#8be28b', '#d99bff', '#ff8fb6', '#7fe0d4', '#c9c2ff'];
const UP = new Vector3(0, 0, 1);

/** The view in which a photo gets a camera and boxes, and becomes a scene. */
export class PhotoView {
  /** @param {(scene: string) => void} saved */
  constructor(saved) {
    this.saved = saved;
    /** @type {{id: string, aspect: number} | null} */
    this.photo = null;
    /** @type {number | null} */
    this.selected = null;
    /** @type {Undo<PhotoState>} */
    this.undo = new Undo(/** @type {PhotoState} */ ({
      lens: { focal: 28, tilt: -15, roll: 0, yaw: 0, height: 1.5 }, boxes: [],
    }));
    this.overlay = new Overlay($('#photo-overlay'), UP);
    this.lensForm = /** @type {HTMLFormElement} */ ($('#photo-camera'));
    this.boxForm = /** @type {HTMLFormElement} */ ($('#photo-box'));
    this.saveForm = /** @type {HTMLFormElement} */ ($('#photo-save'));
    this.undo.onChange(() => this.refresh());
    $('#photo-undo').addEventListener('click', () => this.undo.undo());
    $('#photo-redo').addEventListener('click', () => this.undo.redo());
    new ResizeObserver(() => this.refresh()).observe($('#photo-picture'));
    this.files();
    this.forms();
    this.pointer();
    this.refresh();
  }

  get state() {
    return this.undo.value;
  }

  get camera() {
    return cameraOf(this.state.lens, this.photo?.aspect ?? 4 / 3);
  }

  files() {
    const input = /** @type {HTMLInputElement} */ ($('#photo-file'));
    input.addEventListener('change', () => {
      if (input.files?.length) {
        this.open(input.files[0]);
      }
      input.value = '';
    });
    const drop = $('#photo-drop');
    drop.addEventListener('dragover', (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
    drop.addEventListener('dragleave', () => drop.classList.remove('over'));
    drop.addEventListener('drop', (event) => {
      event.preventDefault();
      drop.classList.remove('over');
      const [file] = event.dataTransfer?.files ?? [];
      if (file) {
        this.open(file);
      }
    });
  }

  /** @param {File} file */
  async open(file) {
    const photo = await trying(() => api.uploadPhoto(file));
    if (!photo) {
      return;
    }
    this.photo = { id: photo.id, aspect: photo.width / photo.height };
    this.overlay.aspect = this.photo.aspect;
    const image = /** @type {HTMLImageElement} */ ($('#photo-image'));
    image.src = photo.url;
    image.alt = file.name;
    $('#photo-empty').hidden = true;
    const { lens } = this.state;
    $('#photo-exif').textContent = photo.focalLength
      ? 'As the camera wrote it into the photo.' : 'The photo does not say; 28 is a usual phone’s.';
    this.selected = null;
    const inLonger = (photo.focalLength ?? 0) * Math.min(1, this.photo.aspect);
    const focal = Math.round(inLonger * 36) || 28;
    this.undo.reset({ lens: { ...lens, focal }, boxes: [] });
  }

  forms() {
    for (const form of [this.lensForm, this.boxForm]) {
      form.addEventListener('submit', (event) => event.preventDefault());
      form.addEventListener('change', () => this.undo.seal());
    }
    this.lensForm.addEventListener('input', () => {
      const lens = { ...this.state.lens };
      for (const name of /** @type {const} */ (['focal', 'tilt', 'roll', 'height'])) {
        const input = this.input(this.lensForm, name);
        if (usable(input)) {
          lens[name] = input.valueAsNumber;
        }
      }
      this.undo.set({ ...this.state, lens }, 'lens');
    });
    this.boxForm.addEventListener('input', (event) => {
      const changed = /** @type {HTMLInputElement} */ (event.target);
      const box = this.selected === null ? undefined : this.state.boxes[this.selected];
      if (!box || !(changed.type === 'number' ? usable(changed) : changed.validity.valid)) {
        return;
      }
      const value = (/** @type {string} */ n, /** @type {number} */ old) => {
        const input = this.input(this.boxForm, n);
        return usable(input) ? input.valueAsNumber : old;
      };
      this.put({
        name: changed.name === 'name' && changed.value ? changed.value : box.name,
        center: ['x', 'y', 'z'].map((n, i) => value(n, box.center[i])),
        size: ['sx', 'sy', 'sz'].map((n, i) => value(n, box.size[i])),
        turn: value('turn', box.turn),
      }, 'box fields');
    });
    $('#photo-add').addEventListener('click', () => this.addAhead());
    $('#photo-box-remove').addEventListener('click', () => this.removeSelected());
    $('#photo-picture').addEventListener('keydown', (event) => {
      if (event.key === 'Delete' || event.key === 'Backspace') {
        this.removeSelected();
      }
    });
    this.saveForm.addEventListener('submit', (event) => {
      event.preventDefault();
      trying(() => this.save());
    });
  }

  removeSelected() {
    const { selected } = this;
    if (selected !== null) {
      this.selected = null;
      this.undo.set({ ...this.state, boxes: this.state.boxes.filter((_, i) => i !== selected) });
    }
  }

  /** @param {HTMLFormElement} form @param {string} name */
  input(form, name) {
    return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  }

  async save() {
    const { photo, state, camera } = this;
    if (!photo) {
      return;
    }
    const names = state.boxes.map((b) => b.name);
    const twice = names.find((n, i) => names.indexOf(n) !== i);
    if (twice) {
      throw new Error(`Two boxes are called ${twice}; give one of them another name.`);
    }
    const name = this.input(this.saveForm, 'name').value;
    const scene = await api.savePhoto(photo.id, {
      name,
      camera: camera.json(),
      up: [0, 0, 1],
      objects: state.boxes.map((b) => ({
        name: b.name,
        box: { center: b.center, size: b.size, rotation: wxyz(boxOf(b).rotation) },
      })),
    });
    say(`Saved as the scene ${name}.`);
    this.saved(scene.id);
  }

  /** Replaces the selected box. @param {PhotoBox} box @param {string | null} key */
  put(box, key) {
    if (this.selected !== null && inFront(boxOf(box), this.camera)) {
      const boxes = [...this.state.boxes];
      boxes[this.selected] = box;
      this.undo.set({ ...this.state, boxes }, key);
    }
  }

  get mode() {
    return /** @type {HTMLInputElement} */ ($('input[name=photo-mode]:checked')).value;
  }

  pointer() {
    const { root } = this.overlay;
    /** @type {((place: {u: number, v: number}) => void) | null} */
    let drag = null;
    root.addEventListener('pointerdown', (event) => {
      if (!this.photo || event.button !== 0) {
        return;
      }
      const place = this.overlay.place(event);
      const target = /** @type {Element} */ (event.target);
      if (this.mode === 'ground') {
        drag = this.groundDrag(place);
      } else if (this.mode === 'box') {
        drag = this.newBox(place);
      } else {
        drag = this.adjust(place, target);
      }
      root.setPointerCapture(event.pointerId);
    });
    root.addEventListener('pointermove', (event) => drag?.(this.overlay.place(event)));
    const end = () => {
      drag = null;
      this.undo.seal();
    };
    root.addEventListener('pointerup', end);
    root.addEventListener('pointercancel', end);
  }

  /** @param {{u: number, v: number}} start */
  groundDrag(start) {
    const { lens } = this.state;
    const aspect = this.photo?.aspect ?? 1;
    return (/** @type {{u: number, v: number}} */ place) => {
      const tilt = Math.round(tiltedTo(lens, aspect, start.v, place.v) * 10) / 10;
      const yaw = lens.yaw + (place.u - start.u) * 90;
      this.undo.set({ ...this.state, lens: { ...lens, tilt, yaw } }, 'ground');
    };
  }

  /** A name that no box has. */
  freeName() {
    let number = 1;
    while (this.state.boxes.some((b) => b.name === `object-${number}`)) {
      number++;
    }
    return `object-${number}`;
  }

  /** A box on the ground ahead, for those who do not draw. */
  addAhead() {
    const { lens, boxes } = this.state;
    if (!this.photo) {
      say('Open a photo first.', 'error');
      return;
    }
    const ahead = this.camera.direction(0.5, 0.5).setZ(0).setLength(4 * lens.height);
    const side = lens.height;
    const center = [ahead.x, ahead.y, side / 2].map(round);
    this.selected = boxes.length;
    const box = { name: this.freeName(), center, size: [side, side, side], turn: 0 };
    this.undo.set({ ...this.state, boxes: [...boxes, box] });
  }

  /** @param {{u: number, v: number}} start */
  newBox(start) {
    const { camera } = this;
    const first = camera.hit(start.u, start.v, new Vector3(), UP);
    if (!first) {
      say('Press below the horizon, where the object stands on the ground.', 'error');
      return null;
    }
    const { boxes } = this.state;
    const name = this.freeName();
    this.selected = boxes.length;
    return (/** @type {{u: number, v: number}} */ place) => {
      const last = camera.hit(place.u, place.v, new Vector3(), UP);
      if (!last) {
        return;
      }
      const size = [Math.abs(last.x - first.x), Math.abs(last.y - first.y), 0]
        .map((s) => Math.max(s, 0.05));
      size[2] = Math.max(0.05, (size[0] + size[1]) / 2);
      const center = [(first.x + last.x) / 2, (first.y + last.y) / 2, size[2] / 2];
      const box = { name, center: center.map(round), size: size.map(round), turn: 0 };
      if (inFront(boxOf(box), camera)) {
        this.undo.set({ ...this.state, boxes: [...boxes, box] }, `new ${name}`);
      }
    };
  }

  /** @param {{u: number, v: number}} place @param {Element} target */
  adjust(place, target) {
    const name = target.closest('[data-object]')?.getAttribute('data-object');
    const index = this.state.boxes.findIndex((b) => b.name === name);
    this.selected = index < 0 ? null : index;
    this.refresh();
    if (index < 0) {
      return null;
    }
    const box = this.state.boxes[index];
    const grip = /** @type {import('../scene/drag.js').Mode | null} */ (target.getAttribute('data-grip'));
    const to = begin(this.overlay, grip ?? 'move', boxOf(box), UNCHANGED, place);
    return (/** @type {{u: number, v: number}} */ where) => {
      const pose = to(where, false);
      if (pose) {
        const now = posed(boxOf(box), pose);
        const turned = 2 * Math.atan2(pose.turn[2], pose.turn[3]);
        this.put({
          name: box.name,
          center: now.center.toArray().map(round),
          size: now.size.toArray().map(round),
          turn: round(box.turn + MathUtils.radToDeg(turned)),
        }, `adjust ${box.name}`);
      }
    };
  }

  refresh() {
    const { lens, boxes } = this.state;
    if (this.selected !== null && this.selected >= boxes.length) {
      this.selected = null;
    }
    this.overlay.camera = this.photo ? this.camera : null;
    this.overlay.shown = boxes.map((b, i) => ({ name: b.name, box: boxOf(b), color: COLORS[i % 8] }));
    const selected = this.selected === null ? undefined : boxes[this.selected];
    this.overlay.selected = selected?.name ?? null;
    this.overlay.draw();
    if (this.photo && this.input(this.lensForm, 'grid').checked) {
      drawGround(this.overlay, lens.height);
    }
    if (selected) {
      drawAxes(this.overlay, boxOf(selected));
    }
    for (const name of /** @type {const} */ (['focal', 'tilt', 'roll', 'height'])) {
      this.fill(this.input(this.lensForm, name), String(lens[name]));
    }
    /** @type {HTMLFieldSetElement} */ ($('#photo-box-fields')).disabled = !selected;
    const values = selected
      ? [selected.name, ...selected.center, ...selected.size, selected.turn] : Array(8).fill('');
    ['name', 'x', 'y', 'z', 'sx', 'sy', 'sz', 'turn'].forEach((name, i) =>
      this.fill(this.input(this.boxForm, name), String(values[i])));
    $('#photo-boxes-empty').hidden = boxes.length > 0;
    $('#photo-boxes').replaceChildren(...boxes.map((b, i) => this.entry(b, i)));
    /** @type {HTMLButtonElement} */ ($('#photo-undo')).disabled = !this.undo.canUndo;
    /** @type {HTMLButtonElement} */ ($('#photo-redo')).disabled = !this.undo.canRedo;
    /** @type {HTMLButtonElement} */ ($('button[type=submit]', this.saveForm)).disabled = boxes.length === 0;
  }

  /** @param {HTMLInputElement} input @param {string} text */
  fill(input, text) {
    if (input !== document.activeElement) {
      input.value = text;
    }
  }

  /** @param {PhotoBox} box @param {number} index */
  entry(box, index) {
    const swatch = el('span', { class: 'swatch' });
    swatch.style.setProperty('--object', COLORS[index % 8]);
    return el('li', { class: index === this.selected ? 'selected' : '' }, el('button', {
      type: 'button', class: 'select', 'aria-pressed': String(index === this.selected),
      click: () => {
        this.selected = index;
        this.refresh();
      },
    }, swatch, el('span', {}, box.name)));
  }
}

/** True for a number within its bounds; its step is only how far arrows go. @param {HTMLInputElement} input */
const usable = (input) => Number.isFinite(input.valueAsNumber)
  && !input.validity.rangeUnderflow && !input.validity.rangeOverflow;

/** @param {number} x */
const round = (x) => Math.round(x * 1000) / 1000;

/** @param {PhotoBox} box @returns {Box} */
function boxOf(box) {
  return {
    center: new Vector3().fromArray(box.center),
    size: new Vector3().fromArray(box.size),
    rotation: new Quaternion().setFromAxisAngle(UP, MathUtils.degToRad(box.turn)),
  };
}
