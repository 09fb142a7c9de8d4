import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nextTokenOdds, penalise, softmax } from "../lib/sampling.js";

/**
 * @type {(import("../lib/sampling.js").Settings & { logits: number[], seen: number[],
 *   repetition_penalty: number, odds: number[] })[]}
 */
const cases = JSON.parse(
  readFileSync(new URL("../../../tests/model/sampling_cases.json", import.meta.url), "utf-8"),
);

test("the odds are those that Python gives, and the same tokens are cut", () => {
  assert.ok(cases.length > 100);
  for (const one of cases) {
    const { logits, seen, repetition_penalty: penalty, odds } = one;
    const found = nextTokenOdds(penalise(Float32Array.from(logits), seen, penalty), one);
    const name = JSON.stringify(one);
    assert.equal(found.length, odds.length, name);
    found.forEach((value, id) => {
      assert.ok(Math.abs(value - odds[id]) < 1e-6, `${name}: ${value} for token ${id}`);
      assert.equal(value > 0, odds[id] > 0, `${name}: token ${id}`);
    });
  }
});

test("odds of logits of any size come to one", () => {
  for (const logits of [[0], [1000, 999], [-1000, -1000, -1000]]) {
    const sum = softmax(logits).reduce((a, b) => a + b);
    assert.ok(Math.abs(sum - 1) < 1e-6);
  }
});
