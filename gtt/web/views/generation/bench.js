/** What the parts of the view share, and what a change of one means to the others. */
import { ask } from "../../lib/api.js";
import { add, partsOf, tell } from "../../lib/dom.js";
import { Picker } from "../../lib/picker.js";
import { Copying } from "./copying.js";
import { Lens } from "./lens.js";
import { Odds } from "./odds.js";
import { OwnText } from "./own.js";
import { quoted } from "./readout.js";
import { Settings } from "./settings.js";
import { Texts } from "./texts.js";
import { inUnit } from "./tokens.js";
import { Writing } from "./writing.js";

const NO_RUN = "There is no run yet: start one on the Training tab, then write with it here.";
const TYPED = 400; // milliseconds after a key until the odds are asked for

export class Bench {
  /** @type {import("./tokens.js").Look} */
  look = { isColoured: true, unit: "nats", most: Math.log(1024) };
  /** @type {string | null} */
  #overtaken = null; // the run whose own settings were taken over
  #lacks = new Set([""]); // what this has said of the model

  /** @param {HTMLElement} element @param {import("./settings.js").About[]} described */
  constructor(element, described) {
    this.part = partsOf(element);
    this.settings = new Settings(this.part, described, (name) => this.#settingsChanged(name));
    this.picker = new Picker(this.part("runs"), this.part("checkpoints"), (why) =>
      this.#modelChanged(why),
    );
    this.odds = new Odds(this);
    this.texts = new Texts(this);
    this.writing = new Writing(this);
    this.lens = new Lens(this);
    this.copying = new Copying(this);
    this.own = new OwnText(this);
  }

  /** A sentence for whoever looks or listens; empty where all is well. @param {string} sentence */
  say(sentence) {
    tell(this.part("said"), sentence);
  }

  /**
   * Another model, or a newer one of the same run: what is open is asked of it.
   *
   * @param {string} why
   */
  #modelChanged(why) {
    const { picker, odds, lens } = this;
    odds.forgive();
    lens.forget();
    const lack = picker.run ? picker.lack : NO_RUN;
    if (lack || this.#lacks.has(this.part("said").textContent)) this.say(lack);
    this.#lacks.add(lack);
    if (this.writing.isBusy || (why === "news" && odds.kind === "token")) lens.changed();
    else if (why === "news" && odds.kind === "end") this.lookAtEnd();
    else this.lookAtPrompt(0);
    this.#takeOver();
    this.own.modelChanged();
    this.textChanged();
  }

  /** The settings of a run's recipe, once for each run, until a person has chosen otherwise. */
  async #takeOver() {
    const { run } = this.picker;
    if (!run || run === this.#overtaken || this.settings.isOwn) return;
    this.#overtaken = run;
    const answer = await ask("read_run", { run_id: run });
    if (answer.error || run !== this.picker.run || this.settings.isOwn) return;
    this.settings.takeOver(answer.config);
  }

  /** @param {string} name */
  #settingsChanged(name) {
    this.part("mode-said").textContent = this.settings.said;
    if (!["max_new_tokens", "seed", "samples"].includes(name)) this.odds.draw();
  }

  lookAtPrompt(wait = TYPED) {
    const text = this.part("prompt").value;
    const isThere = this.picker.run && !this.picker.lack && text;
    this.odds.lookAt("prompt", isThere ? { text } : null, { wait });
    this.lens.changed();
  }

  lookAtEnd() {
    const sample = this.texts.chosen;
    this.texts.leave();
    if (sample?.ids.length) this.odds.lookAt("end", { ids: sample.ids, of: sample.of });
    this.lens.changed();
  }

  /** Which place is looked at, and which others could be. */
  drawPlaces() {
    const { kind, token } = this.odds;
    const hasText = Boolean(this.texts.chosen?.ids.length);
    /** @type {[string, string, () => void, boolean][]} */
    const places = [
      ["prompt", "After the prompt", () => this.lookAtPrompt(0), true],
      ["end", "After the text", () => this.lookAtEnd(), hasText],
    ];
    if (token) places.push(["token", `In place of ${quoted(token.text)}`, () => {}, true]);
    const list = this.part("where");
    list.replaceChildren();
    for (const [name, text, go, isPossible] of places) {
      const button = add(list, "button", { text, type: "button" });
      button.disabled = !isPossible;
      button.ariaPressed = String(kind === name);
      button.onclick = go;
    }
  }

  /**
   * Whether a text is of another run than the one that would go on with it.
   *
   * @param {import("./texts.js").Sample} sample
   */
  isStrange(sample) {
    return sample.of.run_id !== this.picker.run;
  }

  /** What hangs on the text that is chosen. */
  textChanged() {
    const { part, texts, writing } = this;
    const sample = texts.chosen;
    const canGoOn = sample && sample.ids.length > 0 && !this.isStrange(sample);
    part("continue").disabled = writing.isBusy || !canGoOn;
    part("legend").hidden = !sample;
    if (writing.isBusy) return;
    this.drawPlaces();
    this.copying.changed();
    this.lens.changed();
  }

  /** @param {number} size */
  setVocabulary(size) {
    if (this.look.most === Math.log(size)) return;
    this.look.most = Math.log(size);
    this.drawLegend();
  }

  drawLegend() {
    const { part, look } = this;
    part("scale").hidden = !look.isColoured;
    part("units").hidden = !look.isColoured;
    part("most").textContent = `${inUnit(look, look.most, 1)}: no better than a blind guess`;
    for (const { tokens } of this.texts.panes) tokens.colour();
    this.own.tokens.colour();
  }

  /** @param {string} unit */
  useUnit(unit) {
    this.look.unit = unit;
    this.drawLegend();
    this.odds.draw();
    const at = this.texts.pane?.tokens.at ?? null;
    if (at !== null && !this.part("readout").hidden) this.texts.inspect(at);
  }
}
