// From logits to the next token, and a reader that keeps the text within what the model can see.

/**
 * Odds after temperature, then top-k, then top-p. Temperature 0 takes the likeliest token; top-k 0
 * and top-p 1 are off. Top-p keeps the smallest set of tokens whose odds reach p.
 */
function nextTokenOdds(logits, temperature, topK, topP) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  if (temperature === 0) {
    const odds = new Float32Array(logits.length);
    odds[logits.indexOf(most)] = 1;
    return odds;
  }
  let scores = logits.map((logit) => (logit - most) / temperature);
  if (topK > 0 && topK < scores.length) {
    const smallestKept = scores.slice().sort()[scores.length - topK];
    scores = scores.map((score) => (score < smallestKept ? -Infinity : score));
  }
  const odds = softmax(scores);
  if (topP >= 1) return odds;
  let before = 0, isFirst = true;
  for (const token of ranked(odds)) {
    const own = odds[token];
    if (before >= topP && !isFirst) odds[token] = 0;
    before += own;
    isFirst = false;
  }
  const kept = odds.reduce((sum, v) => sum + v, 0);
  return odds.map((v) => v / kept);
}

/** A token drawn with these odds; `chance` is a number from 0 to 1. */
function draw(odds, chance) {
  let last = 0;
  for (let token = 0; token < odds.length; token++) {
    if (odds[token] === 0) continue;
    last = token;
    chance -= odds[token];
    if (chance < 0) return token;
  }
  return last;
}

/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Reads a text that grows. The model sees one block of tokens at most; where the text is longer,
 * the window moves on by a quarter of a block, and what is left in it is read anew.
 */
class Reader {
  constructor(model) {
    this.model = model;
    this.window = []; // the tokens that the model has read
    this.logits = null; // of what follows them
  }

  /** Reads `tokens`, of which those that were read before need no second reading. */
  readAll(tokens) {
    const block = this.model.config.block_size;
    const wanted = tokens.slice(-block);
    const isAhead = this.window.length <= wanted.length
      && this.window.every((token, i) => token === wanted[i]) && this.logits;
    if (!isAhead) this.begin();
    const fresh = wanted.slice(this.window.length);
    fresh.forEach((token, i) => this.take(token, i === fresh.length - 1));
    return this.logits;
  }

  /** Reads one token more. */
  append(token) {
    const block = this.model.config.block_size;
    if (this.window.length === block) {
      const kept = Math.max(1, block - Math.max(1, Math.floor(block / 4)));
      const window = [...this.window, token].slice(-kept);
      this.begin();
      window.forEach((one, i) => this.take(one, i === window.length - 1));
    } else {
      this.take(token, true);
    }
    return this.logits;
  }

  begin() {
    this.model.forget();
    this.window = [];
    this.logits = null;
  }

  take(token, wantsLogits) {
    this.logits = this.model.read(token, wantsLogits);
    this.window.push(token);
  }
}
