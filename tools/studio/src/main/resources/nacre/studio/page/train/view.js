// @ts-check
import { api, events } from '../api.js';
import { $, el, trying } from '../dom.js';
import { drawCurves } from './chart.js';
import { newRun } from './form.js';

/** @typedef {import('../api.js').Run} Run */

const COLORS = ['#1f8a93', '#d9822b', '#7a5cc7', '#3f9e4d', '#cc4b78', '#8a7a2e'];

/** The view of runs: their losses beside each other, and what may be done with each. */
export class TrainView {
  constructor() {
    /** @type {Map<string, Run>} */
    this.runs = new Map();
    /** @type {Set<string>} */
    this.compared = new Set();
    /** @type {string | null} */
    this.selected = null;
    this.loading = 0;
    newRun((run) => {
      this.runs.set(run.id, run);
      this.select(run.id);
    });
    $('#run-stop').addEventListener('click', () => this.act((id) => api.stopRun(id)));
    $('#run-resume').addEventListener('click', () => this.act((id) => api.resumeRun(id)));
    events.on('run', (/** @type {Run} */ run) => {
      this.runs.set(run.id, { ...this.runs.get(run.id), ...run });
      this.list();
      if (this.compared.has(run.id)) {
        this.later();
      }
    });
    new ResizeObserver(() => this.chart()).observe($('#chart').parentElement ?? $('#chart'));
  }

  async start() {
    const runs = await trying(() => api.runs());
    for (const run of runs ?? []) {
      this.runs.set(run.id, { ...run, ...this.runs.get(run.id) });
    }
    const [first] = this.runs.keys();
    if (first !== undefined) {
      await this.select(first);
    }
    this.list();
  }

  /** @param {(id: string) => Promise<Run>} what */
  async act(what) {
    const id = this.selected;
    if (id !== null) {
      const run = await trying(() => what(id));
      if (run) {
        this.runs.set(id, { ...this.runs.get(id), ...run });
        this.list();
      }
    }
  }

  /** @param {string} id */
  async select(id) {
    this.selected = id;
    this.compared.add(id);
    this.list();
    await this.load();
  }

  /** Loads the curves again, not more often than once in a second. */
  later() {
    if (!this.loading) {
      this.loading = window.setTimeout(() => {
        this.loading = 0;
        this.load();
      }, 1000);
    }
  }

  async load() {
    for (const id of this.compared) {
      const run = await trying(() => api.run(id));
      if (run) {
        this.runs.set(id, run);
      }
    }
    this.list();
    this.chart();
  }

  /** @param {string} id */
  color(id) {
    return COLORS[[...this.runs.keys()].indexOf(id) % COLORS.length];
  }

  chart() {
    const curves = [...this.compared].map((id) => {
      const run = this.runs.get(id);
      return { name: run?.name ?? id, color: this.color(id), points: run?.curve ?? [] };
    });
    drawCurves(/** @type {SVGSVGElement} */ (/** @type {unknown} */ ($('#chart'))), curves);
    const told = curves.filter((c) => c.points.length)
      .map((c) => `${c.name}: ${number(c.points[c.points.length - 1][1])}`);
    $('#chart-caption').textContent = told.length
      ? `Loss by step; the last values are ${told.join(', ')}.`
      : 'Check runs in the list to compare their loss.';
  }

  list() {
    const place = $('#runs');
    const focused = place.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-key') : null;
    place.replaceChildren(...[...this.runs.values()].map((run) => this.entry(run)));
    if (focused) {
      /** @type {HTMLElement | null} */ (place.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
    }
    $('#runs-empty').hidden = this.runs.size > 0;
    this.details();
  }

  /** @param {Run} run */
  entry(run) {
    const check = el('input', {
      type: 'checkbox', 'aria-label': `Compare ${run.name}`, 'data-key': `compare ${run.id}`,
      change: () => {
        if (check.checked) {
          this.compared.add(run.id);
        } else {
          this.compared.delete(run.id);
        }
        this.load();
      },
    });
    check.checked = this.compared.has(run.id);
    const label = el('label', { class: 'check' }, check);
    label.style.setProperty('--object', this.color(run.id));
    return el('li', { class: run.id === this.selected ? 'selected' : '' }, label, el('button', {
      type: 'button', 'aria-pressed': String(run.id === this.selected), 'data-key': `select ${run.id}`,
      click: () => this.select(run.id),
    }, el('span', { class: 'name' }, run.name), el('span', { class: 'muted note' }, progress(run))));
  }

  details() {
    const run = this.selected === null ? undefined : this.runs.get(this.selected);
    $('#run-title').textContent = run ? run.name : 'Loss';
    $('#run-stop').hidden = !(run?.here && run.state === 'running');
    $('#run-resume').hidden = !(run && ['stopped', 'failed'].includes(run.state));
    const facts = run ? [
      progress(run), run.loss === null ? null : `loss ${number(run.loss)}`,
      run.stepsPerSecond ? `${number(run.stepsPerSecond)} steps a second` : null, run.error,
    ] : [];
    $('#run-facts').textContent = facts.filter(Boolean).join(' · ');
    $('#run-pictures-panel').hidden = !run?.sheets?.length;
    const sheet = run?.sheets?.[run.sheets.length - 1];
    if (sheet && $('#run-pictures').getAttribute('data-shown') !== sheet) {
      $('#run-pictures').setAttribute('data-shown', sheet);
      $('#run-pictures').replaceChildren(el('img', { src: sheet, alt: `Samples of ${run?.name}` }));
    }
    $('#run-log-panel').hidden = !run?.log?.length;
    const log = (run?.log ?? []).join('\n');
    const place = $('#run-log');
    if (place.textContent !== log) {
      place.textContent = log;
      place.scrollTop = place.scrollHeight;
    }
  }
}

/** @param {Run} run */
function progress(run) {
  const of = run.steps ? ` of ${run.steps.toLocaleString('en')}` : '';
  const state = run.state[0].toUpperCase() + run.state.slice(1);
  const elsewhere = run.state === 'running' && !run.here ? ' in another process' : '';
  return `${state}${elsewhere}, step ${run.step.toLocaleString('en')}${of}`;
}

/** @param {number} x */
const number = (x) => Number(x.toPrecision(3)).toString();
