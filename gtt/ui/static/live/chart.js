function smooth(points) {
  if (!view.smoothing) return points;
  let mean = null;
  const keep = view.smoothing;
  return points.map(([s, v]) => { mean = mean === null ? v : keep * mean + (1 - keep) * v; return [s, mean]; });
}

function draw() {
  drawMain();
  drawSmalls();
  drawMoment();
}

function drawMain() {
  const box = $("chart"), width = Math.max(280, box.clientWidth), height = width < 520 ? 260 : 340;
  const margin = { top: 12, right: width < 520 ? 12 : 92, bottom: 34, left: 52 };
  const svg = d3.select(box).selectAll("svg").data([0]).join("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img");
  const unit = UNITS[view.unit], of = (v) => unit.of(v, run || { bytes_per_token: 1 });
  const series = [
    { name: "training", title: "Training", points: smooth(curves.loss || []) },
    { name: "validation", title: "Validation", points: curves.validation_loss || [] },
  ].map((s) => ({ ...s, points: s.points.map(([x, y]) => [x, of(y)]).filter(([, y]) => Number.isFinite(y)) }));
  const lines = run && run.baselines ? Object.entries(run.baselines).filter(([, v]) => v !== null).map(([name, v]) => ({ name, value: of(v) })).filter((l) => Number.isFinite(l.value)) : [];
  const last = Math.max(1, run ? run.total_steps || 1 : 1);
  const range = view.zoom || [0, last];
  const x = d3.scaleLinear().domain(range).range([margin.left, width - margin.right]);
  const seen = series.flatMap((s) => s.points.filter(([s0]) => s0 >= range[0] && s0 <= range[1]).map((p) => p[1]));
  // The baselines that lie near the curve belong into the picture; a far one would flatten it.
  const low = d3.min(seen.length ? seen : [0.5]), high = d3.max(seen.length ? seen : [5]);
  const near = lines.filter((l) => l.value < high * 1.2 && (!view.zoom || l.value > low * 0.8)).map((l) => l.value);
  const bottom = Math.min(low, ...near), top = Math.max(high, ...near);
  const pad = (top - bottom) * 0.06 || 0.1;
  const y = (view.log ? d3.scaleLog() : d3.scaleLinear()).domain(view.log ? [Math.max(bottom * 0.95, 1e-6), top * 1.05] : [Math.max(0, bottom - pad), top + pad]).range([height - margin.bottom, margin.top]);
  svg.attr("aria-label", `${unit.title} over steps. ${$("summary").textContent}`);
  const part = (name) => svg.selectAll(`g.${name}`).data([0]).join("g").attr("class", name);
  part("x-axis").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(width / 90).tickFormat((v) => (v >= 1000 ? `${v / 1000}k` : v)));
  part("y-axis").attr("transform", `translate(${margin.left},0)`).call(view.log ? d3.axisLeft(y).ticks(5, "g") : d3.axisLeft(y).ticks(6)).selectAll(".tick line").attr("x2", width - margin.left - margin.right).attr("class", "grid");
  part("titles").selectAll("text").data([{ x: margin.left, y: 10, t: unit.title, a: "start" }, { x: width - margin.right, y: height - 3, t: "steps", a: "end" }]).join("text").attr("x", (d) => d.x).attr("y", (d) => d.y).attr("text-anchor", (d) => d.a).text((d) => d.t);
  const shown = lines.filter((l) => l.value >= y.domain()[0] && l.value <= y.domain()[1]);
  const base = part("baselines").selectAll("g").data(shown, (d) => d.name).join((enter) => { const g = enter.append("g"); g.append("line"); g.append("text"); return g; }).attr("class", (d) => `baseline ${d.name}`);
  base.select("line").attr("x1", margin.left).attr("x2", width - margin.right).attr("y1", (d) => y(d.value)).attr("y2", (d) => y(d.value));
  const labels = spread(shown.map((l) => ({ name: l.name, y: y(l.value) })), 12);
  base.select("text").attr("x", width < 520 ? width - margin.right - 2 : width - margin.right + 6).attr("text-anchor", width < 520 ? "end" : "start").attr("y", (d) => labels[d.name] + (width < 520 ? -3 : 4)).text((d) => `${BASELINES[d.name]} ${number(d.value, 2)}`);
  const line = d3.line().x((p) => x(p[0])).y((p) => y(Math.max(p[1], y.domain()[0])));
  const clip = part("curves").attr("clip-path", null).selectAll("g").data(series, (d) => d.name).join((enter) => { const g = enter.append("g"); g.append("path"); return g; }).attr("class", (d) => `curve ${d.name}`);
  const inside = (points) => points.filter(([s]) => s >= range[0] && s <= range[1]);
  clip.select("path").attr("d", (d) => line(inside(d.points)) || "");
  clip.selectAll("circle").data((d) => (d.name === "validation" ? inside(d.points) : [])).join("circle").attr("r", 3.5).attr("cx", (p) => x(p[0])).attr("cy", (p) => y(Math.max(p[1], y.domain()[0])));
  const at = view.at;
  part("moment").selectAll("line").data(at !== null && at >= range[0] && at <= range[1] && run ? [at] : []).join("line").attr("x1", (s) => x(s)).attr("x2", (s) => x(s)).attr("y1", margin.top).attr("y2", height - margin.bottom);
  hover(svg, box, x, y, series, range, width, height, margin);
}

// Labels that would lie on each other move apart.
function spread(labels, gap) {
  const sorted = labels.slice().sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i += 1) if (sorted[i].y - sorted[i - 1].y < gap) sorted[i].y = sorted[i - 1].y + gap;
  return Object.fromEntries(sorted.map((l) => [l.name, l.y]));
}

function nearest(points, step) {
  if (!points.length) return null;
  const i = d3.bisector((p) => p[0]).left(points, step);
  const a = points[Math.max(0, i - 1)], b = points[Math.min(points.length - 1, i)];
  return Math.abs(a[0] - step) <= Math.abs(b[0] - step) ? a : b;
}

let from = null; // the step at which a drag began; drawing goes on meanwhile

function hover(svg, box, x, y, series, range, width, height, margin) {
  const tip = $("tip");
  const step = (event) => { const r = svg.node().getBoundingClientRect(); return x.invert(((event.clientX - r.left) * width) / r.width); };
  const pane = svg.selectAll("rect.pane").data([0]).join("rect").attr("class", "pane").attr("x", margin.left).attr("y", margin.top).attr("width", width - margin.left - margin.right).attr("height", height - margin.top - margin.bottom);
  const brush = svg.selectAll("rect.brush").data([0]).join("rect").attr("class", "brush").attr("y", margin.top).attr("height", height - margin.top - margin.bottom);
  const node = pane.node();
  node.onpointermove = (event) => {
    const s = step(event), rows = series.map((one) => ({ one, p: nearest(one.points, s) })).filter((r) => r.p);
    if (from !== null) { const [a, b] = [from, s].sort((p, q) => p - q); brush.attr("x", x(a)).attr("width", Math.max(0, x(b) - x(a))); }
    if (!rows.length) return;
    tip.textContent = `step ${whole(rows[0].p[0])} · ` + rows.map((r) => `${r.one.title} ${number(r.p[1])}${r.one.name === "validation" ? ` (step ${whole(r.p[0])})` : ""}`).join(" · ");
    tip.style.opacity = 1;
  };
  node.onpointerleave = () => { tip.style.opacity = 0; };
  node.onpointerdown = (event) => { from = step(event); node.setPointerCapture(event.pointerId); };
  node.onpointerup = (event) => {
    if (from === null) return;
    const to = step(event), [a, b] = [from, to].sort((p, q) => p - q);
    from = null; brush.attr("width", 0);
    if (b - a > (range[1] - range[0]) * 0.03) { view.zoom = [Math.max(0, a), b]; $("unzoom").hidden = false; draw(); } else pin(Math.round(to));
  };
  node.onpointercancel = () => { from = null; brush.attr("width", 0); };
  node.ondblclick = () => { view.zoom = null; $("unzoom").hidden = true; draw(); };
}
