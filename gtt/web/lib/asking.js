/**
 * Asking where only the newest answer counts.
 *
 * @typedef {import("../types/ask").Name} Name
 */
import { ask } from "./api.js";

/**
 * A way to ask. It answers null where the server refuses or the same asker has asked again
 * meanwhile; `say` gets the sentence of a refusal, and an empty one with an answer.
 *
 * @param {(sentence: string) => void} say
 */
export function newest(say) {
  /** @type {Map<unknown, number>} */
  const turns = new Map();

  /**
   * @template {Name} N
   * @param {N} name
   * @param {import("../types/ask").Values<N>} values
   * @param {{ quiet?: boolean, asker?: unknown }} [more] `quiet` says nothing; `asker` is the
   *   endpoint where it is not given
   * @returns {Promise<import("../types/ask").Answer<N> | null>}
   */
  async function askNewest(name, values, { quiet = false, asker = name } = {}) {
    const turn = (turns.get(asker) || 0) + 1;
    turns.set(asker, turn);
    const answer = await ask(name, values);
    if (turns.get(asker) !== turn) return null;
    if (!quiet) say(answer.error ? answer.error.message : "");
    return answer.error ? null : /** @type {any} */ (answer);
  }

  return askNewest;
}
