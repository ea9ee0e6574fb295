// @ts-check
import { begin } from './drag.js';

/** @typedef {import('./document.js').SceneDocument} SceneDocument */
/** @typedef {import('./drag.js').Mode} Mode */

/**
 * Lets boxes over the picture be selected and dragged: a box itself by the mode that is chosen, its
 * handles each in their own way.
 *
 * @param {import('./overlay.js').Overlay} overlay
 * @param {SceneDocument} document
 * @param {{mode: () => Mode, snap: () => boolean}} settings
 */
export function editInPicture(overlay, document, settings) {
  const { root } = overlay;
  /** @type {{name: string, pointer: number, to: ReturnType<typeof begin>} | null} */
  let drag = null;

  root.addEventListener('pointerdown', (event) => {
    const target = /** @type {Element} */ (event.target);
    const name = target.closest('[data-object]')?.getAttribute('data-object') ?? null;
    document.select(name);
    if (name === null || event.button !== 0 || !document.editable(name)) {
      return;
    }
    const grip = /** @type {Mode | null} */ (target.getAttribute('data-grip'));
    const to = begin(
      overlay, grip ?? settings.mode(), document.origin(name), document.pose(name),
      overlay.place(event),
    );
    drag = { name, pointer: event.pointerId, to };
    root.setPointerCapture(event.pointerId);
  });

  root.addEventListener('pointermove', (event) => {
    if (drag && event.pointerId === drag.pointer) {
      const snap = settings.snap() !== (event.ctrlKey || event.metaKey);
      const pose = drag.to(overlay.place(event), snap);
      if (pose) {
        document.setPose(drag.name, pose, `drag ${drag.name}`);
      }
    }
  });

  const end = () => {
    drag = null;
    document.edits.seal();
  };
  root.addEventListener('pointerup', end);
  root.addEventListener('pointercancel', end);
}
