import assert from "node:assert/strict";
import test from "node:test";
import { bytes, roughly, shareOf, short } from "../views/estimate/words.js";

test("rough figures have three digits and a unit", () => {
  assert.deepEqual([0, 999.4, 1234, 5.6e6, 7.89e9, 1e12].map(short), [
    "0",
    "999",
    "1.23 k",
    "5.60 M",
    "7.89 G",
    "1.00 T",
  ]);
});

test("bytes are never told as none where there are some", () => {
  assert.deepEqual([0, 3, 2500, 3.4e6, 2.25e9].map(bytes), ["0", "1 kB", "3 kB", "3 MB", "2.3 GB"]);
});

test("a time stands in the unit that it is thought in", () => {
  assert.deepEqual([0.0042, 0.25, 3.21, 45, 600, 5400, 2e5, 1e6].map(roughly), [
    "4.2 ms",
    "250 ms",
    "3.2 s",
    "45 s",
    "10 min",
    "1.5 hours",
    "2 days",
    "12 days",
  ]);
});

test("what is there is no 0 %", () => {
  assert.deepEqual(
    [shareOf(1, 1000), shareOf(0, 10), shareOf(1, 3), shareOf(0, 0)],
    ["<1 %", "0 %", "33 %", "0 %"],
  );
});
