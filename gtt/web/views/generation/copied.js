/**
 * What of a text stands word for word in the training part.
 *
 * @typedef {import("../../types/ask").Answer<"copies">} Copies
 */
import { probability } from "../../lib/format.js";

const NOTABLE = 0.03; // of the share of novel 8-grams, less than that of validation text
const REPEATING = 0.5; // a source of which less than this is novel repeats itself
const BYTE = /(\\x[0-9a-f]{2})/; // of an unfinished character, as a token shows it
const utf8 = new TextEncoder();

const length = (/** @type {string} */ text) => utf8.encode(text).length;

/**
 * The places of the tokens that lie in a run. They are counted in bytes: a token may be part of a
 * character.
 *
 * @param {{ prompt: string, text: string, skipped: number }} sample
 * @param {{ text: string }[]} tokens those after the `skipped` ones
 * @param {{ start: number, end: number }[]} runs characters of `text`
 */
export function placesOf({ prompt, text, skipped }, tokens, runs) {
  const sizes = tokens.map((token) =>
    token.text.split(BYTE).reduce((sum, piece) => sum + (BYTE.test(piece) ? 1 : length(piece)), 0),
  );
  const read = sizes.reduce((sum, size) => sum + size, 0);
  const begin = length(prompt) - (skipped ? length(prompt + text) - read : 0);
  const characters = Array.from(text);
  const byteOf = (/** @type {number} */ place) =>
    begin + length(characters.slice(0, place).join(""));
  const places = new Set();
  for (const { start, end } of runs) {
    const [low, high] = [byteOf(start), byteOf(end)];
    let at = 0;
    sizes.forEach((size, place) => {
      if (at < high && at + size > low) places.add(place);
      at += size;
    });
  }
  return places;
}

/** The longest run in words. @param {Copies} found */
export function longestRun({ runs, unit, words, shortest }) {
  const isWords = unit === "words";
  const wording = isWords ? "word for word" : "character for character";
  const counting = isWords
    ? ""
    : " This text does not separate its words, so characters are counted.";
  if (runs.length) {
    return `Its longest run that stands there ${wording} has ${runs[0].words} ${unit}.${counting}`;
  }
  if (words >= shortest) {
    return `No ${shortest} ${unit} in a row stand there ${wording}.${counting}`;
  }
  const few = `The text has ${words} ${unit}, too few to look for ${shortest} in a row.`;
  return few + counting;
}

/** What its share of new word sequences means. @param {Copies} found */
export function verdict({ novel, novel_in_validation: other, gram, unit, words }) {
  if (novel === null) return `The text is shorter than ${gram} ${unit}, too short to say more.`;
  const rough = words < 60 ? " The text is short, so take it as a rough figure." : "";
  const mine = `Of its runs of ${gram} ${unit} ${probability(novel)} are new`;
  if (other === null) {
    return `${probability(novel)} of its runs of ${gram} ${unit} are new.${rough}`;
  }
  const theirs = probability(other);
  if (other < REPEATING) {
    return (
      `${mine}, but so are only ${theirs} of those in validation text, which no model wrote: ` +
      "this source repeats itself so much that recital cannot be told from knowing it." +
      rough
    );
  }
  if (novel < other - NOTABLE) {
    return (
      `${mine}, fewer than the ${theirs} of validation text, which no model wrote: part of this ` +
      `text is recited.${rough}`
    );
  }
  return (
    `${mine}, and ${theirs} of those in validation text, which no model wrote: it repeats the ` +
    `training part no more than the language itself does.${rough}`
  );
}
