/** What the chosen head does by habit: a sentence, and the figures that it is made of. */
import { mapOf, strongestOf } from "../../lib/attention_map.js";
import { d3 } from "../../lib/d3.js";
import { isMissing, probability } from "../../lib/format.js";
import { tellingHead } from "./telling.js";
import { feedingSaid, habitBar, headSaid, MEASURED, nameOf, pairSaid, share } from "./words.js";

/**
 * @typedef {import("./words.js").Measured} Measured
 * @typedef {import("./words.js").Schema} Schema
 */

// Where no head has a place of its own there is a recipe that grows one.
const POINTER =
  "No head of this model keeps to one place. The recipe Induction grows heads that do, and that " +
  "one can watch form.";
const MEASURING = "Measuring what each head does…";
const FAILED = "The habits of this head could not be measured.";
const ABOUT_BARS =
  "Share of its attention; the upright mark is what even attention would give. The rest goes to " +
  "other places.";

export class Card {
  /** Of which run, checkpoint and steps the habits are. */
  #of = { run: "", checkpoint: "", steps: "" };

  /** @param {import("./view.js").AttentionView} view */
  constructor(view) {
    this.view = view;
    view.part("off").onclick = () => {
      const { layer, head } = view.chosen;
      view.without.toggle(nameOf(layer, head));
    };
  }

  forget() {
    this.view.habits = null;
    this.#of = { run: "", checkpoint: "", steps: "" };
  }

  /**
   * Asks once for each checkpoint; the maps are there before.
   *
   * @param {import("./view.js").Seen} seen
   */
  async load(seen) {
    const { view } = this;
    const of = { run: seen.run_id, checkpoint: seen.chosen.checkpoint, steps: view.picker.steps };
    const isOther = of.run !== this.#of.run || of.checkpoint !== this.#of.checkpoint;
    if (!isOther && of.steps === this.#of.steps && view.habits) return;
    if (isOther) {
      view.habits = null;
      view.grid.mark();
      this.draw();
    }
    const answer = await view.ask("heads", seen.chosen, { quiet: true });
    if (!view.seen) return;
    if (!answer) {
      view.part("card-said").textContent = FAILED;
      return;
    }
    view.habits = answer;
    this.#of = of;
    if (!view.isChosenByHand) {
      const answers = (/** @type {number} */ layer, /** @type {number} */ head) =>
        view.findsAnswer(layer, head)?.given ?? null;
      view.chosen = tellingHead(answer, answers) || view.chosen;
    }
    view.grid.mark();
    view.drawChosen();
  }

  draw() {
    const { view } = this;
    const { part, chosen, habits, seen } = view;
    if (!seen) return;
    const { layer, head } = chosen;
    const name = nameOf(layer, head);
    const one = view.habitsAt(layer, head);
    const isOff = view.off.has(name);
    const said = habits && one ? headSaid(habits, layer, head, view.findsAnswer(layer, head)) : "";
    part("card-title").textContent = one
      ? `Head ${name}: ${view.brief(layer, head)}`
      : `What head ${name} does`;
    part("card-said").textContent = said || MEASURING;
    part("off").textContent = isOff ? `Switch head ${name} on again` : `Switch head ${name} off`;
    part("off").setAttribute("aria-pressed", String(isOff));
    part("here").textContent = seen.n > 1 ? this.#hereSaid(seen) : "";
    part("feeding").textContent = habits && one ? feedingSaid(habits, layer, head) : "";
    this.#drawBars(one, habits);
    const rest = ["feeding", "here"].map((which) => part(which).textContent);
    part("summary").textContent = [said || `Head ${name}.`, ...rest].join(" ");
  }

  /** What it does in the text that is read. @param {import("./view.js").Seen} seen */
  #hereSaid(seen) {
    const { view } = this;
    const { layer, head } = view.chosen;
    const { q, k, value } = strongestOf(mapOf(seen, layer, head));
    const strongest = `Strongest in your text: ${pairSaid(seen.tokens, q, k, share(value))}.`;
    const found = view.findsAnswer(layer, head) ? null : view.onExpected(layer, head);
    if (!found) return strongest;
    const given = `In your text ${probability(found.given)} of its attention goes where the task's`;
    return `${given} answer stands (even attention: ${probability(found.even)}). ${strongest}`;
  }

  /** @param {Schema["HeadHabits"] | null} one @param {Measured | null} measured */
  #drawBars(one, measured) {
    const rows =
      one && measured
        ? MEASURED.map((name) => ({ name, value: one[name], chance: measured.chance[name] }))
        : [];
    const bars = d3
      .select(this.view.part("bars"))
      .selectAll(".bar-row")
      .data(rows, (row) => /** @type {any} */ (row).name)
      .join((enter) => {
        const row = enter.append("div").attr("class", "bar-row");
        row.append("span").attr("class", "what");
        const track = row.append("span").attr("class", "track");
        track.append("i");
        track.append("em");
        row.append("span").attr("class", "figure");
        return row;
      });
    bars.attr("title", ({ value, chance }) =>
      value === null
        ? "Not measured"
        : `${share(value)}; even attention would give ${share(chance)}`,
    );
    bars.classed("named", (row) => row.name === one?.name);
    bars.select(".what").text((row) => habitBar(row.name));
    bars.select("i").style("width", (row) => `${100 * (row.value || 0)}%`);
    bars
      .select("em")
      .style("left", (row) => `${100 * (row.chance || 0)}%`)
      .style("display", (row) => (isMissing(row.chance) ? "none" : ""));
    bars.select(".figure").text((row) => share(row.value));
    this.view.part("bars-told").textContent = one && measured ? barsSaid(one, measured) : "";
  }
}

/** @param {Schema["HeadHabits"]} one @param {Measured} measured */
function barsSaid(one, { chance, heads }) {
  const isAnyNamed = heads.some((row) => row.some(({ name }) => name && name !== "even"));
  const even = chance.distance.toFixed(1);
  return [
    ABOUT_BARS,
    `It looks ${one.distance.toFixed(1)} tokens back on average (even: ${even}).`,
    `Entropy ${one.entropy.toFixed(2)} nats (even: ${chance.entropy.toFixed(2)}):`,
    `as if it looked at ${Math.exp(one.entropy).toFixed(1)} tokens at a time.`,
    ...(isAnyNamed ? [] : [POINTER]),
  ].join(" ");
}
