// Where everything goes, computed from the nodes and edges alone. The residual stream is a trunk on
// the left; what reads from it stands to its right, parts of a result side by side in lanes of
// their own. Rows follow the order of the computation.
const NARROW = { trunk: 34, first: 82, lane: 66, left: 14, stem: 136, middle: 124, single: 58, width: 334 };
const WIDE = { trunk: 60, first: 160, lane: 138, left: 20, stem: 240, middle: 220, single: 118, width: 690 };
const ROW = 64, HIGH = 40, HEAD = 40, FOOT = 18, PLUS = 13;
const ONE_BLOCK = 1088; // the height with one block, unfolded, whatever is switched off

// The measures for so many pixels: between the two, in proportion.
function measures(pixels) {
  const part = Math.max(0, Math.min(1, (pixels - NARROW.width) / (WIDE.width - NARROW.width)));
  return Object.fromEntries(Object.entries(NARROW).map(([name, low]) => [name, Math.round(low + part * (WIDE[name] - low))]));
}

// The graph that is seen: nodes, switched-off ones as ghosts, and in place of the nodes of a
// folded block that block.
function visibleGraph(drawn, folded) {
  const nodes = new Map(), edges = new Map();
  const place = (id) => { const block = blockOf(id); return block !== null && folded.has(block) ? `block:${block}` : id; };
  for (const [list, ghost] of [[drawn.nodes, false], [drawn.missing, true]]) for (const one of list) {
    const id = place(one.id), block = blockOf(one.id);
    if (id === one.id) nodes.set(id, { ...one, ghost });
    else if (!nodes.has(id)) nodes.set(id, { id, operation: "block", block, ghost: false, ...totals(drawn, block) });
  }
  for (const [list, ghost] of [[drawn.edges, false], [drawn.missing_edges, true]]) for (const one of list) {
    const source = place(one.source), target = place(one.target), id = `${source}>${target}`;
    if (source === target || edges.has(id) || !nodes.has(source) || !nodes.has(target)) continue;
    if (ghost && !nodes.get(source).ghost && !nodes.get(target).ghost) continue;
    const maker = [...drawn.nodes, ...drawn.missing].find((node) => node.id === one.source);
    edges.set(id, { id, source, target, shape: one.shape, maker, ghost });
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

function totals(drawn, block) {
  const own = drawn.nodes.filter((node) => blockOf(node.id) === block), sum = (of) => own.reduce((all, node) => all + of(node), 0);
  return { parameters: sum((node) => node.parameters), multiply_adds: sum((node) => node.multiply_adds), operations: own.length, shape: (own[own.length - 1] || {}).shape || [], lines: [], weights: {}, probes: [] };
}

// On the trunk stand the stream's own additions and norms, blocks, and what is outside of blocks.
function onTrunk(node, first) {
  if (node.operation === "block" || node.operation === "add") return true;
  if (node.operation === "norm" && (node.probes || []).some((name) => name.includes(".resid_"))) return true;
  return blockOf(node.id) === null && (node.operation !== "lookup" || node.id === first);
}

function layOut(drawn, folded, pixels) {
  const size = measures(pixels), { nodes, edges } = visibleGraph(drawn, folded);
  const by = new Map(nodes.map((node) => [node.id, node]));
  const into = new Map(nodes.map((node) => [node.id, []])), from = new Map(nodes.map((node) => [node.id, []]));
  for (const edge of edges) { into.get(edge.target).push(edge); from.get(edge.source).push(edge); }
  const first = nodes[0].id;
  for (const node of nodes) node.trunk = onTrunk(node, first);

  // Rows: below whatever is read. An addition stands beside what it adds, a constant beside its reader.
  const row = new Map(), busy = new Set();
  const rowOf = (id) => {
    if (row.has(id)) return row.get(id);
    if (busy.has(id)) return 0;
    busy.add(id);
    const node = by.get(id), reads = into.get(id);
    let at = 0;
    for (const edge of reads) at = Math.max(at, rowOf(edge.source) + (node.operation === "add" && !by.get(edge.source).trunk && blockOf(id) !== null ? 0 : 1));
    row.set(id, at);
    busy.delete(id);
    return at;
  };
  nodes.forEach((node) => rowOf(node.id));
  for (const node of nodes) if (!into.get(node.id).length && node.id !== first && from.get(node.id).length) row.set(node.id, Math.min(...from.get(node.id).map((edge) => row.get(edge.target))) - (blockOf(node.id) === null ? 1 : 0));

  // Lanes: the parts of a split side by side, everything else in the middle of what it reads.
  const lane = new Map();
  for (const node of [...nodes].sort((a, b) => row.get(a.id) - row.get(b.id))) {
    if (node.trunk) continue;
    const reads = into.get(node.id).filter((edge) => !by.get(edge.source).trunk);
    const real = reads.filter((edge) => !edge.ghost), used = real.length ? real : reads;
    if (node.operation === "split") lane.set(node.id, 1 + from.get(used[0].source).findIndex((edge) => edge.target === node.id));
    else if (!into.get(node.id).length && blockOf(node.id) !== null) lane.set(node.id, 0);
    else if (!used.length) lane.set(node.id, 2);
    else lane.set(node.id, d3.mean(used, (edge) => (lane.has(edge.source) ? lane.get(edge.source) : 0)));
  }

  // Heights: a block that is unfolded has a head and a foot.
  const rows = 1 + Math.max(...row.values()), extra = new Array(rows + 1).fill(0), frames = [];
  for (const block of new Set(nodes.map((node) => blockOf(node.id)))) {
    if (block === null) continue;
    const own = nodes.filter((node) => blockOf(node.id) === block).map((node) => row.get(node.id));
    frames.push({ id: `block:${block}`, block, from: Math.min(...own), to: Math.max(...own), ...totals(drawn, block) });
    extra[Math.min(...own)] += HEAD; extra[Math.max(...own) + 1] += FOOT;
  }
  const tops = [];
  for (let i = 0, y = 14; i < rows; i += 1) { y += extra[i]; tops.push(y); y += ROW; }
  for (const frame of frames) Object.assign(frame, { operation: "block", x: size.left - 8, y: tops[frame.from] - HEAD, w: size.width - size.left + 2, h: tops[frame.to] - tops[frame.from] + HEAD + HIGH + FOOT - 4 });
  for (const node of nodes) {
    const y = tops[row.get(node.id)];
    if (node.operation === "add") Object.assign(node, { round: true, x: size.trunk - PLUS, y: y + HIGH / 2 - PLUS, w: 2 * PLUS, h: 2 * PLUS });
    else if (node.operation === "block") Object.assign(node, { x: size.left - 8, y, w: size.width - size.left + 2, h: HIGH });
    else if (node.trunk) Object.assign(node, { x: size.left, y, w: size.stem, h: HIGH });
    else {
      const middle = lane.get(node.id) === 2 && node.operation !== "split", w = middle ? size.middle : size.single;
      Object.assign(node, { x: size.first + lane.get(node.id) * size.lane - w / 2, y, w, h: HIGH });
    }
  }
  stepAside(nodes, edges, by, row, lane, size);
  const wires = edges.map((edge) => route(edge, by, into, size, drawn));
  const tied = nodes.find((node) => node.tied_to), holder = tied && by.get(tied.tied_to);
  const tie = holder ? [{ id: `${tied.id}=${holder.id}`, path: `M${tied.x},${tied.y + HIGH / 2}H5V${holder.y + HIGH / 2}H${holder.x - 5}`, x: tied.x + tied.w + 10, y: tied.y + HIGH / 2 + 4 }] : [];
  return { boxes: nodes, wires, frames, tie, trunk: size.trunk, width: size.width, height: tops[rows - 1] + HIGH + 16 + extra[rows] };
}

// A ghost leaves the way of an arrow that runs where it would stand.
function stepAside(nodes, edges, by, row, lane, size) {
  const column = (node) => (node.trunk ? "trunk" : lane.get(node.id));
  for (const node of nodes.filter((one) => one.ghost)) {
    const crossed = edges.some((edge) => {
      const a = by.get(edge.source), b = by.get(edge.target);
      const vertical = column(a) === "trunk" ? "trunk" : column(b);
      return !edge.ghost && row.get(edge.source) < row.get(node.id) && row.get(node.id) < row.get(edge.target) && vertical === column(node);
    });
    if (!crossed) continue;
    const x = (node.trunk ? size.trunk : node.x + node.w / 2) + 16;
    node.aside = true;
    if (!node.round) node.w = Math.min(node.w, size.single * 1.25, size.width - x - 6);
    node.x = x;
  }
}

// The way of an arrow, and where its shape is written.
function route(edge, by, into, size, drawn) {
  const a = by.get(edge.source), b = by.get(edge.target), middle = (box) => box.x + box.w / 2;
  const ax = a.trunk && !a.aside ? size.trunk : middle(a), bottom = a.y + a.h, mid = b.y + b.h / 2;
  const wire = { ...edge, kind: "flow", anchor: "start", letters: inLetters(edge.shape, edge.maker, drawn).replace(/ × /g, " "), numbers: edge.shape.join("×") };
  const trunk = a.trunk && b.trunk;
  if (trunk && !a.aside && !b.aside) {
    const stream = drawn.config.residual && !/^(ln_f|lm_head)$/.test(a.id) ? "trunk" : "flow";
    return { ...wire, kind: stream, path: `M${ax},${bottom}V${b.y - 5}`, x: ax + 9, y: bottom + 16 };
  }
  if (a.trunk && !trunk) return { ...wire, kind: "read", path: `M${ax},${bottom}V${mid}H${b.x - 5}`, x: b.x - 9, y: mid - 6, anchor: "end" };
  if (b.round) {
    const y = a.y + a.h / 2;
    return Math.abs(y - mid) < 1 ? { ...wire, kind: "write", path: `M${a.x},${mid}H${b.x + b.w + 5}`, x: b.x + b.w + 10, y: mid - 6 } : { ...wire, kind: "write", path: `M${ax},${bottom}V${mid}H${b.x + b.w + 5}`, x: ax + 7, y: bottom + 16 };
  }
  const bx = b.operation === "block" ? ax : b.trunk && !b.aside ? size.trunk : middle(b);
  if (Math.abs(ax - bx) < 1) return { ...wire, path: `M${ax},${bottom}V${b.y - 5}`, x: ax + 7, y: bottom + 16 };
  const right = bx > ax, side = right ? b.x - 5 : b.x + b.w + 5;
  if (Math.abs(a.y - b.y) < 1) return { ...wire, path: `M${right ? a.x + a.w : a.x},${mid}H${side}`, x: ax, y: a.y - 6, anchor: "middle" };
  if (into.get(b.id).filter((one) => !one.ghost).length > 1) return { ...wire, path: `M${ax},${bottom}V${mid}H${side}`, x: ax + 7, y: bottom + 16 };
  const turn = bottom + 7;
  return { ...wire, path: `M${ax},${bottom}V${turn}H${bx}V${b.y - 5}`, x: bx + 6, y: b.y - 6 };
}
