/**
 * What the settings make of the odds of the next token, as `gtt/model/sampling.py` does it: both
 * are
 * held to the cases of `tests/model/sampling_cases.json`.
 *
 * @typedef {{ temperature: number, top_k: number, top_p: number }} Settings
 */
const f32 = Math.fround; // the model reckons in single precision

/** Odds from logits. @param {ArrayLike<number>} logits */
export function softmax(logits) {
  const most = greatest(logits).value;
  const odds = Float64Array.from(logits, (value) => Math.exp(value - most));
  const sum = odds.reduce((before, value) => before + value, 0);
  return Float32Array.from(odds, (value) => value / sum);
}

/**
 * Makes tokens that stand in the text less likely: a positive logit is divided by the penalty, a
 * negative one multiplied.
 *
 * @param {Float32Array} logits
 * @param {number[]} seen ids of tokens
 * @param {number} penalty 1 changes nothing
 */
export function penalise(logits, seen, penalty) {
  const given = Float32Array.from(logits);
  for (const id of new Set(seen)) given[id] *= logits[id] > 0 ? 1 / penalty : penalty;
  return given;
}

/**
 * Odds after temperature, then top-k, then top-p; those of a token that is cut are 0.
 *
 * @param {Float32Array} logits
 * @param {Settings} settings temperature 0 takes the likeliest; top-k 0 and top-p 1 are off
 */
export function nextTokenOdds(logits, { temperature, top_k: topK, top_p: topP }) {
  const { value: most, id: likeliest } = greatest(logits);
  if (temperature === 0) return logits.map((_, id) => Number(id === likeliest));
  const by = f32(Math.max(temperature, 1e-30)); // less is 0 in single precision
  const scaled = logits.map((value) => f32(value - most) / by);
  if (topK > 0 && topK < logits.length) {
    const smallest = scaled.toSorted()[logits.length - topK];
    scaled.forEach((value, id) => {
      if (value < smallest) scaled[id] = -Infinity;
    });
  }
  const odds = softmax(scaled);
  return topP < 1 ? nucleus(odds, f32(topP)) : odds;
}

/**
 * Cuts every token before which, in the order of odds, those that are likelier already reach p. Of
 * equal ones the first come first.
 *
 * @param {Float32Array} odds
 * @param {number} p
 */
function nucleus(odds, p) {
  const ranked = odds.toSorted().reverse();
  let count = 1;
  for (let sum = ranked[0]; count < ranked.length; count += 1) {
    sum += ranked[count];
    if (f32(f32(sum) - ranked[count]) >= p) break;
  }
  const least = ranked[count - 1];
  let equals = count - ranked.indexOf(least); // that are kept
  let total = 0;
  const kept = odds.map((value) => {
    if (value < least || (value === least && equals === 0)) return 0;
    if (value === least) equals -= 1;
    total += value;
    return value;
  });
  return kept.map((value) => value / total);
}

/** @param {ArrayLike<number>} values */
function greatest(values) {
  let id = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i] > values[id]) id = i;
  return { id, value: values[id] };
}
