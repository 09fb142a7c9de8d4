/**
 * Attention as it is kept here: of each map the lower triangle, row after row. The weight of query
 * q on key k is `values[place(q, k)] * unit`.
 *
 * @typedef {{ n: number, values: Float32Array | Uint16Array, unit: number }} AttentionMap
 * @typedef {import("../types/ask").Schema["Attention"]} Answer
 * @typedef {Omit<Answer, "packed"> & { n: number, data: Uint16Array }} Look an answer with its maps
 * @typedef {{ rows: number, given: number, even: number }} Expected how many rows have a place that
 *   the task asks for, the mean weight there, and what even attention would give
 */

/** @param {number} q @param {number} k */
export const place = (q, k) => (q * (q + 1)) / 2 + k;

/** @param {number} n */
const cells = (n) => place(n, 0);

/** @param {AttentionMap} map @param {number} q @param {number} k */
export const valueAt = (map, q, k) => map.values[place(q, k)] * map.unit;

/**
 * The maps of an answer at hand; browsers store 16-bit numbers as the server sends them.
 *
 * @param {Answer} answer
 * @returns {Look}
 */
export function unpacked(answer) {
  const { packed, ...rest } = answer;
  const bytes = Uint8Array.from(atob(packed || ""), (letter) => letter.charCodeAt(0));
  return { ...rest, n: answer.tokens.length, data: new Uint16Array(bytes.buffer) };
}

/** @param {Look} look @param {number} layer @param {number} head @returns {AttentionMap} */
export function mapOf(look, layer, head) {
  const size = cells(look.n);
  const from = (layer * look.heads.length + head) * size;
  return { n: look.n, values: look.data.subarray(from, from + size), unit: 1 / 65535 };
}

/**
 * The mean of several maps of the same text.
 *
 * @param {AttentionMap[]} maps
 * @returns {AttentionMap}
 */
export function meanOf(maps) {
  const values = new Float32Array(cells(maps[0].n));
  for (const map of maps) for (let i = 0; i < values.length; i += 1) values[i] += map.values[i];
  return { n: maps[0].n, values, unit: maps[0].unit / maps.length };
}

/**
 * A map from nested rows, as snapshots and scores come.
 *
 * @param {(number | null)[][]} rows
 * @returns {AttentionMap}
 */
export function mapFrom(rows) {
  const values = new Float32Array(cells(rows.length));
  rows.forEach((row, q) => {
    for (let k = 0; k <= q; k += 1) values[place(q, k)] = row[k] ?? 0;
  });
  return { n: rows.length, values, unit: 1 };
}

/**
 * The second less the first.
 *
 * @param {AttentionMap} first
 * @param {AttentionMap} second
 * @returns {AttentionMap}
 */
export function differenceOf(first, second) {
  const values = new Float32Array(cells(first.n));
  for (let i = 0; i < values.length; i += 1) {
    values[i] = second.values[i] * second.unit - first.values[i] * first.unit;
  }
  return { n: first.n, values, unit: 1 };
}

/** The share of attention that a row moved, on average. @param {AttentionMap} difference */
export function movedOf(difference) {
  let sum = 0;
  for (const value of difference.values) sum += Math.abs(value);
  return sum / 2 / difference.n;
}

/** Where a map is strongest: off the first token, which has no choice. @param {AttentionMap} map */
export function strongestOf(map) {
  let best = { q: 0, k: 0, value: -Infinity };
  for (let q = 1; q < map.n; q += 1) {
    for (let k = 0; k <= q; k += 1) {
      const value = valueAt(map, q, k);
      if (value > best.value) best = { q, k, value };
    }
  }
  return best;
}

/** The least and the greatest value. @param {AttentionMap} map */
export function rangeOf(map) {
  let least = Infinity;
  let most = -Infinity;
  for (const value of map.values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least * map.unit, most * map.unit];
}

/**
 * How much of the attention goes to `pairs` of query and key; null where there is none.
 *
 * @param {AttentionMap} map
 * @param {number[][]} pairs
 * @returns {Expected | null}
 */
export function attentionOn(map, pairs) {
  /** @type {Map<number, [number, number]>} */
  const rows = new Map(); // what each gives, and what even attention would give
  for (const [q, k] of pairs) {
    const [given, even] = rows.get(q) || [0, 0];
    rows.set(q, [given + valueAt(map, q, k), even + 1 / (q + 1)]);
  }
  if (!rows.size) return null;
  const mean = (/** @type {0 | 1} */ which) =>
    [...rows.values()].reduce((sum, row) => sum + row[which], 0) / rows.size;
  return { rows: rows.size, given: mean(0), even: mean(1) };
}
