/**
 * A value that views look at: whoever sets it tells all of them.
 *
 * @template T
 */
export class Signal {
  /** @type {Set<{ element: Element, act: (value: T) => void }>} */
  #listeners = new Set();
  /** @type {T} */
  #value;

  /** Whether anybody has set it yet. */
  isKnown = false;

  /** @param {T} value */
  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  /** @param {T} value */
  set(value) {
    this.#value = value;
    this.isKnown = true;
    for (const listener of [...this.#listeners]) {
      if (listener.element.isConnected) listener.act(value);
      else this.#listeners.delete(listener);
    }
  }

  /**
   * Calls `act` with each new value for as long as `element` is on the page.
   *
   * @param {Element} element
   * @param {(value: T) => void} act
   */
  follow(element, act) {
    this.#listeners.add({ element, act });
  }
}
