import assert from "node:assert/strict";
import { test } from "node:test";
import { roughly } from "../lib/format.js";
import { figuresOf } from "../views/recipes/figures.js";
import { seen } from "../views/text/chips.js";
import { statesOf, stepsDown } from "../views/text/merges/merging.js";
import { bytes, countedOver, meaning, sizes } from "../views/text/preview/words.js";

const letters = (/** @type {string} */ text) =>
  [...text].map((one, id) => ({ id, text: one, whole: true }));
const written = (/** @type {{ text: string }[]} */ tokens) => tokens.map((one) => one.text);

test("each merge joins two neighbours at its places and leaves the letters as they are", () => {
  const merged = { id: 300, text: "ab", whole: true };
  const pair = { id: 301, text: "abab", whole: true };
  const states = statesOf(letters("ababcab"), [
    { places: [0, 1, 3], merged },
    { places: [0], merged: pair },
  ]);
  assert.deepEqual(states.map(written), [
    ["a", "b", "a", "b", "c", "a", "b"],
    ["ab", "ab", "c", "ab"],
    ["abab", "c", "ab"],
  ]);
  for (const state of states) assert.equal(written(state).join(""), "ababcab");
  assert.equal(stepsDown([4, 2, 1]), "M0,2H50V21H100V30.5");
  assert.equal(stepsDown([3]), "M0,2");
});

test("blanks are pictures and bytes of an unfinished character are numbers", () => {
  assert.equal(seen({ text: " a\n\tb\r", whole: true }), "·a↵⇥b␍");
  assert.equal(seen({ text: "\\xe2\\x82", whole: false }), "e2 82");
  assert.equal(seen({ text: "\\xe2", whole: true }), "\\xe2"); // letters that only look so
});

const READ = /** @type {import("../views/text/preview/words.js").Preview} */ ({
  counted: "beginning",
  bytes: 2_000_000,
  total_bytes: 5_000_000,
  characters: 2_000_000,
  tokens: 500_000,
  frequent: [{ id: 1, text: " ", whole: true, count: 50_000 }],
});

test("a text is told of with what is known of it and no more", () => {
  assert.equal(bytes(999), "999 bytes");
  assert.equal(bytes(12_345), "12.3 kB");
  assert.equal(countedOver(READ), "counted over the beginning, 2.00 MB of about 5.00 MB");
  const away = { ...READ, counted: /** @type {const} */ ("nothing"), total_bytes: null };
  assert.equal(countedOver(away), "not here yet");
  assert.equal(
    meaning(READ),
    "A page of 2,000 characters is about 500 tokens. One token in 10 is “·”.",
  );
  assert.equal(meaning({ ...READ, tokens: null }), "");
  assert.equal(sizes({ characters: null, bytes: 1500, tokens: null }), "about 1.50 kB");
  assert.match(sizes({ characters: null, bytes: null, tokens: null }), /not known/);
});

test("a card promises what was measured, here where that is known", () => {
  const measured =
    /** @type {NonNullable<import("../views/recipes/figures.js").Recipe["measured"]>} */ ({
      seconds: 61,
      validation_loss: 1.234,
      parameters: 812_345,
    });
  const recipe = {
    name: "a",
    title: "A",
    summary: "",
    measured,
    seconds_here: null,
    lacks_gpu: false,
  };
  assert.deepEqual(figuresOf(recipe), ["61 s on two cores", "loss 1.23 · 0.8\u00a0M"]);
  assert.equal(figuresOf({ ...recipe, seconds_here: 600 })[0], "about 10 min here");
  assert.deepEqual(figuresOf({ ...recipe, measured: null }), ["not measured yet"]);
  assert.deepEqual(figuresOf({ ...recipe, lacks_gpu: true }), ["needs a GPU", "none is here"]);
  assert.deepEqual([89, 90, 5399, 5400].map(roughly), ["89 s", "2 min", "90 min", "1.5 h"]);
});
