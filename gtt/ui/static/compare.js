// Several runs laid over each other, and a table of what differs. Gradio gives `element`, `props`,
// `watch` and `server`; D3 is loaded before. What is compared is reckoned on the server.
const MOST = 8, FEWEST = 2;
const ACTIVE = ["queued", "preparing", "running", "stopping"];
// As in the figures for download: a dash pattern, a shape and its turn for each run.
const DASHES = [null, "10 4", "3 3", "10 4 3 4", "16 5", "6 5", "13 4 3 4 3 4", "7 3 7 7"];
const SHAPES = [["Circle", 0], ["Square", 0], ["Triangle", 0], ["Diamond", 0], ["Triangle", 180], ["Cross", 0], ["Cross", 45], ["Triangle", -90]];
const TOKENIZER = ["data.tokenizer", "data.vocab_size", "data.pretrained_tokenizer"];
const RESULTS = [
  ["best_validation_loss", "Best validation loss", (v) => v.toFixed(4)],
  ["best_step", "Reached at step", whole],
  ["bits_per_byte", "Bits per byte, at its best", (v) => v.toFixed(4)],
  ["validation_loss", "Last validation loss", (v) => v.toFixed(4)],
  ["loss", "Last training loss", (v) => v.toFixed(4)],
  ["task_score", "Exam", (v) => `${(100 * v).toFixed(1)} %`],
  ["parameters", "Parameters", whole],
  ["steps", "Steps", whole],
  ["tokens", "Tokens read", whole],
  ["seconds", "Seconds of training", (v) => (v < 10 ? v.toFixed(2) : whole(v))],
  ["tokens_per_second", "Tokens per second", whole],
];
// D3 gained `join` in 5.8; the one that is shipped is older.
d3.selection.prototype.join = d3.selection.prototype.join || function (make) {
  this.exit().remove();
  const made = typeof make === "string" ? this.enter().append(make) : make(this.enter());
  return made.merge(this);
};
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
let key = "", listed = [], chosen = [], places = {}, hidden = new Set(), answer = null, asked = 0;
let at = 1, touched = false;

function whole(v) { return Math.round(v).toLocaleString("en"); }

function attach(value) {
  const next = value || {};
  if (next.workspace && next.workspace !== key) { key = next.workspace; chosen = []; answer = null; places = {}; }
  if (next.run && !touched) choose([next.run]);
  list();
}

// ------------------------------------------------------------------------------- choosing

async function list() {
  if (!key) return;
  try {
    const found = await server.list({ workspace: key, limit: 200 });
    if (found.error) { say(found.error.message); return; }
    listed = found.runs;
  } catch (error) { return; } // asked again in a while
  const there = chosen.filter((id) => listed.some((run) => run.id === id));
  if (there.length !== chosen.length) choose(there);
  else { offer(); if (chosen.length < FEWEST) wait(); }
}

// A run keeps its colour while others come and go.
function choose(ids) {
  chosen = ids.slice(0, MOST);
  for (const id of Object.keys(places)) if (!chosen.includes(id)) { delete places[id]; hidden.delete(id); }
  for (const id of chosen) {
    if (places[id] !== undefined) continue;
    const taken = Object.values(places);
    places[id] = DASHES.findIndex((_, place) => !taken.includes(place));
  }
  offer();
  compare(true);
}

function offer() {
  const box = $("choice");
  $("none").hidden = listed.length > 0;
  while (box.children.length > listed.length) box.lastChild.remove();
  listed.forEach((run, i) => {
    const row = box.children[i] || made(box), input = row.querySelector("input");
    input.value = run.id;
    input.checked = chosen.includes(run.id);
    input.disabled = !input.checked && chosen.length >= MOST;
    row.querySelector(".name").textContent = run.name;
    row.querySelector(".more").textContent = about(run);
  });
}

const size = (n) => (n < 1e5 ? `${Math.round(n / 1e3)} k` : `${(n / 1e6).toFixed(1)} M`);

// What a run is, unless its name says so, and how it stands.
function about(run) {
  const what = `${run.text}, ${run.tokenizer}, ${size(run.parameters)}`;
  const best = run.best_validation_loss;
  const day = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return [
    run.name.startsWith(what) ? "" : what,
    run.state.replace(/_/g, " "),
    best === null ? "" : `best ${best.toFixed(3)}`,
    new Date(run.created).toLocaleString([], day),
  ].filter(Boolean).join(" · ");
}

function made(box) {
  const row = document.createElement("li"), label = document.createElement("label");
  const input = document.createElement("input"), name = document.createElement("span"), more = document.createElement("span");
  input.type = "checkbox"; name.className = "name"; more.className = "more";
  input.onchange = () => {
    touched = true;
    choose(input.checked ? [...chosen, input.value] : chosen.filter((id) => id !== input.value));
  };
  label.append(input, name, more); row.append(label); box.append(row);
  return row;
}

// --------------------------------------------------------------------------------- asking

async function compare(anew) {
  const ids = chosen.slice(), mine = (asked += 1);
  if (ids.length < FEWEST) {
    answer = null;
    $("body").hidden = true;
    wait();
    return;
  }
  try {
    const found = await server.compare({ workspace: key, run_ids: ids });
    if (mine !== asked) return; // another choice was made meanwhile
    if (found.error) { say(found.error.message); return; }
    answer = found;
    if (anew) $("unit").value = found.settings.some((one) => TOKENIZER.includes(one.key)) ? "bits" : "loss";
    $("body").hidden = false;
    fill();
  } catch (error) { if (mine === asked) say("The connection is lost; it is tried again."); }
}

// What to do while there are too few to compare.
function wait() {
  say(listed.length < FEWEST ? "" : chosen.length ? "Choose one more run to compare it with." : "Choose at least two runs.");
}

function say(text) { if ($("said").textContent !== text) $("said").textContent = text; }

// Two runs of one name are told apart by a number.
function names() {
  const seen = {}, all = answer.runs.map((run) => run.name);
  return Object.fromEntries(answer.runs.map((run) => {
    seen[run.name] = (seen[run.name] || 0) + 1;
    return [run.id, all.filter((name) => name === run.name).length > 1 ? `${run.name} (${seen[run.name]})` : run.name];
  }));
}

function fill() {
  const called = names();
  say(summary(called));
  $("caution").textContent = answer.cautions.join(" ");
  table(called);
  legend(called);
  draw();
}

function summary(called) {
  const first = ["best_validation_loss", "bits_per_byte"].find((name) => answer.best[name]);
  const runs = first ? answer.runs.filter((run) => answer.best[first].includes(run.id)) : [];
  if (!runs.length) return `${answer.runs.length} runs are compared.`;
  const title = first === "bits_per_byte" ? "fewest bits per byte" : "best validation loss";
  return `${runs.map((run) => called[run.id]).join(" and ")} ${runs.length > 1 ? "have" : "has"} the ${title} so far, ${runs[0].figures[first].toFixed(4)}.`;
}

// ---------------------------------------------------------------------------------- table

const cell = (kind, text, about = {}) => Object.assign(document.createElement(kind), { textContent: text, ...about });

function shown(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

// An upload is called as its file was.
function setting(one, run) {
  const value = one.values[run.id];
  return one.key === "data.source" && String(value).startsWith("upload:") ? run.text : value;
}

function table(called) {
  const runs = answer.runs, ids = runs.map((run) => run.id);
  $("names").replaceChildren(cell("td", ""), ...ids.map((id) => cell("th", called[id], { scope: "col" })));
  const group = (title) => { const row = document.createElement("tr"); row.append(cell("th", title, { scope: "rowgroup", colSpan: ids.length + 1 })); return row; };
  const row = (title, cells) => { const one = document.createElement("tr"); one.append(cell("th", title, { scope: "row" }), ...cells); return one; };
  const settings = answer.settings.map((one) => row(one.unit ? `${one.label} (${one.unit})` : one.label, runs.map((run) => cell("td", shown(setting(one, run))))));
  $("settings").replaceChildren(group(settings.length ? "Settings that differ" : "All settings are the same"), ...settings);
  const results = RESULTS.filter(([name]) => runs.some((run) => run.figures[name] !== null)).map(([name, title, format]) => {
    const best = answer.best[name] || [];
    return row(title, runs.map((run) => {
      const value = run.figures[name], text = value === null ? "–" : format(value);
      return best.includes(run.id) ? cell("td", `${text} best`, { className: "best" }) : cell("td", text);
    }));
  });
  $("results").replaceChildren(group("What came of it"), ...results);
}

// --------------------------------------------------------------------------------- curves

const symbol = (place, size) => d3.symbol().type(d3[`symbol${SHAPES[place][0]}`]).size(size)();
const color = (place) => `var(--gtt-run-${place + 1})`;
const UNITS = {
  loss: { title: "Loss (nats per token)", of: (v) => v },
  perplexity: { title: "Perplexity", of: (v) => Math.exp(v) },
  bits: { title: "Bits per byte", of: (v, run) => v / (run.bytes_per_token * Math.LN2) },
};
const inUnit = (v, run) => UNITS[$("unit").value].of(v, run);

// Where a step lies on the axis; tokens and seconds were measured at some steps, between them a line.
function across(run, step) {
  const column = { steps: 0, tokens: 1, seconds: 2 }[$("across").value], known = run.progress;
  if (column === 0) return step;
  if (known.length < 2) return null;
  const i = Math.min(known.length - 1, Math.max(1, d3.bisector((p) => p[0]).left(known, step)));
  const [a, b] = [known[i - 1], known[i]];
  return a[column] + ((step - a[0]) * (b[column] - a[column])) / (b[0] - a[0]);
}

function series() {
  const of = (run, points) => points.map(([step, v]) => [across(run, step), inUnit(v, run), step]).filter((p) => p[0] !== null && isFinite(p[1]));
  return answer.runs.map((run) => ({ run, place: places[run.id], training: of(run, run.loss), validation: of(run, run.validation_loss) }));
}

function draw() {
  if (!answer) return;
  const box = $("chart"), width = Math.max(280, box.clientWidth), height = width < 520 ? 260 : 340;
  const margin = { top: 16, right: 14, bottom: 34, left: 52 }, all = series(), seen = all.filter((s) => !hidden.has(s.run.id));
  const points = seen.flatMap((s) => [...s.training, ...s.validation]), log = $("log").checked;
  const last = d3.max(all.flatMap((s) => [...s.training, ...s.validation]), (p) => p[0]) || 1;
  const [low, high] = points.length ? d3.extent(points, (p) => p[1]) : [0.5, 5], pad = (high - low) * 0.05 || 0.1;
  const x = d3.scaleLinear().domain([0, last]).range([margin.left, width - margin.right]);
  const y = (log ? d3.scaleLog() : d3.scaleLinear()).domain(log ? [Math.max(low * 0.95, 1e-6), high * 1.05] : [Math.max(0, low - pad), high + pad]).range([height - margin.bottom, margin.top]);
  const { title } = UNITS[$("unit").value], base = $("across").selectedOptions[0].textContent;
  const svg = d3.select(box).selectAll("svg").data([0]).join("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", `${title} of ${all.length} runs across ${base}. ${$("said").textContent}`);
  const part = (name) => svg.selectAll(`g.${name}`).data([0]).join("g").attr("class", name);
  part("x-axis").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(width / 90).tickFormat(d3.format("~s")));
  part("y-axis").attr("transform", `translate(${margin.left},0)`).call(log ? d3.axisLeft(y).ticks(5, "~g") : d3.axisLeft(y).ticks(6)).selectAll(".tick line").attr("x2", width - margin.left - margin.right).attr("class", "grid");
  part("titles").selectAll("text").data([[margin.left, 10, title, "start"], [width - margin.right, height - 3, base, "end"]]).join("text").attr("x", (d) => d[0]).attr("y", (d) => d[1]).attr("text-anchor", (d) => d[3]).text((d) => d[2]);
  const line = d3.line().x((p) => x(p[0])).y((p) => y(Math.max(p[1], y.domain()[0])));
  const runs = part("runs").selectAll("g.run").data(seen, (s) => s.run.id).join((enter) => { const g = enter.append("g").attr("class", "run"); g.append("path").attr("class", "training"); g.append("path").attr("class", "validation"); return g; });
  runs.attr("data-run", (s) => s.run.id).style("--run", (s) => color(s.place));
  runs.select("path.training").attr("d", (s) => line(s.training) || "");
  runs.select("path.validation").attr("d", (s) => line(s.validation) || "").attr("stroke-dasharray", (s) => DASHES[s.place]);
  runs.selectAll("path.point").data((s) => s.validation.filter((_, i) => i % Math.ceil(s.validation.length / 40) === 0 || i === s.validation.length - 1).map((p) => [p, s.place])).join("path").attr("class", "point").attr("d", ([, place]) => symbol(place, 46)).attr("transform", ([p, place]) => `translate(${x(p[0])},${y(Math.max(p[1], y.domain()[0]))}) rotate(${SHAPES[place][1]})`);
  const cursor = part("reading").selectAll("line").data([0]).join("line").attr("class", "cursor").attr("y1", margin.top).attr("y2", height - margin.bottom);
  const show = () => { cursor.attr("x1", x(at * last)).attr("x2", x(at * last)); read(all, at * last, base); };
  const pane = svg.selectAll("rect.pane").data([0]).join("rect").attr("class", "pane").attr("x", margin.left).attr("y", margin.top).attr("width", width - margin.left - margin.right).attr("height", height - margin.top - margin.bottom).raise();
  pane.node().onpointermove = (event) => {
    const r = svg.node().getBoundingClientRect();
    at = Math.max(0, Math.min(1, x.invert(((event.clientX - r.left) * width) / r.width) / last));
    $("at").value = 1000 * at;
    show();
  };
  $("at").oninput = (event) => { at = event.target.value / 1000; show(); };
  show();
}

// --------------------------------------------------------------------------------- legend

function legend(called) {
  const box = $("legend");
  while (box.children.length > answer.runs.length) box.lastChild.remove();
  answer.runs.forEach((run, i) => {
    const row = box.children[i] || entry(box), place = places[run.id], swatch = d3.select(row).attr("data-run", run.id).select("svg").style("--run", color(place));
    swatch.select("line").attr("stroke", "var(--run)").attr("stroke-dasharray", DASHES[place]);
    swatch.select("path").attr("fill", "var(--run)").attr("d", symbol(place, 46)).attr("transform", `translate(23,7) rotate(${SHAPES[place][1]})`);
    row.querySelector(".name").textContent = called[run.id];
    const button = row.querySelector("button");
    button.setAttribute("aria-pressed", String(!hidden.has(run.id)));
    button.setAttribute("aria-label", `Show ${called[run.id]}`);
  });
}

function entry(box) {
  const row = document.createElement("li"), button = document.createElement("button"), name = document.createElement("span"), reads = document.createElement("span");
  const svg = d3.select(button).append("svg").attr("class", "swatch").attr("viewBox", "0 0 46 14").attr("aria-hidden", "true");
  svg.append("line").attr("x1", 1).attr("x2", 45).attr("y1", 7).attr("y2", 7).attr("stroke-width", 2.2);
  svg.append("path");
  button.type = "button"; name.className = "name"; reads.className = "reads";
  button.onclick = () => {
    const id = row.dataset.run;
    if (!hidden.delete(id)) hidden.add(id);
    button.setAttribute("aria-pressed", String(!hidden.has(id)));
    draw();
  };
  row.append(button, name, reads); box.append(row);
  return row;
}

function nearest(points, place) {
  if (!points.length) return null;
  const i = d3.bisector((p) => p[0]).left(points, place);
  const a = points[Math.max(0, i - 1)], b = points[Math.min(points.length - 1, i)];
  return Math.abs(a[0] - place) <= Math.abs(b[0] - place) ? a : b;
}

function read(all, place, base) {
  const words = `${base === "steps" ? "step " : ""}${whole(place)}${base === "steps" ? "" : ` ${base}`}`;
  $("place").textContent = words;
  $("at").setAttribute("aria-valuetext", words);
  all.forEach((s, i) => {
    const row = $("legend").children[i], [v, t] = [nearest(s.validation, place), nearest(s.training, place)];
    const parts = [v && `validation ${v[1].toFixed(3)} at step ${whole(v[2])}`, t && `training ${t[1].toFixed(3)} at step ${whole(t[2])}`];
    row.querySelector(".reads").textContent = parts.filter(Boolean).join(" · ") || "nothing measured yet";
  });
}

// ------------------------------------------------------------------------------- controls

for (const name of ["across", "unit", "log"]) $(name).onchange = () => draw();
new ResizeObserver(() => draw()).observe($("chart"));
function again() {
  if (!element.isConnected) return;
  const isSeen = !document.hidden && element.offsetParent !== null;
  const moves = (runs) => runs.some((run) => ACTIVE.includes(run.state));
  setTimeout(async () => {
    if (isSeen) await list();
    if (isSeen && answer && moves(answer.runs)) await compare(false);
    again();
  }, moves(listed) ? 4000 : 8000);
}
watch("value", () => attach(props.value));
attach(props.value);
again();
