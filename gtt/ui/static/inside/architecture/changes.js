// What another setting changed: marked in the drawing, and said.
const changed = { nodes: new Set(), shapes: new Set() };

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const SETTINGS = { n_layers: "layers", n_heads: "heads", n_embed: "embedding width", block_size: "block size", mlp_ratio: "MLP ratio", norm_position: "layer norm", residual: "residual connections", position: "positions", activation: "activation", tie_embeddings: "tied embeddings", bias: "biases", attention: "attention code", dropout: "dropout" };
const spelled = (value) => (value === true ? "on" : value === false ? "off" : String(value).replace(/_/g, " "));

function markChanges(before, now) {
  changed.nodes.clear(); changed.shapes.clear();
  const was = new Map(before.nodes.map((node) => [node.id, node])), is = new Map(now.nodes.map((node) => [node.id, node]));
  const fresh = now.nodes.filter((node) => !was.has(node.id));
  const gone = before.nodes.filter((node) => !is.has(node.id));
  for (const node of now.nodes) {
    const old = was.get(node.id), block = blockOf(node.id);
    if (old && same([old.weights, old.parameters, old.tied_to, words(old, before)], [node.weights, node.parameters, node.tied_to, words(node, now)])) continue;
    changed.nodes.add(node.id);
    if (block !== null) changed.nodes.add(`block:${block}`);
  }
  const reads = (drawing) => new Map(drawing.edges.map((edge) => [`${edge.source}>${edge.target}`, edge.shape]));
  const old = reads(before);
  for (const [id, shape] of reads(now)) if (!same(old.get(id), shape)) changed.shapes.add(id);
  tellChanges(before, now, fresh, gone);
}

function tellChanges(before, now, fresh, gone) {
  const parts = [], list = (nodes) => { const names = [...new Set(nodes.map((node) => words({ ...node, ghost: false }, now).name.toLowerCase()))]; return names.length > 4 ? `${names.slice(0, 3).join(", ")} and more` : names.join(", "); };
  for (const [name, label] of Object.entries(SETTINGS)) if (!same(before.config[name], now.config[name])) parts.push(`${label} ${spelled(before.config[name])} → ${spelled(now.config[name])}`);
  if (before.batch !== now.batch) parts.push(`batch ${before.batch} → ${now.batch}`);
  if (before.vocab_size !== now.vocab_size) parts.push(`vocabulary ${exactly(before.vocab_size)} → ${exactly(now.vocab_size)}`);
  if (!parts.length) return;
  const within = (nodes, missing, yes) => nodes.filter((node) => missing.some((one) => one.id === node.id) === yes);
  const many = (nodes, what) => { if (nodes.length) parts.push(`${nodes.length} part${nodes.length > 1 ? "s" : ""} ${what} (${list(nodes)})`); };
  many(within(fresh, before.missing, false), "new");
  many(within(fresh, before.missing, true), "switched on");
  many(within(gone, now.missing, true), "switched off");
  many(within(gone, now.missing, false), "gone");
  if (before.parameters !== now.parameters) parts.push(`parameters ${exactly(before.parameters)} → ${exactly(now.parameters)}`);
  if (!changed.nodes.size && !changed.shapes.size && !gone.length) parts.push("the drawing stays as it is");
  $("changed").textContent = `Changed: ${parts.join("; ")}.`;
}
