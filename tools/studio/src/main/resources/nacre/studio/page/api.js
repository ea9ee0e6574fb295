// @ts-check
/*
 * The server's API, as openapi.yaml describes it. Every call throws an Error whose message is the
 * server's own line.
 */

/** @typedef {{position: number[], rotation: number[], fx: number, fy: number, cx: number, cy: number}} CameraJson */
/** @typedef {{center: number[], size: number[], rotation: number[]}} BoxJson */
/** @typedef {{id: string, label: string, color: string, editable: boolean, present: boolean, visible: boolean, box?: BoxJson, box2?: number[]}} ObjectJson */
/** @typedef {{id: string, reference: string, sample: string, name: string, width: number, height: number, up: number[], ground: number, source: number, frame: number, camera: CameraJson, objects: ObjectJson[]}} SceneJson */
/** @typedef {{id: string, reference: string, name: string, group: string, thumbnail: string}} SceneEntry */
/** @typedef {'draw' | 'preview' | 'animation' | 'text-to-image'} Kind */
/** @typedef {{id: string, kind: Kind, state: 'queued' | 'running' | 'done' | 'failed' | 'canceled', step: number, steps: number, position: number, picture: string | null, result: string | null, error: string | null, seconds?: number}} Job */
/** @typedef {{id: string, kind: Kind, time: string, picture: string, width: number, height: number, settings: Record<string, any>, overlay?: {object: string, color: string, projected: number[][]}[], seconds: number}} Result */
/** @typedef {{id: string, name: string, state: string, here: boolean, step: number, steps: number | null, loss: number | null, stepsPerSecond: number | null, error: string | null, curve?: number[][], sheets?: string[], log?: string[]}} Run */
/** @typedef {{key: string, type: string, value: any, choices?: any[], minimum?: number, maximum?: number, explanation: string}} PresetField */
/** @typedef {{name: string, description: string, fields: PresetField[]}} Preset */
/** @typedef {{version: string, device: string, model: {name: string, path: string, size: number, steps: number, guidance: number, sees?: {background: boolean, replace: boolean}} | null, models: {name: string, path: string}[], queue: Job[]}} State */

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<any>}
 */
async function call(path, request = {}) {
  let answer;
  try {
    answer = await fetch(path, request);
  } catch {
    throw new Error('The server does not answer. Is nacre studio still running?');
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.error ?? `The server answered ${answer.status} to ${path}.`);
  }
  const kind = answer.headers.get('content-type') ?? '';
  return kind.includes('json') ? answer.json() : answer;
}

/** @param {string} path @param {unknown} body */
const post = (path, body) => call(path, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}),
});

const of = encodeURIComponent;

export const api = {
  /** @returns {Promise<State>} */
  state: () => call('api/state'),
  /**
   * @param {number} [from]
   * @param {number} [count]
   * @returns {Promise<{groups: {name: string, count: number}[], scenes: SceneEntry[]}>}
   */
  scenes: (from = 0, count = 200) => call(`api/scenes?from=${from}&count=${count}`),
  /** @param {string} id @param {number} [frame] @returns {Promise<SceneJson>} */
  scene: (id, frame) => call(`api/scenes/${of(id)}${frame === undefined ? '' : `?frame=${frame}`}`),
  /** @param {string} id @param {number} [frame] */
  sceneImage: (id, frame) => `api/scenes/${of(id)}/image${frame === undefined ? '' : `?frame=${frame}`}`,
  /** @param {string} id */
  thumbnail: (id) => `api/scenes/${of(id)}/thumbnail`,
  /** @param {{path: string, file: File}[]} files @returns {Promise<{id: string}>} */
  uploadScene(files) {
    const form = new FormData();
    for (const { path, file } of files) {
      form.append('file', file, path);
    }
    return call('api/scenes', { method: 'POST', body: form });
  },
  /** @param {object} request @returns {Promise<{job: string}>} */
  draw: (request) => post('api/draw', request),
  /** @param {object} request @returns {Promise<{job: string}>} */
  animate: (request) => post('api/animations', request),
  /** @param {string} id @returns {Promise<Job>} */
  cancel: (id) => call(`api/jobs/${of(id)}`, { method: 'DELETE' }),
  /** @returns {Promise<Result[]>} */
  history: () => call('api/history?count=100'),
  /** @param {string} id @returns {Promise<Result>} */
  result: (id) => call(`api/results/${of(id)}`),
  /** @param {File} file @returns {Promise<{id: string, width: number, height: number, focalLength: number | null, camera: CameraJson, url: string}>} */
  uploadPhoto(file) {
    const form = new FormData();
    form.append('photo', file, file.name);
    return call('api/photos', { method: 'POST', body: form });
  },
  /** @param {string} id @param {object} scene @returns {Promise<{id: string}>} */
  savePhoto: (id, scene) => post(`api/photos/${of(id)}/scene`, scene),
  /** @returns {Promise<Preset[]>} */
  presets: () => call('api/presets'),
  /** @returns {Promise<Run[]>} */
  runs: () => call('api/runs'),
  /** @param {string} id @returns {Promise<Run>} */
  run: (id) => call(`api/runs/${of(id)}`),
  /** @param {object} request @returns {Promise<Run>} */
  startRun: (request) => post('api/runs', request),
  /** @param {string} id @returns {Promise<Run>} */
  stopRun: (id) => post(`api/runs/${of(id)}/stop`, {}),
  /** @param {string} id @returns {Promise<Run>} */
  resumeRun: (id) => post(`api/runs/${of(id)}/resume`, {}),
  /** @returns {Promise<{models: {name: string, path: string, size?: number}[], samplers: {name: string, description: string}[], loras: string[]}>} */
  textModels: () => call('api/text-models'),
  /** @param {object} request @returns {Promise<{job: string}>} */
  textToImage: (request) => post('api/text-to-image', request),
};

/** What the server tells by itself. */
class Events extends EventTarget {
  /** Begins to listen; a page that is left keeps no connection, of which browsers have few. */
  open() {
    let source = this.connect();
    addEventListener('pagehide', () => source.close());
    addEventListener('pageshow', (event) => {
      if (event.persisted) {
        source = this.connect();
      }
    });
  }

  /** The browser connects again by itself. */
  connect() {
    const source = new EventSource('api/events');
    for (const type of ['job', 'run', 'history']) {
      source.addEventListener(type, (e) => {
        this.dispatchEvent(new CustomEvent(type, { detail: JSON.parse(e.data) }));
      });
    }
    for (const type of ['open', 'error']) {
      source.addEventListener(type, () => this.dispatchEvent(new Event(type)));
    }
    return source;
  }

  /**
   * @template T
   * @param {'job' | 'run' | 'history'} type
   * @param {(value: T) => void} listener
   */
  on(type, listener) {
    this.addEventListener(type, (e) => listener(/** @type {CustomEvent<T>} */ (e).detail));
  }
}

export const events = new Events();
