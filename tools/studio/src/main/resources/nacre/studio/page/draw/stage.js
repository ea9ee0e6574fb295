// @ts-check
import { $ } from '../dom.js';

/** The place where a drawn picture appears, with the picture before it to slide over. */
export class Stage {
  constructor() {
    this.image = /** @type {HTMLImageElement} */ ($('#drawn-image'));
    this.before = /** @type {HTMLImageElement} */ ($('#before-image'));
    this.compare = /** @type {HTMLInputElement} */ ($('#compare'));
    this.at = /** @type {HTMLInputElement} */ ($('#compare-at'));
    this.newest = 0;
    const place = /** @type {HTMLElement} */ (this.before.parentElement);
    const slide = () => place.style.setProperty('--at', `${this.at.value}%`);
    this.at.addEventListener('input', slide);
    this.compare.addEventListener('change', () => {
      this.before.hidden = !this.compare.checked;
      this.at.hidden = !this.compare.checked;
      place.classList.toggle('comparing', this.compare.checked);
      slide();
    });
  }

  /** @param {string} url of the source picture */
  open(url) {
    this.before.src = url;
    this.image.removeAttribute('src');
    $('#drawn-empty').hidden = false;
    this.newest++;
  }

  /**
   * Shows a picture as soon as it is there, and none that comes late.
   *
   * @param {string} url
   * @param {string} alt
   */
  async show(url, alt) {
    const turn = ++this.newest;
    const next = new Image();
    next.src = url;
    try {
      await next.decode();
    } catch {
      return; // a picture of a step that is over already
    }
    if (turn >= (this.shown ?? 0)) {
      this.shown = turn;
      this.image.src = url;
      this.image.alt = alt;
      $('#drawn-empty').hidden = true;
    }
  }
}
