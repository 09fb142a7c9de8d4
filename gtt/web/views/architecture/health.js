/** The same drawing alive: parts coloured by what the snapshots of the run tell of them. */
import { d3 } from "../../lib/d3.js";
import { add } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";
import { moment } from "../../lib/store.js";
import { isBlock } from "./drawing.js";
import { blockFigures, FIGURES, figureOf, marksOf, onScale, toldOf } from "./figures.js";
import { HIGH } from "./layout.js";

/**
 * @typedef {import("./figures.js").Figure} Figure
 * @typedef {import("./figures.js").Snapshot} Snapshot
 * @typedef {import("./graph.js").Box} Box
 */

const NEWEST = 1e8; // beyond every step
const QUIET = 5; // looks without a new snapshot, after which it is asked less
const NO_RUN =
  "There is no run yet: press Start training above, and its snapshots colour these parts while " +
  "it learns.";
const OTHER = "Colours belong to the run: choose it above.";

/** @param {number} t */
const colourAt = (t) => (d3.interpolateCividis || d3.interpolateViridis)(t);

/** Black or white, whichever stands out more. @param {string} colour */
function inkOn(colour) {
  const { r, g, b } = d3.rgb(colour);
  const [red, green, blue] = [r, g, b].map((part) =>
    part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

export class Health {
  /** What is looked at. @type {Snapshot | null} */
  snapshot = null;
  /** The step that is looked at; null follows the newest. @type {number | null} */
  at = null;
  /** @type {number[]} */
  #steps = [];
  /** @type {Map<number, Snapshot>} */
  #known = new Map();
  #isAsking = false;
  #quiet = 0;

  /** @param {import("./view.js").ArchitectureView} view */
  constructor(view) {
    const { part, element } = view;
    this.view = view;
    part("step").oninput = () => {
      const i = Number(part("step").value);
      this.look(i === this.#steps.length - 1 ? null : this.#steps[i]);
    };
    part("newest").onclick = () => this.look(null);
    part("quantity").onchange = () => this.#choose();
    moment.follow(element, (told) => {
      if (!told || told.run !== view.runId || (told.newest && this.at === null)) return;
      this.look(told.newest ? null : told.step);
    });
  }

  /** @returns {Figure | ""} */
  get chosen() {
    return this.view.part("quantity").value;
  }

  /** What the drawing is coloured by; nothing while another model is drawn. */
  get #drawn() {
    return this.snapshot && this.view.showsRunsModel ? this.chosen : "";
  }

  /** Milliseconds until the run is looked at again; one that has ended less and less. */
  get pace() {
    return this.#quiet > QUIET ? 10000 : 2000;
  }

  /** Follows the run for as long as somebody can see it. */
  async follow() {
    const isSeen = !document.hidden && this.view.element.checkVisibility();
    if (isSeen && this.at === null && this.chosen && this.view.runId) await this.look(null);
  }

  #choose() {
    const { view } = this;
    const isOn = Boolean(this.chosen);
    view.part("health").hidden = !isOn;
    view.say(isOn && !view.runId ? NO_RUN : "");
    if (isOn && view.runId && view.differs) view.showRun(true);
    if (isOn) this.look(this.at);
    this.paint();
  }

  /**
   * Looks at the newest snapshot up to a step; null follows the newest of all.
   *
   * @param {number | null} step
   * @returns {Promise<void>}
   */
  async look(step) {
    this.at = step;
    const { runId, ask } = this.view;
    if (!this.chosen || !runId || this.#isAsking) return;
    const last = this.#steps[this.#steps.length - 1];
    const place = step === null || step > last ? undefined : this.#steps.findLast((s) => s <= step);
    const known = place === undefined ? undefined : this.#known.get(place);
    if (known) return this.#see(known);
    this.#isAsking = true;
    const answer = await ask("snapshot", { run_id: runId, step: step ?? NEWEST, tokens: 1 });
    this.#isAsking = false;
    if (runId !== this.view.runId) return this.look(null);
    if (!answer) return;
    this.#quiet = answer.steps.length === this.#steps.length ? this.#quiet + 1 : 0;
    this.#steps = answer.steps;
    const kept = { step: answer.step, statistics: answer.statistics };
    const seen = this.#known.get(answer.step) || kept;
    this.#known.set(answer.step, seen);
    this.#see(seen);
    if (this.at !== step) return this.look(this.at);
  }

  /** @param {Snapshot} snapshot */
  #see(snapshot) {
    const { part, element, panel, chosen } = this.view;
    const isOther = this.snapshot !== snapshot;
    const slider = part("step");
    this.snapshot = snapshot;
    slider.max = Math.max(0, this.#steps.length - 1);
    slider.value = this.#steps.indexOf(snapshot.step);
    slider.setAttribute("aria-valuetext", `step ${whole(snapshot.step)}`);
    part("when").textContent = `Step ${whole(snapshot.step)}`;
    part("newest").hidden = this.at === null;
    element.dataset.step = String(snapshot.step);
    if (!isOther) return;
    this.paint();
    if (chosen) panel.show();
  }

  forget() {
    Object.assign(this, { snapshot: null, at: null });
    this.#steps = [];
    this.#quiet = 0;
    this.#known.clear();
    delete this.view.element.dataset.step;
  }

  /** Colours whatever is drawn by the snapshot that is looked at; without one, as it is. */
  paint() {
    const { laid, drawing } = this.view;
    if (!laid) return;
    const name = this.#drawn;
    const { snapshot } = this;
    const figureFor = (/** @type {Box} */ box) =>
      name && snapshot && !isBlock(box) ? figureOf(snapshot, box, name) : undefined;
    drawing.svg.classed("alive", Boolean(name));
    drawing.write((box) => {
      if (isBlock(box)) return name ? null : "";
      const value = figureFor(box);
      return value === undefined ? "" : toldOf(value);
    });
    drawing.boxes.each(function paintBox(box) {
      const value = figureFor(box);
      const colour = name && value !== undefined ? colourAt(onScale(name, value)) : null;
      const ink = colour && inkOn(colour);
      const one = d3.select(this).classed("painted", value !== undefined);
      one.attr("data-figure", () => value ?? null);
      one.select("rect.box").style("fill", () => colour);
      one.select(".name").style("fill", () => ink);
      one.select(".cost").style("fill", () => (box.round ? null : ink));
    });
    this.#drawSwatches(name);
    this.#drawLegend();
    drawing.nameParts();
  }

  /**
   * A folded block shows the figure of each of its parts in a field of its own.
   *
   * @param {Figure | ""} name
   */
  #drawSwatches(name) {
    const { drawing, isNarrow } = this.view;
    const { snapshot } = this;
    const room = isNarrow ? 64 : 96;
    const fieldsOf = (/** @type {Box} */ box) => {
      if (!name || !snapshot) return [];
      const figures = blockFigures(snapshot, Number(box.block), name);
      const x = box.x + box.w - figures.length * (room + 4) - 4;
      return figures.map(({ label, short, value }, i) => {
        const colour = colourAt(onScale(name, value));
        const text = `${isNarrow ? short : label} ${toldOf(value)}`;
        return { label, text, colour, x: x + i * (room + 4), y: box.y + 7 };
      });
    };
    const fields = drawing.boxes
      .filter(isBlock)
      .select("g.swatches")
      .selectAll("g")
      .data(fieldsOf, (field) => /** @type {any} */ (field).label)
      .join((enter) => {
        const field = enter.append("g");
        field.append("rect").attr("rx", 4);
        field.append("text");
        return field;
      });
    fields
      .select("rect")
      .attr("x", (field) => field.x)
      .attr("y", (field) => field.y)
      .attr("width", room)
      .attr("height", HIGH - 14)
      .style("fill", (field) => field.colour);
    fields
      .select("text")
      .attr("text-anchor", "middle")
      .attr("x", (field) => field.x + room / 2)
      .attr("y", (field) => field.y + 17)
      .style("fill", (field) => inkOn(field.colour))
      .text((field) => field.text);
  }

  #drawLegend() {
    const { part, showsRunsModel } = this.view;
    const place = part("scale");
    const name = this.chosen;
    place.textContent = "";
    if (!name) return;
    const { label, what } = FIGURES[name];
    add(place, "span", { class: "what", text: showsRunsModel ? `${label}: ${what}` : OTHER });
    const stops = d3.range(11).map((i) => colourAt(i / 10));
    add(place, "span", {
      class: "ramp",
    }).style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    const ticks = add(place, "span", { class: "ticks" });
    for (const [at, text] of marksOf(name)) {
      add(ticks, "span", { text }).style.left = `${100 * at}%`;
    }
  }
}
