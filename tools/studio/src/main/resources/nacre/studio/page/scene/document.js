// @ts-check
import { Vector3 } from '../three/three.module.min.js';
import { Camera, quaternion } from './camera.js';
import { boxOf, cameraStays, NOTHING, poseOf, withPose } from './edits.js';
import { inFront, posed } from './pose.js';
import { Undo } from './undo.js';

/** @typedef {import('../api.js').SceneJson} SceneJson */
/** @typedef {import('./box.js').Box} Box */
/** @typedef {import('./edits.js').EditState} EditState */
/** @typedef {import('./overlay.js').Shown} Shown */
/** @typedef {import('./pose.js').Pose} Pose */

/** The scene that is open: what is in it, what was done to it, and what is selected. */
export class SceneDocument {
  constructor() {
    /** @type {SceneJson | null} */
    this.json = null;
    /** @type {Map<string, Box>} */
    this.boxes = new Map();
    this.up = new Vector3(0, 0, 1);
    /** @type {Camera | null} */
    this.camera = null;
    /** @type {Undo<EditState>} */
    this.edits = new Undo(/** @type {EditState} */ (NOTHING));
    /** @type {string | null} */
    this.selected = null;
    /** @type {Set<string>} boxes that are not shown */
    this.hidden = new Set();
    /** @type {Set<() => void>} */
    this.opened = new Set();
    /** @type {Set<() => void>} */
    this.changed = new Set();
    this.edits.onChange(() => {
      if (this.json) {
        sessionStorage.setItem(`edits:${this.json.id}`, JSON.stringify(this.state));
      }
      this.tell(this.changed);
    });
  }

  get state() {
    return this.edits.value;
  }

  /** The camera from which the picture is to be drawn. */
  get viewpoint() {
    const { camera, state } = this;
    return camera && !cameraStays(state)
      ? camera.moved(state.camera.by, state.camera.degrees, this.up)
      : camera;
  }

  /** @param {Set<() => void>} listeners */
  tell(listeners) {
    for (const listener of listeners) {
      listener();
    }
  }

  /** @param {SceneJson} json */
  open(json) {
    this.json = json;
    this.up = new Vector3().fromArray(json.up).normalize();
    this.camera = new Camera(json.camera);
    this.boxes = new Map();
    for (const { id, box, present } of json.objects) {
      if (box && present) {
        this.boxes.set(id, {
          center: new Vector3().fromArray(box.center),
          size: new Vector3().fromArray(box.size),
          rotation: quaternion(box.rotation),
        });
      }
    }
    this.selected = null;
    this.hidden.clear();
    const kept = sessionStorage.getItem(`edits:${json.id}`);
    this.tell(this.opened);
    this.edits.reset(kept ? { ...NOTHING, ...JSON.parse(kept) } : NOTHING);
  }

  /** All objects that are there or were, duplicates last. @returns {string[]} */
  get names() {
    return [...this.boxes.keys(), ...Object.keys(this.state.copies)];
  }

  /** What the server says of an object, or of the one whose duplicate it is. @param {string} name */
  about(name) {
    const id = this.state.copies[name] ?? name;
    return this.json?.objects.find((o) => o.id === id);
  }

  /** A name for reading. @param {string} name */
  label(name) {
    return name in this.state.copies ? name : this.about(name)?.label ?? name;
  }

  /** @param {string} name */
  editable(name) {
    return this.about(name)?.editable !== false;
  }

  /** @param {string} name @returns {Pose} */
  pose(name) {
    return poseOf(this.state, name);
  }

  /** The box from which an object's edits start. @param {string} name @returns {Box} */
  origin(name) {
    return /** @type {Box} */ (boxOf(this, this.state, name));
  }

  /** The box as it is now. @param {string} name @returns {Box} */
  box(name) {
    return posed(this.origin(name), this.pose(name));
  }

  /** @returns {Shown[]} */
  get shown() {
    return this.names
      .filter((name) => !this.hidden.has(name) && !this.pose(name).removed)
      .map((name) => {
        const edited = name in this.state.objects || name in this.state.copies;
        return {
          name,
          box: this.box(name),
          color: this.about(name)?.color ?? '#ffffff',
          from: edited && name === this.selected ? this.origin(name) : null,
        };
      });
  }

  /** @param {string | null} name */
  select(name) {
    if (name !== this.selected) {
      this.selected = name;
      this.edits.seal();
      this.tell(this.changed);
    }
  }

  /**
   * Gives an object another pose, unless its box would reach behind the camera.
   *
   * @param {string} name
   * @param {Pose} pose
   * @param {string | null} [key] of the step of undoing
   * @returns {boolean} whether it could be done
   */
  setPose(name, pose, key = null) {
    const box = posed(this.origin(name), pose);
    if (!this.editable(name) || (!pose.removed && !inFront(box, /** @type {Camera} */ (this.viewpoint)))) {
      return false;
    }
    this.edits.set(withPose(this.state, name, pose), key);
    return true;
  }

  /** @param {string} name */
  toggleHidden(name) {
    if (!this.hidden.delete(name)) {
      this.hidden.add(name);
    }
    this.tell(this.changed);
  }
}
