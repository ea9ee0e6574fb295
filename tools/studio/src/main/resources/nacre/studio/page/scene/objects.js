// @ts-check
import { el, svg } from '../dom.js';

/** @typedef {import('./document.js').SceneDocument} SceneDocument */

/**
 * The list of objects; keeps the focus when it is drawn anew.
 *
 * @param {HTMLElement} list
 * @param {SceneDocument} document
 */
export function listObjects(list, document) {
  let drawn = '';
  document.changed.add(() => {
    const { selected, names, hidden } = document;
    const now = JSON.stringify(names.map((n) => {
      const { removed, donor } = document.pose(n);
      return [n, n === selected, hidden.has(n), removed, donor];
    }));
    if (now === drawn) {
      return;
    }
    drawn = now;
    const focused = list.contains(window.document.activeElement)
      ? window.document.activeElement?.getAttribute('data-key') : null;
    list.replaceChildren(...names.map((name) => entry(document, name)));
    if (focused) {
      /** @type {HTMLElement | null} */ (list.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
    }
  });
}

/** @param {SceneDocument} document @param {string} name */
function entry(document, name) {
  const { removed, donor } = document.pose(name);
  const chosen = name === document.selected;
  const hidden = document.hidden.has(name);
  const swatch = el('span', { class: 'swatch' });
  swatch.style.setProperty('--object', document.about(name)?.color ?? '#888888');
  const label = document.label(name);
  const remark = removed ? ' (removed)' : donor ? ` → ${donor.object}` : '';
  const choose = el('button', {
    type: 'button', class: 'select', 'aria-pressed': String(chosen), 'data-key': `select ${name}`,
    'data-object': name, click: () => document.select(chosen ? null : name),
  }, swatch, el('span', {}, label + remark));
  const eye = el('button', {
    type: 'button', class: `icon${hidden ? ' dim' : ''}`, 'aria-pressed': String(hidden),
    'aria-label': `Hide the box of ${label}`, 'data-key': `hide ${name}`,
    click: () => document.toggleHidden(name),
  });
  const icon = svg('svg', { class: 'i', 'aria-hidden': 'true' });
  icon.append(svg('use', { href: `icons.svg#${hidden ? 'eye-off' : 'eye'}` }));
  eye.append(icon);
  return el('li', { class: [chosen && 'selected', removed && 'removed'].filter(Boolean).join(' ') },
    choose, eye);
}
