// The model works here, beside the page, so that the page never stands still.
//
//   to here      { ask, id, ... }     one of the questions below, or { ask: "stop" }
//   from here    { id, answer } { id, error } { id, token }  a token as soon as it is written

let model = null, reader = null, tokenizer = null, isStopped = false;

const QUESTIONS = {
  /** Unpacks the model. */
  load({ about, weights }) {
    model = new GPT(about.model, readWeights(about.tensors, weights));
    reader = new Reader(model);
    tokenizer = makeTokenizer(about.tokenizer);
    return { words: model.unembedding.shape[0] };
  },

  encode({ text }) {
    const ids = tokenizer.encode(text);
    return { ids, pieces: growth(ids) };
  },

  /** What the text grows by with each token. */
  pieces({ ids }) {
    return growth(ids);
  },

  decode({ ids }) {
    return tokenizer.decode(ids);
  },

  /** Writes on from `ids`, token by token, until there are `count` more or someone says stop. */
  async write({ id, ids, count, temperature, topK, topP, seed }) {
    const random = randomNumbers(seed);
    const written = [], begun = performance.now();
    let paused = begun;
    isStopped = false;
    let logits = reader.readAll(ids);
    while (!isStopped) {
      const token = draw(nextTokenOdds(logits, temperature, topK, topP), random());
      written.push(token);
      postMessage({ id, token, piece: tokenizer.decode([token]) });
      if (written.length >= count) break;
      logits = reader.append(token);
      if (performance.now() - paused > 30) { // lets a "stop" come in
        await new Promise((go) => setTimeout(go));
        paused = performance.now();
      }
    }
    return { ids: written, seconds: (performance.now() - begun) / 1000 };
  },

  /** The `count` likeliest tokens after `ids`, with their odds before and after the settings. */
  odds({ ids, count, temperature, topK, topP }) {
    const logits = reader.readAll(ids);
    const plain = softmax(logits), kept = nextTokenOdds(logits, temperature, topK, topP);
    return ranked(plain).slice(0, count).map((token) => (
      { token, piece: tokenizer.decode([token]), odds: plain[token], kept: kept[token] }));
  },

  /** What one head looks at: a row of weights for each token, as many as tokens up to it. */
  attention({ ids, layer, head }) {
    const rows = [];
    reader.begin();
    for (const token of ids.slice(-model.config.block_size)) {
      model.read(token, false, (l, h, weights) => {
        if (l === layer && h === head) rows.push(Array.from(weights));
      });
    }
    model.forget();
    return rows;
  },

  /** The logits after `ids`, for whoever wants to check them. */
  logits({ ids }) {
    return Array.from(reader.readAll(ids));
  },
};

/** A character that is spread over several tokens, at most four, comes with the last of them. */
function growth(ids) {
  const pieces = [];
  let from = 0, shown = "", grown = 0; // where a half began, what of it is out, and since when
  for (let to = 1; to <= ids.length; to++) {
    const text = tokenizer.decode(ids.slice(from, to));
    const isHalf = text.endsWith("\ufffd") && to < ids.length && to - grown < 4;
    const whole = isHalf ? text.replace(/\ufffd+$/, "") : text;
    pieces.push(whole.slice(shown.length));
    if (!isHalf) [from, shown, grown] = [to, "", to];
    else if (whole !== shown) [shown, grown] = [whole, to - 1];
  }
  return pieces;
}

async function answer(data) {
  try {
    postMessage({ id: data.id, answer: await QUESTIONS[data.ask](data) });
  } catch (error) {
    postMessage({ id: data.id, error: error.message });
  }
}

let last = Promise.resolve(); // one question after the other: they share the model's memory
onmessage = ({ data }) => {
  if (data.ask === "stop") isStopped = true;
  else last = last.then(() => answer(data));
};
