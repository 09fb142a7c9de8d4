// Reading the chart off and zooming into it, with the pointer or with keys.
let from = null; // the step at which a drag began; drawing goes on meanwhile

function readOut(step) {
  if (!scene) return "";
  const rows = scene.drawn.map((one) => ({ one, p: nearest(one.points, step) })).filter((r) => r.p);
  const unit = NAMES[view.unit];
  const told = (r) => `${r.one.title} ${unit} ${number(r.p[1])} at step ${whole(r.p[0])}`;
  return rows.map(told).join(" · ");
}

function tell(words) {
  $("tip").textContent = words;
  $("tip").style.opacity = words ? 1 : 0;
}

function zoomTo(range) {
  view.zoom = range;
  $("unzoom").disabled = !range;
  draw();
}

// Closer (below 1) or farther around a step; so far out that all is seen is no zoom.
function zoomBy(factor) {
  if (!scene) return;
  const { range: [low, high], last } = scene, size = Math.max(4, (high - low) * factor);
  const about = view.cursor !== null ? view.cursor : view.at !== null && view.pinned ? view.at : (low + Math.min(high, run.step)) / 2;
  const begin = Math.max(0, Math.min(about - size / 2, last - size));
  zoomTo(size >= last ? null : [begin, begin + size]);
}

function hover({ svg, x, range, width, height, margin }) {
  const step = (event) => { const r = svg.node().getBoundingClientRect(); return Math.max(0, x.step(((event.clientX - r.left) * width) / r.width)); };
  const pane = svg.selectAll("rect.pane").data([0]).join("rect").attr("class", "pane").attr("x", margin.left).attr("y", margin.top).attr("width", width - margin.left - margin.right).attr("height", height - margin.top - margin.bottom);
  const brush = svg.selectAll("rect.brush").data([0]).join("rect").attr("class", "brush").attr("y", margin.top).attr("height", height - margin.top - margin.bottom);
  const node = pane.node();
  node.onpointermove = (event) => {
    const s = step(event);
    if (from !== null) { const [a, b] = [from, s].sort((p, q) => p - q); brush.attr("x", x.at(a)).attr("width", Math.max(0, x.at(b) - x.at(a))); }
    tell(readOut(s));
  };
  node.onpointerleave = () => tell("");
  node.onpointerdown = (event) => { from = step(event); node.setPointerCapture(event.pointerId); };
  node.onpointerup = (event) => {
    if (from === null) return;
    const to = step(event), [a, b] = [from, to].sort((p, q) => p - q), pixels = Math.abs(x.at(b) - x.at(a));
    from = null; brush.attr("width", 0);
    if (pixels > 0.03 * (width - margin.left - margin.right)) zoomTo([a, b]); else pin(Math.round(to));
  };
  node.onpointercancel = () => { from = null; brush.attr("width", 0); };
  node.ondblclick = () => zoomTo(null);
}

// The cursor goes from one measured point to the next; its words are read aloud.
function moveCursor(by) {
  const { drawn: [training], range } = scene;
  const points = training.points.filter(([s]) => s >= range[0] && s <= range[1]);
  if (!points.length) return;
  const now = view.cursor === null ? points.length - (by < 0 ? 0 : 1) : points.indexOf(nearest(points, view.cursor));
  const place = Math.max(0, Math.min(points.length - 1, now + by));
  view.cursor = points[place][0];
  drawMain();
  tell(readOut(view.cursor));
  $("summary").textContent = $("tip").textContent;
}

$("chart").addEventListener("keydown", (event) => {
  if (!scene || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
  const far = event.shiftKey ? 10 : 1;
  const acts = {
    ArrowLeft: () => moveCursor(-far), ArrowRight: () => moveCursor(far), Home: () => moveCursor(-Infinity), End: () => moveCursor(Infinity),
    "+": () => zoomBy(0.5), "=": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => zoomTo(null),
    Enter: () => { if (view.cursor !== null) pin(view.cursor); },
    Escape: () => { view.cursor = null; tell(""); drawMain(); },
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
});
