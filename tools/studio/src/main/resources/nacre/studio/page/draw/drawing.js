// @ts-check
import { api } from '../api.js';
import { $, say, trying } from '../dom.js';
import { cameraStays, toJson } from '../scene/edits.js';
import { describe, Follower } from './job.js';

/** @typedef {import('../scene/document.js').SceneDocument} SceneDocument */
/** @typedef {import('../api.js').Job} Job */
/** @typedef {import('../api.js').Result} Result */

/** Asks for pictures of the scene: previews that follow the edits, and full ones. */
export class Drawing {
  /**
   * @param {SceneDocument} document
   * @param {(picture: string, job: Job) => void} show
   * @param {(result: Result) => void} done with a full picture
   */
  constructor(document, show, done) {
    this.document = document;
    this.done = done;
    this.form = /** @type {HTMLFormElement} */ ($('#draw-form'));
    this.live = /** @type {HTMLInputElement} */ ($('#live'));
    this.preview = new Follower((job) => this.told(job, show));
    this.full = new Follower((job) => this.told(job, show));
    this.stale = false;
    this.sending = false;
    /** @type {string | null} what the preview was last asked for */
    this.asked = null;
    document.changed.add(() => this.follow());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.drawFull();
    });
    this.form.addEventListener('change', () => this.follow());
    $('#cancel').addEventListener('click', () => trying(async () => {
      await Promise.all([this.full.cancel(), this.preview.cancel()]);
    }));
    $('#dice').addEventListener('click', () => {
      this.field('seed').value = String(Math.floor(Math.random() * 1e6));
      this.follow();
    });
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  /** What the server is asked for. */
  request() {
    const { document } = this;
    const stays = cameraStays(document.state);
    return {
      scene: document.json?.id,
      edits: toJson(document, document.state),
      seed: this.field('seed').valueAsNumber || 0,
      guidance: this.field('guidance').valueAsNumber,
      keepBackground: this.field('keep').checked && stays && document.state.background === null,
    };
  }

  /** Sends a preview if the last one is of something else; one at a time, the newest last. */
  async follow() {
    if (!this.live.checked || !this.document.json) {
      return;
    }
    const request = this.request();
    const text = JSON.stringify(request);
    if (text === this.asked) {
      return;
    }
    if (this.sending || this.preview.busy) {
      this.stale = true;
      return;
    }
    this.stale = false;
    this.asked = text;
    this.sending = true;
    await trying(() => this.preview.follow(() => api.draw({ ...request, preview: true })));
    this.sending = false;
    if (this.stale && !this.preview.busy) {
      this.follow();
    }
  }

  async drawFull() {
    const steps = this.field('steps').valueAsNumber;
    await trying(() => this.full.follow(() => api.draw({ ...this.request(), steps, preview: false })));
  }

  /** @param {Job} job @param {(picture: string, job: Job) => void} show */
  async told(job, show) {
    const full = job.kind === 'draw';
    const progress = /** @type {HTMLProgressElement} */ ($('#progress'));
    progress.value = job.state === 'done' ? 1 : job.steps ? job.step / job.steps : 0;
    $('#progress-text').textContent = job.state === 'done' && !full
      ? `Preview in ${(job.seconds ?? 0).toFixed(1)} s` : describe(job);
    const cancel = /** @type {HTMLButtonElement} */ ($('#cancel'));
    cancel.disabled = !(this.full.busy || this.preview.busy);
    if (job.error && job.state === 'failed') {
      say(job.error, 'error');
    }
    if (full && job.state === 'done' && job.result) {
      const result = await trying(() => api.result(/** @type {string} */ (job.result)));
      if (result) {
        this.done(result);
      }
    } else if (job.picture && job.state !== 'canceled' && (full || !this.full.busy)) {
      show(job.picture, job);
    }
    if (!full && !this.preview.busy && this.stale) {
      this.follow();
    }
  }
}
