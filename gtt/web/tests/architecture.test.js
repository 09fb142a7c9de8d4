import assert from "node:assert/strict";
import test from "node:test";
import { changesBetween } from "../views/architecture/changes.js";
import {
  blockFigures,
  figureOf,
  marksOf,
  onScale,
  partsFor,
  toldOf,
} from "../views/architecture/figures.js";
import { visibleGraph } from "../views/architecture/graph.js";
import { layOut, measures, neighbourOf } from "../views/architecture/layout.js";
import { costsSaid, inLetters, wordsOf } from "../views/architecture/parts.js";

/** @param {string} id @param {string} operation @param {object} [more] @returns {any} */
const node = (id, operation, more = {}) => ({
  id,
  operation,
  module: "",
  shape: [2, 8, 16],
  probes: [],
  weights: {},
  parameters: 10,
  tied_to: null,
  multiply_adds: 100,
  lines: [],
  open_lines: [],
  ...more,
});
const CONFIG = { n_layers: 2, n_embed: 16, n_heads: 2, mlp_ratio: 4, activation: "gelu" };

/**
 * A little model of two blocks, each an MLP on the stream.
 *
 * @param {object} [more]
 * @returns {any}
 */
function drawing(more = {}) {
  const blocks = [0, 1].flatMap((i) => [
    node(`h.${i}.mlp.c_fc`, "linear", {
      shape: [2, 8, 64],
      weights: { [`h.${i}.mlp.c_fc.weight`]: [16, 64] },
    }),
    node(`h.${i}.mlp.c_proj`, "linear", { probes: [`h.${i}.mlp.out`] }),
    node(`h.${i}.mlp_add`, "add", { parameters: 0 }),
  ]);
  const edge = (/** @type {string} */ source, /** @type {string} */ target) => {
    return { source, target, shape: [2, 8, 16] };
  };
  const inBlock = (/** @type {number} */ i, /** @type {string} */ from) => [
    edge(from, `h.${i}.mlp.c_fc`),
    edge(`h.${i}.mlp.c_fc`, `h.${i}.mlp.c_proj`),
    edge(`h.${i}.mlp.c_proj`, `h.${i}.mlp_add`),
    edge(from, `h.${i}.mlp_add`),
  ];
  return {
    config: { ...CONFIG, residual: true, bias: false, position: "learned" },
    vocab_size: 80,
    vocabulary_is_assumed: false,
    parameters: 60,
    batch: 2,
    tokens: 8,
    nodes: [
      node("wte", "lookup", { weights: { "wte.weight": [80, 16] }, probes: ["embed"] }),
      ...blocks,
      node("lm_head", "linear", { shape: [2, 8, 80], tied_to: "wte" }),
    ],
    edges: [...inBlock(0, "wte"), ...inBlock(1, "h.0.mlp_add"), edge("h.1.mlp_add", "lm_head")],
    missing: [],
    missing_edges: [],
    parts: [],
    source: [],
    file: "model.py",
    ...more,
  };
}

test("a folded block stands for its nodes, with what they hold and cost in all", () => {
  const { nodes, edges } = visibleGraph(drawing(), new Set([1]));
  assert.deepEqual(
    nodes.map(({ id }) => id),
    ["wte", "h.0.mlp.c_fc", "h.0.mlp.c_proj", "h.0.mlp_add", "block:1", "lm_head"],
  );
  const block = nodes.find(({ id }) => id === "block:1");
  assert.deepEqual([block?.parameters, block?.multiply_adds, block?.operations], [20, 300, 3]);
  assert.ok(edges.some(({ id }) => id === "h.0.mlp_add>block:1"));
  assert.ok(edges.some(({ id }) => id === "block:1>lm_head"));
  assert.ok(edges.every(({ id }) => !id.includes("h.1.")));
});

test("what is switched off stands as a ghost, and only arrows from and to it are ghosts", () => {
  const off = drawing({
    missing: [node("wpe", "lookup")],
    missing_edges: [
      { source: "wpe", target: "h.0.mlp.c_fc", shape: [8, 16] },
      { source: "wte", target: "lm_head", shape: [8, 16] },
    ],
  });
  const { nodes, edges } = visibleGraph(off, new Set());
  assert.deepEqual(
    nodes.filter(({ ghost }) => ghost).map(({ id }) => id),
    ["wpe"],
  );
  assert.deepEqual(
    edges.filter(({ ghost }) => ghost).map(({ id }) => id),
    ["wpe>h.0.mlp.c_fc"],
  );
});

test("parts stand below what they read, apart from each other and within the width", () => {
  for (const [pixels, folded] of /** @type {[number, number[]][]} */ ([
    [900, []],
    [360, [1]],
  ])) {
    const laid = layOut(drawing(), new Set(folded), pixels);
    const by = new Map(laid.boxes.map((box) => [box.id, box]));
    for (const wire of laid.wires) {
      const [from, to] = [by.get(wire.source), by.get(wire.target)];
      assert.ok(from && to && to.y + to.h / 2 >= from.y + from.h / 2 - 1, wire.id);
    }
    for (const a of laid.boxes) {
      assert.ok(a.x >= 0 && a.x + a.w <= laid.width && a.y + a.h <= laid.height, a.id);
      for (const b of laid.boxes) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        assert.ok(a === b || apart, `${a.id} lies on ${b.id}`);
      }
    }
    assert.deepEqual(
      laid.frames.map(({ block }) => block),
      folded.length ? [0] : [0, 1],
    );
    assert.equal(laid.tie.length, 1);
  }
  assert.ok(measures(400).width > measures(0).width && measures(400).width < measures(9999).width);
});

test("the stream is a trunk, and what reads from it and adds to it is told apart", () => {
  const laid = layOut(drawing(), new Set(), 900);
  const kindOf = (/** @type {string} */ id) => laid.wires.find((wire) => wire.id === id)?.kind;
  assert.equal(kindOf("wte>h.0.mlp_add"), "trunk");
  assert.equal(kindOf("wte>h.0.mlp.c_fc"), "read");
  assert.equal(kindOf("h.0.mlp.c_proj>h.0.mlp_add"), "write");
  const none = drawing();
  none.config.residual = false;
  const without = layOut(none, new Set(), 900).wires.map(({ kind }) => kind);
  assert.ok(!without.includes("trunk"));
});

test("arrow keys go to what lies straight ahead before what lies aside", () => {
  const at = (/** @type {string} */ id, /** @type {number} */ x, /** @type {number} */ y) => ({
    id,
    operation: "linear",
    x,
    y,
    w: 10,
    h: 10,
  });
  const all = [at("a", 0, 0), at("below", 0, 60), at("aside", 40, 50), at("right", 100, 4)];
  assert.equal(neighbourOf(all, all[0], [0, 1])?.id, "below");
  assert.equal(neighbourOf(all, all[0], [1, 0])?.id, "right");
  assert.equal(neighbourOf(all, all[0], [0, -1]), null);
});

test("shapes stand in letters where these numbers are theirs", () => {
  const drawn = drawing();
  assert.equal(inLetters([2, 8, 64], drawn.nodes[1], drawn), "B × T × F");
  assert.equal(inLetters([2, 8, 16], drawn.nodes[2], drawn), "B × T × C");
  assert.equal(inLetters([2, 8, 80], drawn.nodes.at(-1), drawn), "B × T × V");
  assert.equal(inLetters([2, 2, 8, 8], node("h.0.attn.scores", "scores"), drawn), "B × H × T × T");
  assert.equal(inLetters([3, 8, 16], drawn.nodes[2], drawn), "3 × 8 × 16");
});

test("parts are called by what they are in this model", () => {
  const drawn = drawing();
  assert.equal(wordsOf(node("wpe", "lookup"), drawn).name, "Positions");
  drawn.config.position = "sinusoidal";
  drawn.config.bias = true;
  assert.equal(wordsOf(node("wpe", "lookup"), drawn).name, "Positions: fixed waves");
  assert.equal(wordsOf(node("h.0.mlp.c_fc", "linear"), drawn).formula, "u = x W_1 + b");
  const gelu = { name: "GELU", concept: "activation", formula: "g = gelu(u)" };
  assert.deepEqual(wordsOf(node("h.0.mlp.activation", "activation"), drawn), gelu);
  const ghost = node("h.0.add", "add", { ghost: true });
  assert.equal(wordsOf(ghost, drawn).concept, "residual");
});

test("the longest way to say the costs that has room is taken", () => {
  assert.equal(costsSaid(16384, 2e6, 300), "16.4 k parameters · 2 M multiply-adds");
  assert.equal(costsSaid(16384, 2e6, 180), "16.4 k param. · 2 M mult-adds");
  assert.equal(costsSaid(16384, 2e6, 60), "16.4 k P · 2 M ×+");
  assert.equal(costsSaid(0, 0, 60), "");
});

test("what a change of the settings did is marked and said", () => {
  const before = drawing();
  const now = drawing({
    nodes: before.nodes.filter((/** @type {any} */ one) => one.operation !== "add"),
  });
  now.config.residual = false;
  now.edges = before.edges.filter((/** @type {any} */ one) => !/add/.test(one.source + one.target));
  now.missing = before.nodes.filter((/** @type {any} */ one) => one.operation === "add");
  const { nodes, said } = changesBetween(before, now);
  assert.equal(nodes.size, 0);
  assert.match(
    said,
    /^Changed: residual connections on → off; 2 parts switched off \(residual add\)/,
  );
  const back = changesBetween(now, before);
  assert.deepEqual([...back.nodes].sort(), ["block:0", "block:1", "h.0.mlp_add", "h.1.mlp_add"]);
  assert.match(back.said, /2 parts switched on/);
  assert.equal(changesBetween(before, drawing()).said, "");
  const quiet = drawing();
  quiet.config.activation = "gelu";
  quiet.batch = 4;
  assert.match(changesBetween(before, quiet).said, /batch 2 → 4; the drawing stays as it is/);
});

test("each figure has a fixed scale, logarithmic but for shares", () => {
  assert.deepEqual(
    [0.001, 0.1, 10, 1e9, 0].map((v) => +onScale("gradient_norm", v).toFixed(3)),
    [0, 0.5, 1, 1, 0],
  );
  assert.equal(onScale("dead_units", 0.25), 0.25);
  assert.deepEqual(
    marksOf("gradient_norm").map(([, words]) => words),
    ["≤ 0.001", "0.01", "0.1", "1", "≥ 10"],
  );
  assert.deepEqual(
    marksOf("dead_units").map(([at]) => at),
    [0, 0.25, 0.5, 0.75, 1],
  );
  assert.deepEqual([0, 0.00012, 0.01234, 123456].map(toldOf), ["0", "1.2e-4", "0.0123", "1.2e+5"]);
});

test("a part's figure comes from its result or from its weights", () => {
  const drawn = drawing();
  const snapshot = {
    step: 5,
    statistics: {
      embed: { activation_scale: 0.5 },
      wte: { gradient_norm: 2 },
      "h.0.mlp": { activation_scale: 1.5, gradient_norm: 3 },
      "h.0.attn": { gradient_norm: null },
    },
  };
  const [wte, fc, proj] = drawn.nodes;
  assert.equal(figureOf(snapshot, wte, "activation_scale"), 0.5);
  assert.equal(figureOf(snapshot, wte, "gradient_norm"), 2);
  assert.equal(figureOf(snapshot, fc, "gradient_norm"), 3);
  assert.equal(figureOf(snapshot, fc, "activation_scale"), undefined);
  assert.equal(figureOf(snapshot, proj, "activation_scale"), 1.5);
  assert.equal(figureOf(snapshot, { ...wte, ghost: true }, "gradient_norm"), undefined);
  const norm = { probes: [], weights: { "h.0.ln_1.weight": [16] } };
  assert.deepEqual(partsFor(norm).gradient_norm, ["h.0.attn"]);
  assert.deepEqual(blockFigures(snapshot, 0, "gradient_norm"), [
    { label: "MLP", short: "M", value: 3 },
  ]);
});
