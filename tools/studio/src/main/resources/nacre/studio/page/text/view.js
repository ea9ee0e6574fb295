// @ts-check
import { api } from '../api.js';
import { $, el, say, trying } from '../dom.js';
import { describe, Follower } from '../draw/job.js';
import { caption, Results } from '../draw/results.js';

/** @typedef {import('../api.js').Job} Job */

/** The view in which prompts become pictures. */
export class TextView {
  constructor() {
    this.form = /** @type {HTMLFormElement} */ ($('#text-form'));
    this.image = /** @type {HTMLImageElement} */ ($('#text-image'));
    /** @type {Map<string, number | undefined>} */
    this.sizes = new Map();
    this.follower = new Follower((job) => this.told(job));
    this.results = new Results(
      $('#text-history'), (r) => r.kind === 'text-to-image', (r) => {
        this.show(r.picture, `${r.settings.prompt}. ${caption(r)}`);
        this.results.mark(r.id);
      },
      { empty: /** @type {HTMLElement} */ ($('#text-history-empty')) },
    );
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      trying(() => this.draw());
    });
    this.field('model').addEventListener('change', () => this.fit());
    this.form.addEventListener('change', () => this.offer());
    $('#text-cancel').addEventListener('click', () => trying(() => this.follower.cancel()));
    $('#text-dice').addEventListener('click', () => {
      this.field('seed').value = String(Math.floor(Math.random() * 1e6));
    });
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  async start() {
    const known = await trying(() => api.textModels());
    if (known) {
      const { models, samplers, loras } = known;
      this.field('model').replaceChildren(...models.map((m) => el('option', { value: m.name }, m.name)));
      this.field('sampler').replaceChildren(el('option', { value: '' }, 'the model’s own'),
        ...samplers.map((s) => el('option', { value: s.name, title: s.description }, s.name)));
      this.field('lora').append(...loras.map((l) => el('option', { value: l }, l)));
      this.field('lora').disabled = loras.length === 0;
      const none = models.length === 0;
      $('#text-none').hidden = !none;
      $('#text-none').textContent = 'No model for prompts was found. Start with --models FOLDER, '
        + 'where FOLDER holds a Stable Diffusion 1.x or 2.x.';
      /** @type {HTMLButtonElement} */ ($('#text-draw')).disabled = none;
      this.sizes = new Map(models.map((m) => [m.name, m.size]));
      this.fit();
      this.offer();
    }
    await this.results.load();
  }

  /** Offers what goes with a LoRA or a first picture only where there is one. */
  offer() {
    this.field('loraWeight').disabled = this.field('lora').value === '';
    this.field('strength').disabled = !this.field('init').files?.length;
  }

  /** Sets the size to what the chosen model was trained on. */
  fit() {
    const size = this.sizes.get(this.field('model').value);
    if (size) {
      this.field('width').value = String(size);
      this.field('height').value = String(size);
    }
  }

  async draw() {
    const number = (/** @type {string} */ n) => this.field(n).valueAsNumber;
    const lora = this.field('lora').value;
    const [picture] = this.field('init').files ?? [];
    const init = picture ? await base64(picture) : null;
    await this.follower.follow(() => api.textToImage({
      model: this.field('model').value,
      prompt: this.field('prompt').value,
      negativePrompt: this.field('negative').value,
      steps: number('steps'),
      guidance: number('guidance'),
      seed: number('seed') || 0,
      width: number('width'),
      height: number('height'),
      ...(this.field('sampler').value ? { sampler: this.field('sampler').value } : {}),
      ...(lora ? { lora: [{ name: lora, scale: number('loraWeight') }] } : {}),
      ...(init ? { init, strength: number('strength') } : {}),
    }));
  }

  /** @param {Job} job */
  told(job) {
    const progress = /** @type {HTMLProgressElement} */ ($('#text-progress'));
    progress.value = job.state === 'done' ? 1 : job.steps ? job.step / job.steps : 0;
    $('#text-progress-text').textContent = describe(job);
    /** @type {HTMLButtonElement} */ ($('#text-cancel')).disabled = !this.follower.busy;
    if (job.state === 'failed' && job.error) {
      say(job.error, 'error');
    }
    if (job.picture && job.state !== 'canceled') {
      this.show(job.picture, this.field('prompt').value);
    }
  }

  /** @param {string} url @param {string} alt */
  async show(url, alt) {
    const next = new Image();
    next.src = url;
    if (await next.decode().then(() => true, () => false)) {
      this.image.src = url;
      this.image.alt = alt;
      $('#text-empty').hidden = true;
    }
  }
}

/** A file's bytes as the API takes them. @param {File} file @returns {Promise<string>} */
async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(text);
}
