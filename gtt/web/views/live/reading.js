/** Reading the chart off and zooming into it, with the pointer or with keys. */
import { nearest } from "../../lib/curves.js";
import { run } from "../../lib/store.js";

const DRAGGED = 0.03; // of the chart's width: what is shorter is a click
const FAR = 10; // points that an arrow key goes with Shift

/**
 * @param {import("./chart.js").LossChart} chart
 * @param {{ redraw: () => void, pin: (step: number) => void }} acts
 */
export function makeReadable(chart, { redraw, pin }) {
  const { part, view, frame } = chart;
  /** @type {number | null} */
  let from = null; // the step at which a drag began; drawing goes on meanwhile

  /** @param {string} words */
  function tell(words) {
    part("tip").textContent = words;
    part("tip").style.opacity = words ? 1 : 0;
  }

  /** @param {[number, number] | null} range */
  function zoomTo(range) {
    view.zoom = range;
    part("unzoom").disabled = !range;
    redraw();
  }

  /** Closer (below 1) or farther around a step; so far out that all is seen is no zoom. */
  function zoomBy(/** @type {number} */ factor) {
    if (!chart.last) return;
    const [low, high] = chart.range;
    const length = Math.max(4, (high - low) * factor);
    const middle = (low + Math.min(high, run.value?.step ?? high)) / 2;
    const about = view.cursor ?? (view.pinned ? view.step : middle);
    const begin = Math.max(0, Math.min(about - length / 2, chart.last - length));
    zoomTo(length >= chart.last ? null : [begin, begin + length]);
  }

  const brush = () =>
    frame.svg
      .selectAll("rect.brush")
      .data([0])
      .join("rect")
      .attr("class", "brush")
      .attr("y", frame.margin.top)
      .attr("height", frame.bottom - frame.margin.top);

  /** @param {number} to */
  function stretch(to) {
    const ends = [from ?? to, to].sort((a, b) => a - b);
    const [left, right] = ends.map((step) => frame.x?.at(step) ?? 0);
    return { ends: /** @type {[number, number]} */ (ends), left, length: right - left };
  }

  function letGo() {
    from = null;
    brush().attr("width", 0);
  }

  /** The pane is made anew with the first curve; what it hears stays the same. */
  function follow() {
    const pane = /** @type {SVGRectElement} */ (frame.pane().node());
    brush();
    pane.onpointermove = (event) => {
      const step = frame.valueAt(event);
      const { left, length } = stretch(step);
      if (from !== null) brush().attr("x", left).attr("width", Math.max(0, length));
      tell(chart.readOut(step));
    };
    pane.onpointerleave = () => tell("");
    pane.onpointerdown = (event) => {
      from = frame.valueAt(event);
      pane.setPointerCapture(event.pointerId);
    };
    pane.onpointerup = (event) => {
      if (from === null) return;
      const to = frame.valueAt(event);
      const { ends, length } = stretch(to);
      letGo();
      if (length > DRAGGED * (frame.right - frame.left)) zoomTo(ends);
      else pin(Math.round(to));
    };
    pane.onpointercancel = letGo;
    pane.ondblclick = () => zoomTo(null);
  }

  /** The cursor goes from one measured point to the next; its words are read aloud. */
  function moveCursor(/** @type {number} */ by) {
    const points = chart.inside(chart.curves[0].points);
    if (!points.length) return;
    const near = view.cursor === null ? null : nearest(points, view.cursor);
    const now = near ? points.indexOf(near) : points.length - (by < 0 ? 0 : 1);
    const place = Math.max(0, Math.min(points.length - 1, now + by));
    view.cursor = points[place][0];
    chart.draw();
    readCursor();
  }

  /** What stands at the cursor, where there is one. */
  function readCursor() {
    if (view.cursor === null) return;
    tell(chart.readOut(view.cursor));
    part("summary").textContent = part("tip").textContent;
  }

  function leaveCursor() {
    view.cursor = null;
    tell("");
    chart.draw();
  }

  part("chart").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const isOnButton = event.target instanceof Element && event.target.closest("button");
    if (!chart.last || event.ctrlKey || event.metaKey || event.altKey || isOnButton) return;
    const far = event.shiftKey ? FAR : 1;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowLeft: () => moveCursor(-far),
      ArrowRight: () => moveCursor(far),
      Home: () => moveCursor(-Infinity),
      End: () => moveCursor(Infinity),
      "+": () => zoomBy(0.5),
      "=": () => zoomBy(0.5),
      "-": () => zoomBy(2),
      0: () => zoomTo(null),
      Enter: () => view.cursor !== null && pin(view.cursor),
      Escape: leaveCursor,
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
  part("closer").onclick = () => zoomBy(0.5);
  part("farther").onclick = () => zoomBy(2);
  part("unzoom").onclick = () => zoomTo(null);
  return { follow, readCursor };
}
