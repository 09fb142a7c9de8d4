const THUMB = 16; // pixels, as in live.css
let scene = null; // what the last drawing of the chart was made of

function smooth(points) {
  let mean = null;
  const keep = view.smoothing;
  return points.map(([s, v]) => { mean = mean === null ? v : keep * mean + (1 - keep) * v; return [s, mean]; });
}

function draw() {
  drawMain();
  drawSmalls();
  drawMoment();
}

// What came by itself. Browser and training share the cores of a laptop: nothing is drawn out of
// sight (what comes into sight is drawn then), and the small charts follow every few seconds.
const SMALLS_EVERY = 3000;
let smallsDrawn = -SMALLS_EVERY;
function drawNews() {
  if (!element.offsetParent || document.hidden) return;
  drawMain();
  drawMoment();
  const active = run && ACTIVE.includes(run.state), now = performance.now();
  if (active && now - smallsDrawn < SMALLS_EVERY) return;
  smallsDrawn = now;
  drawSmalls();
}

// Losses in the unit that is shown.
const inUnit = (value) => (value === null || value === undefined ? null : UNITS[view.unit].of(value, run || { bytes_per_token: 1 }));

function series() {
  const told = (points) => points.map(([x, y]) => [x, inUnit(y)]).filter(([, y]) => Number.isFinite(y));
  const raw = told(curves.loss || []);
  return [
    { name: "training", title: "training", raw: view.smoothing ? raw : [], points: view.smoothing ? told(smooth(curves.loss || [])) : raw },
    { name: "validation", title: "validation", raw: [], points: told(curves.validation_loss || []) },
  ];
}

// Steps to pixels; with wide early steps it is logarithmic in the step that comes next.
function across(range, left, right) {
  if (!view.logSteps) {
    const x = d3.scaleLinear().domain(range).range([left, right]);
    return { at: x, step: x.invert, ticks: (n) => x.ticks(n).filter((s) => Number.isInteger(s)) };
  }
  const x = d3.scaleLog().domain([range[0] + 1, range[1] + 1]).range([left, right]);
  const marks = [0];
  for (let power = 1; power <= range[1]; power *= 10) marks.push(power, ...(range[1] < 1000 ? [2 * power, 5 * power] : []));
  const shown = marks.filter((s) => s >= range[0] && s <= range[1]);
  const even = (n) => d3.ticks(range[0], range[1], n).filter((s) => Number.isInteger(s));
  return { at: (s) => x(s + 1), step: (p) => x.invert(p) - 1, ticks: (n) => (shown.length > 2 ? shown : even(n)) };
}

// Ticks of a logarithmic axis: powers of ten and what lies between, or even ones on a short stretch.
function heights(y, low, high) {
  if (!view.log) return y.ticks(6);
  const marks = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) marks.push(power, 2 * power, 5 * power);
  const shown = marks.filter((one) => one >= low && one <= high);
  return shown.length > 2 ? (shown.length > 9 ? shown.filter((one) => /^1/.test(one.toExponential())) : shown) : d3.ticks(low, high, 5);
}

const plain = (value) => (value >= 1e5 ? `${+(value / 1e3).toPrecision(3)}k` : `${+value.toPrecision(3)}`);

function drawMain() {
  const box = $("chart"), width = Math.max(280, box.clientWidth), height = width < 520 ? 260 : 340;
  const margin = { top: 18, right: width < 520 ? 16 : 92, bottom: 34, left: 52 };
  const svg = d3.select(box).selectAll("svg").data([0])
    .join((enter) => enter.insert("svg", "div")).attr("viewBox", `0 0 ${width} ${height}`)
    .attr("role", "img").attr("tabindex", 0);
  const last = run && run.total_steps ? run.total_steps : 0;
  const part = (name) => svg.selectAll(`g.${name}`).data([0]).join("g").attr("class", name);
  part("empty").selectAll("text").data(last ? [] : [0]).join("text").attr("x", width / 2).attr("y", height / 2).attr("text-anchor", "middle").text(run ? "The curve begins with the first step." : "The curve of your run is drawn here.");
  for (const name of ["x-axis", "y-axis", "titles", "baselines", "curves", "moment", "cursor"]) part(name).attr("display", last ? null : "none");
  svg.attr("aria-label", last ? `${UNITS[view.unit].title} over steps. ${$("summary").textContent} Arrow keys move a cursor, Enter looks at its step, plus and minus zoom, 0 shows the whole run.` : "No curve yet.");
  if (!last) { scene = null; $("lines").replaceChildren(); return; }
  const drawn = series(), range = view.zoom || [0, last];
  const x = across(range, margin.left, width - margin.right);
  const lines = run.baselines ? Object.entries(run.baselines).filter(([, v]) => v !== null).map(([name, v]) => ({ name, value: inUnit(v) })).filter((l) => Number.isFinite(l.value)) : [];
  const inside = (points) => points.filter(([s]) => s >= range[0] && s <= range[1]);
  const seen = drawn.flatMap((s) => inside(s.raw.length ? s.raw : s.points).map((p) => p[1]));
  // The baselines that lie near the curve belong into the picture; a far one would flatten it.
  const low = d3.min(seen.length ? seen : lines.map((l) => l.value)) || 0.5, high = d3.max(seen.length ? seen : lines.map((l) => l.value)) || 5;
  const near = lines.filter((l) => l.value < high * 1.2 && (!view.zoom || l.value > low * 0.8)).map((l) => l.value);
  const bottom = Math.min(low, ...near), top = Math.max(high, ...near);
  const pad = (top - bottom) * 0.06 || 0.1;
  const ends = view.log ? [Math.max(bottom * 0.95, 1e-6), top * 1.05] : [Math.max(0, bottom - pad), top + pad];
  const y = (view.log ? d3.scaleLog() : d3.scaleLinear()).domain(ends).range([height - margin.bottom, margin.top]);
  axes(part, x, y, ends, { width, height, margin });
  baselines(part, lines, y, { width, margin });
  const line = d3.line().x((p) => x.at(p[0])).y((p) => y(Math.max(p[1], ends[0])));
  const both = part("curves").selectAll("g").data(drawn, (d) => d.name).join((enter) => { const g = enter.append("g"); g.append("path").attr("class", "raw"); g.append("path").attr("class", "line"); return g; }).attr("class", (d) => `curve ${d.name}`);
  both.select("path.raw").attr("d", (d) => line(inside(d.raw)) || null);
  both.select("path.line").attr("d", (d) => line(inside(d.points)) || null);
  both.selectAll("circle").data((d) => (d.name === "validation" ? inside(d.points) : []))
    .join("circle").attr("r", 3.2).attr("cx", (p) => x.at(p[0]))
    .attr("cy", (p) => y(Math.max(p[1], ends[0])));
  const upright = (name, steps) => part(name).selectAll("line").data(steps.filter((s) => s !== null && s >= range[0] && s <= range[1])).join("line").attr("x1", (s) => x.at(s)).attr("x2", (s) => x.at(s)).attr("y1", margin.top).attr("y2", height - margin.bottom);
  upright("moment", [view.at]);
  upright("cursor", [view.cursor]);
  scene = { svg, x, y, drawn, range, width, height, margin, last };
  hover(scene);
}

function axes(part, x, y, ends, { width, height, margin }) {
  const steps = d3.axisBottom(d3.scaleLinear().domain([0, width]).range([0, width]));
  part("x-axis").attr("transform", `translate(0,${height - margin.bottom})`).call(steps.tickValues(x.ticks(width / 90).map(x.at)).tickFormat((place) => plain(Math.round(x.step(place)))));
  part("x-axis").select(".domain").attr("d", `M${margin.left},0H${width - margin.right}`);
  part("y-axis").attr("transform", `translate(${margin.left},0)`).call(d3.axisLeft(y).tickValues(heights(y, ...ends)).tickFormat(plain)).selectAll(".tick line").attr("x2", width - margin.left - margin.right).attr("class", "grid");
  part("titles").selectAll("text").data([{ x: margin.left, y: 11, t: UNITS[view.unit].title, a: "start" }, { x: width - margin.right, y: height - 3, t: "steps", a: "end" }]).join("text").attr("x", (d) => d.x).attr("y", (d) => d.y).attr("text-anchor", (d) => d.a).text((d) => d.t);
}

// The lines lie in the picture; their names are buttons over it, or below it where it is narrow.
function baselines(part, lines, y, { width, margin }) {
  const [bottom, top] = y.domain(), narrow = width < 520;
  const shown = lines.filter((l) => l.value >= bottom && l.value <= top);
  const drawn = part("baselines").selectAll("g").data(shown, (d) => d.name).join((enter) => {
    const g = enter.append("g");
    g.append("line");
    return g;
  }).attr("class", (d) => `baseline ${d.name}`);
  drawn.select("line").attr("x1", margin.left).attr("x2", width - margin.right)
    .attr("y1", (d) => y(d.value)).attr("y2", (d) => y(d.value));
  const places = spread(shown.map((l) => ({ name: l.name, y: y(l.value) })), 13);
  const told = (d) => `${BASELINES[d.name]} ${number(d.value, d.value < 100 ? 2 : 0)}`;
  const names = d3.select($("lines")).selectAll("button").data(shown, (d) => d.name)
    .join((enter) => enter.append("button").attr("type", "button")).text(told);
  names.attr("data-tip", (d) => (d.name === "floor" ? "floor" : `${d.name}_baseline`));
  names.style("left", narrow ? null : `${width - margin.right + 4}px`);
  names.style("top", narrow ? null : (d) => `${places[d.name]}px`);
}

// Labels that would lie on each other move apart.
function spread(labels, gap) {
  const sorted = labels.slice().sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i += 1) {
    if (sorted[i].y - sorted[i - 1].y < gap) sorted[i].y = sorted[i - 1].y + gap;
  }
  return Object.fromEntries(sorted.map((l) => [l.name, l.y]));
}

function nearest(points, step) {
  if (!points.length) return null;
  const i = d3.bisector((p) => p[0]).left(points, step);
  const a = points[Math.max(0, i - 1)], b = points[Math.min(points.length - 1, i)];
  return Math.abs(a[0] - step) <= Math.abs(b[0] - step) ? a : b;
}
