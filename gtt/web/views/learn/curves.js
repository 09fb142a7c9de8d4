/** The curves of a lesson's runs in one chart, with the lines of their text. */

import { d3 } from "../../lib/d3.js";
import { add } from "../../lib/dom.js";
import { number } from "../../lib/format.js";
import { evenAxis, LineChart, roomFor } from "../../lib/line_chart.js";

/** @typedef {import("./shows.js").Show} Show */

const MARGIN = { top: 16, right: 14, bottom: 34, left: 52 };
const HEIGHT = 260;
const DASHES = ["", "7 4", "2 4", "10 3 2 3", "1 6", "14 4"];

/** @param {HTMLElement} place @param {Show} show */
export function drawCurves(place, show) {
  const figure = add(place, "figure");
  const box = add(figure, "div", { class: "chart" });
  const legend = add(figure, "ul", { class: "legend" });
  const words = add(figure, "figcaption", { class: "quiet", text: inWords(show) });
  words.id = `lesson-curves-${Math.random().toString(36).slice(2)}`;
  const chart = new LineChart(box, MARGIN);
  show.curves.forEach(({ run }, i) => {
    const item = add(legend, "li", { class: `k${i}` });
    const sign = d3.select(item).append("svg").attr("width", 28).attr("height", 8);
    const dash = DASHES[i % DASHES.length];
    sign.append("line").attr("x2", 28).attr("y1", 4).attr("y2", 4).attr("stroke-dasharray", dash);
    sign.attr("aria-hidden", "true");
    item.append(` ${run}`);
  });

  const draw = () => {
    if (!box.clientWidth || !show.curves.some(({ points }) => points.length)) return;
    const values = show.curves.flatMap(({ points }) => points.map((point) => point[1]));
    const all = [...values, ...Object.values(show.lines)].filter(Number.isFinite);
    const last = Math.max(1, ...show.curves.flatMap(({ points }) => points.map((p) => p[0])));
    chart.fit(HEIGHT, 240);
    chart.axes({
      x: evenAxis([0, last], chart.left, chart.right),
      ends: roomFor(Math.min(...all), Math.max(...all), false),
      titles: ["loss, nats per token", "step"],
    });
    const lines = Object.entries(show.lines);
    const rules = chart.part("lines");
    rules
      .selectAll("line")
      .data(lines)
      .join("line")
      .attr("x1", chart.left)
      .attr("x2", chart.right)
      .attr("y1", (d) => chart.up(d[1]))
      .attr("y2", (d) => chart.up(d[1]));
    rules
      .selectAll("text")
      .data(lines)
      .join("text")
      .attr("x", chart.right)
      .attr("y", (d) => chart.up(d[1]) - 3)
      .attr("text-anchor", "end")
      .text((d) => d[0]);
    chart
      .part("curves")
      .selectAll("path")
      .data(show.curves)
      .join("path")
      .attr("class", (_, i) => `k${i}`)
      .attr("stroke-dasharray", (_, i) => DASHES[i % DASHES.length])
      .attr("d", (d) => chart.line(/** @type {[number, number][]} */ (d.points)));
    chart.svg.attr("aria-labelledby", words.id);
  };
  new ResizeObserver(draw).observe(box);
  draw();
}

/** The chart for whoever does not see it. @param {Show} show */
export function inWords(show) {
  const runs = show.curves.map(({ run, points }) => {
    if (!points.length) return `${run}: not measured yet`;
    return `${run}: from ${number(points[0][1], 2)} to ${number(points[points.length - 1][1], 2)}`;
  });
  const lines = Object.entries(show.lines).map(([name, value]) => `${name} ${number(value, 2)}`);
  return [...runs, ...lines].join("; ");
}
