/**
 * Generate, stop, continue, branch. What stands stays until the first piece of the new is there.
 *
 * @typedef {import("./texts.js").Sample} Sample
 * @typedef {import("../../types/ask").Answer<"generate">} Part of a stream
 * @typedef {{ prompt: string } | { prompt_ids: number[] }} From
 * @typedef {object} Figures of what was written
 * @property {string} by which model
 * @property {number | null} first milliseconds until the first piece
 * @property {number} tokens
 * @property {number} rate tokens per second
 * @property {boolean} isWhole
 * @property {number | null} seed
 * @property {string} how
 */
import { stream } from "../../lib/api.js";
import { add } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";
import { quoted } from "./readout.js";
import { MODES } from "./settings.js";

const BUSY = "Writing …";
const EMPTY = "The prompt is empty: write at least one character to go on from.";
const BROKEN = "The connection is lost; what was written stays.";
const STRANGE =
  "This text was written by another run: choose that run above to write on from its tokens.";

export class Writing {
  #bench;
  /** @type {AbortController | null} */
  #wire = null; // of the request that is under way

  /** @param {import("./bench.js").Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    bench.part("generate").onclick = () => this.generate();
    bench.part("stop").onclick = () => this.#wire?.abort();
    bench.part("continue").onclick = () => this.#goOn();
  }

  get isBusy() {
    return this.#wire !== null;
  }

  #start() {
    const { part, odds, texts } = this.#bench;
    const drawn = part("drawn");
    this.#wire = new AbortController();
    part("generate").disabled = true;
    part("stop").disabled = false;
    part("continue").disabled = true;
    drawn.textContent = BUSY;
    delete drawn.dataset.firstTokenMs;
    delete drawn.dataset.tokensPerSecond;
    part("texts").setAttribute("aria-busy", "true");
    this.#bench.say("");
    odds.forget(); // the best checkpoint of a run that goes on may be another by now
    texts.showList();
    return this.#wire.signal;
  }

  #end() {
    const { part, texts } = this.#bench;
    this.#wire = null;
    part("generate").disabled = false;
    part("stop").disabled = true;
    part("texts").removeAttribute("aria-busy");
    if (part("drawn").textContent === BUSY) this.showFigures();
    texts.showList();
    this.#bench.textChanged();
  }

  /**
   * @param {From} from
   * @param {string} prompt the text that a person gave
   * @param {{ branch?: number, wrote?: number, why?: string }} [more] `wrote` is how many tokens
   *   are the prompt, where that is known
   * @param {string} [already] what was written after the prompt before
   */
  async #write(from, prompt, { branch, wrote, why } = {}, already = "") {
    if (this.isBusy) return;
    const { settings, picker, texts } = this.#bench;
    const { isDrawn, mode } = settings;
    const asked = settings.drawing;
    if ("prompt_ids" in from) asked.samples = 1;
    const of = picker.chosen;
    const by = picker.info ? `${picker.info.name}, step ${whole(picker.step || 0)}` : "";
    const began = performance.now();
    let samples = /** @type {Sample[]} */ ([]);
    let last = /** @type {Part | null} */ (null);
    let first = /** @type {number | null} */ (null);
    let counted = 0; // tokens of samples that are whole
    let frame = 0;

    const paint = () => {
      frame = 0;
      for (const sample of samples) if (!sample.reading) texts.refresh(sample);
      this.#follow();
    };

    /** @param {Part} part */
    const take = (part) => {
      if (!samples.length) {
        samples = part.samples.map((_, number) => ({
          prompt,
          text: already,
          ids: [],
          start: 0,
          seed: isDrawn ? (asked.seed + number) % 2 ** 32 : null,
          branch: branch ?? null,
          why: why || "",
          reading: null,
          skipped: 0,
          copies: null,
          of,
        }));
        texts.add(samples);
      }
      if (part.samples.some(({ text }) => text)) first ??= performance.now() - began;
      part.samples.forEach(({ text, ids }, number) => {
        const sample = samples[number];
        sample.text = already + text;
        if (!ids.length || sample.ids.length) return;
        sample.ids = ids;
        sample.start = wrote ?? ids.length - (part.tokens - counted);
        counted = part.tokens;
        if (part.samples.length > 1) return;
        // The text of a branch is put together from tokens until the server says it as a whole.
        const all = part.prompt + text;
        if (!all.startsWith(sample.prompt)) sample.prompt = part.prompt;
        sample.text = all.slice(sample.prompt.length);
      });
      last = part;
      frame ||= requestAnimationFrame(paint);
    };

    const fault = await stream("generate", { ...of, ...from, ...asked }, take, this.#start());
    if (frame) {
      cancelAnimationFrame(frame);
      paint();
    }
    const seconds = (performance.now() - began) / 1000;
    this.#end();
    if (fault) this.#bench.say(fault.code === "lost" ? BROKEN : fault.message);
    const entry = texts.standing;
    if (!samples.length || !entry) return;
    const isWhole = samples.every(({ ids }) => ids.length > 0);
    const figures = {
      by,
      first,
      tokens: counted,
      rate: /** @type {Part | null} */ (last)?.tokens_per_second || 0,
      isWhole,
      seed: isDrawn ? asked.seed : null,
      how: MODES[mode].name,
    };
    entry.figures = figures;
    this.showFigures();
    for (const sample of samples) if (!(await texts.read(sample))) break;
    if (!isWhole) {
      // Only now it is known how many tokens there are.
      const before = "prompt_ids" in from ? from.prompt_ids.length : null;
      const written = samples.map(({ ids, start }) => Math.max(0, ids.length - (before ?? start)));
      figures.tokens = written.reduce((sum, count) => sum + count, 0);
      figures.rate = figures.tokens / seconds;
    }
    if (entry !== texts.standing || this.isBusy) return;
    this.showFigures();
    this.#bench.textChanged();
    if (texts.panes.every(({ tokens }) => tokens.at === null)) this.#bench.lookAtEnd();
  }

  /** Keeps the end in sight while text grows, for who has not scrolled up. */
  #follow() {
    for (const { tokens } of this.#bench.texts.panes) {
      const { scrollHeight, scrollTop, clientHeight } = tokens.box;
      if (scrollHeight - scrollTop - clientHeight < 80) tokens.box.scrollTop = scrollHeight;
    }
  }

  generate() {
    const { part, odds } = this.#bench;
    const prompt = part("prompt").value;
    if (prompt) {
      const known = odds.refusalOf(prompt);
      if (known) return this.#bench.say(known); // it has been asked already
      return void this.#write({ prompt }, prompt);
    }
    this.#bench.say(EMPTY);
    part("prompt").focus();
  }

  #goOn() {
    const sample = this.#bench.texts.chosen;
    if (!sample?.ids.length) return;
    const more = { wrote: sample.start, why: "continued" };
    this.#write({ prompt_ids: sample.ids }, sample.prompt, more, sample.text);
  }

  /**
   * Anew from the tokens up to a place, and a token of one's own choice after them.
   *
   * @param {number[]} before
   * @param {number} id
   * @param {string} text of that token
   */
  branch(before, id, text) {
    const { odds, texts, part } = this.#bench;
    const sample = texts.chosen;
    if (odds.kind !== "prompt" && sample && this.#bench.isStrange(sample)) {
      return this.#bench.say(STRANGE);
    }
    const from = { prompt_ids: [...before, id] };
    const more = {
      branch: before.length,
      wrote: before.length,
      why: `branched with ${quoted(text)}`,
    };
    const reading = sample && !sample.skipped ? sample.reading : null;
    if (!sample || !reading || before.some((one, i) => one !== sample.ids[i])) {
      return void this.#write(from, part("prompt").value, more, text);
    }
    const pieces = reading.tokens.slice(0, before.length).map((token) => token.text);
    if (before.length < sample.start) {
      return void this.#write(from, pieces.join(""), more, text);
    }
    const already = pieces.slice(sample.start).join("") + text;
    this.#write(from, sample.prompt, { ...more, wrote: sample.start }, already);
  }

  showFigures() {
    const { part, texts, settings } = this.#bench;
    const place = part("drawn");
    const told = texts.standing?.figures;
    place.textContent = "";
    if (!told) return;
    const { isWhole, tokens, rate, first, seed, how, by } = told;
    const words = isWhole ? [] : ["stopped"];
    if (tokens) words.push(`${whole(tokens)} tokens`, `${whole(rate)} a second`);
    if (first !== null) words.push(`first after ${whole(first)} ms`);
    const sure = how === MODES.sampling.name ? "greedy" : how.toLowerCase();
    words.push(seed === null ? `${sure}, no seed` : `seed ${seed}`);
    if (by) words.push(`by ${by}`);
    place.textContent = words.join(" · ");
    if (first !== null) place.dataset.firstTokenMs = first.toFixed(1);
    if (tokens) place.dataset.tokensPerSecond = rate.toFixed(1);
    if (seed === null) return;
    place.append(" ");
    const keep = add(place, "button", { class: "link", text: "keep this seed", type: "button" });
    keep.onclick = () => {
      settings.set("seed", seed);
      keep.textContent = "kept";
    };
  }
}
