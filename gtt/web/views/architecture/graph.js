/**
 * The graph that is seen: nodes, switched-off ones as ghosts, and in place of the nodes of a folded
 * block that block.
 *
 * @typedef {import("./parts.js").Drawn} Drawn
 * @typedef {import("./parts.js").Node} Node
 * @typedef {Omit<Node, "ghost"> & { ghost: boolean, block: number | null, operations: number,
 *   trunk: boolean, round: boolean, aside: boolean, x: number, y: number, w: number, h: number
 * }} Box a node with its place; `block` where it stands for one
 * @typedef {{ id: string, source: string, target: string, shape: number[], ghost: boolean,
 *   maker: Node | undefined }} Edge `maker` is the node that gives what it carries
 */
import { blockOf } from "./parts.js";

const NOWHERE = { trunk: false, round: false, aside: false, x: 0, y: 0, w: 0, h: 0 };

/** What a block holds and costs. @param {Drawn} drawn @param {number} block */
export function totalsOf(drawn, block) {
  const own = drawn.nodes.filter((node) => blockOf(node.id) === block);
  return {
    parameters: own.reduce((sum, node) => sum + node.parameters, 0),
    multiply_adds: own.reduce((sum, node) => sum + node.multiply_adds, 0),
    operations: own.length,
    shape: own[own.length - 1]?.shape || [],
  };
}

/**
 * @param {Drawn} drawn
 * @param {Set<number>} folded blocks
 * @returns {{ nodes: Box[], edges: Edge[] }}
 */
export function visibleGraph(drawn, folded) {
  /** @type {Map<string, Box>} */
  const nodes = new Map();
  /** @type {Map<string, Edge>} */
  const edges = new Map();
  const makers = new Map([...drawn.missing, ...drawn.nodes].map((node) => [node.id, node]));
  const placeOf = (/** @type {string} */ id) => {
    const block = blockOf(id);
    return block !== null && folded.has(block) ? `block:${block}` : id;
  };
  const addNode = (/** @type {Node} */ node, /** @type {boolean} */ ghost) => {
    const id = placeOf(node.id);
    if (id === node.id) nodes.set(id, { ...node, ghost, block: null, operations: 1, ...NOWHERE });
    else if (!nodes.has(id)) {
      const block = Number(blockOf(node.id));
      nodes.set(id, { ...EMPTY, ...NOWHERE, ...totalsOf(drawn, block), id, block });
    }
  };
  const addEdge = (/** @type {Drawn["edges"][0]} */ edge, /** @type {boolean} */ ghost) => {
    const source = placeOf(edge.source);
    const target = placeOf(edge.target);
    const id = `${source}>${target}`;
    const ends = [nodes.get(source), nodes.get(target)];
    if (source === target || edges.has(id) || !ends[0] || !ends[1]) return;
    if (ghost && !ends[0].ghost && !ends[1].ghost) return;
    const maker = makers.get(edge.source);
    edges.set(id, { id, source, target, shape: edge.shape, maker, ghost });
  };
  for (const node of drawn.nodes) addNode(node, false);
  for (const node of drawn.missing) addNode(node, true);
  for (const edge of drawn.edges) addEdge(edge, false);
  for (const edge of drawn.missing_edges) addEdge(edge, true);
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

const EMPTY = {
  operation: "block",
  ghost: false,
  module: "",
  tied_to: null,
  lines: [],
  open_lines: [],
  weights: {},
  probes: [],
};
