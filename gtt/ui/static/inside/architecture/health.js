// The same drawing alive: parts coloured by what the snapshots of the run tell of them. Each figure
// has a fixed scale, so that colours can be compared between steps and between runs.
const HEALTH = {
  activation_scale: { label: "Activation scale", low: 0.01, high: 10, concept: "activation_scale", what: "root mean square of what a part writes" },
  dead_units: { label: "Dead units", low: 0, high: 1, concept: "dead_units", what: "share of hidden units that stay near zero" },
  gradient_norm: { label: "Gradient norm", low: 0.001, high: 10, concept: "gradient_norm", what: "length of the gradient of a part's weights" },
  update_to_weight: { label: "Update over weight", low: 1e-5, high: 1, concept: "update_to_weight_ratio", what: "length of one update over the length of the weights" },
};
const health = { run: null, steps: [], at: null, snapshot: null, kept: new Map(), asking: false, quiet: 0 };
const COLOURS = d3.interpolateCividis || d3.interpolateViridis;

// Which parts of a snapshot tell of a node: by what its result is (activations), by its weights (updates).
function partsOf(node) {
  const probes = node.probes || [], weights = Object.keys(node.weights || {});
  const scale = probes.filter((name) => name === "embed" || name === "final" || /\.(attn|mlp)\.out$|\.resid_post$/.test(name)).map((name) => name.replace(/\.out$/, ""));
  const dead = probes.filter((name) => name.endsWith(".mlp.post")).map((name) => name.replace(/\.post$/, ""));
  const own = [...new Set(weights.map((name) => { const found = /^h\.(\d+)\.(ln_1|attn|ln_2|mlp)\b/.exec(name); return found ? `h.${found[1]}.${{ ln_1: "attn", ln_2: "mlp" }[found[2]] || found[2]}` : name.split(".")[0]; }))];
  return { activation_scale: scale, dead_units: dead, gradient_norm: own, update_to_weight: own };
}

// The figure of a node, undefined where the snapshot has none.
function figureOf(node, name) {
  if (!health.snapshot || !name || node.ghost) return undefined;
  const found = (partsOf(node)[name] || []).map((part) => (health.snapshot.statistics[part] || {})[name]).filter((v) => v !== undefined && v !== null);
  return found.length ? found[0] : undefined;
}

function shade(name, value) {
  const { low, high } = HEALTH[name];
  const t = low > 0 ? Math.log(Math.max(value, 1e-12) / low) / Math.log(high / low) : (value - low) / (high - low);
  return COLOURS(Math.max(0, Math.min(1, t)));
}
// Black or white, whichever stands out more.
function ink(colour) {
  const { r, g, b } = d3.rgb(colour), linear = (v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) > 0.179 ? "#000000" : "#ffffff";
}
const told = (value) => (value === 0 ? "0" : Math.abs(value) < 0.001 || Math.abs(value) >= 10000 ? value.toExponential(1) : String(Number(value.toPrecision(3))));

// Colours whatever is drawn by the snapshot that is looked at; without one, as it is.
function paint() {
  if (!laid) return;
  const name = drawnHealth();
  svg.classed("alive", Boolean(name));
  const boxes = layers.boxes.selectAll("g.part");
  write((d) => { if (d.operation === "block") return name ? null : ""; const v = figureOf(d, name); return v === undefined ? "" : told(v); });
  boxes.each(function (d) {
    const v = d.operation === "block" ? undefined : figureOf(d, name), colour = v === undefined ? null : shade(name, v);
    const one = d3.select(this).classed("painted", v !== undefined).attr("data-figure", v === undefined ? null : v);
    one.select("rect.box").style("fill", colour);
    one.select(".name").style("fill", colour ? ink(colour) : null);
    one.select(".cost").style("fill", colour && !d.round ? ink(colour) : null);
  });
  swatches(boxes.filter((d) => d.operation === "block"), name);
  legend(name);
  nameParts();
}
const drawnHealth = () => (drawn && health.snapshot && (shownRun || !differs) ? $("quantity").value : "");

// A folded block shows the figure of each of its parts in a field of its own.
function swatches(blocks, name) {
  const room = view.narrow ? 64 : 96, wide = room + 4;
  const fields = blocks.select("g.swatches").selectAll("g").data((d) => (name ? blockParts(d.block, name) : []).map((part, i, all) => ({ ...part, x: d.x + d.w - (all.length - i) * wide - 4, y: d.y + 7 })), (d) => d.label)
    .join((e) => { const g = e.append("g"); g.append("rect").attr("rx", 4); g.append("text"); return g; });
  fields.select("rect").attr("x", (d) => d.x).attr("y", (d) => d.y).attr("width", room).attr("height", HIGH - 14).style("fill", (d) => shade(name, d.value));
  fields.select("text").attr("text-anchor", "middle").attr("x", (d) => d.x + room / 2).attr("y", (d) => d.y + 17).style("fill", (d) => ink(shade(name, d.value))).text((d) => `${view.narrow ? d.short : d.label} ${told(d.value)}`);
}
const blockParts = (block, name) => [["attn", "attn", "A"], ["mlp", "MLP", "M"], ["resid_post", "stream", "x"]].map(([part, label, short]) => ({ label, short, value: ((health.snapshot || { statistics: {} }).statistics[`h.${block}.${part}`] || {})[name] })).filter((one) => one.value !== undefined);

function legend(name) {
  const place = $("scale");
  place.textContent = "";
  if (!$("quantity").value) return;
  const { label, low, high, what } = HEALTH[$("quantity").value];
  made(place, "span", differs && !shownRun ? "Colours belong to the run: choose it above." : `${label}: ${what}`, "what");
  const bar = made(place, "span", undefined, "ramp");
  bar.style.background = `linear-gradient(to right, ${d3.range(0, 1.01, 0.1).map((t) => COLOURS(t)).join(", ")})`;
  const ticks = made(place, "span", undefined, "ticks"), powers = low > 0 ? Math.round(Math.log10(high / low)) : 4;
  d3.range(powers + 1).forEach((i) => { made(ticks, "span", `${i === 0 && low > 0 ? "≤ " : i === powers && low > 0 ? "≥ " : ""}${low > 0 ? told(low * 10 ** i) : told((i * high) / powers)}`).style.left = `${(100 * i) / powers}%`; });
}

// The lines of the panel: what the snapshot says of a part.
function healthLines(table, wanted) {
  if (!health.snapshot || !(shownRun || !differs)) return;
  for (const [part, figures] of Object.entries(health.snapshot.statistics)) for (const [name, value] of Object.entries(figures)) {
    if (HEALTH[name] && wanted(part, name)) pair(table, HEALTH[name].label, `${told(value)} in ${part}, step ${exactly(health.snapshot.step)}`);
  }
}

// ---------------------------------------------------------------- steps

// Looks at the newest snapshot up to a step; null follows the newest of all.
async function look(step) {
  health.at = step;
  if (!$("quantity").value || !runId || health.asking) return;
  const known = step === null || step > d3.max(health.steps) ? null : health.steps.filter((one) => one <= step).pop();
  if (health.kept.has(known)) { see(health.kept.get(known)); return; }
  health.asking = true;
  const asked = runId, answer = await ask("snapshot", { run_id: asked, step: step === null ? 100000000 : step, tokens: 1 });
  health.asking = false;
  if (asked !== runId) { look(null); return; }
  if (!answer) return;
  health.quiet = answer.steps.length === health.steps.length ? health.quiet + 1 : 0;
  health.steps = answer.steps;
  health.kept.set(answer.step, { step: answer.step, statistics: answer.statistics });
  see(health.kept.get(answer.step));
  if (health.at !== step) look(health.at);
}

function see(snapshot) {
  const other = health.snapshot !== snapshot;
  health.snapshot = snapshot;
  const slider = $("step"), place = health.steps.indexOf(snapshot.step);
  slider.max = Math.max(0, health.steps.length - 1);
  slider.value = place;
  slider.setAttribute("aria-valuetext", `step ${exactly(snapshot.step)}`);
  $("when").textContent = `Step ${exactly(snapshot.step)}`;
  $("newest").hidden = health.at === null;
  element.dataset.step = snapshot.step;
  if (other) { paint(); if (view.chosen) explain(view.chosen); }
}

function forgetHealth() { Object.assign(health, { run: null, steps: [], at: null, snapshot: null, quiet: 0 }); health.kept.clear(); delete element.dataset.step; }
$("step").oninput = (event) => { const i = Number(event.target.value); look(i === health.steps.length - 1 ? null : health.steps[i]); };
$("newest").onclick = () => look(null);
$("quantity").onchange = () => {
  const on = Boolean($("quantity").value);
  $("health").hidden = !on;
  if (on && !runId) say("There is no run yet: press Start training above, and its snapshots colour these parts while it learns.");
  if (on && runId && differs && !shownRun) showRun(true);
  if (on) look(health.at); else say("");
  paint();
};
document.addEventListener("gtt:moment", function moved(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:moment", moved); return; }
  const { run, step, newest } = event.detail || {};
  if (run && run === runId && !(newest && health.at === null)) look(newest ? null : step);
});
