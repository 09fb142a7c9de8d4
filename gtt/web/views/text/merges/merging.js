/**
 * A sentence merge by merge: the answer of the server holds its bytes and where each merge joins.
 *
 * @typedef {import("../../../types/ask").Schema["ShownToken"]} Token
 * @typedef {{ places: number[], merged: Token }} Step `places` are those in the sentence afterwards
 */

/**
 * The sentence before every merge and after each of them.
 *
 * @param {Token[]} start
 * @param {Step[]} steps
 */
export function statesOf(start, steps) {
  const states = [start];
  for (const step of steps) states.push(joined(states[states.length - 1], step));
  return states;
}

/** At each of the places two neighbours become one. @param {Token[]} tokens @param {Step} step */
function joined(tokens, { places, merged }) {
  const joins = new Set(places);
  const after = [];
  for (let from = 0; from < tokens.length; from += 1) {
    const isJoin = joins.has(after.length);
    after.push(isJoin ? merged : tokens[from]);
    if (isJoin) from += 1;
  }
  return after;
}

/**
 * How many tokens are left after each merge, as the path of a picture of 100 by 42.
 *
 * @param {number[]} left
 */
export function stepsDown(left) {
  const x = (/** @type {number} */ i) => +((100 * i) / Math.max(1, left.length - 1)).toFixed(3);
  const y = (/** @type {number} */ count) => +(40 - (38 * count) / Math.max(1, left[0])).toFixed(3);
  return left.map((count, i) => `${i ? `H${x(i)}V` : `M${x(i)},`}${y(count)}`).join("");
}
