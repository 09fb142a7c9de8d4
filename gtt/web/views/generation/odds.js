/**
 * The next token, opened up. All logits come once for a place; what the settings make of them is
 * computed here, so that the bars follow a slider at once.
 *
 * @typedef {{ of?: { run_id?: string, checkpoint?: string }, text?: string, ids?: number[] }} Asked
 *   what the model reads; `of` names the model where it is not the one that is chosen
 * @typedef {object} Pack
 * @property {Float32Array} logits
 * @property {Float32Array} before the model's odds
 * @property {number[]} ids what was read
 * @property {number[]} top the likeliest tokens
 * @property {Map<number, string>} texts
 * @property {number} cut
 * @property {number} context
 * @property {number} entropy
 * @typedef {{ id: number, text: string, place: number }} Chosen a token of a text
 */
import { ask } from "../../lib/api.js";
import { oneIn, whole } from "../../lib/format.js";
import { nextTokenOdds, penalise, softmax } from "../../lib/sampling.js";
import { addBar, setBar } from "./bars.js";
import { quoted } from "./readout.js";
import { inUnit } from "./tokens.js";

const ROWS = 15;
const MOST_PACKS = 40;
const LISTED = 200; // tokens whose texts come along
const NO_MODEL = "The likeliest next tokens stand here as soon as there is a model.";

/** @param {string} packed little-endian single precision, as base64 */
function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

export class Odds {
  /** @type {Map<string, Pack>} */
  #packs = new Map();
  /** @type {Map<string, string>} */
  #refused = new Map(); // sentences, of what cannot be read
  #bench;
  #bars;
  #turn = 0;
  #timer = 0;
  /** What is looked at: the place after the prompt, the one after the text, or that of a token. */
  kind = "prompt";
  /** @type {Chosen | null} */
  token = null;
  /** @type {Pack | null} */
  #pack = null;
  #refusal = "";

  /** @param {import("./bench.js").Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    const list = bench.part("bars");
    this.#bars = Array.from({ length: ROWS + 1 }, () => addBar(list));
    this.#bars[ROWS].hidden = true; // for a token that is not among the likeliest
  }

  /** What was known of the model may hold no longer. */
  forget() {
    this.#packs.clear();
  }

  /** Another model may read what this one could not. */
  forgive() {
    this.#packs.clear();
    this.#refused.clear();
  }

  /** Why a text cannot be read; empty where nothing is known against it. @param {string} text */
  refusalOf(text) {
    return this.#refused.get(this.#nameOf({ text })) || "";
  }

  /** @param {Asked} asked */
  #nameOf(asked) {
    return JSON.stringify([this.#bench.picker.chosen, asked]);
  }

  /** The logits after a text or after ids, asked for once. @param {Asked} asked */
  async #read(asked) {
    const name = this.#nameOf(asked);
    const known = this.#packs.get(name);
    if (known) return { pack: known };
    const { of = this.#bench.picker.chosen, ...read } = asked;
    const answer = await ask("next_token", { ...of, ...read, packed: true, count: LISTED });
    if (answer.error) {
      if (answer.error.code === "invalid_input") this.#refused.set(name, answer.error.message);
      return { pack: null, refusal: answer.error.message };
    }
    const logits = unpacked(answer.logits || "");
    const pack = {
      logits,
      before: softmax(logits),
      ids: answer.ids,
      top: answer.tokens.slice(0, ROWS).map(({ id }) => id),
      texts: new Map(answer.tokens.map(({ id, text }) => [id, text])),
      cut: answer.cut,
      context: answer.context_tokens,
      entropy: answer.entropy,
    };
    this.#packs.set(name, pack);
    this.#bench.setVocabulary(logits.length);
    const [oldest] = this.#packs.keys();
    if (this.#packs.size > MOST_PACKS) this.#packs.delete(oldest);
    return { pack };
  }

  /**
   * Looks at a place: `kind` is prompt, end or token, `asked` what the model reads before it.
   *
   * @param {string} kind
   * @param {Asked | null} asked
   * @param {{ token?: Chosen | null, wait?: number }} [more]
   */
  lookAt(kind, asked, { token = null, wait = 0 } = {}) {
    this.kind = kind;
    this.token = token;
    this.#turn += 1;
    const turn = this.#turn;
    clearTimeout(this.#timer);
    this.#bench.drawPlaces();
    this.#timer = window.setTimeout(async () => {
      const { pack, refusal = "" } = asked ? await this.#read(asked) : { pack: null };
      if (turn !== this.#turn) return;
      this.#pack = pack;
      this.#refusal = refusal;
      this.draw();
    }, wait);
  }

  /** Why there are no bars. */
  get #lack() {
    const { picker } = this.#bench;
    if (this.#refusal) return this.#refusal;
    if (this.kind === "token") return "Nothing stands before the first token.";
    if (!picker.run) return NO_MODEL;
    return picker.lack || "Write a prompt to see what the model holds likely after it.";
  }

  draw() {
    const { part, settings, look } = this.#bench;
    const pack = this.#pack;
    part("bars").classList.toggle("waits", !pack);
    part("left").textContent = "";
    part("odds-said").textContent = pack ? "" : this.#lack;
    if (!pack) return;
    const began = performance.now();
    const { logits, before, ids: read } = pack;
    const shaping = settings.shaping;
    const odds = nextTokenOdds(penalise(logits, read, shaping.repetition_penalty), shaping);
    const own = this.token;
    const isListed = !own || pack.top.includes(own.id);
    const ids = isListed ? pack.top : [...pack.top, own.id];
    this.#bars.forEach((row, i) => {
      row.hidden = i >= Math.max(ROWS, ids.length);
      row.classList.toggle("blank", i >= ids.length);
      if (i >= ids.length) return;
      const id = ids[i];
      const came = own?.id === id;
      const text = (came && own?.text) || pack.texts.get(id) || "";
      setBar(row, { text, before: before[id], after: odds[id], came, cut: odds[id] === 0 });
      Object.assign(row.dataset, { id, before: before[id], after: odds[id] });
      row.title = `Write on with ${quoted(text)}`;
      row.onclick = () => this.#bench.writing.branch(read, id, text);
    });
    const left = odds.reduce((count, value) => count + Number(value > 0), 0);
    const { entropy, cut, context } = pack;
    const cutOff =
      ` The model reads the last ${whole(context)} tokens, one block; the ${whole(cut)} before ` +
      "them were cut.";
    part("left").textContent =
      `${whole(left)} of ${whole(odds.length)} tokens left to draw from. Entropy of the model’s ` +
      `odds: ${inUnit(look, entropy)}, as unsure as between ${oneIn(entropy)} equally likely ` +
      `tokens. Choose a token to write on with it.${cut ? cutOff : ""}`;
    part("bars").dataset.milliseconds = (performance.now() - began).toFixed(2);
  }
}
