// Attention as it is kept here: the lower triangle of each map, row after row.
// A map is { n, values, unit }: the weight of query q on key k is values[place(q, k)] * unit.
const place = (q, k) => (q * (q + 1)) / 2 + k;
const cells = (n) => (n * (n + 1)) / 2;
const valueAt = (map, q, k) => map.values[place(q, k)] * map.unit;

// The 16-bit numbers of an answer's `packed`; the browsers that there are store them this way round.
function unpacked(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return new Uint16Array(bytes.buffer);
}

// An answer of the endpoint with its maps at hand.
function received(answer) {
  const { packed, ...rest } = answer;
  return { ...rest, n: answer.tokens.length, data: unpacked(packed) };
}

function mapOf(look, layer, head) {
  const size = cells(look.n), from = (layer * look.heads.length + head) * size;
  return { n: look.n, values: look.data.subarray(from, from + size), unit: 1 / 65535 };
}

// The mean of several maps of the same text.
function meanOf(maps) {
  const values = new Float32Array(cells(maps[0].n));
  for (const map of maps) for (let i = 0; i < values.length; i += 1) values[i] += map.values[i];
  return { n: maps[0].n, values, unit: maps[0].unit / maps.length };
}

// A map from nested rows, as snapshots and scores come.
function mapFrom(rows) {
  const values = new Float32Array(cells(rows.length));
  rows.forEach((row, q) => { for (let k = 0; k <= q; k += 1) values[place(q, k)] = row[k]; });
  return { n: rows.length, values, unit: 1 };
}

// The second less the first.
function differenceOf(first, second) {
  const values = new Float32Array(cells(first.n));
  for (let i = 0; i < values.length; i += 1) values[i] = second.values[i] * second.unit - first.values[i] * first.unit;
  return { n: first.n, values, unit: 1 };
}

// Where a map is strongest: off the diagonal of the first token, which has no choice.
function strongestOf(map) {
  let best = { q: 0, k: 0, value: -Infinity };
  for (let q = 1; q < map.n; q += 1) for (let k = 0; k <= q; k += 1) {
    const value = valueAt(map, q, k);
    if (value > best.value) best = { q, k, value };
  }
  return best;
}

function rangeOf(map) {
  let least = Infinity, most = -Infinity;
  for (const value of map.values) { if (value < least) least = value; if (value > most) most = value; }
  return [least * map.unit, most * map.unit];
}
