/**
 * The two losses over the steps, between their baselines; it can be zoomed and read off.
 *
 * @typedef {import("../../lib/curves.js").Points} Points
 * @typedef {{ name: string, title: string, raw: Points, points: Points }} Curve
 * @typedef {{ name: string, value: number }} Baseline
 */
import { nearest, smooth, spread } from "../../lib/curves.js";
import { d3 } from "../../lib/d3.js";
import { number, whole } from "../../lib/format.js";
import { earlyAxis, evenAxis, LineChart, roomFor } from "../../lib/line_chart.js";
import { measured, run } from "../../lib/store.js";

/** @type {Record<string, string>} */
const BASELINES = { uniform: "Uniform", unigram: "Unigram", bigram: "Bigram", floor: "Floor" };
const NARROW = 520; // pixels, below which the names of the baselines stand under the chart
const MARGIN = { top: 18, right: 92, bottom: 34, left: 52 };
const LABEL = 13; // pixels from one label to the next
const LAYERS = ["x-axis", "y-axis", "titles", "baselines", "curves", "moment", "cursor"];
const KEYS =
  "Arrow keys move a cursor, Enter looks at its step, plus and minus zoom, 0 shows the whole run.";

export class LossChart {
  /** @type {Curve[]} */
  curves = [];
  /** @type {[number, number]} */
  range = [0, 1];
  last = 0; // the last step of the run, 0 while none is known

  /**
   * @param {import("./view.js").Part} part
   * @param {import("./view.js").View} view
   */
  constructor(part, view) {
    this.part = part;
    this.view = view;
    this.frame = new LineChart(part("chart"), MARGIN);
    this.frame.svg.attr("tabindex", 0);
  }

  draw() {
    const { frame, view } = this;
    const isNarrow = this.part("chart").clientWidth < NARROW;
    frame.margin = { ...MARGIN, right: isNarrow ? 16 : MARGIN.right };
    frame.fit(isNarrow ? 260 : 340);
    this.last = run.value?.total_steps || 0;
    this.drawEmpty();
    if (!this.last) return;
    this.range = view.zoom || [0, this.last];
    this.curves = this.read();
    const axis = view.logSteps ? earlyAxis : evenAxis;
    const lines = this.baselines();
    frame.axes({
      x: axis(this.range, frame.left, frame.right),
      ends: this.ends(lines),
      log: view.log,
      titles: [view.title, "steps"],
    });
    this.drawBaselines(lines, isNarrow);
    this.drawCurves();
    frame.uprights("moment", this.within([view.at]));
    frame.uprights("cursor", this.within([view.cursor]));
    const said = this.part("summary").textContent;
    frame.svg.attr("aria-label", `${view.title} over steps. ${said} ${KEYS}`);
  }

  /** What stands there before the first step. */
  drawEmpty() {
    const { frame, last } = this;
    const words = run.value
      ? "The curve begins with the first step."
      : "The curve of your run is drawn here.";
    frame
      .part("empty")
      .selectAll("text")
      .data(last ? [] : [words])
      .join("text")
      .attr("x", frame.width / 2)
      .attr("y", frame.height / 2)
      .attr("text-anchor", "middle")
      .text((text) => text);
    for (const name of LAYERS) frame.part(name).attr("display", () => (last ? null : "none"));
    if (last) return;
    frame.svg.attr("aria-label", "No curve yet.");
    this.part("lines").replaceChildren();
  }

  /** @returns {Curve[]} */
  read() {
    const { view } = this;
    const told = (/** @type {Points} */ points) =>
      /** @type {Points} */ (points.map(([step, loss]) => [step, view.inUnit(loss)])).filter(
        ([, value]) => Number.isFinite(value),
      );
    const { loss = [], validation_loss: validation = [] } = measured.curves;
    const isSmoothed = view.smoothing > 0;
    const points = told(isSmoothed ? smooth(loss, view.smoothing) : loss);
    return [
      { name: "training", title: "training", raw: isSmoothed ? told(loss) : [], points },
      { name: "validation", title: "validation", raw: [], points: told(validation) },
    ];
  }

  /** @returns {Baseline[]} */
  baselines() {
    const known = Object.entries(run.value?.baselines || {});
    return known
      .map(([name, value]) => ({ name, value: this.view.inUnit(value) ?? Number.NaN }))
      .filter((line) => Number.isFinite(line.value));
  }

  /**
   * The baselines that lie near the curve belong into the picture; a far one would flatten it.
   *
   * @param {Baseline[]} lines
   */
  ends(lines) {
    const { view } = this;
    const seen = this.curves.flatMap(({ raw, points }) =>
      this.inside(raw.length ? raw : points).map((point) => point[1]),
    );
    const values = seen.length ? seen : lines.map((line) => line.value);
    const low = d3.min(values) || 0.5;
    const high = d3.max(values) || 5;
    const isNear = (/** @type {number} */ value) =>
      value < high * 1.2 && (!view.zoom || value > low * 0.8);
    const near = lines.map((line) => line.value).filter(isNear);
    return roomFor(Math.min(low, ...near), Math.max(high, ...near), view.log);
  }

  /** @param {Points} points */
  inside(points) {
    const [low, high] = this.range;
    return points.filter(([step]) => step >= low && step <= high);
  }

  /** @param {(number | null)[]} steps */
  within(steps) {
    const [low, high] = this.range;
    return steps.filter((step) => step !== null).filter((step) => step >= low && step <= high);
  }

  drawCurves() {
    const { frame } = this;
    const curves = frame
      .part("curves")
      .selectAll("g")
      .data(this.curves)
      .join((enter) => {
        const group = enter.append("g");
        group.append("path").attr("class", "raw");
        group.append("path").attr("class", "line");
        return group;
      })
      .attr("class", (curve) => `curve ${curve.name}`);
    curves.select("path.raw").attr("d", (curve) => frame.line(this.inside(curve.raw)) || null);
    curves.select("path.line").attr("d", (curve) => frame.line(this.inside(curve.points)) || null);
    curves
      .selectAll("circle")
      .data((curve) => (curve.name === "validation" ? this.inside(curve.points) : []))
      .join("circle")
      .attr("r", 3.2)
      .attr("cx", ([step]) => frame.x?.at(step) ?? 0)
      .attr("cy", ([, value]) => frame.up(value));
  }

  /**
   * The lines lie in the picture; their names are buttons over it, or below it where it is narrow.
   *
   * @param {Baseline[]} lines
   * @param {boolean} isNarrow
   */
  drawBaselines(lines, isNarrow) {
    const { frame } = this;
    const [bottom, top] = frame.y.domain();
    const shown = lines.filter((line) => line.value >= bottom && line.value <= top);
    frame
      .part("baselines")
      .selectAll("line")
      .data(shown, (line) => /** @type {Baseline} */ (line).name)
      .join("line")
      .attr("class", (line) => `baseline ${line.name}`)
      .attr("x1", frame.left)
      .attr("x2", frame.right)
      .attr("y1", (line) => frame.up(line.value))
      .attr("y2", (line) => frame.up(line.value));
    const places = spread(
      shown.map(({ name, value }) => ({ name, y: frame.up(value) })),
      LABEL,
    );
    d3.select(/** @type {HTMLElement} */ (this.part("lines")))
      .selectAll("button")
      .data(shown, (line) => /** @type {Baseline} */ (line).name)
      .join((enter) => enter.append("button").attr("type", "button"))
      .text(({ name, value }) => `${BASELINES[name]} ${number(value, value < 100 ? 2 : 0)}`)
      .attr("data-tip", ({ name }) => (name === "floor" ? "floor" : `${name}_baseline`))
      .style("left", () => (isNarrow ? null : `${frame.right + 4}px`))
      .style("top", ({ name }) => (isNarrow ? null : `${places[name]}px`));
  }

  /** What both curves say near a step. @param {number} step */
  readOut(step) {
    if (!this.last) return "";
    return this.curves
      .flatMap(({ title, points }) => {
        const point = nearest(points, step);
        if (!point) return [];
        return `${title} ${this.view.name} ${number(point[1])} at step ${whole(point[0])}`;
      })
      .join(" · ");
  }
}
