import assert from "node:assert/strict";
import test from "node:test";
import {
  cellOf,
  cutSaid,
  LINE,
  linesOf,
  partBefore,
  placeOf,
  pointOf,
  spotOf,
} from "../views/follow/words.js";

/** @param {object} more @returns {any} */
const stepWith = (more) => ({
  name: "h.0.mlp.post",
  columns: "width",
  rows: [[1, 2]],
  texts: [],
  ...more,
});

test("a long vector is wrapped, and every cell finds back to its number", () => {
  const vector = Array.from({ length: LINE * 2 + 5 }, (_, i) => i);
  const { lines, isWrapped } = linesOf({ rows: [vector] });
  assert.ok(isWrapped);
  assert.deepEqual(
    lines.map((line) => line.length),
    [LINE, LINE, 5],
  );
  for (const column of [0, LINE - 1, LINE, 2 * LINE + 4]) {
    const [row, place] = cellOf([0, column], true);
    assert.equal(lines[row][place], column);
    assert.deepEqual(spotOf([row, place], true), [0, column]);
  }
  assert.deepEqual(linesOf({ rows: [[1], [2]] }), { lines: [[1], [2]], isWrapped: false });
  assert.deepEqual(spotOf([1, 0], false), [1, 0]);
});

test("a number is called by its head, its kind and its token", () => {
  assert.equal(placeOf(stepWith({}), [], [0, 7]), "number 7");
  const heads = stepWith({
    columns: "tokens",
    rows: [
      [1, null],
      [0.5, 0.5],
    ],
  });
  assert.equal(placeOf(heads, ["a", " b"], [1, 1]), "Head 1, place 1 “·b”");
  assert.equal(placeOf(stepWith({ columns: "hidden" }), [], [0, 3]), "unit 3");
  const odds = stepWith({ columns: "candidates", texts: ["x", "\n"] });
  assert.equal(placeOf(odds, [], [0, 1]), "“↵”");
});

test("each step stands at the point of the stream that it reads from or has written", () => {
  const points = ["embed", "h.0.resid_mid", "h.0.resid_post", "h.1.resid_mid", "h.1.resid_post"];
  const at = (/** @type {string} */ name) => points[pointOf(name, points)];
  assert.equal(at("h.1.resid_mid"), "h.1.resid_mid");
  assert.equal(at("h.0.attn.q"), "embed");
  assert.equal(at("h.1.attn.weights"), "h.0.resid_post");
  assert.equal(at("h.1.mlp.pre"), "h.1.resid_mid");
  assert.equal(at("h.0.ln_2"), "h.0.resid_mid");
  assert.equal(at("logits"), "h.1.resid_post");
  assert.equal(at("token"), "embed");
});

test("points of the stream and a text that was cut are told in words", () => {
  assert.deepEqual(["embed", "h.3.resid_mid", "h.0.resid_post"].map(partBefore), [
    "embedding",
    "attention 3",
    "MLP 0",
  ]);
  assert.equal(cutSaid(0, 5), "");
  assert.equal(cutSaid(1, 32), "The first 1 token of the text is left out: the last 32 fit.");
  assert.match(cutSaid(2, 32), /^The first 2 tokens of the text are left out/);
});
