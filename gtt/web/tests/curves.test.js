import assert from "node:assert/strict";
import test from "node:test";
import { nearest, smooth, spread, thin, upTo } from "../lib/curves.js";

/** @type {[number, number][]} */
const waves = Array.from({ length: 5000 }, (_, i) => [i, Math.sin(i)]);

test("a thinned curve keeps its ends, its order and every peak", () => {
  waves[1234] = [1234, 99];
  waves[3210] = [3210, -99];
  const kept = thin(waves, 500);
  assert.ok(kept.length <= 600);
  assert.deepEqual(kept[0], waves[0]);
  assert.deepEqual(kept.at(-1), waves.at(-1));
  assert.ok(kept.every((point, i) => i === 0 || point[0] > kept[i - 1][0]));
  assert.ok(kept.some((point) => point[1] === 99) && kept.some((point) => point[1] === -99));
});

test("a short curve stays as it is", () => {
  assert.equal(thin(waves, 5000), waves);
});

test("the running mean begins at the first value and follows", () => {
  assert.deepEqual(
    smooth(
      [
        [0, 4],
        [1, 0],
        [2, 0],
      ],
      0.5,
    ),
    [
      [0, 4],
      [1, 2],
      [2, 1],
    ],
  );
  assert.deepEqual(smooth([], 0.5), []);
});

test("the nearest point, and the last one up to a step", () => {
  /** @type {[number, number][]} */
  const points = [
    [0, 1],
    [10, 2],
    [20, 3],
  ];
  assert.deepEqual(nearest(points, 14), [10, 2]);
  assert.deepEqual(nearest(points, 16), [20, 3]);
  assert.deepEqual(nearest(points, -5), [0, 1]);
  assert.deepEqual(nearest(points, 500), [20, 3]);
  assert.equal(nearest([], 1), null);
  assert.deepEqual(upTo(points, 19), [10, 2]);
  assert.equal(upTo(points, -1), undefined);
});

test("labels that lie on each other move apart, the others stay", () => {
  const labels = [
    { name: "a", y: 10 },
    { name: "b", y: 12 },
    { name: "c", y: 60 },
  ];
  assert.deepEqual(spread(labels, 13), { a: 10, b: 23, c: 60 });
});
