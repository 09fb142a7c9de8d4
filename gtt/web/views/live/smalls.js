/**
 * The small charts: what else is measured while the loss falls.
 *
 * @typedef {import("../../lib/metrics.js").Metric} Metric
 */
import { nearest } from "../../lib/curves.js";
import { d3 } from "../../lib/d3.js";
import { formOf } from "../../lib/metrics.js";
import { measured, run } from "../../lib/store.js";

const WIDTH = 200;
const HEIGHT = 54;
const EDGE = 3; // of both, in the units of the picture

/**
 * @param {import("./view.js").Part} part
 * @param {import("./view.js").View} view
 * @param {Metric[]} metrics that have a small chart
 */
export function drawSmalls(part, view, metrics) {
  const cards = d3
    .select(/** @type {HTMLElement} */ (part("smalls")))
    .selectAll("div.card")
    .data(metrics, (metric) => /** @type {Metric} */ (metric).name)
    .join((enter) => {
      const card = enter
        .append("div")
        .attr("class", "card")
        .attr("tabindex", 0)
        .attr("role", "button")
        .attr("data-tip", (metric) => metric.name);
      const caption = card.append("span").attr("class", "caption");
      caption.append("b").text((metric) => metric.caption);
      caption.append("span");
      card
        .append("svg")
        .attr("viewBox", `0 0 ${WIDTH} ${HEIGHT}`)
        .attr("preserveAspectRatio", "none")
        .attr("aria-hidden", "true");
      return card;
    });
  cards.each((metric, i, made) => {
    drawSmall(/** @type {HTMLElement} */ (made[i]), metric, view);
  });
}

/**
 * @param {HTMLElement} card
 * @param {Metric} metric
 * @param {import("./view.js").View} view
 */
function drawSmall(card, metric, view) {
  const points = measured.curves[metric.name] || [];
  const planned = metric.name === "learning_rate" ? measured.schedule : [];
  const form = formOf(metric);
  const at = view.pinned ? nearest(points, view.step) : points.at(-1);
  const told = /** @type {HTMLElement} */ (card.querySelector(".caption span"));
  told.textContent = at ? form.text(at[1]) : "–";
  const top = form.top || d3.max([...points, ...planned], (point) => point[1]) || 1;
  const steps = [0, run.value?.total_steps || 1];
  const x = d3
    .scaleLinear()
    .domain(steps)
    .range([EDGE, WIDTH - EDGE]);
  const y = d3
    .scaleLinear()
    .domain([0, top])
    .range([HEIGHT - EDGE, EDGE + 1]);
  const line = d3
    .line()
    .x((point) => Number(x(point[0])))
    .y((point) => Number(y(point[1])));
  // A line of no length with round ends: a dot that stays round in a stretched picture.
  const dot = at ? `M${x(at[0])},${y(at[1])}h0` : "";
  const paths = { plan: line(planned) || "", done: line(points) || "", dot };
  d3.select(card)
    .select("svg")
    .selectAll("path")
    .data(Object.entries(paths))
    .join("path")
    .attr("class", ([name]) => name)
    .attr("d", ([, path]) => path);
}
