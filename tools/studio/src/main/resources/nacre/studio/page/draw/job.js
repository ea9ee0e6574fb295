// @ts-check
import { api, events } from '../api.js';

/** @typedef {import('../api.js').Job} Job */

/**
 * Follows one job at a time: the newest that was asked for. Events of others are left alone.
 */
export class Follower {
  /** @param {(job: Job) => void} show */
  constructor(show) {
    this.show = show;
    /** @type {string | null} */
    this.id = null;
    /** @type {Map<string, Job>} what was told before the id was known */
    this.early = new Map();
    this.asking = 0;
    events.on('job', (/** @type {Job} */ job) => {
      if (job.id === this.id) {
        this.tell(job);
      } else if (this.asking) {
        this.early.set(job.id, job);
      }
    });
  }

  get busy() {
    return this.id !== null;
  }

  /** @param {Job} job */
  tell(job) {
    if (['done', 'failed', 'canceled'].includes(job.state)) {
      this.id = null;
    }
    this.show(job);
  }

  /**
   * Asks for a job and follows it.
   *
   * @param {() => Promise<{job: string}>} ask
   */
  async follow(ask) {
    this.asking++;
    try {
      const { job } = await ask();
      this.id = job;
      const known = this.early.get(job);
      if (known) {
        this.tell(known);
      }
    } finally {
      this.asking--;
      if (!this.asking) {
        this.early.clear();
      }
    }
  }

  async cancel() {
    if (this.id) {
      await api.cancel(this.id);
    }
  }
}

/**
 * What a job does, in a few words.
 *
 * @param {Job} job
 */
export function describe(job) {
  switch (job.state) {
    case 'queued':
      return job.position ? `Waiting, ${job.position} before it` : 'Waiting';
    case 'running':
      return job.steps ? `Step ${job.step} of ${job.steps}` : 'Beginning';
    case 'done':
      return job.seconds ? `Drawn in ${job.seconds.toFixed(1)} s` : 'Drawn';
    case 'canceled':
      return 'Canceled';
    default:
      return 'Failed';
  }
}
