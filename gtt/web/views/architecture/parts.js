/**
 * What the parts of a model are called, which concept explains them, and the formula of each.
 * Whether a part is there, and what goes where, the traced graph alone says.
 *
 * @typedef {import("../../lib/store.js").Schema} Schema
 * @typedef {Schema["Architecture"]} Drawn
 * @typedef {Schema["DrawnNode"] & { ghost?: boolean }} Node a ghost is switched off
 * @typedef {{ n_layers: number, n_embed: number, n_heads: number, mlp_ratio: number,
 *   activation: string, position: string, residual: boolean, bias: boolean }} Config
 */

/** The letters of the shapes. @type {Record<string, string>} */
export const LETTERS = {
  B: "sequences",
  T: "tokens in each",
  C: "embedding width",
  H: "heads",
  D: "head size, C / H",
  F: "hidden units",
  V: "vocabulary",
};
/** @type {Record<string, string>} */
const ACTIVATIONS = { gelu: "GELU", relu: "ReLU", silu: "SiLU" };

/** By the end of a node's id: name, concept, formula. @type {[RegExp, string, string, string][]} */
const BY_ID = [
  [/^wte$/, "Token embedding", "embedding", "x = W_E[token]"],
  [/^wpe$/, "Positions", "position", "p = W_P[place]"],
  [/^add$/, "Token + position", "residual_stream", "x = W_E[token] + W_P[place]"],
  [/\.c_attn$/, "Query, key, value", "query_key_value", "q, k, v = x W_Q, x W_K, x W_V"],
  [/\.attn\.q$/, "Queries", "query_key_value", "q = x W_Q"],
  [/\.attn\.k$/, "Keys", "query_key_value", "k = x W_K"],
  [/\.attn\.v$/, "Values", "query_key_value", "v = x W_V"],
  [/\.attn\.mask/, "Causal mask", "causal_mask", "−∞ where the key comes later"],
  [/\.attn\.scale/, "Scale", "attention_scores", "q / √D"],
  [/\.attn\.scores/, "Scores", "attention_scores", "s = q · k / √D + mask"],
  [/\.attn\.softmax/, "Softmax", "attention_weights", "a = exp(s) / Σ exp(s)"],
  [/\.attn\.product/, "Weighted values", "attention_output", "z = Σ a · v"],
  [/\.attn\.c_proj$/, "Output projection", "attention_output", "out = z W_O"],
  [/\.mlp\.c_fc$/, "MLP in", "mlp_hidden", "u = x W_1"],
  [/\.mlp\.c_proj$/, "MLP out", "mlp_hidden", "out = g W_2"],
  [/^ln_f$/, "Final norm", "norm_position", "(x − μ) / σ · γ"],
  [/^lm_head$/, "Unembedding", "unembedding", "logits = x W_U"],
];
/** @type {Record<string, [string, string, string]>} */
const BY_OPERATION = {
  norm: ["Layer norm", "norm_position", "(x − μ) / σ · γ"],
  add: ["Residual add", "residual_stream", "x = x + out"],
  softmax: ["Softmax", "attention_weights", "exp(s) / Σ exp(s)"],
  linear: ["Linear", "mlp_hidden", "x W"],
};

/** @param {Drawn} drawn */
export const configOf = (drawn) => /** @type {Config} */ (/** @type {unknown} */ (drawn.config));

/**
 * Name, concept and formula of a node.
 *
 * @param {Pick<Node, "id" | "operation" | "ghost">} node
 * @param {Drawn} drawn
 */
export function wordsOf(node, drawn) {
  const { id, operation, ghost } = node;
  const config = configOf(drawn);
  const found = BY_ID.find(([end]) => end.test(id))?.slice(1) || BY_OPERATION[operation];
  let [name, concept, formula] = /** @type {string[]} */ (found || [operation, "parameters", ""]);
  if (operation === "activation") {
    name = ACTIVATIONS[config.activation] || "Activation";
    concept = "activation";
    formula = `g = ${config.activation}(u)`;
  }
  if (id === "wpe" && config.position === "sinusoidal") name = "Positions: fixed waves";
  if (ghost && operation === "add") concept = id === "add" ? "position" : "residual";
  if (operation === "linear" && id !== "lm_head" && config.bias) formula += " + b";
  if (operation === "norm" && config.bias) formula += " + β";
  return { name, concept, formula };
}

/**
 * What the letters of the shapes stand for.
 *
 * @param {Drawn} drawn
 * @returns {Record<string, number>}
 */
export function sizesOf(drawn) {
  const { n_embed: C, n_heads: H, mlp_ratio: ratio } = configOf(drawn);
  const F = Math.max(1, Math.round(ratio * C));
  return { B: drawn.batch, T: drawn.tokens, C, H, D: C / H, F, V: drawn.vocab_size };
}

/**
 * The letters of a shape, null where these numbers have none.
 *
 * @param {number[]} shape
 * @param {Pick<Node, "id" | "operation">} node that gives it
 * @param {Drawn} drawn
 */
function lettersOf(shape, { id, operation }, drawn) {
  const sizes = sizesOf(drawn);
  const all = { ...sizes, 3: 3, B·H: sizes.B * sizes.H };
  const wide = /\.mlp\.(c_fc|activation)/.test(id) ? "F" : id === "lm_head" ? "V" : "C";
  const last = operation === "scores" || operation === "softmax" ? "T" : "D";
  /** @type {Record<number, string[]>} */
  const byLength = {
    5: ["3", "B", "H", "T", "D"],
    4: ["B", "H", "T", last],
    3: operation === "scale" ? ["B·H", "T", "D"] : ["B", "T", wide],
    2: operation === "mask" ? ["T", "T"] : ["T", "C"],
  };
  const named = byLength[shape.length];
  const sizeOf = (/** @type {string} */ letter) => all[/** @type {keyof typeof all} */ (letter)];
  return named?.every((letter, i) => sizeOf(letter) === shape[i]) ? named : null;
}

/**
 * A shape in letters, or in numbers where it has none.
 *
 * @param {number[]} shape
 * @param {Pick<Node, "id" | "operation">} node
 * @param {Drawn} drawn
 */
export const inLetters = (shape, node, drawn) =>
  (lettersOf(shape, node, drawn) || shape).join(" × ");

/** The block that a part is in, null where it is in none. @param {string} id */
export function blockOf(id) {
  const found = /^h\.(\d+)\./.exec(id);
  return found ? Number(found[1]) : null;
}

/** @type {[number, string][]} */
const UNITS = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
];

/** A number in three digits. @param {number} n */
function about(n) {
  const found = UNITS.find(([size]) => n >= size);
  return found ? `${Number((n / found[0]).toPrecision(3))}${found[1]}` : String(n);
}

/**
 * The longest of several ways to say what a part holds and costs that fits so many pixels.
 *
 * @param {number} parameters
 * @param {number} work multiply-adds
 * @param {number} pixels
 */
export function costsSaid(parameters, work, pixels) {
  const units = [
    [" parameters", " multiply-adds"],
    [" param.", " mult-adds"],
    [" P", " ×+"],
  ];
  const ways = units.map(([holds, takes]) =>
    [parameters && about(parameters) + holds, work && about(work) + takes]
      .filter(Boolean)
      .join(" · "),
  );
  return ways.find((way) => way.length * 5.7 <= pixels) ?? ways[2];
}
