/**
 * Where everything goes, computed from the nodes and edges alone. The residual stream is a trunk on
 * the left; what reads from it stands to its right, parts of a result side by side in lanes of
 * their own. Rows follow the order of the computation.
 *
 * @typedef {import("./graph.js").Box} Box
 * @typedef {import("./graph.js").Edge} Edge
 * @typedef {Record<keyof typeof WIDE, number>} Sizes
 * @typedef {{ by: Map<string, Box>, into: Map<string, Edge[]>, from: Map<string, Edge[]>,
 *   row: Map<string, number>, lane: Map<string, number>, edges: Edge[], first: string }} Graph
 * @typedef {{ id: string, operation: "block", block: number, from: number, to: number, x: number,
 *   y: number, w: number, h: number } & ReturnType<typeof totalsOf>} Frame of an unfolded block
 */
import { totalsOf, visibleGraph } from "./graph.js";
import { blockOf } from "./parts.js";
import { routeOf } from "./routes.js";

const NARROW = {
  trunk: 34,
  first: 82,
  lane: 66,
  left: 14,
  stem: 136,
  middle: 124,
  single: 58,
  width: 334,
};
export const WIDE = {
  trunk: 60,
  first: 160,
  lane: 138,
  left: 20,
  stem: 240,
  middle: 220,
  single: 118,
  width: 690,
};
export const HIGH = 40;
export const PLUS = 13; // radius of an addition
const ROW = 64;
const HEAD = 40;
const FOOT = 18;
const ONE_BLOCK = 1088; // the height with one block, unfolded, whatever is switched off
const MIDDLE = 2; // the lane of what no lane is for

/** The measures for so many pixels: between the two, in proportion. @param {number} pixels */
export function measures(pixels) {
  const part = Math.max(0, Math.min(1, (pixels - NARROW.width) / (WIDE.width - NARROW.width)));
  const all = Object.entries(NARROW).map(([name, low]) => {
    const high = WIDE[/** @type {keyof typeof WIDE} */ (name)];
    return [name, Math.round(low + part * (high - low))];
  });
  return /** @type {Sizes} */ (Object.fromEntries(all));
}

/** The height of a drawing that is still to come. @param {number} layers */
export const heightFor = (layers) => ONE_BLOCK + ROW * (Math.max(1, layers) - 1);

/**
 * @param {import("./parts.js").Drawn} drawn
 * @param {Set<number>} folded blocks
 * @param {number} pixels
 */
export function layOut(drawn, folded, pixels) {
  const size = measures(pixels);
  const { nodes, edges } = visibleGraph(drawn, folded);
  const graph = graphOf(nodes, edges);
  for (const node of nodes) node.trunk = isOnTrunk(node, graph.first);
  setRows(nodes, graph);
  setLanes(nodes, graph);
  const rows = 1 + Math.max(...graph.row.values());
  const extra = new Array(rows + 1).fill(0);
  const frames = framesOf(drawn, nodes, graph, extra);
  const tops = [];
  let y = 14;
  for (let i = 0; i < rows; i += 1) {
    y += extra[i];
    tops.push(y);
    y += ROW;
  }
  const across = { x: size.left - 8, w: size.width - size.left + 2 };
  for (const frame of frames) {
    const h = tops[frame.to] - tops[frame.from] + HEAD + HIGH + FOOT - 4;
    Object.assign(frame, across, { y: tops[frame.from] - HEAD, h });
  }
  for (const node of nodes) Object.assign(node, boxOf(node, tops[rowOf(graph, node)], size, graph));
  stepAside(nodes, graph, size);
  const wires = edges.map((edge) => routeOf(edge, graph, size, drawn));
  const height = tops[rows - 1] + HIGH + 16 + extra[rows];
  const { trunk, width } = size;
  return { boxes: nodes, wires, frames, tie: tieOf(nodes, graph), trunk, width, height };
}

/** @param {Box[]} nodes @param {Edge[]} edges @returns {Graph} */
function graphOf(nodes, edges) {
  const none = () => new Map(nodes.map((node) => [node.id, /** @type {Edge[]} */ ([])]));
  const graph = { into: none(), from: none(), row: new Map(), lane: new Map() };
  for (const edge of edges) {
    graph.into.get(edge.target)?.push(edge);
    graph.from.get(edge.source)?.push(edge);
  }
  const by = new Map(nodes.map((node) => [node.id, node]));
  return { ...graph, by, edges, first: nodes[0].id };
}

/** @param {Graph} graph @param {Box} node */
const rowOf = (graph, node) => graph.row.get(node.id) ?? 0;

/**
 * The stream's own additions and norms, blocks, and what is outside of them.
 *
 * @param {Box} node
 * @param {string} first
 */
function isOnTrunk(node, first) {
  const { operation } = node;
  if (operation === "block" || operation === "add") return true;
  if (operation === "norm" && node.probes.some((name) => name.includes(".resid_"))) return true;
  return blockOf(node.id) === null && (operation !== "lookup" || node.id === first);
}

/**
 * Rows: below whatever is read. An addition stands beside what it adds, a constant beside its
 * reader.
 *
 * @param {Box[]} nodes
 * @param {Graph} graph
 */
function setRows(nodes, { by, into, from, row, first }) {
  const busy = new Set();
  const find = (/** @type {string} */ id) => {
    const known = row.get(id);
    if (known !== undefined) return known;
    if (busy.has(id)) return 0;
    busy.add(id);
    let at = 0;
    for (const edge of into.get(id) || []) {
      const isBeside =
        by.get(id)?.operation === "add" && !by.get(edge.source)?.trunk && blockOf(id) !== null;
      at = Math.max(at, find(edge.source) + (isBeside ? 0 : 1));
    }
    row.set(id, at);
    busy.delete(id);
    return at;
  };
  for (const { id } of nodes) find(id);
  for (const { id } of nodes) {
    const readers = from.get(id) || [];
    if (into.get(id)?.length || id === first || !readers.length) continue;
    const next = Math.min(...readers.map((edge) => row.get(edge.target) ?? 0));
    row.set(id, next - (blockOf(id) === null ? 1 : 0));
  }
}

/**
 * Lanes: the parts of a split side by side, everything else in the middle of what it reads.
 *
 * @param {Box[]} nodes
 * @param {Graph} graph
 */
function setLanes(nodes, { by, into, from, row, lane }) {
  const inOrder = [...nodes].sort((a, b) => (row.get(a.id) ?? 0) - (row.get(b.id) ?? 0));
  for (const { id, trunk, operation } of inOrder) {
    if (trunk) continue;
    const all = into.get(id) || [];
    const reads = all.filter((edge) => !by.get(edge.source)?.trunk);
    const real = reads.filter((edge) => !edge.ghost);
    const used = real.length ? real : reads;
    if (operation === "split") {
      const parts = from.get(used[0].source) || [];
      lane.set(id, 1 + parts.findIndex((edge) => edge.target === id));
    } else if (!all.length && blockOf(id) !== null) lane.set(id, 0);
    else if (!used.length) lane.set(id, MIDDLE);
    else {
      const sum = used.reduce((total, edge) => total + (lane.get(edge.source) ?? 0), 0);
      lane.set(id, sum / used.length);
    }
  }
}

/**
 * Frames of unfolded blocks; the rows get room for their heads and feet.
 *
 * @param {import("./parts.js").Drawn} drawn
 * @param {Box[]} nodes
 * @param {Graph} graph
 * @param {number[]} extra
 * @returns {Frame[]}
 */
function framesOf(drawn, nodes, graph, extra) {
  const frames = [];
  for (const block of new Set(nodes.map((node) => blockOf(node.id)))) {
    if (block === null) continue;
    const own = nodes.filter((node) => blockOf(node.id) === block);
    const rows = own.map((node) => rowOf(graph, node));
    const [from, to] = [Math.min(...rows), Math.max(...rows)];
    extra[from] += HEAD;
    extra[to + 1] += FOOT;
    const place = { id: `block:${block}`, block, from, to, x: 0, y: 0, w: 0, h: 0 };
    const operation = /** @type {const} */ ("block");
    frames.push({ ...totalsOf(drawn, block), ...place, operation });
  }
  return frames;
}

/** @param {Box} node @param {number} y @param {Sizes} size @param {Graph} graph */
function boxOf(node, y, size, { lane }) {
  if (node.operation === "add") {
    const side = { w: 2 * PLUS, h: 2 * PLUS, round: true };
    return { ...side, x: size.trunk - PLUS, y: y + HIGH / 2 - PLUS };
  }
  if (node.operation === "block") {
    return { x: size.left - 8, y, w: size.width - size.left + 2, h: HIGH };
  }
  if (node.trunk) return { x: size.left, y, w: size.stem, h: HIGH };
  const at = lane.get(node.id) ?? 0;
  const w = at === MIDDLE && node.operation !== "split" ? size.middle : size.single;
  return { x: size.first + at * size.lane - w / 2, y, w, h: HIGH };
}

/**
 * A ghost leaves the way of an arrow that runs where it would stand.
 *
 * @param {Box[]} nodes
 * @param {Graph} graph
 * @param {Sizes} size
 */
function stepAside(nodes, graph, size) {
  const { by, edges, lane } = graph;
  const column = (/** @type {Box} */ node) => (node.trunk ? "trunk" : lane.get(node.id));
  for (const node of nodes.filter((one) => one.ghost)) {
    const isCrossed = edges.some((edge) => {
      const a = by.get(edge.source);
      const b = by.get(edge.target);
      if (edge.ghost || !a || !b) return false;
      const isBetween =
        rowOf(graph, a) < rowOf(graph, node) && rowOf(graph, node) < rowOf(graph, b);
      const upright = column(a) === "trunk" ? "trunk" : column(b);
      return isBetween && upright === column(node);
    });
    if (!isCrossed) continue;
    const x = (node.trunk ? size.trunk : node.x + node.w / 2) + 16;
    node.aside = true;
    if (!node.round) node.w = Math.min(node.w, size.single * 1.25, size.width - x - 6);
    node.x = x;
  }
}

/** The line between two parts with the same weights. @param {Box[]} nodes @param {Graph} graph */
function tieOf(nodes, { by }) {
  const tied = nodes.find((node) => node.tied_to);
  const holder = tied && by.get(tied.tied_to || "");
  if (!tied || !holder) return [];
  const [from, to] = [tied.y + HIGH / 2, holder.y + HIGH / 2];
  const path = `M${tied.x},${from}H5V${to}H${holder.x - 5}`;
  return [{ id: `${tied.id}=${holder.id}`, path, x: tied.x + tied.w + 10, y: from + 4 }];
}

/**
 * The nearest part in a direction; what lies straight ahead is nearer than what lies aside.
 *
 * @template {{ id: string, operation: string, x: number, y: number, w: number, h: number }} B
 * @param {B[]} all
 * @param {B} from
 * @param {number[]} way
 * @returns {B | null}
 */
export function neighbourOf(all, from, [dx, dy]) {
  const middle = (/** @type {B} */ one) =>
    one.operation === "block" ? [one.x + 60, one.y + 16] : [one.x + one.w / 2, one.y + one.h / 2];
  const [x, y] = middle(from);
  let best = null;
  let least = Infinity;
  for (const one of all) {
    const [ox, oy] = middle(one);
    const along = (ox - x) * dx + (oy - y) * dy;
    const aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    const far = along + (dy ? 0.6 : 3) * aside;
    if (one.id === from.id || along < 4 || far >= least) continue;
    least = far;
    best = one;
  }
  return best;
}
