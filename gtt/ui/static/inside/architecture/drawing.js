// The drawing: boxes, arrows with their shapes, frames of unfolded blocks, the tie. One SVG that stays.
const svg = d3.select($("drawing"));
const layers = {};
const tip = (at) => { const one = at.append("path").attr("d", "M0,0L8,4L0,8z"); return one; };
const marks = svg.append("defs");
for (const kind of ["flow", "trunk", "ghost"]) {
  tip(marks.append("marker").attr("id", `gtt-tip-${kind}`).attr("class", `tip-${kind}`).attr("markerUnits", "userSpaceOnUse").attr("markerWidth", kind === "trunk" ? 14 : 9).attr("markerHeight", kind === "trunk" ? 14 : 9).attr("viewBox", "0 0 8 8").attr("refX", 5).attr("refY", 4).attr("orient", "auto"));
}
for (const name of ["frames", "ties", "wires", "boxes", "labels"]) layers[name] = svg.append("g").attr("class", name);
const view = { folded: new Set(), known: 0, zoom: null, chosen: null, at: null, narrow: null };
let drawn = null, laid = null;

// Which blocks are folded: at first all but the first; one that is new is folded as well.
function foldFor(next) {
  const blocks = new Set(next.nodes.map((node) => blockOf(node.id)).filter((block) => block !== null));
  for (const block of blocks) if (block >= view.known && block > 0) view.folded.add(block);
  view.known = Math.max(view.known, blocks.size);
  return blocks;
}

function draw() {
  if (!drawn) return;
  const room = $("sheet").clientWidth || WIDE.width, narrow = room < 480;
  if (narrow !== view.narrow) { view.narrow = narrow; if (!view.shapesByHand) $("shapes").value = narrow ? "letters" : "numbers"; }
  foldFor(drawn);
  laid = layOut(drawn, view.folded, room);
  $("sheet").style.minHeight = "";
  $("sheet").classList.remove("waits");
  svg.attr("viewBox", `0 0 ${laid.width} ${laid.height}`).classed("narrow", narrow);
  const all = [...laid.boxes, ...laid.frames];
  if (!all.some((one) => one.id === view.at)) view.at = laid.boxes[0].id;
  drawFrames(); drawTie(); drawWires(); drawBoxes(); drawLetters(); zoomTo(view.zoom); paint();
  $("folding").textContent = view.folded.size < view.known ? "Fold all blocks" : "Unfold all blocks";
}

function drawFrames() {
  const frames = layers.frames.selectAll("g.frame").data(laid.frames, (d) => d.id).join((e) => {
    const g = e.append("g").attr("class", "frame");
    g.append("rect").attr("class", "edge").attr("rx", 10);
    const head = g.append("g").attr("class", "part head").attr("role", "button").attr("aria-expanded", "true");
    head.append("rect").attr("rx", 6).attr("class", "box"); head.append("text").attr("class", "name"); head.append("text").attr("class", "cost"); head.append("title");
    return g;
  });
  frames.select("rect.edge").attr("x", (d) => d.x).attr("y", (d) => d.y).attr("width", (d) => d.w).attr("height", (d) => d.h);
  const head = frames.select("g.head").call(behave);
  head.select("rect").attr("x", (d) => d.x + 5).attr("y", (d) => d.y + 5).attr("width", (d) => d.w - 10).attr("height", 22);
  head.select(".name").attr("x", laid.trunk + 12).attr("y", (d) => d.y + 20).text((d) => `▾ Block ${d.block}`);
  head.select(".cost").attr("x", (d) => d.x + d.w - 14).attr("y", (d) => d.y + 20).attr("text-anchor", "end").text((d) => costs(d.parameters, d.multiply_adds, d.w - 120));
  head.select("title").text(tooltip);
}

function drawTie() {
  const ties = layers.ties.selectAll("g").data(laid.tie, (d) => d.id).join((e) => { const g = e.append("g").attr("class", "tie"); g.append("path"); g.append("text"); return g; });
  ties.select("path").attr("d", (d) => d.path);
  ties.select("text").attr("x", (d) => d.x).attr("y", (d) => d.y).text("tied: the same weights");
}

function drawWires() {
  // The trunk is drawn first, so that what reads from it lies on top.
  const wires = laid.wires.slice().sort((a, b) => (b.kind === "trunk") - (a.kind === "trunk"));
  layers.wires.selectAll("path").data(wires, (d) => d.id).join("path").order()
    .attr("class", (d) => `wire ${d.ghost ? "ghost" : d.kind}`).attr("d", (d) => d.path)
    .attr("marker-end", (d) => `url(#gtt-tip-${d.ghost ? "ghost" : d.kind === "trunk" ? "trunk" : "flow"})`);
  const as = $("shapes").value;
  layers.labels.selectAll("text").data(laid.wires.filter((d) => !d.ghost), (d) => d.id).join("text")
    .attr("class", (d) => `shape${changed.shapes.has(d.id) ? " changed" : ""}`).attr("text-anchor", (d) => d.anchor).attr("x", (d) => d.x).attr("y", (d) => d.y).text((d) => d[as]);
}

function drawBoxes() {
  const boxes = layers.boxes.selectAll("g.part").data(laid.boxes, (d) => d.id).join((e) => {
    const g = e.append("g").attr("role", "button");
    g.append("rect").attr("class", "box"); g.append("text").attr("class", "name").attr("text-anchor", "middle"); g.append("text").attr("class", "cost").attr("text-anchor", "middle"); g.append("g").attr("class", "swatches"); g.append("title");
    return g;
  });
  boxes.attr("class", (d) => `part ${d.operation}${d.ghost ? " ghost" : ""}${changed.nodes.has(d.id) ? " changed" : ""}${d.round ? " round" : ""}`).call(behave)
    .attr("aria-expanded", (d) => (d.operation === "block" ? "false" : null));
  boxes.select("rect").attr("x", (d) => d.x).attr("y", (d) => d.y).attr("width", (d) => d.w).attr("height", (d) => d.h).attr("rx", (d) => (d.round ? PLUS : 7));
  boxes.select(".name").attr("x", (d) => (d.operation === "block" ? laid.trunk + 12 : d.x + d.w / 2)).attr("text-anchor", (d) => (d.operation === "block" ? "start" : "middle"));
  boxes.select("title").text(tooltip);
}

// A name as long as its box is wide.
const SHORT = { "Causal mask": "Mask", "Positions: fixed waves": "Fixed waves" };
const named = (d) => { const { name } = words(d, drawn); return name.length * 7.4 > d.w && SHORT[name] ? SHORT[name] : name; };

// What stands in a box; the second line is what it holds and costs, or the figure that colours it.
function write(figure) {
  const boxes = layers.boxes.selectAll("g.part");
  const second = (d) => (d.ghost ? "switched off" : d.round || d.operation === "block" ? "" : figure(d) || costs(d.tied_to ? 0 : d.parameters, d.multiply_adds, d.w - 8));
  boxes.select(".name").text((d) => (d.round ? "+" : d.operation === "block" ? `▸ Block ${d.block}` : named(d)))
    .attr("y", (d) => d.y + (d.round ? PLUS + 5.5 : second(d) ? 17 : d.h / 2 + 4.5));
  const beside = (d) => (d.ghost ? "switched off" : figure(d) || "");
  boxes.select(".cost").attr("x", (d) => (d.round ? d.x + d.w + 9 : d.x + d.w / 2)).attr("y", (d) => d.y + (d.round ? d.h : 32)).attr("text-anchor", (d) => (d.round ? "start" : "middle")).text((d) => (d.round ? beside(d) : second(d)));
  boxes.filter((d) => d.operation === "block").select(".cost").attr("x", (d) => d.x + d.w - 14).attr("y", (d) => d.y + d.h / 2 + 4).attr("text-anchor", "end").text((d) => (figure(d) === null ? "" : costs(d.parameters, d.multiply_adds, d.w - 120)));
}

function tooltip(d) {
  if (d.ghost) return `${words(d, drawn).name}: switched off`;
  const name = d.operation === "block" ? `Block ${d.block}` : words(d, drawn).name;
  return `${name}: ${exactly(d.parameters)} parameters${d.tied_to ? ` (tied to ${d.tied_to})` : ""}, ${exactly(d.multiply_adds)} multiply-adds`;
}

function unfolded(d) {
  const held = `${exactly(d.parameters)} parameters, ${exactly(d.multiply_adds)} multiply-adds`;
  return `Block ${d.block}, unfolded: ${held}. Enter folds it.`;
}

function spoken(d) {
  if (d.operation === "block") return `Block ${d.block}, folded: ${exactly(d.parameters)} parameters, ${exactly(d.multiply_adds)} multiply-adds. Enter unfolds it.`;
  const block = blockOf(d.id), where = block === null ? "" : ` of block ${block}`;
  if (d.ghost) return `${words(d, drawn).name}${where}: switched off`;
  return `${words(d, drawn).name}${where}, gives ${d.shape.join(" by ")}; ${exactly(d.parameters)} parameters, ${exactly(d.multiply_adds)} multiply-adds${changed.nodes.has(d.id) ? "; changed" : ""}`;
}

// A part is called by what stands in it, and then by what it does. The blanks part its lines for
// those who hear them.
function nameParts() {
  svg.selectAll("g.part").each(function called(d) {
    const lines = [...this.querySelectorAll("text")];
    for (const one of lines) {
      if (!one.nextSibling || one.nextSibling.nodeType !== Node.TEXT_NODE) one.after(" ");
    }
    const seen = lines.map((one) => one.textContent).filter(Boolean).join(" ");
    const isOpen = this.classList.contains("head");
    this.setAttribute("aria-label", `${seen}: ${isOpen ? unfolded(d) : spoken(d)}`);
  });
}

// ---------------------------------------------------------------- keys and clicks

function behave(parts) {
  parts.attr("tabindex", (d) => (d.id === view.at ? 0 : -1)).attr("data-id", (d) => d.id).classed("chosen", (d) => d.id === view.chosen)
    .on("click", (d) => act(d)).on("keydown", (d) => keyed(d)).on("focus", (d) => { rove(d.id); });
}

function rove(id) {
  view.at = id;
  svg.selectAll("g.part").attr("tabindex", (d) => (d.id === id ? 0 : -1));
}

function act(d) {
  view.chosen = d.id;
  if (d.operation === "block") fold(d.block); else svg.selectAll("g.part").classed("chosen", (one) => one.id === d.id);
  explain(d.id);
}

function fold(block) {
  if (view.folded.has(block)) view.folded.delete(block); else view.folded.add(block);
  const held = svg.node().contains(document.activeElement);
  view.at = `block:${block}`;
  draw();
  if (held) focusOn(view.at);
}

function focusOn(id) {
  const found = svg.selectAll("g.part").filter((d) => d.id === id).node();
  if (found) found.focus();
}

function keyed(d) {
  const event = d3.event, way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(d); return; }
  if (!way) return;
  event.preventDefault();
  const next = neighbour(d, way);
  if (next) { focusOn(next.id); }
}

// The nearest part in a direction; what lies straight ahead is nearer than what lies aside.
function neighbour(d, [dx, dy]) {
  const middle = (one) => [one.x + (one.operation === "block" ? 60 : one.w / 2), one.y + (one.operation === "block" ? 16 : one.h / 2)], [x, y] = middle(d);
  let best = null, least = Infinity;
  for (const one of [...laid.boxes, ...laid.frames]) {
    const [ox, oy] = middle(one), along = (ox - x) * dx + (oy - y) * dy, aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (one.id === d.id || along < 4) continue;
    const far = along + (dy ? 0.6 : 3) * aside;
    if (far < least) { least = far; best = one; }
  }
  return best;
}

// ---------------------------------------------------------------- size

const fitting = (room, width) => Math.min(1.1, Math.max(room / width, 0.9));

// Until it comes, the drawing has the room that it will need, or what stands below would jump.
function reserve() {
  const room = $("sheet").clientWidth, { value = 1 } = document.querySelector("#model-n_layers input") || {};
  const height = ONE_BLOCK + ROW * (Math.max(1, Number(value)) - 1);
  $("sheet").style.minHeight = room ? `${Math.round(height * fitting(room, measures(room).width))}px` : "";
  listLetters({});
}

// The drawing grows in its sheet, which scrolls sideways; the page's own scrolling is left alone.
function zoomTo(zoom) {
  const room = $("sheet").clientWidth || laid.width;
  view.zoom = zoom;
  const factor = zoom === null ? fitting(room, laid.width) : zoom;
  view.factor = factor;
  svg.attr("width", Math.round(laid.width * factor)).attr("height", Math.round(laid.height * factor));
  $("zoom").textContent = `${Math.round(100 * factor)} %`;
}
const nearer = (by) => zoomTo(Math.min(3, Math.max(0.25, view.factor * by)));
$("larger").onclick = () => nearer(1.25);
$("smaller").onclick = () => nearer(0.8);
$("fit").onclick = () => zoomTo(Math.min(1.1, $("sheet").clientWidth / laid.width, (window.innerHeight - 40) / laid.height));
$("sheet").addEventListener("wheel", (event) => { if (event.ctrlKey && laid) { event.preventDefault(); nearer(event.deltaY < 0 ? 1.1 : 0.9); } }, { passive: false });
$("folding").onclick = () => {
  const blocks = [...foldFor(drawn)];
  if (view.folded.size < blocks.length) blocks.forEach((block) => view.folded.add(block)); else view.folded.clear();
  draw();
};
$("shapes").onchange = () => { view.shapesByHand = true; drawWires(); };
let measured = 0;
new ResizeObserver(() => { const width = $("sheet").clientWidth; if (width && width !== measured) { measured = width; if (drawn) draw(); else reserve(); } }).observe($("sheet"));

function drawLetters() {
  const { config } = drawn, values = { B: drawn.batch, T: drawn.tokens, C: config.n_embed, H: config.n_heads, D: config.n_embed / config.n_heads, F: Math.max(1, Math.round(config.mlp_ratio * config.n_embed)), V: drawn.vocab_size };
  listLetters(values, drawn.vocabulary_is_assumed);
}

function listLetters(values, assumed = false) {
  const list = $("letters");
  list.textContent = "";
  for (const [letter, what] of Object.entries(SHAPED)) {
    const one = made(made(list, "div"), "dt", letter).parentNode;
    const value = letter in values ? exactly(values[letter]) : "…\u2007\u2007", isNear = assumed && letter === "V";
    const said = made(one, "dd", `${isNear ? "≈ " : ""}${value} ${what}`);
    if (isNear) said.title = "Known exactly as soon as the text is read";
  }
}
