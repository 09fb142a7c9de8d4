// What the chosen part is: in words, as a formula, in figures, and as the lines of source that do it.
function made(parent, kind, text, name) {
  const one = document.createElement(kind);
  if (text !== undefined) one.textContent = text;
  if (name) one.className = name;
  parent.append(one);
  return one;
}

// A paragraph of an explanation: what stands between backticks is code, the rest is text.
function paragraph(parent, text) {
  const one = made(parent, "p");
  text.split("`").forEach((piece, i) => { if (i % 2) made(one, "code", piece); else one.append(piece); });
}

// Before anything is chosen: the whole.
function explainWhole() {
  const panel = $("panel"), table = document.createElement("dl");
  panel.textContent = "";
  panel.classList.remove("about");
  made(panel, "h3", "The whole model");
  made(panel, "p", "Choose a part to read what it does, with its figures and the lines of source that do it.", "subdued");
  table.className = "figures";
  panel.append(table);
  pair(table, "Parameters", exactly(drawn.parameters));
  pair(table, "Multiply-adds", `${exactly(d3.sum(drawn.nodes, (node) => node.multiply_adds))} for a batch of ${drawn.batch} × ${drawn.tokens} tokens`);
  pair(table, "Operations", String(drawn.nodes.length));
  made(panel, "p", "The thick line is the residual stream: parts read from it and add to it. A filled box has weights. P stands for parameters, ×+ for multiply-adds where room is short.", "subdued");
}

function close() { view.chosen = null; svg.selectAll("g.part").classed("chosen", false); explainWhole(); }

function explain(id) {
  if (!drawn) return;
  const panel = $("panel"), block = /^block:(\d+)$/.exec(id);
  panel.textContent = "";
  panel.scrollTop = 0;
  const away = made(panel, "button", "×", "close");
  away.type = "button"; away.setAttribute("aria-label", "Close"); away.onclick = close;
  $("panel").classList.add("about");
  if (block) { explainBlock(panel, Number(block[1])); return; }
  const ghost = drawn.missing.some((node) => node.id === id);
  const node = { ...[...drawn.nodes, ...drawn.missing].find((one) => one.id === id), ghost };
  if (!node.id) return;
  const about = words(node, drawn), concept = concepts[about.concept];
  made(panel, "h3", about.name);
  made(panel, "p", `${blockOf(id) === null ? "" : `block ${blockOf(id)} · `}${id}`, "id mono");
  if (ghost) made(panel, "p", "Switched off in this model: the dashed outline shows where it would be.", "off");
  if (concept) made(panel, "p", concept.tip);
  if (about.formula) made(panel, "p", about.formula, "formula mono");
  figures(panel, node);
  source(panel, node);
  more(panel, about.concept);
}

function explainBlock(panel, block) {
  const own = totals(drawn, block);
  made(panel, "h3", `Block ${block}`);
  made(panel, "p", `h.${block}`, "id mono");
  made(panel, "p", view.folded.has(block) ? "Folded: press it again to see inside." : "Unfolded: press its head to fold it.", "subdued");
  const table = made(panel, "dl", undefined, "figures");
  pair(table, "Operations", String(own.operations));
  pair(table, "Parameters", exactly(own.parameters));
  pair(table, "Multiply-adds", exactly(own.multiply_adds));
  healthLines(table, (part) => blockOf(`${part}.`) === block);
  more(panel, "n_layers");
}

function pair(table, name, text) { made(table, "dt", name); return made(table, "dd", text); }
const shaped = (shape, node) => { const named = inLetters(shape, node, drawn), sizes = shape.join(" × "); return named === sizes ? sizes : `${named} = ${sizes}`; };

function figures(panel, node) {
  const table = made(panel, "dl", undefined, "figures"), of = (id) => [...drawn.nodes, ...drawn.missing].find((one) => one.id === id);
  const edges = [...drawn.edges, ...(node.ghost ? drawn.missing_edges : [])];
  for (const edge of edges.filter((one) => one.target === node.id)) {
    const maker = of(edge.source);
    pair(table, "Takes", `${words(maker, drawn).name.toLowerCase()}: ${shaped(edge.shape, maker)}`);
  }
  pair(table, "Gives", shaped(node.shape, node));
  for (const [name, shape] of Object.entries(node.weights)) pair(table, "Weights", `${name}: ${shape.join(" × ")}`);
  const tied = node.tied_to ? ` (those of ${node.tied_to}, tied: not counted twice)` : node.weights["wpe.weight"] && !node.parameters ? " (fixed, not trained)" : "";
  pair(table, "Parameters", `${exactly(node.parameters)}${tied}`);
  pair(table, "Multiply-adds", node.multiply_adds ? `${exactly(node.multiply_adds)} for the whole batch` : "none");
  healthLines(table, (part, name) => (partsOf(node)[name] || []).includes(part));
}

function source(panel, node) {
  statements(panel, node.lines, "The lines that do it");
  statements(panel, node.open_lines, "The same, written out for looking inside");
}

function statements(panel, lines, title) {
  const found = lines.map((line) => drawn.source.find((one) => one.line === line)).filter(Boolean), shown = new Set();
  if (!found.length) return;
  made(panel, "h4", title);
  for (const { first, code } of found) {
    if (shown.has(first)) continue;
    shown.add(first);
    const figure = made(panel, "figure");
    made(figure, "figcaption", `${drawn.file}, line ${first}`, "mono");
    made(made(figure, "pre"), "code", code).dataset.line = first;
  }
}

function more(panel, id) {
  for (const one of [id, "multiply_adds"]) {
    const concept = concepts[one];
    if (!concept) continue;
    const fold = made(panel, "details");
    fold.open = one === id;
    made(fold, "summary", concept.title);
    concept.body.forEach((text) => paragraph(fold, text));
  }
}
