/**
 * .
 */
import { mapOf, strongestOf, valueAt } from "../../lib/attention_map.js";
import { visible } from "../../lib/format.js";
import { inCss, inkOn, rampOf, SHADINGS, tone } from "./colours.js";
import { pairSaid, quoted, share } from "./words.js";

/**
 * @typedef {import("./view.js").Seen} Seen
 * @typedef {"reads" | "readers"} Side
 */

export class Tokens {
  /** The token that is chosen. @type {number | null} */
  #at = null;
  /** @type {Record<Side, HTMLElement[]>} */
  #spans = { reads: [], readers: [] };

  /** @param {import("./view.js").AttentionView} view */
  constructor(view) {
    this.view = view;
  }

  /**
   * @param {Seen} seen
   * @param {boolean} isSameText whoever looks at a token goes on looking at it
   */
  build(seen, isSameText) {
    if (!isSameText) this.#at = null;
    for (const side of /** @type {Side[]} */ (["reads", "readers"])) {
      this.#spans[side] = seen.tokens.map((text, i) => this.#make(side, text, i));
      const line = this.#spans[side].flatMap((span) =>
        span.classList.contains("breaks") ? [span, document.createElement("br")] : [span],
      );
      this.view.part(side).replaceChildren(...line);
    }
    if (this.#at !== null && this.#at < seen.n) return;
    const { layer, head } = this.view.chosen;
    const { q } = strongestOf(mapOf(seen, layer, head));
    this.#at = Math.max(0, Math.min(seen.n - 2, q));
  }

  /** @param {Side} side @param {string} text @param {number} i */
  #make(side, text, i) {
    const span = document.createElement("span");
    span.textContent = visible(text);
    span.className = text.includes("\n") ? "token breaks" : "token";
    span.onclick = () => this.choose(i);
    if (side === "reads") {
      span.setAttribute("role", "radio");
      span.onkeydown = (event) => this.#move(event, i);
    }
    return span;
  }

  /** @param {KeyboardEvent} event @param {number} i */
  #move(event, i) {
    const last = this.#spans.reads.length - 1;
    /** @type {Record<string, number>} */
    const ways = {
      ArrowLeft: i - 1,
      ArrowUp: i - 1,
      ArrowRight: i + 1,
      ArrowDown: i + 1,
      Home: 0,
      End: last,
    };
    const to = ways[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0 || to > last) return;
    this.choose(to);
    this.#spans.reads[to].focus();
  }

  /** @param {number} i */
  choose(i) {
    this.#at = i;
    this.draw();
  }

  draw() {
    const { view } = this;
    const { seen, part, large } = view;
    const at = this.#at;
    if (!seen || at === null) return;
    const map = large.weights(seen);
    const who = quoted(seen.tokens[at]);
    const reads = seen.tokens.map((_, k) => (k <= at ? valueAt(map, at, k) : null));
    const readers = seen.tokens.map((_, q) => (q >= at ? valueAt(map, q, at) : null));
    this.#shade("reads", reads, seen, (i, words) => pairSaid(seen.tokens, at, i, words));
    this.#shade("readers", readers, seen, (i, words) => pairSaid(seen.tokens, i, at, words));
    part("reads-title").textContent = `${large.subject}: ${who} (token ${at}) reads from`;
    part("readers-title").textContent = `${who} is read by`;
    const first = "The first token has nothing before it: all of its attention rests on itself.";
    const most = `Most from ${topOf(reads, seen.tokens)}.`;
    part("reads-told").textContent = at === 0 ? `${most} ${first}` : most;
    part("readers-told").textContent =
      at === seen.n - 1
        ? "It is the last one: nobody after it reads it."
        : `Most by ${topOf(readers, seen.tokens)}.`;
  }

  /**
   * @param {Side} side
   * @param {(number | null)[]} values
   * @param {Seen} seen
   * @param {(i: number, words: string) => string} told
   */
  #shade(side, values, seen, told) {
    const ramp = rampOf("weights");
    const scale = SHADINGS[this.view.large.shading];
    this.#spans[side].forEach((span, i) => {
      const value = values[i];
      const colour = value === null ? null : ramp[tone(scale(value))];
      span.classList.toggle("chosen", i === this.#at);
      span.classList.toggle("beyond", value === null);
      span.style.background = colour ? inCss(colour) : "";
      span.style.color = colour ? inkOn(colour) : "";
      span.title = value === null ? "" : told(i, share(value));
      if (side !== "reads") return;
      const much = value === null ? "" : `: ${share(value)}`;
      span.setAttribute("aria-checked", String(i === this.#at));
      span.setAttribute("aria-label", `${visible(seen.tokens[i])}, token ${i}${much}`);
      span.tabIndex = i === this.#at ? 0 : -1;
    });
  }
}

/**
 * The three tokens with the largest shares.
 *
 * @param {(number | null)[]} values
 * @param {string[]} tokens
 */
export function topOf(values, tokens) {
  const known = values.flatMap((value, i) => (value === null ? [] : [{ value, i }]));
  const top = known.sort((a, b) => b.value - a.value).slice(0, 3);
  return top.map(({ value, i }) => `${quoted(tokens[i])} ${share(value)}`).join(", ");
}
