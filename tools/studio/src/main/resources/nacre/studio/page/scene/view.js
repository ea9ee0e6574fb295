// @ts-check
import { api } from '../api.js';
import { $, trying } from '../dom.js';
import { Drawing } from '../draw/drawing.js';
import { caption, Results, sideBySide } from '../draw/results.js';
import { Stage } from '../draw/stage.js';
import { beside } from './box.js';
import { chooseObject, chooseScene } from './chooser.js';
import { SceneDocument } from './document.js';
import { shifted } from './drag.js';
import { boxOf, duplicated, fromJson, NOTHING, sceneName, withPose } from './edits.js';
import { openFolders } from './folder.js';
import { inspect } from './inspector.js';
import { editByKeyboard } from './keyboard.js';
import { listObjects } from './objects.js';
import { Overlay } from './overlay.js';
import { editInPicture } from './picture.js';
import { poseTo, UNCHANGED } from './pose.js';
import { Space } from './space.js';
import { transfer } from './transfer.js';

/** @typedef {import('../api.js').Result} Result */
/** @typedef {import('./drag.js').Mode} Mode */

/** @param {string} selector @returns {SVGSVGElement} */
const svgOf = (selector) => $(selector);

/** The view in which a scene is edited and drawn. */
export class SceneView {
  constructor() {
    this.document = new SceneDocument();
    const { document } = this;
    this.root = $('#view-scene');
    this.overlay = new Overlay(svgOf('#overlay'), document.up);
    this.drawnOverlay = new Overlay(svgOf('#overlay-drawn'), document.up);
    this.stage = new Stage();
    this.drawing = new Drawing(
      document,
      (picture, job) => {
        this.showing(null);
        this.stage.show(picture, `The edited scene, step ${job.step} of ${job.steps}`);
      },
      (result) => this.showResult(result),
    );
    this.results = new Results(
      $('#history'), (r) => r.kind === 'draw' || r.kind === 'animation', (r) => this.showResult(r),
      {
        empty: /** @type {HTMLElement} */ ($('#history-empty')),
        choice: (chosen) => {
          /** @type {HTMLButtonElement} */ ($('#side-by-side')).disabled = chosen.length < 2;
          this.compared = chosen;
        },
      },
    );
    listObjects($('#objects'), document);
    inspect($('#inspector'), document);
    editInPicture(this.overlay, document, { mode: () => this.mode, snap: () => this.snap.checked });
    this.snap = /** @type {HTMLInputElement} */ ($('#snap'));
    transfer(document, this.drawing, (result) => this.showResult(result));
    openFolders(this.root, (id) => this.open(id));
    this.openSpace();
    this.actions();
    document.opened.add(() => this.opened());
    document.changed.add(() => this.refresh());
    editByKeyboard(this.root, [$('.stage', this.root), $('#objects')], document, {
      setMode: (mode) => this.setMode(mode),
      remove: () => this.remove(),
      duplicate: () => this.duplicate(),
    });
  }

  /** @returns {Mode} */
  get mode() {
    const chosen = $('input[name=mode]:checked', this.root);
    return /** @type {Mode} */ (/** @type {HTMLInputElement} */ (chosen).value);
  }

  /** @param {Mode} mode */
  setMode(mode) {
    /** @type {HTMLInputElement} */ ($(`input[name=mode][value=${mode}]`, this.root)).checked = true;
    this.space?.setMode(mode);
  }

  openSpace() {
    const { document } = this;
    try {
      this.space = new Space($('#space'), {
        select: (name) => document.select(name),
        change: (name, box) =>
          document.setPose(name, poseTo(document.origin(name), box, document.pose(name)), `gizmo ${name}`),
        settle: () => document.edits.seal(),
      });
    } catch {
      $('#space').textContent = 'The 3D view needs WebGL, which this browser does not offer. '
        + 'Boxes can be edited in the picture all the same.';
      $('#space').classList.add('empty');
    }
  }

  actions() {
    const { document } = this;
    const { edits } = document;
    $('#undo').addEventListener('click', () => edits.undo());
    $('#redo').addEventListener('click', () => edits.redo());
    $('#reset').addEventListener('click', () => edits.set(NOTHING));
    $('#snap').addEventListener('change', () => this.space?.setSnap(this.snap.checked));
    for (const input of this.root.querySelectorAll('input[name=mode]')) {
      input.addEventListener('change', () => this.space?.setMode(this.mode));
    }
    for (const id of ['#show-boxes', '#boxes-drawn']) {
      $(id).addEventListener('change', () => this.refresh());
    }
    $('#space-home').addEventListener('click', () => this.showSpace());
    $('#choose-scene').addEventListener('click', () => chooseScene('Choose a scene', (s) => this.open(s.id)));
    $('#choose-background').addEventListener('click', () => {
      if (document.state.background !== null) {
        edits.set({ ...document.state, background: null });
      } else {
        chooseScene('Take the background of which scene?', (s) =>
          edits.set({ ...document.state, background: s.reference }));
      }
    });
    $('#remove').addEventListener('click', () => this.remove());
    $('#duplicate').addEventListener('click', () => this.duplicate());
    $('#hide').addEventListener('click', () => document.selected && document.toggleHidden(document.selected));
    $('#replace').addEventListener('click', () => {
      const name = document.selected;
      if (name !== null) {
        chooseObject((donor) => document.setPose(name, { ...document.pose(name), donor }));
      }
    });
    $('#reset-object').addEventListener('click', () => {
      if (document.selected !== null) {
        document.setPose(document.selected, UNCHANGED);
      }
    });
    $('#restore').addEventListener('click', () => this.restore());
    $('#side-by-side').addEventListener('click', () => {
      sideBySide($('#compare-list'), this.compared ?? []);
      /** @type {HTMLDialogElement} */ ($('#compare-dialog')).showModal();
    });
    this.cameraForm();
  }

  cameraForm() {
    const { document } = this;
    const form = /** @type {HTMLFormElement} */ ($('#camera-form'));
    const names = ['cx', 'cy', 'cz', 'pan', 'tilt'];
    const field = (/** @type {string} */ n) => /** @type {HTMLInputElement} */ (form.elements.namedItem(n));
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', () => {
      const [x, y, z, pan, tilt] = names.map((n) => field(n).valueAsNumber || 0);
      const camera = { by: [x, y, z], degrees: [pan, tilt] };
      document.edits.set({ ...document.state, camera }, 'camera');
    });
    $('#camera-reset').addEventListener('click', () =>
      document.edits.set({ ...document.state, camera: NOTHING.camera }));
    document.changed.add(() => {
      const { by, degrees } = document.state.camera;
      [...by, ...degrees].forEach((value, i) => {
        if (field(names[i]) !== window.document.activeElement) {
          field(names[i]).value = String(value);
        }
      });
    });
  }

  remove() {
    const { document } = this;
    const name = document.selected;
    if (name !== null) {
      const pose = document.pose(name);
      document.setPose(name, { ...pose, removed: !pose.removed });
    }
  }

  duplicate() {
    const { document } = this;
    const name = document.selected;
    if (name === null) {
      return;
    }
    let number = 2;
    const stem = name.replace(/-\d+$/, '');
    while (boxOf(document, document.state, `${stem}-${number}`)) {
      number++;
    }
    const as = `${stem}-${number}`;
    const pose = shifted(document.pose(name), beside(document.box(name), document.up));
    const state = withPose(duplicated(document.state, name, as), as, pose);
    document.edits.set(state);
    document.select(as);
  }

  /** @param {string} id */
  async open(id) {
    const json = await trying(() => api.scene(id));
    if (json) {
      this.document.open(json);
      localStorage.setItem('scene', id);
    }
  }

  /** Opens the scene of the last visit, else the first there is. */
  async start() {
    const answer = await trying(() => api.scenes());
    const last = localStorage.getItem('scene');
    const scene = answer?.scenes.find((s) => s.id === last) ?? answer?.scenes[0];
    if (scene) {
      await this.open(scene.id);
    }
    await this.results.load();
  }

  opened() {
    const { document } = this;
    const { json, camera } = document;
    if (!json || !camera) {
      return;
    }
    const picture = api.sceneImage(json.id, json.frame);
    const source = /** @type {HTMLImageElement} */ ($('#source-image'));
    source.src = picture;
    source.alt = `Source picture of ${json.name}`;
    /** @type {HTMLImageElement} */ ($('#scene-thumbnail')).src = api.thumbnail(json.id);
    $('#scene-name').textContent = json.name;
    this.overlay.camera = camera;
    this.overlay.up = document.up;
    this.drawnOverlay.up = document.up;
    for (const overlay of [this.overlay, this.drawnOverlay]) {
      overlay.aspect = json.width / json.height;
    }
    this.stage.open(picture);
    this.showing(null);
    this.showSpace();
  }

  showSpace() {
    const { json, camera, up, boxes } = this.document;
    if (json && camera) {
      this.space?.open(camera, up, [...boxes.values()], api.sceneImage(json.id, json.frame));
    }
  }

  refresh() {
    const { document } = this;
    const { shown, edits, state } = document;
    const boxes = /** @type {HTMLInputElement} */ ($('#show-boxes')).checked;
    this.overlay.shown = boxes ? shown : [];
    this.overlay.selected = document.selected;
    this.overlay.draw();
    const also = /** @type {HTMLInputElement} */ ($('#boxes-drawn')).checked;
    this.drawnOverlay.camera = document.viewpoint;
    this.drawnOverlay.shown = also ? shown.map((s) => ({ ...s, from: null })) : [];
    this.drawnOverlay.draw();
    this.space?.show(shown, document.selected);
    /** @type {HTMLButtonElement} */ ($('#undo')).disabled = !edits.canUndo;
    /** @type {HTMLButtonElement} */ ($('#redo')).disabled = !edits.canRedo;
    $('#background-name').textContent = state.background === null ? 'its own' : `of ${sceneName(state.background)}`;
    $('#choose-background').textContent = state.background === null ? 'Replace…' : 'Put back';
  }

  /** Which result of the history is seen; null for what is being drawn. @param {Result | null} result */
  showing(result) {
    this.open$ = result;
    $('#restore').hidden = result === null || !Array.isArray(result.settings.edits);
    const save = /** @type {HTMLAnchorElement} */ ($('#save-png'));
    if (result) {
      const gif = result.kind === 'animation';
      save.href = result.picture;
      save.download = `nacre-${result.id}.${gif ? 'gif' : 'png'}`;
      save.textContent = gif ? 'GIF' : 'PNG';
      save.removeAttribute('aria-disabled');
    } else {
      save.removeAttribute('href');
      save.textContent = 'PNG';
      save.setAttribute('aria-disabled', 'true');
    }
    if (this.results.current !== (result?.id ?? null)) {
      this.results.mark(result?.id ?? null);
    }
  }

  /** @param {Result} result */
  showResult(result) {
    this.showing(result);
    this.stage.show(result.picture, `Drawn picture: ${caption(result)}`);
  }

  /** Takes the edits of the result that is seen. */
  async restore() {
    const result = this.open$;
    if (!result) {
      return;
    }
    await trying(async () => {
      const scene = String(result.settings.scene);
      if (scene !== this.document.json?.id && scene !== this.document.json?.reference) {
        await this.open(scene);
      }
      const { document } = this;
      document.edits.set(fromJson(document, result.settings.edits));
      this.drawing.field('seed').value = String(result.settings.seed);
      this.drawing.field('steps').value = String(result.settings.steps);
      this.drawing.field('guidance').value = String(result.settings.guidance);
      this.drawing.field('keep').checked = Boolean(result.settings.keepBackground);
    });
  }
}
