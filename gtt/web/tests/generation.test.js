import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf, verdict } from "../views/generation/copied.js";
import { compared, ordinal } from "../views/generation/readout.js";
import { promptTokens } from "../views/generation/texts.js";

const tokens = (/** @type {string[]} */ ...texts) => texts.map((text) => ({ text }));

test("the tokens of a copied run are found also where a character is several of them", () => {
  const read = tokens("A ", "\\xe2\\x82", "\\xac", " b", "c", "d");
  const sample = { prompt: "A ", text: "€ bcd", skipped: 0 };
  const places = (/** @type {number} */ start, /** @type {number} */ end) =>
    [...placesOf(sample, read, [{ start, end }])].sort();
  assert.deepEqual(places(0, 1), [1, 2]);
  assert.deepEqual(places(1, 3), [3]);
  assert.deepEqual(places(3, 5), [4, 5]);
  // The first two were not read.
  const rest = { ...sample, prompt: "AA A ", skipped: 2 };
  assert.deepEqual([...placesOf(rest, read, [{ start: 3, end: 4 }])], [4]);
});

/** @type {import("../views/generation/copied.js").Copies} */
const FOUND = {
  run_id: "a",
  runs: [],
  words: 100,
  training_words: 5000,
  unit: "words",
  shortest: 5,
  gram: 8,
  novel: 0.9,
  novel_in_validation: 0.91,
  whole: true,
};

test("recital is told from knowing a language, and from a source that repeats itself", () => {
  assert.match(verdict(FOUND), /^Of its runs of 8 words 90 % are new, and 91 % .* itself does\.$/);
  assert.match(verdict({ ...FOUND, novel: 0.5 }), /fewer than the 91 % .* recited\.$/);
  assert.match(verdict({ ...FOUND, novel: 0.1, novel_in_validation: 0.2 }), /repeats itself/);
  assert.match(verdict({ ...FOUND, words: 59 }), /rough figure\.$/);
  assert.match(verdict({ ...FOUND, novel_in_validation: null }), /^90 % of its runs/);
  assert.match(verdict({ ...FOUND, novel: null }), /too short to say more/);
});

test("a token's surprise is compared with what was to be expected", () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 101, 111, 1002].map(ordinal), [
    "1st",
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "101st",
    "111th",
    "1,002nd",
  ]);
  assert.match(compared({ surprise: 1, entropy: 1, rank: 1 }), /as expected/);
  assert.match(compared({ surprise: 2, entropy: 1, rank: 1 }), /not sure/);
  assert.match(compared({ surprise: 5, entropy: 1, rank: 9 }), /8 other tokens were likelier/);
  assert.match(compared({ surprise: 2, entropy: 1, rank: 2 }), /^More surprising/);
  assert.match(compared({ surprise: 1, entropy: 1, rank: 2 }), /^About as surprising/);
});

test("a prompt covers the tokens that lie within it", () => {
  const read = tokens("One", " day", " the");
  assert.deepEqual(
    ["One day", "One da", "", "One day the king"].map((prompt) => promptTokens(read, prompt)),
    [2, 1, 0, 3],
  );
});
