// @ts-check
import { MathUtils, Quaternion, Vector3 } from '../three/three.module.min.js';
import { scaled, turned, UNCHANGED } from './pose.js';

/** @typedef {import('./box.js').Box} Box */
/** @typedef {import('./pose.js').Pose} Pose */

/**
 * What was done to a scene: a pose for each object that was edited.
 *
 * @typedef {object} EditState
 * @property {Record<string, Pose>} objects by name; those that are missing are as they were
 * @property {Record<string, string>} copies names of duplicates, and which object each is one of
 * @property {string | null} background the scene that lends its background
 * @property {{by: number[], degrees: number[]}} camera how far the camera was moved and turned
 */

/**
 * What edits need to know of a scene.
 *
 * @typedef {object} Boxes
 * @property {Map<string, Box>} boxes of the objects that are there, by name
 * @property {Vector3} up
 * @property {import('./camera.js').Camera | null} camera that took the picture
 */

/** @type {Readonly<EditState>} */
export const NOTHING = Object.freeze({
  objects: {}, copies: {}, background: null, camera: { by: [0, 0, 0], degrees: [0, 0] },
});

/**
 * The box from which an object's edits start; undefined if there is no such object.
 *
 * @param {Boxes} scene
 * @param {EditState} state
 * @param {string} name
 */
export function boxOf(scene, state, name) {
  return scene.boxes.get(state.copies[name] ?? name);
}

/** True if the camera is where it was. @param {EditState} state */
export function cameraStays({ camera }) {
  return [...camera.by, ...camera.degrees].every((x) => x === 0);
}

/**
 * One more of an object, where the scene has it.
 *
 * @param {EditState} state
 * @param {string} object
 * @param {string} as
 * @returns {EditState}
 */
export function duplicated(state, object, as) {
  const of = state.copies[object] ?? object;
  return { ...state, copies: { ...state.copies, [as]: of } };
}

/**
 * @param {EditState} state
 * @param {string} name
 * @returns {Pose}
 */
export function poseOf(state, name) {
  return state.objects[name] ?? UNCHANGED;
}

/**
 * @param {EditState} state
 * @param {string} name
 * @param {Pose} pose
 * @returns {EditState}
 */
export function withPose(state, name, pose) {
  return { ...state, objects: { ...state.objects, [name]: pose } };
}

/** A scene's reference in a few words. @param {string} reference */
export function sceneName(reference) {
  const [, set, number] = reference.match(/^(.+)~(\d+)$/) ?? [];
  const last = (set ?? reference).split(/[/:]/).filter(Boolean).at(-1) ?? reference;
  return number === undefined ? last : `${last === 'held-out' ? 'scene' : last} ${number}`;
}

/** Rounds for a file that people read; a ten-thousandth of a unit is no pixel. @param {number} x */
const round = (x) => Math.round(x * 1e4) / 1e4 + 0;

/**
 * The edits as the command line's `sample --edits` takes them.
 *
 * @param {Boxes} scene
 * @param {EditState} state
 * @returns {object[]}
 */
export function toJson(scene, state) {
  /** @type {object[]} */
  const edits = Object.entries(state.copies)
    .filter(([as]) => !poseOf(state, as).removed)
    .map(([as, object]) => ({ edit: 'duplicate', object, as }));
  for (const [object, pose] of Object.entries(state.objects)) {
    const box = boxOf(scene, state, object);
    if (!box || (pose.removed && object in state.copies)) {
      continue;
    }
    if (pose.removed) {
      edits.push({ edit: 'remove', object });
      continue;
    }
    if (pose.donor) {
      edits.push({ edit: 'replace', object, by: pose.donor });
    }
    const rotation = rotate(object, pose, scene.up);
    if (rotation) {
      edits.push(rotation);
    }
    if (round(pose.scale) !== 1) {
      edits.push({ edit: 'resize', object, factor: round(pose.scale) });
    }
    // A resized object stays on its ground by itself; only what is left is a translation.
    const still = { ...UNCHANGED, turn: pose.turn };
    const risen = scaled(box, still, pose.scale, scene.up).move;
    const by = pose.move.map((m, i) => round(m - risen[i]));
    if (by.some((d) => d !== 0)) {
      edits.push({ edit: 'translate', object, by });
    }
  }
  if (state.background !== null) {
    edits.push({ edit: 'background', scene: state.background });
  }
  if (!cameraStays(state)) {
    const { by, degrees } = state.camera;
    edits.push({ edit: 'camera', by: by.map(round), degrees: degrees.map(round) });
  }
  return edits;
}

/**
 * @param {string} object
 * @param {Pose} pose
 * @param {Vector3} up
 */
function rotate(object, pose, up) {
  const turn = new Quaternion().fromArray(pose.turn);
  const axis = new Vector3(turn.x, turn.y, turn.z);
  const angle = 2 * Math.atan2(axis.length(), turn.w);
  let degrees = MathUtils.radToDeg(angle);
  if (degrees > 180) {
    degrees -= 360;
  }
  if (round(degrees) === 0) {
    return null;
  }
  axis.normalize();
  const along = axis.dot(up);
  return Math.abs(along) > 1 - 1e-9
    ? { edit: 'rotate', object, degrees: round(degrees * Math.sign(along)) }
    : { edit: 'rotate', object, degrees: round(degrees), axis: axis.toArray().map(round) };
}

/**
 * The state that edits of a JSON file lead to.
 *
 * @param {Boxes} scene
 * @param {unknown} json array of strings or objects, as `sample --edits` takes them
 * @returns {EditState}
 * @throws {Error} in one line, if an edit is not understood
 */
export function fromJson(scene, json) {
  if (!Array.isArray(json)) {
    throw new Error('Edits are a JSON array, such as ["translate red-box 0.5 0 0"].');
  }
  /** @type {EditState} */
  let state = NOTHING;
  json.forEach((entry, i) => {
    const parts = typeof entry === 'string' ? entry.split(';').filter((p) => p.trim()) : [entry];
    for (const part of parts) {
      try {
        state = apply(scene, state, typeof part === 'string' ? words(part.trim()) : part);
      } catch (e) {
        throw new Error(`Edit ${i + 1}: ${e instanceof Error ? e.message : e}`);
      }
    }
  });
  return state;
}

/**
 * @param {Boxes} scene
 * @param {EditState} state
 * @param {any} edit
 * @returns {EditState}
 */
function apply(scene, state, edit) {
  if (edit?.edit === 'background') {
    return { ...state, background: String(edit.scene) };
  }
  if (edit?.edit === 'camera') {
    const by = new Vector3().fromArray(numbers(edit.by ?? [0, 0, 0], 3));
    const [left, raised] = numbers(edit.degrees ?? [0, 0], 2);
    const { camera } = state;
    const to = scene.camera?.further(camera, by, scene.up) ?? by;
    return {
      ...state,
      camera: { by: to.toArray(), degrees: [camera.degrees[0] + left, camera.degrees[1] + raised] },
    };
  }
  const name = edit?.object;
  const box = boxOf(scene, state, name);
  if (!box) {
    const names = [...scene.boxes.keys(), ...Object.keys(state.copies)].join(', ');
    throw new Error(`the scene has no object “${name}”; it has ${names || 'none'}.`);
  }
  const pose = poseOf(state, name);
  switch (edit.edit) {
    case 'translate': {
      const by = numbers(edit.by, 3);
      return withPose(state, name, { ...pose, move: pose.move.map((m, i) => m + by[i]) });
    }
    case 'rotate': {
      const axis = edit.axis ? new Vector3().fromArray(numbers(edit.axis, 3)) : scene.up.clone();
      return withPose(state, name, turned(pose, axis.normalize(), numbers([edit.degrees], 1)[0]));
    }
    case 'resize': {
      const [factor] = numbers([edit.factor], 1);
      if (factor <= 0) {
        throw new Error('a resize needs a factor above 0.');
      }
      return withPose(state, name, scaled(box, pose, pose.scale * factor, scene.up));
    }
    case 'remove':
      return withPose(state, name, { ...pose, removed: true });
    case 'replace':
      return withPose(state, name, {
        ...pose, donor: { scene: String(edit.by?.scene), object: String(edit.by?.object) },
      });
    case 'duplicate':
      if (typeof edit.as !== 'string' || boxOf(scene, state, edit.as)) {
        throw new Error('a duplicate needs a name that no other object has ("as").');
      }
      return duplicated(state, name, edit.as);
    default:
      throw new Error(`“${edit?.edit}” is not an edit; known are translate, rotate, resize, remove, `
        + 'duplicate, replace, background and camera.');
  }
}

/**
 * @param {any} values
 * @param {number} count
 * @returns {number[]}
 */
function numbers(values, count) {
  if (!Array.isArray(values) || values.length !== count || !values.every(Number.isFinite)) {
    throw new Error(`needs ${count === 1 ? 'a number' : `${count} numbers`}.`);
  }
  return values;
}

/** An edit as it is typed, as an object. @param {string} text */
function words(text) {
  const [edit, object, ...rest] = text.split(/\s+/);
  const values = rest.map(Number);
  switch (edit.toLowerCase()) {
    case 'translate':
      return { edit: 'translate', object, by: values };
    case 'rotate':
      return {
        edit: 'rotate', object, degrees: values[0], axis: values.length > 1 ? values.slice(1) : null,
      };
    case 'resize':
      return { edit: 'resize', object, factor: values[0] };
    case 'remove':
      return { edit: 'remove', object };
    case 'replace': {
      const by = rest.join(' ');
      const colon = by.lastIndexOf(':');
      return {
        edit: 'replace', object, by: { scene: by.slice(0, colon), object: by.slice(colon + 1) },
      };
    }
    case 'duplicate':
      return { edit: 'duplicate', object, as: rest[0] };
    case 'background':
      return { edit: 'background', scene: [object, ...rest].join(' ') };
    case 'camera': {
      const [x, y, z, ...degrees] = [Number(object), ...values];
      return { edit: 'camera', by: [x, y, z], degrees: degrees.length > 0 ? degrees : [0, 0] };
    }
    default:
      return { edit, object };
  }
}
