// @ts-check
import { api, events } from '../api.js';
import { el, trying } from '../dom.js';

/** @typedef {import('../api.js').Result} Result */

/** The pictures that were drawn, newest first; some may be chosen to stand side by side. */
export class Results {
  /**
   * @param {HTMLElement} list
   * @param {(result: Result) => boolean} wanted
   * @param {(result: Result) => void} open
   * @param {{empty?: HTMLElement, choice?: (chosen: Result[]) => void}} [more]
   */
  constructor(list, wanted, open, more = {}) {
    this.list = list;
    this.wanted = wanted;
    this.open = open;
    this.more = more;
    /** @type {Result[]} */
    this.results = [];
    /** @type {Set<string>} */
    this.chosen = new Set();
    /** @type {string | null} */
    this.current = null;
    events.on('history', (/** @type {Result} */ result) => {
      if (!this.results.some((r) => r.id === result.id)) {
        this.results.unshift(result);
        this.draw();
      }
    });
  }

  async load() {
    const all = await trying(() => api.history());
    if (all) {
      this.results = all;
      this.draw();
    }
  }

  /** @param {string | null} id */
  mark(id) {
    this.current = id;
    this.draw();
  }

  draw() {
    const shown = this.results.filter(this.wanted);
    this.list.replaceChildren(...shown.map((result) => this.entry(result)));
    if (this.more.empty) {
      this.more.empty.hidden = shown.length > 0;
    }
  }

  /** @param {Result} result */
  entry(result) {
    const about = caption(result);
    const entry = el('li', {},
      el('button', {
        type: 'button', 'aria-current': result.id === this.current ? 'true' : null,
        'aria-label': `Open the picture: ${about}`, click: () => this.open(result),
      },
      el('img', { src: result.picture, alt: '', loading: 'lazy', width: 92, height: 92 }),
      el('span', {}, about)));
    if (this.more.choice) {
      const box = el('input', {
        type: 'checkbox', 'aria-label': `Compare the picture: ${about}`, change: () => {
          if (box.checked) {
            this.chosen.add(result.id);
          } else {
            this.chosen.delete(result.id);
          }
          this.more.choice?.(this.results.filter((r) => this.chosen.has(r.id)));
        },
      });
      box.checked = this.chosen.has(result.id);
      entry.append(el('label', { class: 'check' }, box));
    }
    return entry;
  }
}

/** @param {Result} result */
export function caption(result) {
  const { settings } = result;
  if (result.kind === 'animation') {
    return `GIF, ${settings.frames ?? 24} frames`;
  }
  return `Seed ${settings.seed}, ${settings.steps} steps`;
}

/**
 * Pictures beside each other, with what differs between them below.
 *
 * @param {HTMLElement} place
 * @param {Result[]} results
 */
export function sideBySide(place, results) {
  const keys = ['model', 'scene', 'seed', 'steps', 'guidance', 'keepBackground', 'prompt', 'sampler', 'edits'];
  const text = (/** @type {any} */ v) => (typeof v === 'object' ? JSON.stringify(v) : String(v));
  place.replaceChildren(...results.map((result) => {
    const facts = el('dl');
    for (const key of keys) {
      if (result.settings[key] !== undefined && result.settings[key] !== null) {
        facts.append(el('dt', {}, key), el('dd', {}, text(result.settings[key])));
      }
    }
    return el('div', {}, el('img', { src: result.picture, alt: caption(result) }), facts);
  }));
}
