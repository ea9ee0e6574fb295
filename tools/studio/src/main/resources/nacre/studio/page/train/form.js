// @ts-check
import { api } from '../api.js';
import { $, el, trying } from '../dom.js';

/** @typedef {import('../api.js').Preset} Preset */
/** @typedef {import('../api.js').PresetField} PresetField */

/**
 * The form that starts a run from a preset; its fields explain themselves.
 *
 * @param {(run: import('../api.js').Run) => void} started
 */
export function newRun(started) {
  const dialog = /** @type {HTMLDialogElement} */ ($('#run-dialog'));
  const form = /** @type {HTMLFormElement} */ ($('#run-form'));
  const choice = /** @type {HTMLSelectElement} */ (form.elements.namedItem('preset'));
  const name = /** @type {HTMLInputElement} */ (form.elements.namedItem('name'));
  /** @type {Preset[]} */
  let presets = [];

  const show = () => {
    const preset = presets.find((p) => p.name === choice.value);
    $('#preset-about').textContent = preset?.description ?? '';
    name.value = `${choice.value}-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, '-')}`;
    $('#preset-fields').replaceChildren(...(preset?.fields ?? []).map(field));
  };
  choice.addEventListener('change', show);

  $('#new-run').addEventListener('click', async () => {
    presets = await trying(() => api.presets()) ?? [];
    choice.replaceChildren(...presets.map((p) => el('option', { value: p.name }, p.name)));
    show();
    dialog.showModal();
  });

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    trying(async () => {
      const preset = presets.find((p) => p.name === choice.value);
      /** @type {Record<string, any>} */
      const fields = {};
      for (const { key, value } of preset?.fields ?? []) {
        const input = /** @type {HTMLInputElement} */ (form.elements.namedItem(`field ${key}`));
        const now = input.type === 'checkbox' ? input.checked
          : input.type === 'number' ? input.valueAsNumber : input.value;
        if (now !== value && !Number.isNaN(now)) {
          fields[key] = now;
        }
      }
      const run = await api.startRun({ preset: choice.value, name: name.value, fields });
      dialog.close();
      started(run);
    });
  });
}

/** @param {PresetField} f */
function field(f) {
  const id = `field ${f.key}`;
  const about = `about-${f.key.replace(/\W/g, '-')}`;
  const common = { name: id, 'aria-describedby': about };
  let input;
  if (f.choices?.length) {
    input = el('select', common, ...f.choices.map((c) =>
      el('option', { value: c, selected: c === f.value }, String(c))));
  } else if (f.type === 'boolean') {
    input = el('input', { ...common, type: 'checkbox', checked: f.value === true });
  } else if (f.type === 'number' || f.type === 'integer') {
    input = el('input', {
      ...common, type: 'number', value: f.value, min: f.minimum, max: f.maximum,
      step: f.type === 'integer' ? 1 : 'any',
    });
  } else {
    input = el('input', { ...common, type: 'text', value: f.value ?? '' });
  }
  return el('div', { class: 'explained' },
    el('label', { class: 'field wide-input' }, el('span', {}, words(f.key)), input),
    el('p', { class: 'muted note', id: about }, f.explanation));
}

/** A key for reading. @param {string} key */
function words(key) {
  const text = (key.split('.').pop() ?? key).replaceAll('_', ' ');
  return text[0].toUpperCase() + text.slice(1);
}
