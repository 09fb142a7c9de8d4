/**
 * The texts on the page: one or several side by side, and those before them, to go back to.
 *
 * @typedef {import("../../types/ask").Answer<"read_text">} Reading
 * @typedef {import("../../types/ask").Answer<"copies">} Copies
 * @typedef {object} Sample one text
 * @property {string} prompt
 * @property {string} text what was written after it
 * @property {number[]} ids of its tokens, empty while it is written
 * @property {number} start how many of them are the prompt
 * @property {number | null} seed
 * @property {number | null} branch the token that a person chose
 * @property {string} why it was written, where it was not by Generate
 * @property {Reading | null} reading
 * @property {number} skipped tokens at its beginning that were not read
 * @property {Copies | null} copies
 * @property {{ run_id?: string, checkpoint?: string }} of the model
 * @typedef {{ samples: Sample[], chosen: number, figures: import("./writing.js").Figures | null }}
 *   Entry
 */
import { ask } from "../../lib/api.js";
import { add } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";
import { placesOf } from "./copied.js";
import { showReadout } from "./readout.js";
import { TokenText } from "./tokens.js";

const MOST_TEXTS = 20;
const MOST_READ = 4096; // tokens that are read at once

/**
 * How many tokens a prompt covers, by its length.
 *
 * @param {{ text: string }[]} tokens
 * @param {string} prompt
 */
export function promptTokens(tokens, prompt) {
  let length = 0;
  const beyond = tokens.findIndex(({ text }) => {
    length += text.length;
    return length > prompt.length;
  });
  return beyond < 0 ? tokens.length : beyond;
}

export class Texts {
  /** @type {Entry[]} */
  #entries = [];
  #now = -1;
  #bench;
  /** @type {{ box: HTMLElement, tokens: TokenText, head: HTMLElement | null }[]} */
  panes = [];

  /** @param {import("./bench.js").Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    bench.part("back").onclick = () => this.#goTo(this.#now - 1);
    bench.part("forth").onclick = () => this.#goTo(this.#now + 1);
  }

  /** Those that stand on the page. @returns {Entry | null} */
  get standing() {
    return this.#entries[this.#now] || null;
  }

  get chosen() {
    return this.standing?.samples[this.standing.chosen] || null;
  }

  /** The pane of the text that is chosen. */
  get pane() {
    return this.panes[this.standing?.chosen ?? 0];
  }

  /** @param {Sample[]} samples */
  add(samples) {
    this.#entries.push({ samples, chosen: 0, figures: null });
    if (this.#entries.length > MOST_TEXTS) this.#entries.shift();
    this.#now = this.#entries.length - 1;
    this.#layOut(this.#entries[this.#now]);
  }

  /** A pane for each text, with what stands in it. @param {Entry} entry */
  #layOut(entry) {
    const list = this.#bench.part("texts");
    list.replaceChildren();
    list.classList.toggle("several", entry.samples.length > 1);
    this.panes = entry.samples.map((_, number) => this.#addPane(list, entry, number));
    for (const sample of entry.samples) this.refresh(sample);
    this.closeReadout();
    this.showList();
  }

  /** @param {HTMLElement} list @param {Entry} entry @param {number} number */
  #addPane(list, { samples, chosen }, number) {
    const box = add(list, "div", { class: "pane" });
    const isOne = samples.length === 1;
    const name = isOne ? "The text" : `Sample ${number + 1}`;
    const tokens = new TokenText(name, this.#bench.look, (place) => {
      this.#choose(number);
      this.inspect(place);
    });
    let head = null;
    if (!isOne) {
      head = add(box, "button", { class: "head", text: name, type: "button" });
      head.ariaPressed = String(number === chosen);
      add(head, "small");
      head.onclick = () => {
        this.#choose(number);
        this.#bench.lookAtEnd();
      };
    }
    box.append(tokens.box);
    return { box, tokens, head };
  }

  /**
   * Draws a text anew: plain while it grows or is not read, else as tokens.
   *
   * @param {Sample} sample
   */
  refresh(sample) {
    const pane = this.panes[this.standing?.samples.indexOf(sample) ?? -1];
    if (!pane) return;
    const { reading, skipped, start, branch, seed } = sample;
    const small = pane.head?.querySelector("small");
    if (small) small.textContent = seed === null ? "" : `seed ${seed}`;
    if (!reading) return pane.tokens.grow(sample.prompt + sample.text);
    pane.tokens.show(reading.tokens, start - skipped, branch === null ? null : branch - skipped);
    this.markCopies(sample);
  }

  /** Marks the tokens that lie in a run that the training part has too. @param {Sample} sample */
  markCopies(sample) {
    const { reading, copies } = sample;
    const pane = this.panes[this.standing?.samples.indexOf(sample) ?? -1];
    if (!pane || !reading || !copies) return;
    pane.tokens.mark(placesOf(sample, reading.tokens, copies.runs));
  }

  /** @param {number} number */
  #choose(number) {
    const entry = this.standing;
    if (!entry || entry.chosen === number) return;
    entry.chosen = number;
    this.panes.forEach(({ head, tokens }, i) => {
      if (head) head.ariaPressed = String(i === number);
      if (i !== number) tokens.leave();
    });
    this.closeReadout();
    this.#bench.textChanged();
  }

  /** Reads a text token by token; whether it could be. @param {Sample} sample */
  async read(sample) {
    const { ids, prompt, text, of } = sample;
    const skipped = Math.max(0, ids.length - MOST_READ);
    const read = ids.length ? { ids: ids.slice(skipped) } : { text: prompt + text };
    const answer = await ask("read_text", { ...of, ...read, alternatives: 8 });
    if (answer.error) {
      this.#bench.say(answer.error.message);
      return false;
    }
    sample.reading = answer;
    sample.skipped = skipped;
    if (!ids.length) {
      // Stopped: the text that stands is cut into tokens anew.
      sample.ids = answer.tokens.map(({ id }) => id);
      sample.start = promptTokens(answer.tokens, prompt);
    }
    this.refresh(sample);
    return true;
  }

  /** Without a token that is looked at, a word on how to look at one. */
  closeReadout() {
    const { part } = this.#bench;
    part("readout").hidden = true;
    part("try").hidden = !this.chosen?.reading;
  }

  /** Looks at a token of the text that is chosen. @param {number} place */
  inspect(place) {
    const { part, look, odds, writing, lens } = this.#bench;
    const sample = this.chosen;
    if (!sample?.reading) return;
    const token = sample.reading.tokens[place];
    const at = place + sample.skipped;
    const before = sample.ids.slice(0, at);
    part("try").hidden = true;
    showReadout(part("readout"), look, token, at, sample.ids.length, (id, text) =>
      writing.branch(before, id, text),
    );
    odds.lookAt("token", before.length ? { ids: before, of: sample.of } : null, {
      token: { id: token.id, text: token.text, place: at },
      wait: 120,
    });
    lens.changed();
  }

  /** No token is looked at any more. */
  leave() {
    this.closeReadout();
    for (const { tokens } of this.panes) tokens.leave();
  }

  /** @param {number} number */
  #goTo(number) {
    const { writing } = this.#bench;
    if (!this.#entries[number] || writing.isBusy) return;
    this.#now = number;
    this.#layOut(this.#entries[number]);
    writing.showFigures();
    this.#bench.textChanged();
    this.#bench.lookAtEnd();
  }

  showList() {
    const { part, writing } = this.#bench;
    part("back").disabled = writing.isBusy || this.#now <= 0;
    part("forth").disabled = writing.isBusy || this.#now >= this.#entries.length - 1;
    part("earlier").hidden = this.#entries.length < 2;
    part("list").replaceChildren();
    this.#entries.forEach(({ samples }, number) => {
      const [{ prompt, text, ids, why }] = samples;
      const all = prompt + text;
      const short = all.length > 60 ? `${all.slice(0, 24)} … ${all.slice(-32)}` : all;
      const size = samples.length > 1 ? `${samples.length} samples` : `${whole(ids.length)} tokens`;
      const button = add(add(part("list"), "li"), "button", { type: "button" });
      add(button, "span", { text: short.replace(/\s+/g, " ") });
      add(button, "small", { text: ` ${size}${why ? `, ${why}` : ""}` });
      if (number === this.#now) button.setAttribute("aria-current", "true");
      button.disabled = writing.isBusy;
      button.onclick = () => this.#goTo(number);
    });
  }
}
