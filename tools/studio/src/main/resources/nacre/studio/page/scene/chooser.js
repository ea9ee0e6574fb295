// @ts-check
import { api } from '../api.js';
import { $, el, trying } from '../dom.js';

/** @typedef {import('../api.js').SceneEntry} SceneEntry */

for (const button of document.querySelectorAll('dialog [data-close]')) {
  button.addEventListener('click', () => button.closest('dialog')?.close());
}

/**
 * Lets the user choose a scene by its picture.
 *
 * @param {string} title
 * @param {(entry: SceneEntry) => void} chosen
 */
export async function chooseScene(title, chosen) {
  const dialog = /** @type {HTMLDialogElement} */ ($('#scene-dialog'));
  const find = /** @type {HTMLInputElement} */ ($('#scene-find'));
  $('#scene-dialog-title').textContent = title;
  $('#scene-list').replaceChildren();
  find.value = '';
  dialog.showModal();
  const answer = await trying(() => api.scenes());
  if (!answer) {
    dialog.close();
    return;
  }
  const draw = () => {
    const wanted = answer.scenes.filter((s) =>
      `${s.name} ${s.group}`.toLowerCase().includes(find.value.trim().toLowerCase()));
    $('#scene-list').replaceChildren(...wanted.map((scene) => el('li', {},
      el('button', {
        type: 'button', click: () => {
          dialog.close();
          chosen(scene);
        },
      },
      el('img', { src: scene.thumbnail, alt: '', loading: 'lazy', width: 112, height: 112 }),
      el('span', {}, scene.name)))));
  };
  find.oninput = draw;
  draw();
}

/**
 * Lets the user choose an object of another scene by its picture.
 *
 * @param {(donor: {scene: string, object: string}) => void} chosen
 */
export function chooseObject(chosen) {
  chooseScene('Replace by an object of which scene?', async (entry) => {
    const scene = await trying(() => api.scene(entry.id));
    if (!scene) {
      return;
    }
    const dialog = /** @type {HTMLDialogElement} */ ($('#object-dialog'));
    const picture = new Image();
    picture.src = api.sceneImage(scene.id);
    await picture.decode().catch(() => undefined);
    $('#donor-list').replaceChildren(...scene.objects.filter((o) => o.present && o.editable).map((o) =>
      el('li', {}, el('button', {
        type: 'button', click: () => {
          dialog.close();
          chosen({ scene: scene.reference, object: o.id });
        },
      }, cutout(picture, o.box2), el('span', {}, o.label)))));
    dialog.showModal();
  });
}

/**
 * A part of a picture, square.
 *
 * @param {HTMLImageElement} picture
 * @param {number[] | undefined} box u0, v0, u1, v1
 */
function cutout(picture, box = [0, 0, 1, 1]) {
  const canvas = el('canvas', { width: 128, height: 128, 'aria-hidden': 'true' });
  const [u0, v0, u1, v1] = box;
  const { naturalWidth: width, naturalHeight: height } = picture;
  const side = Math.max((u1 - u0) * width, (v1 - v0) * height, 1) * 1.2;
  const x = ((u0 + u1) / 2) * width - side / 2;
  const y = ((v0 + v1) / 2) * height - side / 2;
  const pen = canvas.getContext('2d');
  if (pen && width) {
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(picture, x, y, side, side, 0, 0, 128, 128);
  }
  return canvas;
}
