/** The same head in another checkpoint or run, side by side and as a difference. */
import {
  differenceOf,
  mapOf,
  movedOf,
  rangeOf,
  unpacked,
  valueAt,
} from "../../lib/attention_map.js";
import { probability } from "../../lib/format.js";
import { Picker } from "../../lib/picker.js";
import { aroundZero, drawLegend, rampOf, SHADINGS, signedShare } from "./colours.js";
import { MapView } from "./map_view.js";
import { nameOf, pairSaid, share } from "./words.js";

/**
 * @typedef {import("../../lib/attention_map.js").AttentionMap} AttentionMap
 * @typedef {import("./view.js").Seen} Seen
 * @typedef {import("../../lib/attention_map.js").Look & { named: string }} Other
 */

const NOTHING = "The other checkpoint cannot read this text, or is gone: choose another one.";
const SAME = "Both are the same checkpoint: choose another checkpoint, or another run.";

export class Compare {
  /** @type {Other | null} */
  #other = null;
  #turn = 0;
  #isOpening = false; // nothing is asked before it is known which other one
  #hasDifference = false;

  /** @param {import("./view.js").AttentionView} view */
  constructor(view) {
    const { part } = view;
    this.view = view;
    const side = (/** @type {string} */ name, /** @type {string} */ named) =>
      new MapView(part(name), { named, moved: (q, k) => this.#cross(q, k), largest: 30 });
    this.left = side("left", "The first");
    this.right = side("right", "The second");
    this.difference = side("difference", "Difference");
    const lists = [part("other-runs"), part("other-checkpoints")];
    this.picker = new Picker(lists[0], lists[1], () => this.look(), { followsPage: false });
    part("compare").ontoggle = () => this.#open();
  }

  get #isOpen() {
    return this.view.part("compare").open;
  }

  async #open() {
    if (!this.#isOpen) return;
    this.#isOpening = true;
    await this.picker.follow(this.view.picker.run);
    if (!this.#other && this.picker.list && this.#isSame) await this.#chooseAnother();
    this.#isOpening = false;
    await this.look();
  }

  get #isSame() {
    const { picker } = this.view;
    const { run, checkpoint, step } = this.picker;
    return run === picker.run && (checkpoint === picker.checkpoint || step === picker.step);
  }

  /** The oldest of the other checkpoints of the run, or else the run before it that has one. */
  async #chooseAnother() {
    const { picker } = this.view;
    const steps = this.picker.kept.map((one) => one.step).filter((step) => step !== picker.step);
    if (steps.length) return this.picker.chooseCheckpoint(String(Math.min(...steps)));
    const list = this.picker.list || [];
    const from = list.findIndex((run) => run.id === picker.run);
    const others = [...list.slice(from + 1), ...list.slice(0, from).reverse()];
    const before = others.find((run) => run.best_validation_loss !== null);
    if (before) await this.picker.chooseRun(before.id);
  }

  async look() {
    const { seen, ask } = this.view;
    if (!this.#isOpen || !seen || this.#isOpening) return;
    this.#turn += 1;
    const turn = this.#turn;
    const values = { ...this.picker.chosen, text: seen.text, packed: true };
    const answer = await ask("attention", values, { quiet: true, asker: "other" });
    if (turn !== this.#turn || !this.view.seen) return;
    this.#other = answer && { ...unpacked(answer), named: chosenWords(this.picker) };
    this.draw();
  }

  draw() {
    const { part, seen, chosen, picker, large } = this.view;
    if (!this.#isOpen || !seen) return;
    const other = this.#other;
    const hindrance = hindranceOf(other, chosen.layer, chosen.head);
    const isSameText =
      other?.tokens.length === seen.n && other.tokens.every((t, i) => t === seen.tokens[i]);
    part("other-said").textContent =
      hindrance || (this.#isSame ? SAME : isSameText ? "" : differentSaid(seen.n, other?.n));
    part("other-maps").hidden = Boolean(hindrance);
    part("other-told").textContent = "";
    part("other-read").textContent = "";
    if (hindrance || !other) return;
    const { layer, head } = chosen;
    const first = mapOf(seen, layer, head);
    const second = mapOf(other, layer, head);
    const look = { ramp: rampOf("weights"), scale: SHADINGS[large.shading] };
    part("left-title").textContent = `${nameOf(layer, head)} · ${chosenWords(picker)}`;
    part("right-title").textContent = `${nameOf(layer, head)} · ${other.named}`;
    this.left.show(first, seen.tokens, look);
    this.right.show(second, other.tokens, look);
    this.#hasDifference = isSameText;
    part("difference-part").hidden = !isSameText;
    if (isSameText) this.#drawDifference(differenceOf(first, second), seen);
    if (this.left.cross) this.#cross(this.left.cross.q, this.left.cross.k); // read anew
  }

  /** @param {AttentionMap} map @param {Seen} seen */
  #drawDifference(map, seen) {
    const { part } = this.view;
    const ramp = rampOf("difference");
    const { scale, marks } = aroundZero(rangeOf(map));
    this.difference.show(map, seen.tokens, { ramp, scale });
    drawLegend(part("difference-bar"), part("difference-ticks"), ramp, scale, marks);
    const moved = movedOf(map);
    const alike = moved < 0.02 ? ": the two heads look alike" : "";
    part("other-told").textContent = [
      `On average ${probability(moved)} of a token's attention goes elsewhere in the second`,
      `one${alike}. Orange: more in the second one, blue: less.`,
    ].join(" ");
  }

  /** A cell in one of the maps is read in all of them. @param {number} q @param {number} k */
  #cross(q, k) {
    const { part, seen } = this.view;
    const other = this.#other;
    for (const view of [this.left, this.right, this.difference]) {
      if (!view.map || q >= view.map.n || k >= view.map.n) continue;
      if (view.cross?.q === q && view.cross.k === k) continue;
      view.cross = { q, k };
      view.draw();
    }
    const first = this.left.map;
    const second = this.right.map;
    part("other-read").textContent = "";
    if (!seen || !other || !first || !second || k > q || q >= seen.n || q >= other.n) return;
    const [a, b] = [valueAt(first, q, k), valueAt(second, q, k)];
    const both = `${share(a)} and ${share(b)}`;
    part("other-read").textContent = this.#hasDifference
      ? pairSaid(seen.tokens, q, k, `${both}, difference ${signedShare(b - a)}`)
      : `Token ${q} reads token ${k}: ${both}`;
  }
}

/** The run and the checkpoint that are chosen, as the lists call them. @param {Picker} picker */
function chosenWords({ runList, checkpointList }) {
  const words = (/** @type {HTMLSelectElement} */ list) => list.selectedOptions[0]?.text || "";
  return `${words(runList).split(" · ")[0]}, ${words(checkpointList)}`;
}

/**
 * What stands in the way of a comparison, or nothing.
 *
 * @param {Other | null} other
 * @param {number} layer
 * @param {number} head
 */
function hindranceOf(other, layer, head) {
  if (!other) return NOTHING;
  if (layer < other.layers.length && head < other.heads.length) return "";
  const has = `it has ${other.layers.length} layers of ${other.heads.length}`;
  return `The other model has no head ${nameOf(layer, head)}: ${has}.`;
}

/** @param {number} first @param {number | undefined} second */
const differentSaid = (first, second) =>
  [
    `The two cut the text into different tokens (${first} and ${second}): they stand side by side,`,
    "but there is no difference cell by cell.",
  ].join(" ");
