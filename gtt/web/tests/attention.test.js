import assert from "node:assert/strict";
import test from "node:test";
import {
  attentionOn,
  differenceOf,
  mapFrom,
  mapOf,
  meanOf,
  movedOf,
  place,
  rangeOf,
  strongestOf,
  unpacked,
  valueAt,
} from "../lib/attention_map.js";
import { aroundZero, blocksOf, inkOn, SHADINGS, tone } from "../views/attention/colours.js";
import { hasRoom, layOut } from "../views/attention/map_layout.js";
import { tellingHead } from "../views/attention/telling.js";
import { cutSaid } from "../views/attention/texts.js";
import { topOf } from "../views/attention/tokens.js";
import { lossSaid, nextSaid } from "../views/attention/without.js";
import { feedingSaid, headBrief, headFigures, headSaid, listed } from "../views/attention/words.js";

const near = (/** @type {number} */ a, /** @type {number} */ b) =>
  assert.ok(Math.abs(a - b) < 1e-4, `${a} is not ${b}`);

/** An answer as the server packs it: two layers of two heads on three tokens. */
function answer() {
  const rows = [65535, 32768, 32767, 13107, 13107, 39321]; // 1 | ½ ½ | .2 .2 .6
  const maps = [0, 1, 2, 3].flatMap((head) => rows.map((value) => (head === 3 ? 0 : value)));
  const bytes = Buffer.from(new Uint16Array(maps).buffer);
  const shape = { layers: [0, 1], heads: [0, 1], tokens: ["a", "b", "c"], ids: [1, 2, 3] };
  const rest = { run_id: "r", cut: 0, weights: null, scores: null, expected: [] };
  return { ...shape, ...rest, packed: bytes.toString("base64") };
}

test("the packed triangles come out row after row, each head its own", () => {
  const look = unpacked(answer());
  assert.equal(look.n, 3);
  const map = mapOf(look, 1, 0);
  near(valueAt(map, 0, 0), 1);
  near(valueAt(map, 1, 1), 0.5);
  near(valueAt(map, 2, 2), 0.6);
  assert.equal(place(2, 2), 5);
  assert.deepEqual([...mapOf(look, 1, 1).values], [0, 0, 0, 0, 0, 0]);
  near(valueAt(meanOf([mapOf(look, 0, 0), mapOf(look, 1, 1)]), 2, 2), 0.3);
});

test("a map of nested rows, its strongest cell, its range and what moved", () => {
  const first = mapFrom([[1], [0.9, 0.1], [0.2, 0.3, 0.5]]);
  const second = mapFrom([
    [1, null],
    [0.4, 0.6, null],
    [0.2, 0.3, 0.5],
  ]);
  assert.deepEqual(strongestOf(first), { q: 1, k: 0, value: first.values[1] });
  const change = differenceOf(first, second);
  near(rangeOf(change)[0], -0.5);
  near(rangeOf(change)[1], 0.5);
  near(movedOf(change), 0.5 / 3); // half a row's attention, in one row of three
});

test("attention on the places that a task asks for is a mean over rows", () => {
  const map = mapFrom([[1], [0.9, 0.1], [0.2, 0.3, 0.5]]);
  assert.equal(attentionOn(map, []), null);
  const found = attentionOn(map, [
    [1, 0],
    [2, 1],
    [2, 2],
  ]);
  assert.equal(found?.rows, 2);
  near(found?.given ?? 0, (0.9 + 0.8) / 2);
  near(found?.even ?? 0, (1 / 2 + 2 / 3) / 2);
});

test("shading keeps the order of weights, and ink can be read on it", () => {
  for (const scale of Object.values(SHADINGS)) {
    assert.equal(scale(0), 0);
    assert.equal(scale(1), 1);
    assert.ok(scale(0.2) < scale(0.3));
  }
  assert.deepEqual([tone(-1), tone(0.5), tone(2)], [0, 128, 255]);
  assert.equal(inkOn([255, 255, 255]), "#000");
  assert.equal(inkOn([6, 44, 82]), "#fff");
});

test("a difference lies around the middle of its ramp, by its greatest change", () => {
  const { scale, marks } = aroundZero([-0.5, 0.2]);
  assert.deepEqual([scale(-0.5), scale(0), scale(0.5)], [0, 0.5, 1]);
  assert.deepEqual(
    marks.map(([, words]) => words),
    ["−0.50", "0", "+0.50"],
  );
  assert.equal(aroundZero([0, 0]).scale(0.05), 1); // what hardly changed does not glare
});

test("a picture of blocks shows the greatest of each and nothing of the future", () => {
  const { n, greatest } = blocksOf(mapFrom([[1], [0.4, 0.6], [0, 0, 1], [0, 0.25, 0.5, 0.25]]), 2);
  assert.equal(n, 2);
  assert.deepEqual([...greatest], [1, -Infinity, 0.25, 1]);
});

test("a map fits its room, and cells that were made larger do not", () => {
  const small = layOut(64, 600, 80, 46, null);
  assert.ok(small.across <= 600 && small.cell === small.fitting);
  const zoomed = layOut(64, 600, 80, 46, 30);
  assert.ok(zoomed.across > 600 && zoomed.cell === 30);
  assert.equal(layOut(4, 600, 80, 46, null).cell, 46); // never larger than the largest
  assert.equal(layOut(256, 390, 300, 46, null).left, 74); // a phone's labels are short
});

test("labels that would touch are left out, but never the chosen one", () => {
  const shown = [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((i) => hasRoom(i, 5, 4));
  assert.deepEqual(shown, [0, 5]); // every third, and 3 and 6 would touch 5
  assert.ok([0, 1, 2].every((i) => hasRoom(i, -1, 20)));
});

/** @param {object} more @returns {any} */
const habitsWith = (more) => ({
  previous_token: 0.1,
  first_token: 0.1,
  current_token: 0.1,
  same_token: null,
  induction: 0.02,
  distance: 4.2,
  half_within: 6,
  entropy: 2,
  evenness: 0.5,
  name: null,
  preferred: [],
  ...more,
});
/** @param {object[][]} heads @returns {any} */
const measuredOf = (heads) => ({
  heads: heads.map((row) => row.map(habitsWith)),
  chance: habitsWith({ previous_token: 0.05, induction: 0.02, half_within: 8, distance: 8 }),
  measured_on: "validation",
  tokens: 64,
  period: 32,
});

test("the head that says most is chosen where nobody has chosen", () => {
  const none = () => null;
  const named = measuredOf([
    [
      { name: "first_token", first_token: 0.9 },
      { name: "previous_token", previous_token: 0.5 },
    ],
    [{ name: "previous_token", previous_token: 0.8 }, { name: "even" }],
  ]);
  assert.deepEqual(tellingHead(named, none), { layer: 1, head: 0 });
  const answers = (/** @type {number} */ layer, /** @type {number} */ head) =>
    layer === 1 && head === 1 ? 0.7 : null;
  assert.deepEqual(tellingHead(named, answers), { layer: 1, head: 1 });
  const token = (/** @type {number} */ share) => ({ preferred: [{ text: "x", share, even: 0.1 }] });
  const liking = measuredOf([
    [{}, token(0.3)],
    [token(0.6), { name: "even" }],
  ]);
  assert.deepEqual(tellingHead(liking, none), { layer: 1, head: 0 });
  assert.equal(tellingHead(measuredOf([[{}, {}]]), none), null);
});

test("a head is said by its habit, with how often chance would give it", () => {
  const measured = measuredOf([[{ name: "previous_token", previous_token: 0.8, induction: 0.3 }]]);
  const said = headSaid(measured, 0, 0, null);
  assert.match(said, /^Head 0\.0 looks at the token just before: 80 % of its attention goes there/);
  assert.match(
    said,
    /, 16 times what even attention would give it \(0\.050\), measured on stretch/,
  );
  assert.match(said, /A part of it \(30 %, on 32 random tokens that were said twice\) goes to/);
  assert.equal(headBrief(measured, 0, 0, false), "looks at the previous token");
  assert.match(headFigures(measured.heads[0][0]), /^the previous token 0\.80, what followed last/);
});

test("a head without a habit is said by what it favours, or that it mixes", () => {
  const token = { text: "\n", share: 0.4, even: 0.1 };
  const measured = measuredOf([
    [{}, { preferred: [token, { ...token, text: " a" }], half_within: 2 }],
  ]);
  assert.match(headSaid(measured, 0, 0, null), /keeps to no place and to no token/);
  assert.match(headSaid(measured, 0, 1, null), /reads mostly what stands nearby\. Half of its/);
  assert.equal(headBrief(measured, 0, 1, false), "favours “↵” and “·a”");
  const found = { rows: 3, given: 0.9, even: 0.1 };
  assert.match(
    headSaid(measured, 0, 0, found),
    /in your text 90 % of its attention goes to the one/,
  );
  assert.equal(headBrief(measured, 0, 0, true), "reads where the task's answer stands");
  assert.equal(headBrief(measured, 5, 0, false), "");
});

/** @param {number} layer @param {number} head @param {number} without */
const feeder = (layer, head, without) => ({ layer, head, without });

test("both ends of feeding are named with what was measured", () => {
  const inducing = { induction: 0.4, fed_by: [feeder(0, 1, 0.15), feeder(0, 0, 0.21)] };
  const measured = measuredOf([
    [{ previous_token: 0.26 }, { previous_token: 0.16 }],
    [inducing, { induction: 0.1 }],
  ]);
  assert.equal(
    feedingSaid(measured, 1, 0),
    "Its induction is fed by 0.1 (16 % of its attention on the previous token) and 0.0 (26 % " +
      "of its attention on the previous token): switched off in turn, what is left of 0.40 is " +
      "0.15 and 0.21.",
  );
  assert.match(
    feedingSaid(measured, 0, 1),
    /^Head 0\.1 feeds the induction of 1\.0 \(0\.40, without this head 0\.15\):/,
  );
  assert.equal(feedingSaid(measured, 1, 1), "");
  assert.equal(headBrief(measured, 0, 1, false), "feeds 1.0");
  assert.equal(headBrief(measured, 1, 0, false), "induction, fed by 0.1 and 0.0");
});

test("where several heads do the same none is named", () => {
  const measured = measuredOf([
    [{}, {}],
    [{ induction: 0.6, fed_by: [] }, {}],
  ]);
  assert.match(feedingSaid(measured, 1, 0), /^No single earlier head is missed/);
  assert.equal(feedingSaid(measured, 0, 0), "");
});

test("what becomes of the loss and of the next token without heads", () => {
  const loss = (/** @type {number} */ without) =>
    lossSaid({ validation: 1, validation_without: without }, ["0.1", "1.0"]);
  assert.match(
    loss(1.001),
    /^Without heads 0\.1 and 1\.0 the validation loss hardly changes \(\+0/,
  );
  assert.match(loss(1.5), /rises by 0\.50 to 1\.50 .* 1\.65 times less likely, the model relies/);
  assert.match(loss(0.9), /even falls by 0\.10 nats per token: here it does harm/);
  assert.equal(lossSaid({ validation: null, validation_without: null }, ["0.1"]), "");
  const token = (
    /** @type {number} */ id,
    /** @type {number} */ odds,
    /** @type {number} */ now,
  ) => ({
    id,
    text: "abc"[id],
    odds,
    odds_without: now,
  });
  assert.match(
    nextSaid([token(0, 0.6, 0.5), token(1, 0.2, 0.3)]),
    /stays “a”, 60 % before and 50 %/,
  );
  assert.match(
    nextSaid([token(0, 0.6, 0.1), token(1, 0.2, 0.4)]),
    /was “a” \(60 %, now 10 %\); it be/,
  );
});

test("the largest shares and what was cut off are told in words", () => {
  assert.equal(
    topOf([0.1, null, 0.5, 0.4], ["a", "b", " c", "d"]),
    "“·c” 0.50, “d” 0.40, “a” 0.10",
  );
  assert.equal(cutSaid(5, 0, 5), "");
  assert.match(
    cutSaid(8, 1, 25000),
    /the first 1 token was left out, the last 8 .* 25,000 characters/,
  );
  assert.equal(listed(["a"]), "a");
});
