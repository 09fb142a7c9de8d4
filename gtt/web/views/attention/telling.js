/** Which head is shown where nobody has chosen one. */

/** @typedef {import("./words.js").Measured} Measured */

const TELLING = /** @type {import("./words.js").Habit[]} */ ([
  "induction",
  "previous_token",
  "same_token",
  "current_token",
  "first_token",
]); // those that say most first

/**
 * The head that finds the task's answer, or the one with the clearest habit of those that say most,
 * or the one that likes some token best; null where there is none of them.
 *
 * @param {Measured} measured
 * @param {(layer: number, head: number) => number | null} answers what a head gives to the place of
 *   the answer, where it finds it
 * @returns {{ layer: number, head: number } | null}
 */
export function tellingHead(measured, answers) {
  const all = measured.heads.flatMap((row, layer) =>
    row.map((habits, head) => ({ layer, head, habits })),
  );
  const name = TELLING.find((habit) => all.some(({ habits }) => habits.name === habit));
  const best =
    greatest(all, ({ layer, head }) => answers(layer, head)) ||
    greatest(all, ({ habits }) => (name && habits.name === name ? habits[name] : null)) ||
    greatest(all, ({ habits }) => habits.preferred[0]?.share ?? null);
  return best && { layer: best.layer, head: best.head };
}

/**
 * The one with the greatest value; those with none do not count.
 *
 * @template T
 * @param {T[]} all
 * @param {(one: T) => number | null} valued
 * @returns {T | null}
 */
function greatest(all, valued) {
  let best = /** @type {T | null} */ (null);
  let most = -Infinity;
  for (const one of all) {
    const value = valued(one);
    if (value === null || value <= most) continue;
    best = one;
    most = value;
  }
  return best;
}
