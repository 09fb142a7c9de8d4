import assert from "node:assert/strict";
import { test } from "node:test";
import { nameIn } from "../views/downloads/file.js";
import { requestOf } from "../views/downloads/requests.js";
import { inOrder } from "../views/glossary/terms.js";
import { money, priceOf } from "../views/jobs/words.js";
import { standing } from "../views/push/words.js";
import { corner } from "../views/tips/place.js";

test("a price is in whole cents and never less than it is", () => {
  assert.equal(money(0.401), "$0.41");
  assert.equal(money(1234.5), "$1,234.50");
  const machine = {
    name: "a10g-small",
    title: "A10G",
    gpu: "1x A10G",
    cpu: "4 vCPU",
    memory: "15 GB",
    dollars_per_hour: 1,
  };
  assert.match(priceOf(machine, 30, null), /\$1\.00 an hour, at most \$0\.50 in 30 minutes\.$/);
  assert.match(priceOf(machine, 30, 5400), /in about 1\.5 h; there, installing/);
});

test("a term that is called so comes before those that only speak of it", () => {
  const entries = [
    { title: "attention", words: "attention looks back, masked by the causal mask" },
    { title: "causal mask", words: "causal mask hides what comes" },
    { title: "dropout", words: "dropout switches units off" },
  ];
  const titles = inOrder(entries, " Mask ").map((entry) => entry.title);
  assert.deepEqual(titles, ["causal mask", "attention"]);
  assert.equal(inOrder(entries, "").length, 3);
});

test("a tip stands below the pointer, above it at the lower edge, and never outside", () => {
  const mine = { width: 200, height: 50 };
  const box = { left: 700, top: 100, bottom: 130 };
  const window = { width: 800, height: 600 };
  assert.deepEqual(corner(mine, box, null, window), { left: 592, top: 136 });
  assert.deepEqual(corner(mine, box, { x: 20, y: 590 }, window), { left: 8, top: 526 });
});

test("a push says how far it is", () => {
  const push = /** @type {import("../views/push/words.js").Push} */ ({
    stage: "sending",
    repo: "anna/tiny",
    format: "transformers",
    private: true,
    step: 1200,
    bytes_sent: 2e6,
    bytes_kept: 1e6,
    bytes_total: 6e6,
    seconds_left: 130,
    url: null,
    qr: null,
    message: null,
  });
  const told =
    "3.0 of 6.0 MB, about 3 min left, 1.0 MB had arrived before. You may close the page.";
  assert.equal(standing(push), `Sending to anna/tiny: ${told}`);
  const done = standing({ ...push, stage: "done" });
  assert.equal(done, "Step 1,200 is on the Hub as anna/tiny, for you alone.");
});

test("a file has the name that the server gives it, and one endpoint", () => {
  assert.equal(nameIn("attachment; filename=\"a_.csv\"; filename*=utf-8''a%C3%A9.csv"), "aé.csv");
  assert.equal(nameIn(null), "");
  const chosen = { unit: "loss", log: true, dark: false, weights: "int8" };
  assert.deepEqual(requestOf("pocket", "r", chosen), [
    "export_run",
    { run_id: "r", format: "pocket", weights: "int8" },
  ]);
  assert.equal(requestOf("gguf", "r", chosen)[1].format, "gguf");
});
