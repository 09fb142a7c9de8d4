// One head large, or the mean of several; weights or the scores before the softmax.
const shown = { what: "head", numbers: "weights", shading: "root" };
let largeView = null, scores = { of: "", map: null };

function largeMap() {
  if (shown.what === "layer") return meanOf(seen.heads.map((_, head) => mapOf(seen, chosen.layer, head)));
  if (shown.what === "all") return meanOf(seen.layers.flatMap((_, layer) => seen.heads.map((__, head) => mapOf(seen, layer, head))));
  return mapOf(seen, chosen.layer, chosen.head);
}

const showsScores = () => shown.numbers === "scores" && shown.what === "head";
const subject = () => (shown.what === "layer" ? `The mean of layer ${chosen.layer}` : shown.what === "all" ? "The mean of all heads" : `Head ${nameOf(chosen.layer, chosen.head)}`);

async function drawLarge() {
  $("large-title").textContent = `${subject()}: who looks at whom`;
  for (const button of element.querySelectorAll("[data-show]")) button.setAttribute("aria-pressed", String(button.dataset.show === shown.what));
  for (const button of element.querySelectorAll("[data-numbers]")) {
    button.setAttribute("aria-pressed", String((button.dataset.numbers === "scores") === showsScores()));
    button.disabled = button.dataset.numbers === "scores" && shown.what !== "head";
  }
  $("shading").disabled = showsScores();
  if (showsScores() && !(await haveScores())) return;
  const map = showsScores() ? scores.map : largeMap(), ramp = rampOf("weights");
  const outlined = $("expect").checked ? seen.expected : [];
  $("expecting").hidden = !seen.expected.length;
  if (showsScores()) {
    const [least, most] = rangeOf(map), wide = most - least || 1, scale = (v) => (v - least) / wide;
    largeView.show(map, seen.tokens, { ramp, scale, outlined, least: 0, brief: (v) => v.toFixed(1) });
    legend($("bar"), $("ticks"), ramp, scale, [least, (least + most) / 2, most].map((v) => [v, v.toFixed(1)]));
    $("legend-told").textContent = "Score: query times key, over the root of the head's width. The softmax turns each row into weights; only differences within a row count. Hatched: the future, which nobody may read.";
  } else {
    largeView.show(map, seen.tokens, { ramp, scale: SHADINGS[shown.shading], outlined });
    legend($("bar"), $("ticks"), ramp, SHADINGS[shown.shading], (shown.shading === "log" ? [0.001, 0.01, 0.1, 1] : [0, 0.1, 0.25, 0.5, 1]).map((v) => [v, String(v)]));
    $("legend-told").textContent = "Weight: the share of its attention that a row's token gives to a column's; each row sums to 1. Hatched: the future, which nobody may read.";
  }
  tellCell();
  tellExpected(showsScores() ? largeMap() : map);
}

// The scores of the chosen head alone; false where they do not come, or come too late.
async function haveScores() {
  const wanted = `${seen.turn} ${nameOf(chosen.layer, chosen.head)}`;
  if (scores.of === wanted) return true;
  const answer = await ask("scores", { ...seen.chosen, text: seen.text, layers: [chosen.layer], heads: [chosen.head], scores: true });
  if (!answer || !seen || wanted !== `${seen.turn} ${nameOf(chosen.layer, chosen.head)}`) return false;
  scores = { of: wanted, map: mapFrom(answer.scores[0][0].map((row) => row.map((v) => (v === null ? 0 : v)))) };
  return scores.map.n === seen.n;
}

function tellCell() {
  const at = largeView.cross;
  if (!at) {
    $("read").textContent = byTouch() ? "Touch a cell to read it."
      : "Point at a cell, or move over the map with the arrow keys.";
    return;
  }
  $("read").textContent = at.k > at.q
    ? `${quoted(seen.tokens[at.k])} comes after ${quoted(seen.tokens[at.q])}: nobody may look ahead.`
    : `${pairSaid(seen.tokens, at.q, at.k, showsScores() ? `score ${valueAt(largeView.map, at.q, at.k).toFixed(2)}` : share(valueAt(largeView.map, at.q, at.k)))} (token ${at.q} reads token ${at.k})`;
}

// How much of the attention goes where the task says that it has to.
function tellExpected(map) {
  const found = onExpected(map);
  $("expected-told").textContent = found ? `Whoever wants to be right here has to read the outlined cells. ${subject()} gives them ${percent(found.given)} of its attention in ${found.rows === 1 ? "that row" : `those ${found.rows} rows`}; even attention would give ${percent(found.even)}.` : "";
}

// The share of the rows that have such a place, and what even attention would give; null without any.
function onExpected(map) {
  const given = new Map(), even = new Map();
  for (const [q, k] of seen.expected) {
    given.set(q, (given.get(q) || 0) + valueAt(map, q, k));
    even.set(q, (even.get(q) || 0) + 1 / (q + 1));
  }
  return given.size ? { rows: given.size, given: d3.mean([...given.values()]), even: d3.mean([...even.values()]) } : null;
}

// Whether a head may be named after that: by the same bar as the habits.
function findsAnswer(layer, head) {
  const found = seen && onExpected(mapOf(seen, layer, head));
  return Boolean(found) && found.rows > 1 && found.given >= Math.max(0.4, 3 * found.even);
}

function setUpLarge() {
  largeView = new MapView($("viewport"), { moved: tellCell, picked: (q) => chooseToken(q), named: "Attention of the chosen head" });
  for (const button of element.querySelectorAll("[data-show]")) button.onclick = () => { shown.what = button.dataset.show; drawChosen(); };
  for (const button of element.querySelectorAll("[data-numbers]")) button.onclick = () => { shown.numbers = button.dataset.numbers; drawLarge(); };
  $("shading").onchange = () => { shown.shading = $("shading").value; drawLarge(); };
  $("expect").onchange = () => drawLarge();
  $("smaller").onclick = () => largeView.resize(1 / 1.5);
  $("bigger").onclick = () => largeView.resize(1.5);
  $("fit").onclick = () => largeView.resize(0);
}
