/** Sizes of models as the server writes them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { size } from "../lib/format.js";

test("a size is that of the server", () => {
  const url = new URL("../../../tests/model_sizes.json", import.meta.url);
  /** @type {[number, string][]} */
  const cases = JSON.parse(readFileSync(url, "utf-8"));
  assert.deepEqual(
    cases.map(([count]) => size(count)),
    cases.map(([, name]) => name),
  );
});
