/**
 * A text as tokens: coloured by surprise, each within reach of mouse and keyboard. One stop for
 * Tab; arrows go from token to token.
 *
 * @typedef {import("../../lib/store.js").Schema["TokenRead"]} Token
 * @typedef {{ isColoured: boolean, unit: string, most: number }} Look `most` are the nats of a
 *   blind guess
 */
import { add } from "../../lib/dom.js";
import { visible } from "../../lib/format.js";

/** @param {Look} look @param {number | null} nats */
export function inUnit(look, nats, digits = 2) {
  if (nats === null) return "–";
  return `${(look.unit === "bits" ? nats / Math.LN2 : nats).toFixed(digits)} ${look.unit}`;
}

/** @type {Record<string, string>} */
const BREAKS = { "\n": "br", "\t": "tab", "\r": "cr" };

/**
 * The text of a token with signs for what cannot be seen; the signs come from the style, so that
 * what is copied from the page is the text itself.
 *
 * @param {HTMLElement} span
 * @param {string} text
 */
function fill(span, text) {
  const isBlank = /^\s+$/.test(text);
  for (const piece of text.split(isBlank ? /([\n\t\r ])/ : /([\n\t\r])/)) {
    const kind = BREAKS[piece] || (isBlank && piece === " " ? "sp" : "");
    if (kind) add(span, "i", { class: kind, text: piece });
    else if (piece) span.append(piece);
  }
  if (text === "") add(span, "i", { class: "none" });
  if (/\\x[0-9a-f]{2}/.test(text)) span.classList.add("bytes");
}

export class TokenText {
  /** @type {HTMLElement[]} */
  spans = [];
  /** @type {Token[]} */
  tokens = [];
  /** @type {number | null} */
  at = null;
  /** @type {Text | null} */
  #plain = null; // while it grows
  #look;
  #chosen;
  box = document.createElement("div");

  /**
   * @param {string} label
   * @param {Look} look
   * @param {(place: number) => void} chosen called when a token is gone to
   */
  constructor(label, look, chosen) {
    this.#look = look;
    this.#chosen = chosen;
    this.box.className = "tokens";
    this.box.ariaLabel = label;
    this.box.onclick = ({ target }) => {
      const place = this.spans.findIndex((span) => span.contains(/** @type {Node} */ (target)));
      if (place >= 0 && !String(getSelection())) this.go(place);
    };
    this.box.onkeydown = (event) => this.#press(event);
    this.box.addEventListener("focusin", ({ target }) => {
      const place = this.spans.indexOf(/** @type {HTMLElement} */ (target));
      if (place >= 0 && place !== this.at) this.go(place);
    });
  }

  /** As it grows: what comes is added to what stands there. @param {string} text */
  grow(text) {
    if (this.#plain && text.startsWith(this.#plain.data)) {
      this.#plain.appendData(text.slice(this.#plain.data.length));
      return;
    }
    this.#plain = document.createTextNode(text);
    this.spans = [];
    this.tokens = [];
    this.at = null;
    this.box.removeAttribute("role");
    this.box.replaceChildren(this.#plain);
  }

  /**
   * Whole: `tokens` as the endpoint reads them; those before `start` are the prompt.
   *
   * @param {Token[]} tokens
   * @param {number | null} [branch]
   */
  show(tokens, start = 0, branch = null) {
    this.#plain = null;
    this.tokens = tokens;
    this.at = null;
    this.box.replaceChildren();
    this.spans = tokens.map((token, place) => {
      const span = add(this.box, "span", { class: "t" });
      if (place < start) span.classList.add("given");
      if (place === branch) span.classList.add("branch");
      span.role = "option";
      span.ariaSelected = "false";
      span.tabIndex = place === 0 ? 0 : -1;
      fill(span, token.text);
      return span;
    });
    this.box.role = "listbox";
    this.box.ariaOrientation = "horizontal";
    this.colour();
  }

  colour() {
    this.box.classList.toggle("coloured", this.#look.isColoured);
    this.spans.forEach((span, place) => {
      const { surprise, text } = this.tokens[place];
      const share = surprise === null ? 0 : Math.min(1, surprise / this.#look.most);
      span.style.setProperty("--s", share.toFixed(3));
      const odds = surprise === null ? "no odds" : inUnit(this.#look, surprise, 1);
      span.ariaLabel = `${visible(text)}, ${odds}`;
    });
  }

  /** @param {number} place */
  go(place) {
    this.leave();
    this.at = place;
    for (const span of this.spans) if (span.tabIndex === 0) span.tabIndex = -1;
    const span = this.spans[place];
    span.ariaSelected = "true";
    span.tabIndex = 0;
    span.focus();
    this.#chosen(place);
  }

  leave() {
    if (this.at !== null && this.spans[this.at]) this.spans[this.at].ariaSelected = "false";
    this.at = null;
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const isHere = this.spans.includes(/** @type {HTMLElement} */ (event.target));
    if (this.at === null && !isHere) return;
    const here = this.at ?? 0;
    const last = this.spans.length - 1;
    /** @type {Record<string, () => number>} */
    const moves = {
      ArrowRight: () => here + 1,
      ArrowLeft: () => here - 1,
      ArrowDown: () => this.#line(here, 1),
      ArrowUp: () => this.#line(here, -1),
      Home: () => 0,
      End: () => last,
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    this.go(Math.max(0, Math.min(last, moves[event.key]())));
  }

  /** The token above or below. @param {number} here @param {number} by */
  #line(here, by) {
    const { offsetLeft, offsetTop } = this.spans[here];
    const away = (/** @type {number} */ i) => Math.abs(this.spans[i].offsetLeft - offsetLeft);
    let best = here;
    let top = null;
    for (let i = here + by; i >= 0 && i < this.spans.length; i += by) {
      const span = this.spans[i];
      if (span.offsetTop === offsetTop) continue;
      top ??= span.offsetTop;
      if (span.offsetTop !== top) break;
      if (best === here || away(i) < away(best)) best = i;
    }
    return best;
  }

  /** @param {Set<number>} places */
  mark(places) {
    this.spans.forEach((span, place) => {
      span.classList.toggle("copied", places.has(place));
    });
  }
}
