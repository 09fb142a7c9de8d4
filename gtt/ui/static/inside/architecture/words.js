// What the parts are called, which concept explains them, and the formula of each. Whether a part is
// there, and what goes where, the traced graph alone says.
const SHAPED = { B: "sequences", T: "tokens in each", C: "embedding width", H: "heads", D: "head size, C / H", F: "hidden units", V: "vocabulary" };
const ACTIVATION = { gelu: "GELU", relu: "ReLU", silu: "SiLU" };
let concepts = {}; // id -> { title, tip, body: [paragraph, …] }

// By the end of a node's id, else by its operation: [name, concept, formula].
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
const BY_OPERATION = {
  norm: ["Layer norm", "norm_position", "(x − μ) / σ · γ"],
  add: ["Residual add", "residual_stream", "x = x + out"],
  softmax: ["Softmax", "attention_weights", "exp(s) / Σ exp(s)"],
  linear: ["Linear", "mlp_hidden", "x W"],
};

// Name, concept and formula of a node of this drawing.
function words(node, drawn) {
  const found = BY_ID.find(([end]) => end.test(node.id));
  let [name, concept, formula] = found ? found.slice(1) : BY_OPERATION[node.operation] || [node.operation, "parameters", ""];
  if (node.operation === "activation") [name, concept, formula] = [ACTIVATION[drawn.config.activation] || "Activation", "activation", `g = ${drawn.config.activation}(u)`];
  if (node.id === "wpe" && drawn.config.position === "sinusoidal") name = "Positions: fixed waves";
  if (node.ghost && node.operation === "add" && node.id !== "add") concept = "residual";
  if (node.ghost && node.id === "add") concept = "position";
  if (node.operation === "linear" && node.id !== "lm_head" && drawn.config.bias) formula += " + b";
  if (node.operation === "norm" && drawn.config.bias) formula += " + β";
  return { name, concept, formula };
}

// The letters of a shape, null where these numbers have none.
function letters(shape, node, drawn) {
  const sizes = { B: drawn.batch, T: drawn.tokens, C: drawn.config.n_embed, H: drawn.config.n_heads, V: drawn.vocab_size, 3: 3 };
  sizes.D = sizes.C / sizes.H;
  sizes["B·H"] = sizes.B * sizes.H;
  sizes.F = Math.max(1, Math.round(drawn.config.mlp_ratio * sizes.C));
  const wide = /\.mlp\.(c_fc|activation)/.test(node.id) ? "F" : node.id === "lm_head" ? "V" : "C";
  const square = ["scores", "softmax"].includes(node.operation);
  const named = { 5: ["3", "B", "H", "T", "D"], 4: ["B", "H", "T", square ? "T" : "D"], 3: node.operation === "scale" ? ["B·H", "T", "D"] : ["B", "T", wide], 2: node.operation === "mask" ? ["T", "T"] : ["T", "C"] }[shape.length];
  return named && named.every((letter, i) => sizes[letter] === shape[i]) ? named : null;
}

const inLetters = (shape, node, drawn) => { const named = letters(shape, node, drawn); return named ? named.join(" × ") : shape.join(" × "); };
const exactly = (n) => Math.round(n).toLocaleString("en");
function about(n) {
  for (const [size, unit] of [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]]) if (n >= size) return `${Number((n / size).toPrecision(3))}${unit}`;
  return String(n);
}
const blockOf = (id) => { const found = /^h\.(\d+)\./.exec(id); return found ? Number(found[1]) : null; };

// The longest of several ways to say what a part holds and costs that fits so many pixels.
function costs(parameters, work, pixels) {
  const p = parameters ? about(parameters) : "", w = work ? about(work) : "";
  const ways = [[p && `${p} parameters`, w && `${w} multiply-adds`], [p && `${p} param.`, w && `${w} mult-adds`], [p && `${p} P`, w && `${w} ×+`]].map((way) => way.filter(Boolean).join(" · "));
  return ways.find((way) => way.length * 5.7 <= pixels) || ways[2];
}
