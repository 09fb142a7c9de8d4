import assert from "node:assert/strict";
import { test } from "node:test";

import { blocksOf, piecesOf } from "../lib/prose.js";
import { inWords } from "../views/learn/curves.js";

test("a text is paragraphs and lists, however it is wrapped", () => {
  const blocks = blocksOf("One\ntwo.\n\n- first\n  goes on\n- second\n\nThree.");
  assert.deepEqual(blocks, [
    { kind: "paragraph", items: ["One two."] },
    { kind: "list", items: ["first goes on", "second"] },
    { kind: "paragraph", items: ["Three."] },
  ]);
  assert.deepEqual(blocksOf(" \n\n "), []);
});

test("emphasis and code are told apart, and a lone star is a star", () => {
  assert.deepEqual(piecesOf("a *b* **c** `d*e*`"), [
    { tag: "", text: "a " },
    { tag: "em", text: "b" },
    { tag: "", text: " " },
    { tag: "strong", text: "c" },
    { tag: "", text: " " },
    { tag: "code", text: "d*e*" },
  ]);
  assert.deepEqual(piecesOf("2 * 3 and 4"), [{ tag: "", text: "2 * 3 and 4" }]);
});

test("markup in a text stays text", () => {
  assert.deepEqual(piecesOf("<b>x</b>"), [{ tag: "", text: "<b>x</b>" }]);
});

test("a chart says in words what it shows", () => {
  const show = /** @type {any} */ ({
    curves: [
      {
        run: "low",
        points: [
          [0, 6.9],
          [10, 6.2],
        ],
      },
      { run: "high", points: [] },
    ],
    lines: { bigram: 2.7 },
  });
  assert.equal(inWords(show), "low: from 6.90 to 6.20; high: not measured yet; bigram 2.70");
});
