/**
 * How text is drawn: controls made from the descriptions of the settings.
 *
 * @typedef {import("../../lib/store.js").Schema["RunConfig"]} RunConfig
 * @typedef {"sampling" | "greedy" | "beam"} Mode
 * @typedef {"max_new_tokens" | "temperature" | "top_k" | "top_p" | "repetition_penalty" |
 *   "num_beams" | "seed"} Setting
 * @typedef {object} About a setting as Python describes it; `tip` where it has no concept
 * @property {Setting | "samples"} name
 * @property {string} label
 * @property {string | null} unit
 * @property {string} kind
 * @property {number | null} default
 * @property {{ low: number, high: number, step: number | null } | null} slider
 * @property {string | null} concept
 * @property {string | null} tip
 * @typedef {{ box: HTMLElement, typed: HTMLInputElement, range: HTMLInputElement | null,
 *   fallback: number | null }} Field
 */
import { concepts } from "../../lib/concepts.js";
import { add } from "../../lib/dom.js";
import { addWhy } from "./explaining.js";

const MOST_LENGTH = 2000; // that the endpoint takes
/** @type {Record<Mode, { name: string, idle: string[], said: string }>} */
export const MODES = {
  sampling: { name: "Sampling", idle: ["num_beams"], said: "Each token is drawn by its odds." },
  greedy: {
    name: "Greedy",
    idle: ["temperature", "top_k", "top_p", "num_beams", "seed", "samples"],
    said:
      "Always the likeliest token: temperature is 0, and top-k, top-p and the seed play no " +
      "part.",
  },
  beam: {
    name: "Beam search",
    idle: ["temperature", "top_k", "top_p", "seed", "samples"],
    said:
      "The likeliest text of several that are followed at once: temperature, top-k, top-p and " +
      "the seed play no part.",
  },
};
const STILL =
  "At temperature 0 the likeliest token is always taken, as with greedy: top-k, top-p and the " +
  "seed play no part.";

export class Settings {
  /** @type {Record<string, Field>} */
  #fields = {};
  #radios = /** @type {[Mode, HTMLInputElement][]} */ ([]);
  #changed;
  mode = /** @type {Mode} */ ("sampling");
  isOwn = false; // a person has chosen

  /**
   * @param {ReturnType<typeof import("../../lib/dom.js").partsOf>} part
   * @param {About[]} described
   * @param {(name: string) => void} changed
   */
  constructor(part, described, changed) {
    this.#changed = changed;
    for (const name of /** @type {Mode[]} */ (Object.keys(MODES))) {
      const label = add(part("modes"), "label");
      const radio = add(label, "input", { type: "radio" });
      radio.name = "gtt-mode";
      radio.value = name;
      radio.onchange = () => {
        this.isOwn = true;
        this.choose(name);
      };
      label.append(MODES[name].name);
      this.#radios.push([name, radio]);
    }
    for (const about of described) this.#add(part("settings"), about);
  }

  /** @param {HTMLElement} list @param {About} about */
  #add(list, about) {
    const { name, label, unit, slider } = about;
    const id = `gtt-${name}`;
    const box = add(list, "div", { class: "setting" });
    const head = add(box, "div", { class: "head" });
    const title = add(head, "label", { text: unit ? `${label} ` : label });
    title.htmlFor = id;
    if (unit) add(title, "small", { text: unit });
    if (about.concept) addWhy(head, about.concept, label);
    const typed = add(head, "input", { type: "number" });
    typed.id = id;
    typed.dataset.setting = name;
    typed.step = about.kind === "integer" ? "1" : "any";
    typed.min = String(slider ? Math.min(0, slider.low) : 0);
    typed.value = String(about.default ?? "");
    const tip = add(box, "span", { class: "unseen", text: about.tip || "" });
    tip.id = `${id}-tip`;
    concepts().then((all) => {
      tip.textContent ||= all[about.concept || ""]?.tip || "";
      title.title = tip.textContent;
    });
    typed.setAttribute("aria-describedby", tip.id);
    const field = { box, typed, range: null, fallback: about.default };
    this.#fields[name] = slider ? { ...field, range: this.#addRange(about, tip.id) } : field;
    if (name === "seed") typed.placeholder = "random";
    typed.oninput = () => {
      const { range } = this.#fields[name];
      this.isOwn = true;
      if (range && typed.value !== "") range.value = typed.value;
      this.#changed(name);
    };
    const { range } = this.#fields[name];
    if (range) box.append(range);
  }

  /** @param {About} about @param {string} tip */
  #addRange({ name, label, slider, default: value }, tip) {
    const range = document.createElement("input");
    range.type = "range";
    range.min = String(slider?.low);
    range.max = String(slider?.high);
    range.step = String(slider?.step || 0.01);
    range.value = String(value);
    range.dataset.slider = name;
    range.ariaLabel = label;
    range.setAttribute("aria-describedby", tip);
    range.oninput = () => {
      this.isOwn = true;
      this.#fields[name].typed.value = String(Number(range.value));
      this.#changed(name);
    };
    return range;
  }

  /** @param {string} name @param {number | null} value */
  set(name, value) {
    const { typed, range } = this.#fields[name];
    typed.value = String(value ?? "");
    if (range && value !== null) range.value = String(value);
  }

  /** What a field says, else its default. @param {string} name */
  get(name) {
    const { typed, fallback } = this.#fields[name];
    const value = typed.value.trim() === "" ? Number.NaN : Number(typed.value);
    return Number.isFinite(value) ? value : fallback;
  }

  /** A field that always has a number. @param {string} name */
  #number(name) {
    return this.get(name) ?? 0;
  }

  /** @param {Mode} name */
  choose(name) {
    this.mode = name;
    for (const [one, radio] of this.#radios) radio.checked = one === name;
    if (name === "beam" && !(this.#number("num_beams") > 1)) this.set("num_beams", 4);
    for (const [setting, { box, typed, range }] of Object.entries(this.#fields)) {
      const isIdle = MODES[name].idle.includes(setting);
      box.classList.toggle("idle", isIdle);
      typed.disabled = isIdle;
      if (range) range.disabled = isIdle;
    }
    this.#changed("mode");
  }

  /** What the mode does, in words. */
  get said() {
    const isStill = this.mode === "sampling" && this.get("temperature") === 0;
    return isStill ? STILL : MODES[this.mode].said;
  }

  /** What they make of the odds; what is out of range is left to the endpoint, which says so. */
  get shaping() {
    const plain = {
      temperature: this.#number("temperature"),
      top_k: this.#number("top_k"),
      top_p: this.#number("top_p"),
      repetition_penalty: this.#number("repetition_penalty"),
    };
    if (this.mode === "sampling") return plain;
    return { ...plain, temperature: this.mode === "greedy" ? 0 : 1, top_k: 0, top_p: 1 };
  }

  /** As a request has them. The seed is drawn here, so that it is known from the start. */
  get drawing() {
    return {
      ...this.shaping,
      max_new_tokens: this.#number("max_new_tokens"),
      num_beams: this.mode === "beam" ? Math.max(2, this.#number("num_beams")) : 1,
      samples: this.mode === "sampling" ? this.#number("samples") : 1,
      seed: this.get("seed") ?? crypto.getRandomValues(new Uint32Array(1))[0],
    };
  }

  get isDrawn() {
    return this.mode === "sampling" && this.#number("temperature") > 0;
  }

  /** A run's recipe knows best how to write with it. @param {RunConfig} config */
  takeOver({ generation: given }) {
    if (!given) return;
    for (const name of Object.keys(this.#fields)) {
      const value = given[/** @type {Setting} */ (name)];
      if (name === "seed" || value === undefined) continue;
      this.set(name, name === "max_new_tokens" ? Math.min(MOST_LENGTH, value || 0) : value);
    }
    const { temperature, num_beams: beams = 1 } = given;
    if (temperature === 0) this.set("temperature", this.#fields.temperature.fallback);
    this.choose(beams > 1 ? "beam" : temperature === 0 ? "greedy" : "sampling");
  }
}
