/** What another setting changed in the drawing, and how that is said. */
import { whole } from "../../lib/format.js";
import { blockOf, wordsOf } from "./parts.js";

/** @typedef {import("./parts.js").Drawn} Drawn */

/** @type {Record<string, string>} */
const SETTINGS = {
  n_layers: "layers",
  n_heads: "heads",
  n_embed: "embedding width",
  block_size: "block size",
  mlp_ratio: "MLP ratio",
  norm_position: "layer norm",
  residual: "residual connections",
  position: "positions",
  activation: "activation",
  tie_embeddings: "tied embeddings",
  bias: "biases",
  attention: "attention code",
  dropout: "dropout",
};
const MOST_NAMES = 4;

/** @param {unknown} a @param {unknown} b */
export const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** @param {unknown} value */
function spelled(value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  return String(value).replace(/_/g, " ");
}

/**
 * Which nodes and which shapes of arrows are others now, and a sentence; null where no setting that
 * is drawn changed.
 *
 * @param {Drawn} before
 * @param {Drawn} now
 */
export function changesBetween(before, now) {
  const was = new Map(before.nodes.map((node) => [node.id, node]));
  const nodes = new Set();
  for (const node of now.nodes) {
    const old = was.get(node.id);
    const mark = (/** @type {typeof node} */ one, /** @type {Drawn} */ drawn) => [
      one.weights,
      one.parameters,
      one.tied_to,
      wordsOf(one, drawn),
    ];
    if (old && isSame(mark(old, before), mark(node, now))) continue;
    const block = blockOf(node.id);
    nodes.add(node.id);
    if (block !== null) nodes.add(`block:${block}`);
  }
  const reads = (/** @type {Drawn} */ drawn) =>
    new Map(drawn.edges.map((edge) => [`${edge.source}>${edge.target}`, edge.shape]));
  const old = reads(before);
  const shapes = new Set();
  for (const [id, shape] of reads(now)) if (!isSame(old.get(id), shape)) shapes.add(id);
  return { nodes, shapes, said: saidOf(before, now, nodes.size + shapes.size > 0) };
}

/**
 * @param {Drawn} before
 * @param {Drawn} now
 * @param {boolean} isMarked whether anything drawn changed
 */
function saidOf(before, now, isMarked) {
  const parts = Object.entries(SETTINGS)
    .map(([name, label]) => ({ label, old: before.config[name], value: now.config[name] }))
    .filter(({ old, value }) => !isSame(old, value))
    .map(({ label, old, value }) => `${label} ${spelled(old)} → ${spelled(value)}`);
  const count = (
    /** @type {string} */ label,
    /** @type {number} */ old,
    /** @type {number} */ value,
  ) => {
    if (old !== value) parts.push(`${label} ${whole(old)} → ${whole(value)}`);
  };
  count("batch", before.batch, now.batch);
  count("vocabulary", before.vocab_size, now.vocab_size);
  if (!parts.length) return "";
  const idsOf = (/** @type {Drawn["nodes"]} */ nodes) => new Set(nodes.map((node) => node.id));
  const [was, is] = [idsOf(before.nodes), idsOf(now.nodes)];
  const [wasOff, isOff] = [idsOf(before.missing), idsOf(now.missing)];
  const fresh = now.nodes.filter((node) => !was.has(node.id));
  const gone = before.nodes.filter((node) => !is.has(node.id));
  const many = (/** @type {Drawn["nodes"]} */ nodes, /** @type {string} */ what) => {
    if (!nodes.length) return;
    parts.push(
      `${nodes.length} part${nodes.length > 1 ? "s" : ""} ${what} (${namesOf(nodes, now)})`,
    );
  };
  many(
    fresh.filter((node) => !wasOff.has(node.id)),
    "new",
  );
  many(
    fresh.filter((node) => wasOff.has(node.id)),
    "switched on",
  );
  many(
    gone.filter((node) => isOff.has(node.id)),
    "switched off",
  );
  many(
    gone.filter((node) => !isOff.has(node.id)),
    "gone",
  );
  count("parameters", before.parameters, now.parameters);
  if (!isMarked && !gone.length) parts.push("the drawing stays as it is");
  return `Changed: ${parts.join("; ")}.`;
}

/** @param {Drawn["nodes"]} nodes @param {Drawn} drawn */
function namesOf(nodes, drawn) {
  const names = [...new Set(nodes.map((node) => wordsOf(node, drawn).name.toLowerCase()))];
  return names.length > MOST_NAMES ? `${names.slice(0, 3).join(", ")} and more` : names.join(", ");
}
