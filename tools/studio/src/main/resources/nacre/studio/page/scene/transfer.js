// @ts-check
import { api } from '../api.js';
import { $, download, say, trying } from '../dom.js';
import { fromJson, toJson } from './edits.js';
import { Follower, describe } from '../draw/job.js';

/** @typedef {import('./document.js').SceneDocument} SceneDocument */

/**
 * Edits as files, both ways, and animations.
 *
 * @param {SceneDocument} document
 * @param {import('../draw/drawing.js').Drawing} drawing
 * @param {(result: import('../api.js').Result) => void} open
 */
export function transfer(document, drawing, open) {
  $('#export').addEventListener('click', () => {
    const edits = toJson(document, document.state);
    if (edits.length === 0) {
      say('Nothing has been edited yet: move, turn or remove an object first.', 'error');
      return;
    }
    const json = `${JSON.stringify(edits, null, 2)}\n`;
    download('edits.json', new Blob([json], { type: 'application/json' }));
    const { seed, guidance, keepBackground } = drawing.request();
    const steps = drawing.field('steps').value;
    $('#command code').textContent = `./nacre sample ${document.json?.sample} --edits edits.json`
      + ` --seed ${seed} --steps ${steps} --guidance ${guidance}`
      + `${keepBackground ? ' --keep-background' : ''}`;
    $('#command').hidden = false;
  });

  document.changed.add(() => {
    $('#command').hidden = true;
  });

  const file = /** @type {HTMLInputElement} */ ($('#import'));
  file.addEventListener('change', () => trying(async () => {
    const [chosen] = file.files ?? [];
    file.value = '';
    if (!chosen) {
      return;
    }
    let json;
    try {
      json = JSON.parse(await chosen.text());
    } catch {
      throw new Error(`${chosen.name} is no JSON; choose a file that “Edits as JSON” saved.`);
    }
    document.edits.set(fromJson(document, json));
    say('Edits imported. Undo brings back the ones before.');
  }));

  const form = /** @type {HTMLFormElement} */ ($('#animation-form'));
  const follower = new Follower((job) => {
    const progress = /** @type {HTMLProgressElement} */ ($('#progress'));
    progress.value = job.state === 'done' ? 1 : job.steps ? job.step / job.steps : 0;
    $('#progress-text').textContent = `GIF: ${describe(job)}`;
    if (job.state === 'failed' && job.error) {
      say(job.error, 'error');
    } else if (job.state === 'done' && job.result) {
      const id = job.result;
      trying(async () => open(await api.result(id)));
    }
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    trying(async () => {
      const values = new FormData(form);
      const request = {
        ...drawing.request(), steps: drawing.field('steps').valueAsNumber,
        frames: Number(values.get('frames')),
      };
      if (values.get('kind') === 'turn') {
        const object = document.selected;
        if (!object) {
          throw new Error('Select the object that is to turn first.');
        }
        await follower.follow(() => api.animate({ ...request, turn: { object, degrees: 360 } }));
      } else {
        if (request.edits.length === 0) {
          throw new Error('Edit the scene first: the GIF goes from the source to your edits.');
        }
        await follower.follow(() => api.animate({ ...request, edits: [], path: [[], request.edits] }));
      }
    });
  });
}
