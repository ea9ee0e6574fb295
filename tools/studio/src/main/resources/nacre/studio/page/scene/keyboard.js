// @ts-check
import { Vector3 } from '../three/three.module.min.js';
import { shifted } from './drag.js';
import { scaled, turned } from './pose.js';

/** @typedef {import('./document.js').SceneDocument} SceneDocument */

/**
 * Edits the selected object by the keyboard, while the focus is in a place of the scene.
 *
 * @param {HTMLElement} view undo and redo work everywhere in it
 * @param {HTMLElement[]} places where single keys mean something
 * @param {SceneDocument} document
 * @param {{
 *   setMode: (mode: import('./drag.js').Mode) => void, remove: () => void, duplicate: () => void,
 * }} actions
 */
export function editByKeyboard(view, places, document, actions) {
  view.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches('input:not([type=checkbox], [type=radio], [type=range]), textarea');
    if ((event.ctrlKey || event.metaKey) && !typing) {
      const key = event.key.toLowerCase();
      if (key === 'z' || key === 'y') {
        event.preventDefault();
        if (key === 'y' || event.shiftKey) {
          document.edits.redo();
        } else {
          document.edits.undo();
        }
      } else if (key === 'd' && document.selected) {
        event.preventDefault();
        actions.duplicate();
      }
      return;
    }
    if (!event.altKey && places.some((place) => place.contains(target)) && single(event)) {
      event.preventDefault();
    }
  });

  /** @param {KeyboardEvent} event @returns {boolean} whether the key means something */
  function single(event) {
    const modes = /** @type {const} */ ({ g: 'move', l: 'lift', r: 'turn', s: 'scale' });
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key in modes) {
      actions.setMode(modes[/** @type {keyof typeof modes} */ (key)]);
      return true;
    }
    if (key === 'n') {
      const { names } = document;
      const at = document.selected === null ? -1 : names.indexOf(document.selected);
      document.select(names[(at + (event.shiftKey ? names.length - 1 : 1)) % names.length] ?? null);
      return true;
    }
    const name = document.selected;
    if (name === null) {
      return false;
    }
    if (key === 'Escape') {
      document.select(null);
    } else if (key === 'Delete' || key === 'Backspace') {
      actions.remove();
    } else if (key === 'h') {
      document.toggleHidden(name);
    } else {
      return nudge(name, key, event.shiftKey ? 0.2 : 1);
    }
    return true;
  }

  /** @param {string} name @param {string} key @param {number} fine */
  function nudge(name, key, fine) {
    const { camera, up } = document;
    if (!camera || document.pose(name).removed) {
      return false;
    }
    const pose = document.pose(name);
    const ahead = camera.direction(0.5, 0.5);
    ahead.addScaledVector(up, -ahead.dot(up)).normalize();
    const right = ahead.clone().cross(up);
    const step = 0.1 * fine;
    /** @type {Record<string, () => import('./pose.js').Pose>} */
    const keys = {
      ArrowRight: () => shifted(pose, right.multiplyScalar(step)),
      ArrowLeft: () => shifted(pose, right.multiplyScalar(-step)),
      ArrowUp: () => shifted(pose, ahead.multiplyScalar(step)),
      ArrowDown: () => shifted(pose, ahead.multiplyScalar(-step)),
      PageUp: () => shifted(pose, new Vector3().addScaledVector(up, step)),
      PageDown: () => shifted(pose, new Vector3().addScaledVector(up, -step)),
      ',': () => turned(pose, up, 15 * fine),
      '.': () => turned(pose, up, -15 * fine),
      '+': () => scaled(document.origin(name), pose, pose.scale * 1.1 ** fine, up),
      '=': () => scaled(document.origin(name), pose, pose.scale * 1.1 ** fine, up),
      '-': () => scaled(document.origin(name), pose, pose.scale / 1.1 ** fine, up),
    };
    if (!(key in keys)) {
      return false;
    }
    document.setPose(name, keys[key](), `key ${name} ${key}`);
    return true;
  }
}
