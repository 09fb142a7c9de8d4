/** The learning rate of the next run, as its settings plan it: drawn before anything runs. */
import { newest } from "../../lib/asking.js";
import { partsOf } from "../../lib/dom.js";
import { draft } from "../../lib/draft.js";
import { rate, whole } from "../../lib/format.js";
import { evenAxis, LineChart } from "../../lib/line_chart.js";
import { key } from "../../lib/store.js";

/** @typedef {import("../../lib/store.js").Schema["Schedule"]} Schedule */

const POINTS = 200;
const HEIGHT = 150;
const MARGIN = { top: 8, right: 14, bottom: 22, left: 52 };
const NARROWEST = 260;
const LATER = 150; // milliseconds in which several changes count as one
const GUESS = " (a guess: how many steps the epochs take is known once the text is read)";

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  const box = part("chart");
  const chart = new LineChart(box, MARGIN);
  const ask = newest(() => {});
  /** @type {Schedule | null} */
  let plan = null;
  let isOld = true;
  let timer = 0;

  /** Asks where it can be seen; else as soon as it is. */
  async function renew() {
    isOld = true;
    if (!key.value || !box.clientWidth) return;
    isOld = false;
    const answer = await ask("lr_schedule", { points: POINTS });
    if (!answer) return; // drawn with the next change
    plan = answer;
    draw();
  }

  function draw() {
    if (!plan || !box.clientWidth) return;
    const rates = plan.learning_rates;
    const peak = Math.max(...rates) || 1;
    chart.fit(HEIGHT, NARROWEST);
    chart.axes({
      x: evenAxis([0, plan.total_steps], chart.left, chart.right),
      ends: [0, peak * 1.05],
      titles: ["", ""],
      tickX: whole,
      tickY: rate,
      rows: 4,
    });
    const points = plan.steps.map((step, i) => /** @type {[number, number]} */ ([step, rates[i]]));
    chart
      .part("curve")
      .selectAll("path")
      .data([points])
      .join("path")
      .attr("class", "rate")
      .attr("d", (d) => chart.line(d));
    const told = saidOf(plan, peak);
    part("words").textContent = told;
    chart.svg.attr("aria-label", told);
  }

  new ResizeObserver(() => (isOld ? renew() : draw())).observe(box);
  draft.follow(element, () => {
    clearTimeout(timer);
    timer = window.setTimeout(renew, LATER);
  });
  key.follow(element, renew);
  renew();
}

/** @param {Schedule} plan @param {number} peak */
function saidOf({ learning_rates: rates, total_steps: steps, assumed }, peak) {
  const end = rate(rates[rates.length - 1]);
  const over = `over ${whole(steps)} steps${assumed ? GUESS : ""}`;
  return `Rises to ${rate(peak)}, ends at ${end}, ${over}.`;
}
