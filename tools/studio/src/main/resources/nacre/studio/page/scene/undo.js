// @ts-check

/**
 * A value with its past and future: undo goes back, redo forth again. Changes that belong together,
 * as those of one drag, are told by the same key and become one step.
 *
 * @template T
 */
export class Undo {
  /** @param {T} first */
  constructor(first) {
    /** @type {T[]} */
    this.states = [first];
    this.at = 0;
    /** @type {string | null} */
    this.key = null;
    /** @type {Set<(value: T) => void>} */
    this.listeners = new Set();
  }

  get value() {
    return this.states[this.at];
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.states.length - 1;
  }

  /**
   * @param {T} value
   * @param {string | null} key of the step; null for a step of its own
   */
  set(value, key = null) {
    const same = key !== null && key === this.key && this.at > 0;
    this.states.length = this.at + 1;
    if (same) {
      this.states[this.at] = value;
    } else {
      this.states.push(value);
      if (this.states.length > 500) {
        this.states.shift();
      }
      this.at = this.states.length - 1;
    }
    this.key = key;
    this.tell();
  }

  /** Begins anew, without a past. @param {T} value */
  reset(value) {
    this.states = [value];
    this.at = 0;
    this.key = null;
    this.tell();
  }

  /** Ends a step, so that the next change is another one. */
  seal() {
    this.key = null;
  }

  undo() {
    this.go(-1);
  }

  redo() {
    this.go(1);
  }

  /** @param {number} by */
  go(by) {
    const to = this.at + by;
    if (to >= 0 && to < this.states.length) {
      this.at = to;
      this.key = null;
      this.tell();
    }
  }

  /** @param {(value: T) => void} listener */
  onChange(listener) {
    this.listeners.add(listener);
  }

  tell() {
    for (const listener of this.listeners) {
      listener(this.value);
    }
  }
}
