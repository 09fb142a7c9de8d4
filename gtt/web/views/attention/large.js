/** One head large, or the mean of several; weights or the scores before the softmax. */
import { attentionOn, mapFrom, mapOf, meanOf, rangeOf, valueAt } from "../../lib/attention_map.js";
import { isByTouch } from "../../lib/dom.js";
import { probability } from "../../lib/format.js";
import { drawLegend, rampOf, SHADINGS } from "./colours.js";
import { MapView } from "./map_view.js";
import { nameOf, pairSaid, quoted, share } from "./words.js";

/**
 * @typedef {import("./view.js").AttentionView} AttentionView
 * @typedef {import("../../lib/attention_map.js").AttentionMap} AttentionMap
 */

const SHARES = [0, 0.1, 0.25, 0.5, 1]; // marks of the legend
const SMALL_SHARES = [0.001, 0.01, 0.1, 1];
const ABOUT_SCORES =
  "Score: query times key, over the root of the head's width. The softmax turns each row into " +
  "weights; only differences within a row count. Hatched: the future, which nobody may read.";
const ABOUT_WEIGHTS =
  "Weight: the share of its attention that a row's token gives to a column's; each row sums to " +
  "1. Hatched: the future, which nobody may read.";

export class LargeMap {
  /** @type {"head" | "layer" | "all"} */
  #what = "head";
  #wantsScores = false;
  /** Which head's scores are known. */
  #scores = { of: "", map: /** @type {AttentionMap | null} */ (null) };

  /** @param {AttentionView} view */
  constructor(view) {
    const { part, element } = view;
    this.view = view;
    this.map = new MapView(part("viewport"), {
      named: "Attention of the chosen head",
      moved: () => this.#tellCell(),
      picked: (q) => view.tokens.choose(q),
    });
    for (const button of element.querySelectorAll("[data-show]")) {
      /** @type {HTMLElement} */ (button).onclick = () => {
        this.#what = /** @type {any} */ (button).dataset.show;
        view.drawChosen();
      };
    }
    for (const button of element.querySelectorAll("[data-numbers]")) {
      /** @type {HTMLElement} */ (button).onclick = () => {
        this.#wantsScores = /** @type {HTMLElement} */ (button).dataset.numbers === "scores";
        this.draw();
      };
    }
    part("shading").onchange = () => this.draw();
    part("expect").onchange = () => this.draw();
    part("smaller").onclick = () => this.map.shrink();
    part("bigger").onclick = () => this.map.enlarge();
    part("fit").onclick = () => this.map.fit();
  }

  /** How weights are shaded. @returns {keyof typeof SHADINGS} */
  get shading() {
    return this.view.part("shading").value;
  }

  get #showsScores() {
    return this.#wantsScores && this.#what === "head";
  }

  /** The weights that are shown. @param {import("./view.js").Seen} seen */
  weights(seen) {
    const { layer, head } = this.view.chosen;
    const ofLayer = (/** @type {number} */ which) =>
      seen.heads.map((_, i) => mapOf(seen, which, i));
    if (this.#what === "layer") return meanOf(ofLayer(layer));
    if (this.#what === "all") return meanOf(seen.layers.flatMap((_, i) => ofLayer(i)));
    return mapOf(seen, layer, head);
  }

  get subject() {
    const { layer, head } = this.view.chosen;
    if (this.#what === "layer") return `The mean of layer ${layer}`;
    return this.#what === "all" ? "The mean of all heads" : `Head ${nameOf(layer, head)}`;
  }

  async draw() {
    const { element, part, seen } = this.view;
    if (!seen) return;
    const showsScores = this.#showsScores;
    part("large-title").textContent = `${this.subject}: who looks at whom`;
    for (const button of element.querySelectorAll("[data-show]")) {
      const { show } = /** @type {HTMLElement} */ (button).dataset;
      button.setAttribute("aria-pressed", String(show === this.#what));
    }
    for (const one of element.querySelectorAll("[data-numbers]")) {
      const button = /** @type {HTMLButtonElement} */ (one);
      const isScores = button.dataset.numbers === "scores";
      button.setAttribute("aria-pressed", String(isScores === showsScores));
      button.disabled = isScores && this.#what !== "head";
    }
    part("shading").disabled = showsScores;
    part("expecting").hidden = !seen.expected.length;
    const outlined = part("expect").checked ? seen.expected : [];
    if (showsScores) {
      const map = await this.#scoresOf(seen);
      if (map) this.#drawScores(map, seen, outlined);
    } else this.#drawWeights(this.weights(seen), seen, outlined);
  }

  /**
   * @param {AttentionMap} map
   * @param {import("./view.js").Seen} seen
   * @param {number[][]} outlined
   */
  #drawScores(map, seen, outlined) {
    const { part } = this.view;
    const ramp = rampOf("weights");
    const [least, most] = rangeOf(map);
    const scale = (/** @type {number} */ score) => (score - least) / (most - least || 1);
    const brief = (/** @type {number} */ score) => score.toFixed(1);
    this.map.show(map, seen.tokens, { ramp, scale, outlined, least: 0, brief });
    const marks = [least, (least + most) / 2, most];
    drawLegend(
      part("bar"),
      part("ticks"),
      ramp,
      scale,
      marks.map((v) => [v, brief(v)]),
    );
    part("legend-told").textContent = ABOUT_SCORES;
    this.#tellCell();
    this.#tellExpected(this.weights(seen), seen.expected);
  }

  /**
   * @param {AttentionMap} map
   * @param {import("./view.js").Seen} seen
   * @param {number[][]} outlined
   */
  #drawWeights(map, seen, outlined) {
    const { part } = this.view;
    const ramp = rampOf("weights");
    const scale = SHADINGS[this.shading];
    this.map.show(map, seen.tokens, { ramp, scale, outlined });
    const marks = this.shading === "log" ? SMALL_SHARES : SHARES;
    drawLegend(
      part("bar"),
      part("ticks"),
      ramp,
      scale,
      marks.map((v) => [v, String(v)]),
    );
    part("legend-told").textContent = ABOUT_WEIGHTS;
    this.#tellCell();
    this.#tellExpected(map, seen.expected);
  }

  /**
   * The scores of the chosen head alone; null where they do not come, or come too late.
   *
   * @param {import("./view.js").Seen} seen
   */
  async #scoresOf(seen) {
    const { view } = this;
    const { layer, head } = view.chosen;
    const of = () => `${view.seen?.turn} ${nameOf(view.chosen.layer, view.chosen.head)}`;
    const wanted = of();
    if (this.#scores.of === wanted) return this.#scores.map;
    const values = { ...seen.chosen, text: seen.text, layers: [layer], heads: [head] };
    const answer = await view.ask("attention", { ...values, scores: true }, { asker: "scores" });
    const rows = answer?.scores?.[0][0];
    if (!rows || rows.length !== seen.n || wanted !== of()) return null;
    this.#scores = { of: wanted, map: mapFrom(rows) };
    return this.#scores.map;
  }

  #tellCell() {
    const { part, seen } = this.view;
    const { cross, map } = this.map;
    part("read").textContent =
      cross && map && seen ? this.#cellSaid(seen.tokens, map, cross) : POINT();
  }

  /** @param {string[]} tokens @param {AttentionMap} map @param {{ q: number, k: number }} cell */
  #cellSaid(tokens, map, { q, k }) {
    if (k > q) {
      return `${quoted(tokens[k])} comes after ${quoted(tokens[q])}: nobody may look ahead.`;
    }
    const value = valueAt(map, q, k);
    const words = this.#showsScores ? `score ${value.toFixed(2)}` : share(value);
    return `${pairSaid(tokens, q, k, words)} (token ${q} reads token ${k})`;
  }

  /**
   * How much of the attention goes where the task says that it has to.
   *
   * @param {AttentionMap} map
   * @param {number[][]} pairs
   */
  #tellExpected(map, pairs) {
    const found = attentionOn(map, pairs);
    const rows = found?.rows === 1 ? "that row" : `those ${found?.rows} rows`;
    this.view.part("expected-told").textContent = found
      ? [
          "Whoever wants to be right here has to read the outlined cells.",
          `${this.subject} gives them ${probability(found.given)} of its attention in ${rows};`,
          `even attention would give ${probability(found.even)}.`,
        ].join(" ")
      : "";
  }
}

const POINT = () =>
  isByTouch()
    ? "Touch a cell to read it."
    : "Point at a cell, or move over the map with the arrow keys.";
