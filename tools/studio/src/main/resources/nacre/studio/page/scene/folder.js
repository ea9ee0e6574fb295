// @ts-check
import { api } from '../api.js';
import { $, say, trying } from '../dom.js';

/** @typedef {{path: string, file: File}} Found */

/**
 * Lets scene folders be opened, by a dialog or by dropping them.
 *
 * @param {HTMLElement} place where they may be dropped
 * @param {(scene: string) => void} opened
 */
export function openFolders(place, opened) {
  /** @param {Found[]} files */
  const send = (files) => trying(async () => {
    if (!files.some(({ path }) => path.endsWith('scene.json'))) {
      throw new Error('A scene folder holds scene.json and its frames; drop or choose such a folder.');
    }
    const { id } = await api.uploadScene(files);
    say('The scene is opened.');
    opened(id);
  });

  const input = /** @type {HTMLInputElement} */ ($('#scene-folder'));
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.closest('dialog')?.close();
    send(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })));
    input.value = '';
  });

  place.addEventListener('dragover', (event) => event.preventDefault());
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
    trying(async () => send((await Promise.all(entries.map(files))).flat()));
  });
}

/** All files of a folder that was dropped. @param {FileSystemEntry | null} entry @returns {Promise<Found[]>} */
async function files(entry) {
  if (entry === null) {
    return [];
  }
  if (entry.isFile) {
    const only = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((done, failed) => only.file(done, failed));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) { // a reader gives at most a hundred at a time
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) {
      return found;
    }
    found.push(...(await Promise.all(some.map(files))).flat());
  }
}
