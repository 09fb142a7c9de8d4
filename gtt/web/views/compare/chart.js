/**
 * The curves of several runs over each other, across steps, tokens or seconds.
 *
 * @typedef {import("./table.js").Comparison} Comparison
 * @typedef {import("./table.js").Compared} Compared
 * @typedef {[number, number, number][]} Points where on the axis, the value, at which step
 * @typedef {{ run: Compared, place: number, training: Points, validation: Points }} Curves
 * @typedef {keyof typeof BASES} Base
 */
import { nearest } from "../../lib/curves.js";
import { d3 } from "../../lib/d3.js";
import { whole } from "../../lib/format.js";
import { evenAxis, LineChart, roomFor } from "../../lib/line_chart.js";
import { convert, UNITS } from "../../lib/units.js";
import { color, DASHES, shape, turned } from "./looks.js";

const BASES = { steps: "steps", tokens: "tokens", seconds: "seconds of training" };
const COLUMNS = { tokens: 1, seconds: 2 }; // of the progress of a run
const MARGIN = { top: 16, right: 14, bottom: 34, left: 52 };
const NARROW = 520; // pixels
const MOST_SHAPES = 40; // on one curve
const SLIDER = 1000; // places of the slider

/**
 * Where a step lies on the axis; tokens and seconds were measured at some steps, between them a
 * line.
 *
 * @param {Compared["progress"]} known
 * @param {Base} base
 * @param {number} step
 */
function across(known, base, step) {
  if (base === "steps") return step;
  if (known.length < 2) return null;
  const column = COLUMNS[base];
  const right = known.findIndex((point) => point[0] >= step);
  const i = right < 0 ? known.length - 1 : Math.max(1, right);
  const [a, b] = [known[i - 1], known[i]];
  return a[column] + ((step - a[0]) * (b[column] - a[column])) / (b[0] - a[0]);
}

/**
 * A curve with so many of its points that their shapes can be told apart.
 *
 * @param {Points} points
 */
function thinned(points) {
  const every = Math.ceil(points.length / MOST_SHAPES);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

export class ComparedCurves {
  at = 1; // the share of the axis at which is read
  last = 1;
  /** @type {Curves[]} */
  curves = [];

  /**
   * @param {(name: string) => any} part
   * @param {Set<string>} hidden ids of runs that are not drawn
   */
  constructor(part, hidden) {
    this.part = part;
    this.hidden = hidden;
    this.frame = new LineChart(part("chart"), MARGIN);
    part("at").oninput = () => {
      this.at = part("at").value / SLIDER;
      this.read();
    };
  }

  get unit() {
    return /** @type {keyof typeof UNITS} */ (this.part("unit").value);
  }

  get base() {
    return /** @type {Base} */ (this.part("across").value);
  }

  /** @param {Comparison} answer @param {Record<string, number>} places */
  draw(answer, places) {
    const { frame, part } = this;
    const isLog = part("log").checked;
    this.curves = answer.runs.map((run) => ({
      run,
      place: places[run.id],
      training: this.points(run, run.loss),
      validation: this.points(run, run.validation_loss),
    }));
    const seen = this.curves.filter(({ run }) => !this.hidden.has(run.id));
    const all = (/** @type {Curves[]} */ curves) =>
      curves.flatMap(({ training, validation }) => [...training, ...validation]);
    this.last = d3.max(all(this.curves), (point) => point[0]) || 1;
    const values = all(seen).map((point) => point[1]);
    const ends = roomFor(d3.min(values) ?? 0.5, d3.max(values) ?? 5, isLog);
    frame.fit(part("chart").clientWidth < NARROW ? 260 : 340);
    const { title } = UNITS[this.unit];
    frame.axes({
      x: evenAxis([0, this.last], frame.left, frame.right),
      ends,
      log: isLog,
      titles: [title, BASES[this.base]],
      tickX: d3.format("~s"),
    });
    const what = `${title} of ${answer.runs.length} runs across ${BASES[this.base]}.`;
    frame.svg.attr("aria-label", `${what} ${part("said").textContent}`);
    this.drawCurves(seen);
    this.listen();
    this.read();
  }

  /** @param {Compared} run @param {[number, number][]} points @returns {Points} */
  points(run, points) {
    return points.flatMap(([step, loss]) => {
      const where = across(run.progress, this.base, step);
      const value = convert(this.unit, loss, run.bytes_per_token ?? 1);
      return where === null || !Number.isFinite(value)
        ? []
        : [/** @type {[number, number, number]} */ ([where, value, step])];
    });
  }

  /** @param {Curves[]} seen */
  drawCurves(seen) {
    const { frame } = this;
    const flat = (/** @type {Points} */ points) =>
      frame.line(points.map(([where, value]) => [where, value]));
    const runs = frame
      .part("runs")
      .selectAll("g.run")
      .data(seen, (one) => /** @type {Curves} */ (one).run.id)
      .join((enter) => {
        const group = enter.append("g").attr("class", "run");
        group.append("path").attr("class", "training");
        group.append("path").attr("class", "validation");
        return group;
      })
      .attr("data-run", ({ run }) => run.id)
      .style("--run", ({ place }) => color(place));
    runs.select("path.training").attr("d", ({ training }) => flat(training));
    runs
      .select("path.validation")
      .attr("d", ({ validation }) => flat(validation))
      .attr("stroke-dasharray", ({ place }) => DASHES[place]);
    runs
      .selectAll("path.point")
      .data(({ validation, place }) => thinned(validation).map((point) => ({ point, place })))
      .join("path")
      .attr("class", "point")
      .attr("d", ({ place }) => shape(place))
      .attr("transform", ({ point: [where, value], place }) => {
        const spot = `${frame.x?.at(where)},${frame.up(value)}`;
        return `translate(${spot}) ${turned(place)}`;
      });
  }

  listen() {
    const pane = this.frame.pane().raise();
    /** @type {SVGRectElement} */ (pane.node()).onpointermove = (event) => {
      this.at = Math.max(0, Math.min(1, this.frame.valueAt(event) / this.last));
      this.part("at").value = SLIDER * this.at;
      this.read();
    };
  }

  /** What each run had reached at the place that is read. */
  read() {
    const { part, frame } = this;
    const where = this.at * this.last;
    frame.uprights("reading", [where]);
    frame.part("reading").select("line").attr("class", "cursor");
    const base = BASES[this.base];
    const words = this.base === "steps" ? `step ${whole(where)}` : `${whole(where)} ${base}`;
    part("place").textContent = words;
    part("at").setAttribute("aria-valuetext", words);
    this.curves.forEach(({ validation, training }, i) => {
      const told = [read("validation", validation, where), read("training", training, where)];
      const row = part("legend").children[i];
      const text = told.filter(Boolean).join(" · ") || "nothing measured yet";
      if (row) row.querySelector(".reads").textContent = text;
    });
  }
}

/** @param {string} name @param {Points} points @param {number} where */
function read(name, points, where) {
  const point = /** @type {Points[number] | null} */ (nearest(/** @type {any} */ (points), where));
  return point && `${name} ${point[1].toFixed(3)} at step ${whole(point[2])}`;
}
