// The live view of one run: state, curves, samples on a timeline. Gradio gives `element`, `props`,
// `watch`, `trigger` and `server`; D3 is loaded before. The browser keeps the points it has and asks
// only for what is new; the server never sends a point twice, but after a resume.
const UNITS = {
  loss: { title: "Loss (nats per token)", of: (v) => v },
  perplexity: { title: "Perplexity", of: (v) => Math.exp(v) },
  bits: { title: "Bits per byte", of: (v, run) => v / (run.bytes_per_token * Math.LN2) },
};
const BASELINES = { uniform: "Uniform", unigram: "Unigram", bigram: "Bigram", floor: "Floor" };
const ACTIVE = ["queued", "preparing", "running", "stopping"];
const MOST_POINTS = 1500; // per curve in the browser; more are thinned by minimum and maximum
// D3 gained `join` in 5.8; the one that is shipped is older.
d3.selection.prototype.join = d3.selection.prototype.join || function (make) {
  this.exit().remove();
  const made = typeof make === "string" ? this.enter().append(make) : make(this.enter());
  return made.merge(this);
};
const $ = (name) => element.querySelector(`[data-part="${name}"]`);

const view = { unit: "loss", log: false, smoothing: 0, zoom: null, at: null, pinned: false };
let key = "", wanted = null, run = null, cursor = 0, resumes = 0, busy = false, failures = 0;
let curves = {}, samples = [], schedule = [], polls = 0;

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  if ((next.run || null) === wanted && run) return;
  wanted = next.run || null;
  forget();
  draw();
  poll();
}

function forget() {
  run = null; cursor = 0; resumes = 0; curves = {}; samples = []; schedule = []; view.zoom = null;
  view.at = null; view.pinned = false;
}

// ------------------------------------------------------------------------------- asking

async function poll() {
  if (busy || !key) return;
  busy = true;
  const asked = wanted;
  try {
    const answer = await server.poll({ workspace: key, run: asked, after: cursor, resumes });
    if (asked !== wanted) return;
    failures = 0;
    if (answer.error) { say(answer.error.message); return; }
    take(answer);
  } catch (error) {
    failures += 1;
    if (failures > 2) say("The connection is lost; it is tried again. The run goes on.");
  } finally {
    busy = false;
  }
}

function take(answer) {
  const before = run && run.id, state = run && run.state;
  if (answer.run && answer.run.id !== before && before) forget();
  if (answer.fresh) { curves = {}; samples = []; }
  run = answer.run;
  if (!run) { draw(); return; }
  cursor = answer.cursor; resumes = answer.resumes;
  for (const [name, points] of Object.entries(answer.curves || {})) {
    curves[name] = thin((curves[name] || []).concat(points));
  }
  for (const sample of answer.samples || []) samples.push(sample);
  if ((answer.schedule || []).length) schedule = answer.schedule;
  const moved = answer.fresh || Object.values(answer.curves || {}).some((p) => p.length);
  if (!view.pinned) view.at = run.step;
  show(moved || (answer.samples || []).length > 0 || run.id !== before);
  if (state && state !== run.state && !ACTIVE.includes(run.state)) trigger("finished", { run: run.id });
}

// Of each stretch its lowest and highest point stay, so that no peak is lost.
function thin(points) {
  if (points.length <= MOST_POINTS) return points;
  const kept = [points[0]], size = Math.ceil((2 * points.length) / MOST_POINTS) * 2;
  for (let i = 1; i < points.length - 1; i += size) {
    const part = points.slice(i, Math.min(i + size, points.length - 1));
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a)), high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] < high[0] ? [low, high] : low[0] > high[0] ? [high, low] : [low]));
  }
  return kept.concat([points[points.length - 1]]);
}

// -------------------------------------------------------------------------------- words

function say(text) { $("state").textContent = text; }

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.round(seconds), m = Math.floor(s / 60), h = Math.floor(m / 60);
  return h ? `${h} h ${String(m % 60).padStart(2, "0")} min` : m ? `${m} min ${String(s % 60).padStart(2, "0")} s` : `${s} s`;
}

const number = (v, digits = 3) => (v === null || v === undefined ? "–" : Number(v).toFixed(digits));
const whole = (v) => (v === null || v === undefined ? "–" : Math.round(v).toLocaleString("en"));

function show(moved) {
  const active = run && ACTIVE.includes(run.state);
  element.dataset.state = run ? run.state : "none";
  $("pill").textContent = run ? run.state.replace(/_/g, " ") : "no run yet";
  const words = [];
  if (run) {
    if (run.queue) words.push(`place ${run.queue.place} in the queue, about ${duration(run.queue.wait_seconds)} to wait`);
    if (run.state === "preparing") words.push(run.stage ? `${run.stage}${run.fraction !== null ? ` ${Math.round(100 * run.fraction)} %` : ""}` : "starting");
    if (run.total_steps) words.push(`step ${whole(run.step)} of ${whole(run.total_steps)}`);
    if (run.tokens) words.push(`${whole(run.tokens)} tokens`);
    if (run.seconds) words.push(`${duration(run.seconds)} of training`);
    if (run.eta_seconds) words.push(`${duration(run.eta_seconds)} left`);
    if (run.message) words.push(run.message);
  } else words.push("Choose a recipe above and press Start.");
  say(words.join(" · "));
  const share = run && run.total_steps ? run.step / run.total_steps : 0;
  $("bar").style.width = `${100 * share}%`;
  $("progress").setAttribute("aria-valuenow", Math.round(100 * share));
  const figures = run ? { loss: number(run.loss), validation: number(run.validation_loss), best: number(run.best_validation_loss), speed: whole(run.tokens_per_second), gradient: number(run.gradient_norm, 2), rate: run.learning_rate === null ? "–" : run.learning_rate.toExponential(1) } : {};
  for (const name of ["loss", "validation", "best", "speed", "gradient", "rate"]) $(name).textContent = figures[name] || "–";
  if (moved || !run) draw();
  if (moved) summarise(active);
}

// A sentence now and then for those who do not see the curve.
function summarise(active) {
  polls += 1;
  if (!run || run.loss === null || (active && polls % 20)) return;
  const first = (curves.loss || [])[0];
  $("summary").textContent = `Step ${whole(run.step)}: training loss ${number(run.loss)}${first ? `, from ${number(first[1])} at the start` : ""}; validation loss ${number(run.validation_loss)}.`;
}

// ------------------------------------------------------------------------------ drawing

function smooth(points) {
  if (!view.smoothing) return points;
  let mean = null;
  const keep = view.smoothing;
  return points.map(([s, v]) => { mean = mean === null ? v : keep * mean + (1 - keep) * v; return [s, mean]; });
}

function draw() {
  drawMain();
  drawSmall("small-rate", curves.learning_rate || [], "rate");
  drawSmall("small-gradient", curves.gradient_norm || [], "gradient");
  drawSmall("small-speed", curves.tokens_per_second || [], "speed");
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
  ].map((s) => ({ ...s, points: s.points.map(([x, y]) => [x, of(y)]) }));
  const lines = run && run.baselines ? Object.entries(run.baselines).filter(([, v]) => v !== null).map(([name, v]) => ({ name, value: of(v) })) : [];
  const last = Math.max(1, run ? run.total_steps || 1 : 1);
  const range = view.zoom || [0, last];
  const x = d3.scaleLinear().domain(range).range([margin.left, width - margin.right]);
  const seen = series.flatMap((s) => s.points.filter(([s0]) => s0 >= range[0] && s0 <= range[1]).map((p) => p[1]));
  // The baselines that lie near the curve belong into the picture; a far one would flatten it.
  const low = d3.min(seen.length ? seen : [0.5]), high = d3.max(seen.length ? seen : [5]);
  const near = lines.filter((l) => !view.zoom || (l.value > low * 0.8 && l.value < high * 1.2)).map((l) => l.value);
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

function hover(svg, box, x, y, series, range, width, height, margin) {
  const tip = $("tip");
  let from = null;
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
    const to = step(event), [a, b] = [from, to].sort((p, q) => p - q);
    from = null; brush.attr("width", 0);
    if (b - a > (range[1] - range[0]) * 0.03) { view.zoom = [Math.max(0, a), b]; $("unzoom").hidden = false; draw(); } else pin(Math.round(to));
  };
  node.ondblclick = () => { view.zoom = null; $("unzoom").hidden = true; draw(); };
}

function drawSmall(name, points, figure) {
  const box = $(name), width = 220, height = 54;
  const svg = d3.select(box).selectAll("svg").data([0]).join("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("aria-hidden", "true");
  const last = run && run.total_steps ? run.total_steps : 1;
  const planned = figure === "rate" ? schedule : [];
  const all = points.concat(planned), x = d3.scaleLinear().domain([0, last]).range([3, width - 3]);
  const y = d3.scaleLinear().domain([0, d3.max(all, (p) => p[1]) || 1]).range([height - 3, 4]);
  const line = d3.line().x((p) => x(p[0])).y((p) => y(p[1]));
  svg.selectAll("path.plan").data([planned]).join("path").attr("class", "plan").attr("d", (d) => line(d) || "");
  svg.selectAll("path.done").data([points]).join("path").attr("class", "done").attr("d", (d) => line(d) || "");
  svg.selectAll("circle").data(points.length ? [points[points.length - 1]] : []).join("circle").attr("r", 3).attr("cx", (p) => x(p[0])).attr("cy", (p) => y(p[1]));
}

// ----------------------------------------------------------------------------- timeline

function pin(step) {
  if (!run) return;
  view.at = Math.max(0, Math.min(step, run.step));
  view.pinned = view.at < run.step;
  drawMain();
  drawMoment();
}

function drawMoment() {
  const slider = $("timeline"), last = run ? run.step : 0;
  slider.max = Math.max(1, last);
  const at = view.at === null ? last : view.at;
  if (document.activeElement !== slider || !view.pinned) slider.value = at;
  slider.setAttribute("aria-valuetext", `step ${at}`);
  $("now").hidden = !view.pinned;
  const sample = samples.filter((s) => s.step <= at).pop() || samples[0];
  const loss = nearest(curves.loss || [], at), measured = (curves.validation_loss || []).filter((p) => p[0] <= at).pop();
  $("moment").textContent = run && run.step !== null ? `Step ${whole(at)} · training loss ${loss ? number(loss[1]) : "–"} · validation loss ${measured ? number(measured[1]) : "–"}` : "";
  $("sample-step").textContent = sample ? `What it wrote at step ${whole(sample.step)}` : "What it writes";
  $("sample-prompt").textContent = sample ? sample.prompt : "";
  $("sample-text").textContent = sample ? sample.text : "";
}

// ----------------------------------------------------------------------------- controls

$("timeline").oninput = (event) => pin(Number(event.target.value));
$("now").onclick = () => { view.pinned = false; view.at = run ? run.step : null; draw(); };
$("unit").onchange = (event) => { view.unit = event.target.value; draw(); };
$("log").onchange = (event) => { view.log = event.target.checked; draw(); };
$("smoothing").oninput = (event) => { view.smoothing = Number(event.target.value); draw(); };
$("unzoom").onclick = () => { view.zoom = null; $("unzoom").hidden = true; draw(); };
new ResizeObserver(() => draw()).observe($("chart"));

const pace = () => (document.hidden ? 4000 : failures ? 2000 : run && ACTIVE.includes(run.state) ? 400 : 1500);
let timer = 0;
function again() {
  if (!element.isConnected) return;
  poll().finally(() => { timer = setTimeout(again, pace()); });
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
watch("value", () => attach(props.value));
attach(props.value);
again();
