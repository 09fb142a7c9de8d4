// A GPT reads one token and says how likely each token is to come next. This is all of it.
//
//   token -> embedding + position -> block, block, ... -> norm -> unembedding -> logits
//                                    each block: x + attention(norm(x)), then x + mlp(norm(x))
//
// x, the "residual stream", is one vector of C numbers. H heads of D = C / H numbers each look back
// at the tokens before. Matrices are stored row by row, (inputs, outputs).

const ACTIVATIONS = {
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(0, x),
  silu: (x) => x / (1 + Math.exp(-x)),
};

class GPT {
  /** `config` has the settings of the model, `weights` its tensors by name. */
  constructor(config, weights) {
    this.config = config;
    this.weights = weights;
    this.unembedding = weights["lm_head.weight"] || weights["transformer.wte.weight"];
    this.activation = ACTIVATIONS[config.activation];
    // What earlier tokens had to say, so that no token is read twice: keys and values by layer.
    const room = () => new Float32Array(config.block_size * config.n_embed);
    this.cache = Array.from({ length: config.n_layers }, () => ({ keys: room(), values: room() }));
    this.length = 0; // tokens read so far
  }

  /** Forgets what was read. */
  forget() { this.length = 0; }

  /**
   * Reads one more token. Returns the logits of what comes next, one number for each token of the
   * vocabulary, or nothing without `wantsLogits`. `watch(layer, head, weights)` sees the attention.
   */
  read(token, wantsLogits = true, watch = null) {
    const { n_layers, norm_position, position, residual } = this.config;
    const pre = norm_position === "pre", post = norm_position === "post";

    let x = this.row("transformer.wte.weight", token);
    if (position !== "none") x = add(x, this.row("transformer.wpe.weight", this.length));

    for (let layer = 0; layer < n_layers; layer++) {
      const block = `transformer.h.${layer}`;

      let out = this.attention(layer, pre ? this.norm(x, `${block}.ln_1`) : x, watch);
      x = residual ? add(x, out) : out;
      if (post) x = this.norm(x, `${block}.ln_1`);

      out = this.mlp(layer, pre ? this.norm(x, `${block}.ln_2`) : x);
      x = residual ? add(x, out) : out;
      if (post) x = this.norm(x, `${block}.ln_2`);
    }
    if (pre) x = this.norm(x, "transformer.ln_f");
    this.length++;
    return wantsLogits ? this.unembed(x) : null;
  }

  /** The token asks (query) what those so far offer (keys), and takes what they hold (values). */
  attention(layer, x, watch) {
    const { n_embed: C, n_heads: H } = this.config, D = C / H;
    const { keys, values } = this.cache[layer], here = this.length;
    const qkv = this.linear(x, `transformer.h.${layer}.attn.c_attn`);
    keys.set(qkv.subarray(C, 2 * C), here * C);
    values.set(qkv.subarray(2 * C), here * C);

    const read = new Float32Array(C); // what the heads read, side by side
    for (let head = 0; head < H; head++) {
      const from = head * D;
      const scores = new Float32Array(here + 1);
      for (let past = 0; past <= here; past++) {
        let score = 0;
        for (let d = from; d < from + D; d++) score += qkv[d] * keys[past * C + d];
        scores[past] = score / Math.sqrt(D);
      }
      const weights = softmax(scores);
      for (let past = 0; past <= here; past++) {
        const weight = weights[past];
        for (let d = from; d < from + D; d++) read[d] += weight * values[past * C + d];
      }
      if (watch) watch(layer, head, weights);
    }
    return this.linear(read, `transformer.h.${layer}.attn.c_proj`);
  }

  /** Two layers with an activation between, on this token alone. */
  mlp(layer, x) {
    const hidden = this.linear(x, `transformer.h.${layer}.mlp.c_fc`);
    return this.linear(hidden.map(this.activation), `transformer.h.${layer}.mlp.c_proj`);
  }

  /** x W + b. */
  linear(x, name) {
    const { data: W, shape: [inputs, outputs], scales } = this.weights[`${name}.weight`];
    const bias = this.weights[`${name}.bias`];
    const out = bias ? bias.data.slice() : new Float32Array(outputs);
    for (let i = 0; i < inputs; i++) {
      const xi = scales ? x[i] * scales[i] : x[i], row = i * outputs;
      for (let o = 0; o < outputs; o++) out[o] += xi * W[row + o];
    }
    return out;
  }

  /** Layer norm: mean 0 and variance 1, then scaled and shifted as was learned. */
  norm(x, name) {
    const scale = this.weights[`${name}.weight`].data, bias = this.weights[`${name}.bias`];
    const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
    const spread = Math.sqrt(variance + 1e-5);
    return x.map((v, i) => ((v - mean) / spread) * scale[i] + (bias ? bias.data[i] : 0));
  }

  /** How well x agrees with what stands for each token. */
  unembed(x) {
    const { data: W, shape: [vocabulary, C], scales } = this.unembedding;
    const logits = new Float32Array(vocabulary);
    for (let token = 0; token < vocabulary; token++) {
      let logit = 0;
      for (let c = 0, w = token * C; c < C; c++, w++) logit += x[c] * W[w];
      logits[token] = scales ? logit * scales[token] : logit;
    }
    return logits;
  }

  /** One row of a table, copied. */
  row(name, index) {
    const { data, shape, scales } = this.weights[name];
    const row = Float32Array.from(data.subarray(index * shape[1], (index + 1) * shape[1]));
    return scales ? row.map((v) => v * scales[index]) : row;
  }
}

function add(x, y) {
  return x.map((v, i) => v + y[i]);
}

/** Odds that add up to 1, the larger the score the larger. */
function softmax(scores) {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const odds = scores.map((score) => Math.exp(score - most));
  const total = odds.reduce((sum, v) => sum + v, 0);
  return odds.map((v) => v / total);
}
