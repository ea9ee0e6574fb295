// @ts-check

/**
 * The element that a selector finds; it must be there.
 *
 * @template {Element} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function $(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) {
    throw new Error(`nothing on the page is ${selector}`);
  }
  return /** @type {T} */ (/** @type {unknown} */ (found));
}

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] a function is a listener, false and null are left out
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter((c) => c !== null));
  return element;
}

/**
 * A new SVG element.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  return element;
}

/**
 * Says something for a moment, to eyes and to screen readers.
 *
 * @param {string} text
 * @param {'note' | 'error'} [kind]
 */
export function say(text, kind = 'note') {
  const place = $(kind === 'error' ? '#alerts' : '#notes');
  const line = el('div', { class: `toast ${kind}` }, el('span', {}, text));
  line.append(
    el('button', {
      class: 'quiet', type: 'button', 'aria-label': 'Dismiss', click: () => line.remove(),
    }, '×'),
  );
  place.replaceChildren(line);
  setTimeout(() => line.remove(), kind === 'error' ? 12000 : 4000);
}

/**
 * Runs what may fail, and says so if it does.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
export async function trying(work) {
  try {
    return await work();
  } catch (e) {
    say(e instanceof Error ? e.message : String(e), 'error');
    return undefined;
  }
}

/**
 * Gives the user a file.
 *
 * @param {string} name
 * @param {Blob} content
 */
export function download(name, content) {
  const url = URL.createObjectURL(content);
  const link = el('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
