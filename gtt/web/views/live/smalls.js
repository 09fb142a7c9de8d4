/**
 * The small charts: what else is measured while the loss falls.
 *
 * @typedef {import("../../lib/curves.js").Points} Points
 * @typedef {{ name: string, tip: string, title: string, tells: (value: number) => string,
 *   top?: number }} Small
 */
import { nearest } from "../../lib/curves.js";
import { d3 } from "../../lib/d3.js";
import { megabytes, percent, rate, whole } from "../../lib/format.js";
import { measured, run } from "../../lib/store.js";

/** @type {Small[]} */
const SMALLS = [
  { name: "task_score", tip: "task_score", title: "Exam", tells: percent, top: 1 },
  { name: "learning_rate", tip: "current_learning_rate", title: "Learning rate", tells: rate },
  {
    name: "gradient_norm",
    tip: "gradient_norm",
    title: "Gradient norm",
    tells: (value) => value.toFixed(2),
  },
  {
    name: "update_to_weight",
    tip: "update_to_weight_ratio",
    title: "Update over weight",
    tells: rate,
  },
  {
    name: "tokens_per_second",
    tip: "tokens_per_second",
    title: "Tokens per second",
    tells: whole,
  },
  { name: "memory_bytes", tip: "peak_memory", title: "Memory", tells: megabytes },
];
const WIDTH = 200;
const HEIGHT = 54;
const EDGE = 3; // of both, in the units of the picture

/** @param {import("./view.js").Part} part @param {import("./view.js").View} view */
export function drawSmalls(part, view) {
  const cards = d3
    .select(/** @type {HTMLElement} */ (part("smalls")))
    .selectAll("div.card")
    .data(SMALLS, (small) => /** @type {Small} */ (small).name)
    .join((enter) => {
      const card = enter
        .append("div")
        .attr("class", "card")
        .attr("tabindex", 0)
        .attr("role", "button")
        .attr("data-tip", (small) => small.tip);
      const caption = card.append("span").attr("class", "caption");
      caption.append("b").text((small) => small.title);
      caption.append("span");
      card
        .append("svg")
        .attr("viewBox", `0 0 ${WIDTH} ${HEIGHT}`)
        .attr("preserveAspectRatio", "none")
        .attr("aria-hidden", "true");
      return card;
    });
  cards.each((small, i, made) => {
    drawSmall(/** @type {HTMLElement} */ (made[i]), small, view);
  });
}

/**
 * @param {HTMLElement} card
 * @param {Small} small
 * @param {import("./view.js").View} view
 */
function drawSmall(card, small, view) {
  const points = measured.curves[small.name] || [];
  const planned = small.name === "learning_rate" ? measured.schedule : [];
  const at = view.pinned ? nearest(points, view.step) : points.at(-1);
  const told = /** @type {HTMLElement} */ (card.querySelector(".caption span"));
  told.textContent = at ? small.tells(at[1]) : "–";
  const top = small.top || d3.max([...points, ...planned], (point) => point[1]) || 1;
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
