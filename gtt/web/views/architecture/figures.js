/**
 * What the snapshots of a run tell of the parts. Each figure has a fixed scale, so that colours can
 * be compared between steps and between runs.
 *
 * @typedef {keyof typeof FIGURES} Figure
 * @typedef {{ step: number, statistics: Record<string, Record<string, number | null>> }} Snapshot
 * @typedef {{ probes: string[], weights: Record<string, unknown>, ghost?: boolean }} Measured
 */
export const FIGURES = {
  activation_scale: {
    label: "Activation scale",
    low: 0.01,
    high: 10,
    what: "root mean square of what a part writes",
  },
  dead_units: {
    label: "Dead units",
    low: 0,
    high: 1,
    what: "share of hidden units that stay near zero",
  },
  gradient_norm: {
    label: "Gradient norm",
    low: 0.001,
    high: 10,
    what: "length of the gradient of a part's weights",
  },
  update_to_weight: {
    label: "Update over weight",
    low: 1e-5,
    high: 1,
    what: "length of one update over the length of the weights",
  },
};
const IN_BLOCK = [
  { part: "attn", label: "attn", short: "A" },
  { part: "mlp", label: "MLP", short: "M" },
  { part: "resid_post", label: "stream", short: "x" },
];

/** The part of a snapshot that a weight belongs to. @param {string} weight */
function partOf(weight) {
  const found = /^h\.(\d+)\.(ln_1|attn|ln_2|mlp)\b/.exec(weight);
  if (!found) return weight.split(".")[0];
  const isAttention = found[2] === "ln_1" || found[2] === "attn";
  return `h.${found[1]}.${isAttention ? "attn" : "mlp"}`;
}

/**
 * Which parts of a snapshot tell of a node: by what its result is (activations), by its weights
 * (updates).
 *
 * @param {Measured} node
 * @returns {Record<Figure, string[]>}
 */
export function partsFor({ probes, weights }) {
  const isScale = (/** @type {string} */ name) =>
    name === "embed" || name === "final" || /\.(attn|mlp)\.out$|\.resid_post$/.test(name);
  const dead = probes.filter((name) => name.endsWith(".mlp.post"));
  const own = [...new Set(Object.keys(weights).map(partOf))];
  return {
    activation_scale: probes.filter(isScale).map((name) => name.replace(/\.out$/, "")),
    dead_units: dead.map((name) => name.replace(/\.post$/, "")),
    gradient_norm: own,
    update_to_weight: own,
  };
}

/**
 * The figure of a node, undefined where the snapshot has none.
 *
 * @param {Snapshot} snapshot
 * @param {Measured} node
 * @param {Figure} name
 */
export function figureOf(snapshot, node, name) {
  if (node.ghost) return undefined;
  const values = partsFor(node)[name].map((part) => snapshot.statistics[part]?.[name]);
  return values.find((value) => value !== undefined && value !== null) ?? undefined;
}

/**
 * The figures of a block's parts.
 *
 * @param {Snapshot} snapshot
 * @param {number} block
 * @param {Figure} name
 */
export const blockFigures = (snapshot, block, name) =>
  IN_BLOCK.flatMap(({ part, label, short }) => {
    const value = snapshot.statistics[`h.${block}.${part}`]?.[name] ?? null;
    return value === null ? [] : [{ label, short, value }];
  });

/** The place of a value on its scale, 0 to 1. @param {Figure} name @param {number} value */
export function onScale(name, value) {
  const { low, high } = FIGURES[name];
  const place =
    low > 0
      ? Math.log(Math.max(value, 1e-12) / low) / Math.log(high / low)
      : (value - low) / (high - low);
  return Math.max(0, Math.min(1, place));
}

/**
 * The marks of a scale: places from 0 to 1, and words.
 *
 * @param {Figure} name
 * @returns {[number, string][]}
 */
export function marksOf(name) {
  const { low, high } = FIGURES[name];
  const isLog = low > 0;
  const count = isLog ? Math.round(Math.log10(high / low)) : 4;
  return Array.from({ length: count + 1 }, (_, i) => {
    const value = toldOf(isLog ? low * 10 ** i : (i * high) / count);
    const beyond = !isLog ? "" : i === 0 ? "≤ " : i === count ? "≥ " : "";
    return [i / count, beyond + value];
  });
}

/** @param {number} value */
export function toldOf(value) {
  if (value === 0) return "0";
  const isFar = Math.abs(value) < 0.001 || Math.abs(value) >= 10000;
  return isFar ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
