/** Elements of a view: found by the part they play, made, and listened to while they are there. */

const SETTLED = 500; // milliseconds after a change

/**
 * Finds the parts of a view by `data-part`. A part that is missing is a fault of its template.
 *
 * @param {Element} element
 */
export function partsOf(element) {
  /**
   * @param {string} name
   * @returns {any}
   */
  return (name) => {
    const part = element.querySelector(`[data-part="${name}"]`);
    if (!part) throw new Error(`The template has no part ${name}.`);
    return part;
  };
}

/**
 * A new element with its class and text, where they are given, at the end of its parent.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {Element} parent
 * @param {K} kind
 * @param {{ class?: string, text?: string, title?: string, type?: string }} [more]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function add(parent, kind, more = {}) {
  const made = document.createElement(kind);
  if (more.class) made.className = more.class;
  if (more.text !== undefined) made.textContent = more.text;
  if (more.title) made.title = more.title;
  if (more.type) made.setAttribute("type", more.type);
  parent.append(made);
  return made;
}

/**
 * Sets a text only where it is another one: what is the same is not read aloud again.
 *
 * @param {Element} element
 * @param {string} text
 */
export function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The nearest element around what an event is about that a selector means, that itself included.
 *
 * @param {Event} event
 * @param {string} which
 * @returns {HTMLElement | null}
 */
export const around = ({ target }, which) =>
  target instanceof Element ? target.closest(which) : null;

/**
 * Listens to the document, or another target, for as long as `element` is on the page.
 *
 * @param {Element} element
 * @param {string} event
 * @param {(event: any) => void} act
 * @param {{ target?: EventTarget, capture?: boolean }} [more]
 */
export function listen(element, event, act, { target = document, capture = false } = {}) {
  const life = new AbortController();
  const heard = (/** @type {Event} */ one) => {
    if (element.isConnected) act(one);
    else life.abort();
  };
  target.addEventListener(event, heard, { signal: life.signal, capture });
}

/**
 * Does something now, and a moment after each change of what a part of the page consists of, for as
 * long as `element` is there.
 *
 * @param {Element} element
 * @param {Element} part
 * @param {() => void} act
 */
export function whenChanged(element, part, act) {
  let waiting = 0;
  const watcher = new MutationObserver(() => {
    if (!element.isConnected) watcher.disconnect();
    else if (!waiting) {
      waiting = window.setTimeout(() => {
        waiting = 0;
        act();
      }, SETTLED);
    }
  });
  watcher.observe(part, { childList: true, subtree: true });
  act();
}

/**
 * Does something again and again for as long as `element` is on the page; `wait` gives the
 * milliseconds until the next time. The answer does it at once.
 *
 * @param {Element} element
 * @param {() => Promise<void>} act
 * @param {() => number} wait
 */
export function repeat(element, act, wait) {
  let timer = 0;
  const next = async () => {
    clearTimeout(timer);
    await act();
    clearTimeout(timer); // another one may have begun meanwhile
    if (element.isConnected) timer = window.setTimeout(next, wait());
  };
  next();
  return next;
}

/** Whether there is no pointer with keys to speak of. */
export const isByTouch = () =>
  matchMedia("(hover: none), (pointer: coarse), (max-width: 480px)").matches;

/** A variable of the style. @param {Element} element @param {string} name */
export const styleOf = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();

/** Acts when the page turns dark or light. @param {() => void} act */
export const onTheme = (act) =>
  new MutationObserver(act).observe(document.body, {
    attributes: true,
    attributeFilter: ["class"],
  });
