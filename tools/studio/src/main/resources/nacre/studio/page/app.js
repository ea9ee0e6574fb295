// @ts-check
import { api, events } from './api.js';
import { $, trying } from './dom.js';
import { SceneView } from './scene/view.js';
import { PhotoView } from './photo/view.js';
import { TrainView } from './train/view.js';
import { TextView } from './text/view.js';

/** @typedef {import('./api.js').Job} Job */

const scene = new SceneView();
/** Views are made when they are first seen. @type {Record<string, () => void>} */
const late = {
  photo: () => new PhotoView((id) => {
    location.hash = '#scene';
    scene.open(id);
  }),
  train: () => new TrainView().start(),
  text: () => new TextView().start(),
};

function route() {
  const wanted = location.hash.slice(1);
  const view = ['scene', 'photo', 'train', 'text'].includes(wanted) ? wanted : 'scene';
  for (const section of document.querySelectorAll('.view')) {
    /** @type {HTMLElement} */ (section).hidden = section.id !== `view-${view}`;
  }
  for (const link of document.querySelectorAll('[data-view]')) {
    if (link.getAttribute('data-view') === view) {
      link.setAttribute('aria-current', 'page');
      document.title = `${link.textContent?.trim() && view[0].toUpperCase() + view.slice(1)} · Nacre Studio`;
    } else {
      link.removeAttribute('aria-current');
    }
  }
  late[view]?.();
  delete late[view];
}

/** Light or dark: what the system says until the user does. */
function theme() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const chosen = localStorage.getItem('theme') ?? (system.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = chosen;
    scene.space?.surroundings();
  };
  system.addEventListener('change', apply);
  $('#theme').addEventListener('click', () => {
    const dark = document.documentElement.dataset.theme === 'dark';
    localStorage.setItem('theme', dark ? 'light' : 'dark');
    apply();
  });
  apply();
}

/** What the server does, of all tabs. */
function queue() {
  /** @type {Map<string, Job>} */
  const jobs = new Map();
  const place = $('#queue');
  const tell = () => {
    const running = [...jobs.values()].find((j) => j.state === 'running');
    const waiting = [...jobs.values()].filter((j) => j.state === 'queued').length;
    place.textContent = running || waiting
      ? `Drawing${waiting ? `, ${waiting} waiting` : ''}` : 'Ready';
  };
  events.on('job', (/** @type {Job} */ job) => {
    if (job.state === 'queued' || job.state === 'running') {
      jobs.set(job.id, job);
    } else {
      jobs.delete(job.id);
    }
    tell();
  });
  events.addEventListener('open', () => {
    jobs.clear();
    tell();
  });
  events.addEventListener('error', () => {
    place.textContent = 'Not connected';
  });
  events.open();
}

/** The model that draws scenes. */
async function model() {
  const state = await trying(() => api.state());
  if (!state) {
    return;
  }
  $('#model').textContent = state.model ? `${state.model.name} on ${state.device}` : 'No model';
  if (state.model) {
    scene.drawing.field('steps').value = String(state.model.steps);
    scene.drawing.field('guidance').value = String(state.model.guidance);
  }
}

theme();
queue();
window.addEventListener('hashchange', route);
route();
await model();
await scene.start();
