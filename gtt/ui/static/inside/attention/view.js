// The Attention tab: which text is read by which checkpoint, which head is chosen, and when to look.
const DEFAULT = "Once a wise boy named Emil lived in a tower by the meadow. One day Emil";
const MOST_TEXT = 20000; // characters that the interface takes; of them the last tokens are read
// Each ends before the last token of the answer, so that the odds of the next one say something.
const EXAMPLES = { copy: "kqzbfmta>kqzbfmt", reverse: "kqzbfmta>atmfbzq", addition: "37+85=12", induction: "kqzbfmtaxwcj bfmta" };
let seen = null, chosen = { layer: 0, head: 0 }, chosenByHand = false, isOwnText = false, exampleOf = "", turn = 0;

const picker = new Picker($("runs"), $("checkpoints"), () => lookAnew());

// Another run or checkpoint: its own example, unless somebody has written a text.
async function lookAnew() {
  const run = picker.run;
  if (!run) { nothing(); return; }
  $("hint").hidden = true;
  if (picker.lack) { forget(); say(picker.lack); }
  if (exampleOf !== run) {
    if (exampleOf) forget(); // the numbers of one model never stand under the name of another
    exampleOf = run;
    off = new Set();
    loadWithout();
    loadHistory(run);
    const about = await ask("about", { run_id: run }, true);
    if (picker.run !== run) return;
    const isWriting = isOwnText || document.activeElement === $("text");
    if (about && !isWriting) { $("text").value = EXAMPLES[about.config.data.source] || DEFAULT; fallback = about.config.generation.prompt; }
  }
  await look();
}

let fallback = "";

function nothing() {
  seen = null;
  exampleOf = "";
  say("");
  $("panels").hidden = true;
  $("time").hidden = true;
  $("hint").hidden = false;
}

// Reads the text anew; on the screen in `data-seconds` seconds.
async function look() {
  const written = $("text").value, text = written.slice(-MOST_TEXT), mine = (turn += 1), asked = picker.chosen, whole = $("whole");
  if (!picker.run) { nothing(); return; }
  if (picker.lack) { forget(); say(picker.lack); return; }
  if (!text) { refused("The text is empty: write something for the model to read."); return; }
  const began = performance.now();
  whole.setAttribute("aria-busy", "true");
  $("look").textContent = "Looking…";
  const answer = await ask("attention", { ...asked, text, packed: true });
  if (mine !== turn) return;
  if (!answer && !isOwnText && fallback && fallback !== text && $("said").textContent.includes("character")) {
    $("text").value = fallback; // the example has letters that this model never met
    fallback = "";
    look();
    return;
  }
  whole.removeAttribute("aria-busy");
  $("look").textContent = "Look";
  if (!answer) { refused($("said").textContent, seen && (seen.chosen.run_id !== asked.run_id || seen.chosen.checkpoint !== asked.checkpoint)); return; }
  take(answer, text, asked, mine);
  if (written.length > MOST_TEXT) $("cut").textContent += ` Of the ${written.length.toLocaleString("en")} characters only the last ${MOST_TEXT.toLocaleString("en")} were taken at all.`;
  requestAnimationFrame(() => setTimeout(() => { whole.dataset.seconds = ((performance.now() - began) / 1000).toFixed(3); }));
  const isOther = habitsOf.split(" ")[0] !== seen.run_id || habitsOf.split(" ")[1] !== asked.checkpoint;
  await loadHabits(isOther);
  if (mine !== turn) return;
  if (off.size) loadWithout();
  lookAtOther();
}

function take(answer, text, asked, mine) {
  const isSameText = seen && seen.text === text && seen.n === answer.tokens.length;
  seen = { ...received(answer), text, chosen: asked, turn: mine };
  const kept = `${seen.n} token${seen.n === 1 ? "" : "s"}`;
  $("cut").textContent = seen.cut ? `Longer than one block: the first ${seen.cut} token${seen.cut === 1 ? " was" : "s were"} left out, the last ${kept} are shown.` : "";
  if (chosen.layer >= seen.layers.length || chosen.head >= seen.heads.length) chosen = { layer: 0, head: 0 };
  arrived("panels");
  $("panels").classList.remove("stale");
  buildGrid(seen.layers.length, seen.heads.length);
  if (!isSameText) token = null; // whoever looks at a token goes on looking at it
  buildTokens();
  paintGrid();
  markGrid();
  drawChosen();
}

// What is shown belongs to the text before, or, if the model is another one, to nothing any more.
function refused(sentence, isOther = false) {
  say(sentence);
  $("cut").textContent = "";
  $("panels").classList.add("stale");
  if (isOther) forget();
  if (!seen) $("panels").hidden = true;
}

// What was shown is no longer what is chosen; its room is kept for what comes.
function forget() {
  seen = null;
  habits = null;
  habitsOf = "";
  if (picker.lack && !picker.isActive) $("panels").hidden = true;
  $("panels").classList.add("waits");
  $("cut").textContent = "";
}

function choose(layer, head, isByHand = false) {
  chosen = { layer, head };
  chosenByHand = chosenByHand || isByHand;
  markGrid();
  drawChosen();
}

function drawChosen() {
  if (seen) { drawCard(); drawLarge(); drawTokens(); drawCompare(); }
  drawHistory();
}

// Explanations come when somebody opens one.
async function explainIn(details) {
  if (!details.open || details.childElementCount > 1) return;
  const answer = await ask("concepts", {}, true), concept = answer && answer.concepts[details.dataset.concept];
  if (!concept || details.childElementCount > 1) return;
  for (const text of concept.body.split("\n\n")) {
    const paragraph = document.createElement("p");
    paragraph.textContent = text.replace(/`/g, "");
    details.append(paragraph);
  }
}

// A run that goes on takes new snapshots; after its end once more, for what came last.
let isTicking = false, endedOf = null;
async function tick() {
  const { run } = picker;
  if (isTicking || !run || !picker.isSeen || (!picker.isActive && endedOf === run)) return;
  endedOf = picker.isActive ? null : run;
  isTicking = true;
  try { await followHistory(run); } finally { isTicking = false; }
}

function attach(value) {
  if (!value) return;
  key = value.workspace || "";
  $("hint").hidden = Boolean(value.run || picker.run);
  if (value.shape && value.run !== picker.run && !picker.byHand) hold(value.shape);
  if (key) picker.follow(value.run).then(() => { if (seen) arrived("panels"); });
}

// A person reads a text of their own: its map is as large as it is.
function lookByHand() {
  largeView.release();
  look();
}

setUpLarge();
setUpHistory();
setUpCompare();
$("text").value = DEFAULT;
$("text").oninput = () => { isOwnText = true; };
$("text").onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); lookByHand(); } };
$("look").onclick = lookByHand;
$("off").onclick = () => toggleOff(nameOf(chosen.layer, chosen.head));
for (const details of element.querySelectorAll(".why")) details.ontoggle = () => explainIn(details);
new MutationObserver(() => { if (seen) { paintGrid(); drawChosen(); } else drawHistory(); }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
const beat = setInterval(() => { if (!element.isConnected) clearInterval(beat); else tick(); }, 3000);
watch("value", () => attach(props.value));
attach(props.value);
