// @ts-check
import { $ } from '../dom.js';
import { angles, scaled, withAngles } from './pose.js';

/** @typedef {import('./document.js').SceneDocument} SceneDocument */

/**
 * The selected object's numbers, which follow it and move it.
 *
 * @param {HTMLFormElement} form
 * @param {SceneDocument} document
 */
export function inspect(form, document) {
  const fields = /** @type {HTMLFieldSetElement} */ ($('#inspector-fields', form));
  const title = $('#inspector-title', form);
  /** @param {string} name */
  const field = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  /** @param {string} name @param {number} value */
  const put = (name, value) => {
    const input = field(name);
    const text = String(Math.round(value * 100) / 100 + 0);
    if (input !== window.document.activeElement || Number(input.value) !== Number(text)) {
      input.value = text;
    }
  };

  document.changed.add(() => {
    const name = document.selected;
    const pose = name === null ? null : document.pose(name);
    fields.disabled = name === null || !document.editable(name);
    title.textContent = name === null ? 'No object selected' : document.label(name);
    for (const input of fields.querySelectorAll('input')) {
      input.disabled = pose?.removed === true;
    }
    $('#remove span', form).textContent = pose?.removed ? 'Put back' : 'Remove';
    $('#remove', form).setAttribute('aria-pressed', String(pose?.removed === true));
    $('#hide', form).setAttribute('aria-pressed', String(name !== null && document.hidden.has(name)));
    if (name === null || !pose) {
      for (const input of fields.querySelectorAll('input')) {
        input.value = '';
      }
      return;
    }
    const { center } = document.box(name);
    const [rx, ry, rz] = angles(pose, document.up);
    put('x', center.x);
    put('y', center.y);
    put('z', center.z);
    put('rx', rx);
    put('ry', ry);
    put('rz', rz);
    put('scale', pose.scale);
  });

  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const name = document.selected;
    const value = input.valueAsNumber;
    if (name === null || !Number.isFinite(value)) {
      return;
    }
    const pose = document.pose(name);
    const { up } = document;
    let next = pose;
    const axis = ['x', 'y', 'z'].indexOf(input.name);
    const about = ['rx', 'ry', 'rz'].indexOf(input.name);
    if (axis >= 0) {
      const move = [...pose.move];
      move[axis] = value - document.origin(name).center.getComponent(axis);
      next = { ...pose, move };
    } else if (about >= 0) {
      const degrees = angles(pose, up);
      degrees[about] = value;
      next = withAngles(pose, degrees, up);
    } else if (input.name === 'scale') {
      if (!(value >= 0.1 && value <= 10)) {
        input.setCustomValidity('The size is a factor from 0.1 to 10.');
        input.reportValidity();
        return;
      }
      next = scaled(document.origin(name), pose, value, up);
    }
    const done = document.setPose(name, next, `field ${name} ${input.name}`);
    input.setCustomValidity(done ? '' : 'The box would reach behind the camera; move it less.');
    if (!done) {
      input.reportValidity();
    }
  });
  form.addEventListener('change', () => document.edits.seal());
}
