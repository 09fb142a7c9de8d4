/** What is read before somebody has written a text, and what is said of one that is too long. */
import { whole } from "../../lib/format.js";

export const DEFAULT = "Once a wise boy named Emil lived in a tower by the meadow. One day Emil";
export const MOST_TEXT = 20000; // characters that are taken; of them the last tokens are read
// Each ends before the last token of the answer, so that the odds of the next one say something.
/** @type {Record<string, string>} */
const EXAMPLES = {
  copy: "kqzbfmta>kqzbfmt",
  reverse: "kqzbfmta>atmfbzq",
  addition: "37+85=12",
  induction: "kqzbfmtaxwcj bfmta",
};

/** The example of a task, undefined where the text is no task. @param {string} source */
export const exampleOf = (source) => EXAMPLES[source];

/**
 * What of a text was left out; empty where nothing was.
 *
 * @param {number} kept tokens
 * @param {number} cut tokens
 * @param {number} written characters
 */
export function cutSaid(kept, cut, written) {
  const sentences = [];
  if (cut) {
    const first = `the first ${cut} token${cut === 1 ? " was" : "s were"} left out`;
    const last = `the last ${kept} token${kept === 1 ? "" : "s"} are shown`;
    sentences.push(`Longer than one block: ${first}, ${last}.`);
  }
  if (written > MOST_TEXT) {
    const all = `Of the ${whole(written)} characters only the last ${whole(MOST_TEXT)}`;
    sentences.push(`${all} were taken at all.`);
  }
  return sentences.join(" ");
}
