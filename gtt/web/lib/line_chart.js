/**
 * The frame of a line chart: axes with their titles, and a pane that knows where the pointer is.
 * What is drawn in it is up to whoever lays it.
 *
 * @typedef {{ top: number, right: number, bottom: number, left: number }} Margin
 * @typedef {(value: number) => number} Place from a value to pixels
 * @typedef {{ at: Place, value: Place, ticks: (count: number) => number[] }} Axis `value` is back
 * @typedef {import("./curves.js").Points} Points
 * @typedef {import("d3").Selection<SVGGElement, any, any, any>} Layer
 */
import { d3 } from "./d3.js";
import { tick } from "./format.js";

const X_TICK = 90; // pixels that a label of the axis has at least
const MOST_HEIGHTS = 9; // labels of a logarithmic axis

/**
 * An axis whose places are even.
 *
 * @param {[number, number]} range
 * @param {number} left
 * @param {number} right
 * @returns {Axis}
 */
export function evenAxis(range, left, right) {
  const scale = d3.scaleLinear().domain(range).range([left, right]);
  const ticks = (/** @type {number} */ count) => scale.ticks(count).filter(Number.isInteger);
  return { at: (value) => Number(scale(value)), value: (place) => scale.invert(place), ticks };
}

/**
 * An axis that is logarithmic in the step that comes next, so that there is a place for step 0.
 *
 * @param {[number, number]} range
 * @param {number} left
 * @param {number} right
 * @returns {Axis}
 */
export function earlyAxis([low, high], left, right) {
  const scale = d3
    .scaleLog()
    .domain([low + 1, high + 1])
    .range([left, right]);
  const marks = [0];
  for (let power = 1; power <= high; power *= 10) {
    marks.push(power, ...(high < 1000 ? [2 * power, 5 * power] : []));
  }
  const shown = marks.filter((step) => step >= low && step <= high);
  const even = (/** @type {number} */ count) => d3.ticks(low, high, count).filter(Number.isInteger);
  return {
    at: (step) => Number(scale(step + 1)),
    value: (place) => scale.invert(place) - 1,
    ticks: (count) => (shown.length > 2 ? shown : even(count)),
  };
}

/**
 * Labels of a logarithmic axis: powers of ten and what lies between, or even ones on a short
 * stretch.
 *
 * @param {number} low
 * @param {number} high
 */
export function logTicks(low, high) {
  const marks = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    marks.push(power, 2 * power, 5 * power);
  }
  const shown = marks.filter((one) => one >= low && one <= high);
  if (shown.length <= 2) return d3.ticks(low, high, 5);
  if (shown.length <= MOST_HEIGHTS) return shown;
  return shown.filter((one) => /^1/.test(one.toExponential()));
}

/**
 * The ends of the vertical axis around what is drawn.
 *
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 * @returns {[number, number]}
 */
export function roomFor(low, high, log) {
  if (log) return [Math.max(low * 0.95, 1e-6), high * 1.05];
  const pad = (high - low) * 0.06 || 0.1;
  return [Math.max(0, low - pad), high + pad];
}

export class LineChart {
  /**
   * @param {HTMLElement} box that holds it, and is as wide
   * @param {Margin} margin
   */
  constructor(box, margin) {
    this.box = box;
    this.margin = margin;
    this.width = 0;
    this.height = 0;
    this.svg = d3.select(box).insert("svg", ":first-child").attr("role", "img");
    this.y = d3.scaleLinear();
  }

  /**
   * A layer by its name; layers lie over each other in the order in which they were first asked
   * for.
   *
   * @param {string} name
   * @returns {Layer}
   */
  part(name) {
    const layer = this.svg.selectAll(`g.${name}`).data([0]).join("g").attr("class", name);
    return /** @type {any} */ (layer);
  }

  /**
   * Takes the width of its box.
   *
   * @param {number} height
   * @param {number} [narrowest]
   */
  fit(height, narrowest = 280) {
    this.width = Math.max(narrowest, this.box.clientWidth);
    this.height = height;
    this.svg.attr("viewBox", `0 0 ${this.width} ${height}`);
  }

  get left() {
    return this.margin.left;
  }
  get right() {
    return this.width - this.margin.right;
  }
  get bottom() {
    return this.height - this.margin.bottom;
  }

  /**
   * Draws both axes and their titles.
   *
   * @param {{ x: Axis, ends: [number, number], log?: boolean, titles: [string, string],
   *   tickX?: (value: number) => string, tickY?: (value: number) => string, rows?: number }} about
   *   `titles` of the vertical and of the horizontal axis
   */
  axes({ x, ends, log = false, titles, tickX = tick, tickY = tick, rows = 6 }) {
    const { left, right, bottom, width, margin } = this;
    const scale = log ? d3.scaleLog() : d3.scaleLinear();
    this.y = /** @type {any} */ (scale.domain(ends).range([bottom, margin.top]));
    this.x = x;
    const pixels = d3.scaleLinear().domain([0, width]).range([0, width]);
    const labels = d3.axisBottom(pixels).tickValues(x.ticks(width / X_TICK).map(x.at));
    this.part("x-axis")
      .attr("transform", `translate(0,${bottom})`)
      .call(labels.tickFormat((place) => tickX(Math.round(x.value(Number(place))))));
    this.part("x-axis").select(".domain").attr("d", `M${left},0H${right}`);
    const heights = log ? logTicks(...ends) : this.y.ticks(rows);
    const upright = d3.axisLeft(this.y).tickValues(heights);
    this.part("y-axis")
      .attr("transform", `translate(${left},0)`)
      .call(upright.tickFormat((value) => tickY(Number(value))))
      .selectAll(".tick line")
      .attr("x2", right - left)
      .attr("class", "grid");
    const titled = [
      { x: left, y: 11, text: titles[0], anchor: "start" },
      { x: right, y: this.height - 3, text: titles[1], anchor: "end" },
    ];
    this.part("titles")
      .selectAll("text")
      .data(titled)
      .join("text")
      .attr("x", (title) => title.x)
      .attr("y", (title) => title.y)
      .attr("text-anchor", (title) => title.anchor)
      .text((title) => title.text);
  }

  /** The height of a value, the lowest one for what lies below. @param {number} value */
  up(value) {
    return Number(this.y(Math.max(value, this.y.domain()[0])));
  }

  /** The path through points, empty where there are none. @param {Points} points */
  line(points) {
    const { x } = this;
    if (!x || !points.length) return "";
    const path = d3
      .line()
      .x((point) => x.at(point[0]))
      .y((point) => this.up(point[1]));
    return path(points) || "";
  }

  /**
   * Upright lines at some values.
   *
   * @param {string} name of their layer
   * @param {number[]} values
   */
  uprights(name, values) {
    const { x, margin, bottom } = this;
    if (!x) return;
    this.part(name)
      .selectAll("line")
      .data(values)
      .join("line")
      .attr("x1", x.at)
      .attr("x2", x.at)
      .attr("y1", margin.top)
      .attr("y2", bottom);
  }

  /** The pane over the curves, which hears of the pointer. */
  pane() {
    const { left, right, bottom, margin } = this;
    return this.svg
      .selectAll("rect.pane")
      .data([0])
      .join("rect")
      .attr("class", "pane")
      .attr("x", left)
      .attr("y", margin.top)
      .attr("width", right - left)
      .attr("height", bottom - margin.top);
  }

  /** The value below the pointer. @param {PointerEvent} event */
  valueAt(event) {
    const frame = /** @type {SVGSVGElement} */ (this.svg.node()).getBoundingClientRect();
    const place = ((event.clientX - frame.left) * this.width) / frame.width;
    return this.x ? Math.max(0, this.x.value(place)) : 0;
  }
}
