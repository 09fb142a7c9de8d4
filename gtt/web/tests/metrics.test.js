/** How metrics are written, and which of them have a small chart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, inSmallCharts } from "../lib/metrics.js";

/** @typedef {import("../lib/metrics.js").Metric} Metric */

/** @param {Partial<Metric>} parts @returns {Metric} */
const metric = (parts) => ({ name: "m", caption: "M", form: "decimals", place: null, ...parts });

test("the small charts stand in the order of their places", () => {
  const metrics = [
    metric({ name: "memory", place: 60 }),
    metric({ name: "loss" }),
    metric({ name: "exam", place: 0 }),
    metric({ name: "rate", place: 20 }),
  ];
  assert.deepEqual(
    inSmallCharts(metrics).map(({ name }) => name),
    ["exam", "rate", "memory"],
  );
});

test("each form writes its figures, and a share's axis ends at one", () => {
  const written = /** @type {[Metric["form"], number, string][]} */ ([
    ["decimals", 0.456, "0.46"],
    ["digits", 0.00312, "0.0031"],
    ["whole", 12345.6, "12,346"],
    ["share", 0.256, "26 %"],
    ["bytes", 2e8, "200 MB"],
  ]);
  for (const [form, value, text] of written) {
    assert.equal(formOf(metric({ form })).text(value), text);
  }
  assert.equal(formOf(metric({ form: "share" })).top, 1);
  assert.equal(formOf(metric({ form: "whole" })).top, undefined);
});
