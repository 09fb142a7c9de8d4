/**
 * The live view of one run: its state, its curves, its samples on a timeline. The store follows the
 * run; what came by itself is drawn only where somebody sees it.
 */
import { listen, partsOf, tell } from "../../lib/dom.js";
import { inSmallCharts } from "../../lib/metrics.js";
import { isActive, measured, news, run, trouble, wantCurves, wanted } from "../../lib/store.js";
import { LossChart } from "./chart.js";
import { pill, showFigures, standing, summary } from "./figures.js";
import { Heads } from "./heads.js";
import { makeReadable } from "./reading.js";
import { drawSmalls } from "./smalls.js";
import { drawMoment } from "./timeline.js";
import { View } from "./view.js";

// Browser and training share the cores of a laptop: the small charts follow every few seconds.
const SMALLS_EVERY = 3000; // milliseconds
const READ_EVERY = 20; // news, of which one is read aloud

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio `metrics` are those that a run may measure
 */
export function mount(element, { props }) {
  const smalls = inSmallCharts(props.metrics);
  const part = partsOf(element);
  const view = new View();
  const chart = new LossChart(part, view);
  const heads = new Heads(part, view);
  const reading = makeReadable(chart, { redraw: draw, pin });
  let smallsDrawn = -SMALLS_EVERY;
  let told = 0; // times that there was something new
  let shown = /** @type {string | null} */ (null); // the id of the run

  function drawChart() {
    chart.draw();
    if (chart.last) reading.follow();
  }

  function drawStep() {
    drawMoment(part, view, chart);
    heads.draw();
  }

  function draw() {
    drawChart();
    drawSmalls(part, view, smalls);
    drawStep();
  }

  /** What came by itself: what comes into sight is drawn then. */
  function drawNews() {
    if (!element.offsetParent || document.hidden) return;
    drawChart();
    drawStep();
    const now = performance.now();
    if (isActive(run.value) && now - smallsDrawn < SMALLS_EVERY) return;
    smallsDrawn = now;
    drawSmalls(part, view, smalls);
  }

  /** @param {number} step */
  function pin(step) {
    if (!run.value) return;
    view.at = Math.max(0, Math.min(step, run.value.step));
    view.pinned = view.at < run.value.step;
    draw();
  }

  /** @param {boolean} moved whether there is something new to draw */
  function show(moved) {
    const looked = run.value;
    if (run.isKnown) element.dataset.state = looked ? looked.state : "none";
    element.dataset.run = looked ? looked.id : "";
    part("pill").textContent = pill(looked);
    tell(part("state"), trouble.value || standing(looked));
    showFigures(part, view);
    if (moved || !looked) drawNews();
    if (moved) summarise();
  }

  /** A sentence now and then for those who do not see the curve. */
  function summarise(isAsked = false) {
    const isReading = document.activeElement === part("chart").firstElementChild;
    if (run.value?.loss === null || !run.value || (isReading && !isAsked)) return;
    told += 1;
    const isQuiet = isActive(run.value) && part("summary").textContent && told % READ_EVERY;
    if (!isQuiet || isAsked) part("summary").textContent = summary(view);
  }

  news.follow(element, ({ moved }) => {
    const looked = run.value;
    if ((looked?.id ?? null) !== shown) {
      view.forget();
      part("unzoom").disabled = true;
    }
    if (!view.pinned) view.at = looked ? looked.step : null;
    shown = looked?.id ?? null;
    show(moved);
  });
  trouble.follow(element, () => show(false));
  wanted.follow(element, draw);
  listen(element, "visibilitychange", () => {
    if (!document.hidden) draw();
  });

  part("timeline").oninput = () => pin(Number(part("timeline").value));
  part("now").onclick = () => {
    view.pinned = false;
    view.at = run.value ? run.value.step : null;
    draw();
  };
  part("unit").onchange = () => {
    view.unit = part("unit").value;
    show(false);
    draw();
    if (view.cursor === null) summarise(true);
    else reading.readCursor(); // what was read off stood in another unit
  };
  for (const [name, field] of /** @type {const} */ ([
    ["log", "log"],
    ["log-steps", "logSteps"],
  ])) {
    part(name).onchange = () => {
      view[field] = part(name).checked;
      draw();
    };
  }
  part("smoothing").oninput = () => {
    view.smoothing = Number(part("smoothing").value);
    draw();
  };
  new ResizeObserver(draw).observe(part("chart"));
  wantCurves();
  if (measured.curves.loss) shown = run.value?.id ?? null;
  show(true);
}
