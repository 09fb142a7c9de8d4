// The same head in another checkpoint or run, side by side and as a difference.
let otherPicker = null, other = null, sideViews = null, otherTurn = 0, isOpening = false;

async function openCompare() {
  if (!$("compare").open) return;
  isOpening = true; // nothing is asked before it is known which other one
  await otherPicker.follow(picker.run);
  if (!other && otherPicker.list && isSameAsFirst()) await chooseAnother();
  isOpening = false;
  await lookAtOther();
}

const isSameAsFirst = () => otherPicker.run === picker.run && (otherPicker.checkpoint === picker.checkpoint || otherPicker.step === picker.step);

// At first the oldest of the other checkpoints of the run, or else the run before it that has one.
async function chooseAnother() {
  const steps = otherPicker.kept.map((one) => one.step).filter((step) => step !== picker.step).sort((a, b) => a - b);
  if (steps.length) {
    $("other-checkpoints").value = String(steps[0]);
    otherPicker.settle();
    return;
  }
  const from = otherPicker.list.findIndex((run) => run.id === picker.run);
  const before = [...otherPicker.list.slice(from + 1), ...otherPicker.list.slice(0, from).reverse()].find((run) => run.best_validation_loss !== null);
  if (!before) return;
  $("other-runs").value = before.id;
  otherPicker.byHand = true;
  await otherPicker.fill();
}

async function lookAtOther() {
  if (!$("compare").open || !seen || isOpening) return;
  const turn = (otherTurn += 1), answer = await ask("other", { ...otherPicker.chosen, text: seen.text, packed: true }, true);
  if (turn !== otherTurn || !seen) return;
  other = answer ? { ...received(answer), named: chosenWords(otherPicker) } : null;
  drawCompare();
}

const chosenWords = (one) => `${one.runs.selectedOptions.length ? one.runs.selectedOptions[0].text.split(" · ")[0] : ""}, ${one.checkpoints.selectedOptions.length ? one.checkpoints.selectedOptions[0].text : ""}`;

// What stands in the way of a comparison, or nothing.
function hindrance() {
  if (!other) return "The other checkpoint cannot read this text, or is gone: choose another one.";
  if (chosen.layer >= other.layers.length || chosen.head >= other.heads.length) return `The other model has no head ${nameOf(chosen.layer, chosen.head)}: it has ${other.layers.length} layers of ${other.heads.length}.`;
  return "";
}

function drawCompare() {
  if (!$("compare").open || !seen) return;
  const told = hindrance(), isSame = other && other.tokens.length === seen.n && other.tokens.every((text, i) => text === seen.tokens[i]);
  $("other-said").textContent = told || (isSameAsFirst() ? "Both are the same checkpoint: choose another checkpoint, or another run." : isSame ? "" : `The two cut the text into different tokens (${seen.n} and ${other.n}): they stand side by side, but there is no difference cell by cell.`);
  $("other-maps").hidden = Boolean(told);
  $("other-told").textContent = "";
  $("other-read").textContent = "";
  if (told) return;
  const first = mapOf(seen, chosen.layer, chosen.head), second = mapOf(other, chosen.layer, chosen.head), look = { ramp: rampOf("weights"), scale: SHADINGS[shown.shading] };
  $("left-title").textContent = `${nameOf(chosen.layer, chosen.head)} · ${chosenWords(picker)}`;
  $("right-title").textContent = `${nameOf(chosen.layer, chosen.head)} · ${other.named}`;
  sideViews.left.show(first, seen.tokens, look);
  sideViews.right.show(second, other.tokens, look);
  $("difference-part").hidden = !isSame;
  if (isSame) drawDifference(first, second);
  if (sideViews.left.cross) crossAll(sideViews.left.cross.q, sideViews.left.cross.k); // read anew
}

function drawDifference(first, second) {
  const map = differenceOf(first, second), { scale, marks } = aroundZero(map), part = movedOf(map);
  sideViews.difference.show(map, seen.tokens, { ramp: rampOf("difference"), scale });
  legend($("difference-bar"), $("difference-ticks"), rampOf("difference"), scale, marks);
  $("other-told").textContent = `On average ${percent(part)} of a token's attention goes elsewhere in the second one${part < 0.02 ? ": the two heads look alike" : ""}. Orange: more in the second one, blue: less.`;
}

// The scale of a difference, and the marks of its legend.
function aroundZero(map) {
  const [least, most] = rangeOf(map), far = Math.max(0.05, -least, most);
  return { scale: (v) => 0.5 + v / far / 2, marks: [-far, 0, far].map((v) => [v, v === 0 ? "0" : signedShare(v)]) };
}

// The share of attention that a row moved, on average.
function movedOf(difference) {
  let sum = 0;
  for (const value of difference.values) sum += Math.abs(value);
  return sum / 2 / difference.n;
}

const signedShare = (v) => `${v < 0 ? "−" : "+"}${Math.abs(v).toFixed(2)}`;

// A cell in one of the maps is read in all of them.
function crossAll(q, k) {
  for (const view of Object.values(sideViews)) if (view.map && q < view.map.n && k < view.map.n && (!view.cross || view.cross.q !== q || view.cross.k !== k)) { view.cross = { q, k }; view.draw(); }
  if (!other || k > q || q >= seen.n || q >= other.n) { $("other-read").textContent = ""; return; }
  const a = valueAt(sideViews.left.map, q, k), b = valueAt(sideViews.right.map, q, k);
  $("other-read").textContent = $("difference-part").hidden ? `Token ${q} reads token ${k}: ${share(a)} and ${share(b)}` : pairSaid(seen.tokens, q, k, `${share(a)} and ${share(b)}, difference ${signedShare(b - a)}`);
}

function setUpCompare() {
  const side = (part, named) => new MapView($(part), { moved: crossAll, largest: 30, named });
  sideViews = { left: side("left", "The first"), right: side("right", "The second"), difference: side("difference", "Difference") };
  otherPicker = new Picker($("other-runs"), $("other-checkpoints"), () => lookAtOther());
  $("compare").ontoggle = () => openCompare();
}
