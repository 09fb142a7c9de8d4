/**
 * The Attention tab: which text is read by which checkpoint, which head is chosen, when to look.
 *
 * @typedef {import("../../lib/attention_map.js").Look & {
 *   text: string, chosen: { run_id?: string, checkpoint: string }, turn: number
 * }} Seen what was read, and how it was asked for
 * @typedef {Required<import("../../lib/store.js").Schema["RunConfig"]>} Config
 */

import { newest } from "../../lib/asking.js";
import { attentionOn, mapOf, unpacked } from "../../lib/attention_map.js";
import { partsOf, tell } from "../../lib/dom.js";
import { Picker } from "../../lib/picker.js";
import { wanted } from "../../lib/store.js";
import { Card } from "./card.js";
import { Compare } from "./compare.js";
import { Grid } from "./grid.js";
import { History } from "./history.js";
import { LargeMap } from "./large.js";
import { cutSaid, DEFAULT, exampleOf, MOST_TEXT } from "./texts.js";
import { Tokens } from "./tokens.js";
import { Without } from "./without.js";
import { fedBy, headBrief } from "./words.js";

const EMPTY = "The text is empty: write something for the model to read.";

export class AttentionView {
  /** @type {Seen | null} */
  seen = null;
  chosen = { layer: 0, head: 0 };
  isChosenByHand = false;
  /** The names of the heads that are switched off. @type {Set<string>} */
  off = new Set();
  /** @type {import("./words.js").Measured | null} */
  habits = null;
  isOwnText = false;
  #exampleOf = "";
  #fallback = "";
  #turn = 0;
  /** @type {{ run: string, config: Promise<Config | null> }} */
  #about = { run: "", config: Promise.resolve(null) };

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.part = partsOf(element);
    this.say = (/** @type {string} */ sentence) => tell(this.part("said"), sentence);
    this.ask = newest(this.say);
    const lists = [this.part("runs"), this.part("checkpoints")];
    this.picker = new Picker(lists[0], lists[1], () => this.#turnTo());
    this.grid = new Grid(this);
    this.tokens = new Tokens(this);
    this.large = new LargeMap(this);
    this.card = new Card(this);
    this.history = new History(this);
    this.without = new Without(this);
    this.compare = new Compare(this);
  }
  /** @param {number} layer @param {number} head */
  habitsAt(layer, head) {
    return this.habits?.heads[layer]?.[head] || null;
  }

  /**
   * What a head gives to where the task says that one has to look.
   *
   * @param {number} layer
   * @param {number} head
   */
  onExpected(layer, head) {
    return this.seen && attentionOn(mapOf(this.seen, layer, head), this.seen.expected);
  }

  /**
   * The same where a head may be named after it, by the same bar as the habits.
   *
   * @param {number} layer
   * @param {number} head
   */
  findsAnswer(layer, head) {
    const found = this.onExpected(layer, head);
    return found && found.rows > 1 && found.given >= Math.max(0.4, 3 * found.even) ? found : null;
  }

  /** A few words on a head. @param {number} layer @param {number} head */
  brief(layer, head) {
    const finds = Boolean(this.findsAnswer(layer, head));
    return this.habits ? headBrief(this.habits, layer, head, finds) : "";
  }

  /** Whether something can be said of a head. @param {number} layer @param {number} head */
  isClear(layer, head) {
    if (!this.habits || !this.habitsAt(layer, head)) return false;
    const isNamed = this.habitsAt(layer, head)?.name || this.findsAnswer(layer, head);
    return Boolean(isNamed) || fedBy(this.habits, layer, head).length > 0;
  }

  /** A person chooses a head. @param {number} layer @param {number} head */
  choose(layer, head) {
    this.chosen = { layer, head };
    this.isChosenByHand = true;
    this.grid.mark();
    this.drawChosen();
  }

  drawChosen() {
    this.card.draw();
    this.large.draw();
    this.tokens.draw();
    this.compare.draw();
    this.history.draw();
  }

  /** In other colours. */
  repaint() {
    if (this.seen) this.grid.paint(this.seen);
    this.drawChosen();
  }

  /**
   * A run is to be looked at: everything gets its room before it is there, by the shape of the run,
   * so that nothing below it moves when it comes. What has come takes the room that it needs.
   *
   * @param {string | null} run
   */
  async expect(run) {
    const { part, picker } = this;
    part("hint").hidden = Boolean(run || picker.run);
    if (!run || run === picker.run || picker.isByHand) return;
    const config = await this.#configOf(run);
    if (config && wanted.value === run && this.#exampleOf !== run) this.#hold(config);
  }

  /** @param {Config} config */
  #hold(config) {
    const { part } = this;
    const { n_layers: layers, n_heads: heads, block_size: block } = config.model;
    const example = exampleOf(config.data.source);
    part("panels").hidden = false;
    part("panels").classList.add("waits");
    part("panels").classList.toggle("task", Boolean(example));
    part("panels").setAttribute("aria-busy", "true");
    this.grid.build(layers, heads);
    this.large.map.reserve(example && !this.isOwnText ? Math.min(block, example.length) : block);
    if (config.training.snapshots) this.history.reserve(block);
  }

  /** @param {"panels" | "time"} name */
  arrived(name) {
    const part = this.part(name);
    part.hidden = false;
    part.classList.remove("waits");
    part.removeAttribute("aria-busy");
  }

  /** The configuration of a run, asked for once. @param {string} run */
  #configOf(run) {
    if (this.#about.run !== run) {
      const asked = this.ask("read_run", { run_id: run }, { quiet: true, asker: run });
      this.#about = {
        run,
        config: asked.then((answer) => /** @type {Config | null} */ (answer?.config ?? null)),
      };
    }
    return this.#about.config;
  }

  /** Another run or checkpoint: its own example, unless somebody has written a text. */
  async #turnTo() {
    const { part, picker } = this;
    const { run } = picker;
    if (!run) return this.#showNothing();
    part("hint").hidden = true;
    if (picker.lack) {
      this.#forget();
      this.say(picker.lack);
    }
    if (this.#exampleOf !== run) {
      if (this.#exampleOf) this.#forget(); // numbers never stand under the name of another model
      this.#exampleOf = run;
      this.without.reset();
      this.history.load(run);
      const config = await this.#configOf(run);
      if (picker.run !== run) return;
      if (config && !this.seen && !picker.lack) this.#hold(config); // nobody knew of it before
      if (config && !this.isOwnText && document.activeElement !== part("text")) {
        part("text").value = exampleOf(config.data.source) || DEFAULT;
        this.#fallback = config.generation.prompt;
      }
    }
    await this.look();
  }

  #showNothing() {
    const { part } = this;
    this.seen = null;
    this.#exampleOf = "";
    this.say("");
    part("panels").hidden = true;
    part("time").hidden = true;
    part("hint").hidden = false;
  }

  /** Reads the text anew; on the screen in `data-seconds` seconds. @returns {Promise<void>} */
  async look() {
    const { part, picker } = this;
    const whole = part("whole");
    const written = part("text").value;
    const text = written.slice(-MOST_TEXT);
    const chosen = picker.chosen;
    this.#turn += 1;
    const turn = this.#turn;
    if (!picker.run) return this.#showNothing();
    if (picker.lack) {
      this.#forget();
      return this.say(picker.lack);
    }
    if (!text) return this.#refuse(EMPTY);
    const began = performance.now();
    whole.setAttribute("aria-busy", "true");
    part("look").textContent = "Looking…";
    const answer = await this.ask("attention", { ...chosen, text, packed: true });
    if (turn !== this.#turn) return;
    const sentence = part("said").textContent;
    if (!answer && this.#fallback !== text && !this.isOwnText && sentence.includes("character")) {
      const prompt = this.#fallback; // the example has letters that this model never met
      this.#fallback = text;
      part("text").value = prompt;
      return this.look();
    }
    whole.removeAttribute("aria-busy");
    part("look").textContent = "Look";
    if (!answer) return this.#refuse(sentence, this.#isOther(chosen));
    this.#take({ ...unpacked(answer), text, chosen, turn }, written.length);
    requestAnimationFrame(() =>
      setTimeout(() => {
        whole.dataset.seconds = ((performance.now() - began) / 1000).toFixed(3);
      }),
    );
    await this.card.load(/** @type {Seen} */ (this.seen));
    if (turn !== this.#turn) return;
    if (this.off.size) this.without.load();
    this.compare.look();
  }

  /** Whether another model is shown. @param {Seen["chosen"]} chosen */
  #isOther(chosen) {
    const shown = this.seen?.chosen;
    if (!shown) return false;
    return shown.run_id !== chosen.run_id || shown.checkpoint !== chosen.checkpoint;
  }

  /** @param {Seen} seen @param {number} written how many characters were written */
  #take(seen, written) {
    const isSameText = this.seen?.text === seen.text && this.seen.n === seen.n;
    const { layer, head } = this.chosen;
    this.seen = seen;
    this.part("cut").textContent = cutSaid(seen.n, seen.cut, written);
    if (layer >= seen.layers.length || head >= seen.heads.length) {
      this.chosen = { layer: 0, head: 0 };
    }
    this.arrived("panels");
    this.part("panels").classList.remove("stale");
    this.grid.build(seen.layers.length, seen.heads.length);
    this.tokens.build(seen, isSameText);
    this.grid.paint(seen);
    this.grid.mark();
    this.drawChosen();
  }

  /**
   * What is shown belongs to the text before, or, if the model is another one, to nothing any more.
   *
   * @param {string} sentence
   */
  #refuse(sentence, isOther = false) {
    this.say(sentence);
    this.part("cut").textContent = "";
    this.part("panels").classList.add("stale");
    if (isOther) this.#forget();
    if (!this.seen) this.part("panels").hidden = true;
  }

  /** What was shown is no longer what is chosen; its room is kept for what comes. */
  #forget() {
    const { part, picker } = this;
    this.seen = null;
    this.card.forget();
    if (picker.lack && !picker.isActive) part("panels").hidden = true;
    part("panels").classList.add("waits");
    part("cut").textContent = "";
  }
}
