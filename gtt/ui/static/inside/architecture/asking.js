// What is drawn: the draft, asked anew when a setting was saved, or the run that is looked at.
const LATER = 150, AGAIN = 4000; // milliseconds: changes that count as one; after an answer that did not come
let runId = null, draft = null, ofRun = null, shownRun = false, differs = false, timer = null, turn = 0;

async function redraw() {
  if (!key || !element.isConnected) return;
  const mine = (turn += 1), answer = await ask("drawing_of_draft", {}, true);
  if (mine !== turn) return; // asked anew meanwhile
  if (!answer) { soon(AGAIN); return; }
  const before = draft;
  draft = answer;
  // What the page fills in by itself as it opens is no change.
  const touched = !navigator.userActivation || navigator.userActivation.hasBeenActive;
  if (before && touched && !same([before.nodes, before.config], [answer.nodes, answer.config])) markChanges(before, answer);
  compare();
}

// The drawing of the run is asked for once; where both are the same there is nothing to choose.
async function fetchRun() {
  ofRun = null;
  if (runId) {
    const asked = runId, answer = await ask("drawing_of_run", { run_id: asked }, true);
    if (asked !== runId) return;
    ofRun = answer;
  }
  compare();
}

function compare() {
  if (!draft) return;
  const shape = (one) => [one.config, one.vocab_size].map((part) => JSON.stringify(part)).join();
  differs = Boolean(ofRun) && shape({ ...ofRun, config: { ...ofRun.config, dropout: 0, attention: "" } }) !== shape({ ...draft, config: { ...draft.config, dropout: 0, attention: "" } });
  $("whose").hidden = !differs;
  if (!differs) shownRun = false;
  showRun(shownRun);
}

function showRun(wanted) {
  shownRun = wanted && Boolean(ofRun);
  element.querySelectorAll('[name="gtt-whose"]').forEach((one) => { one.checked = (one.value === "run") === shownRun; });
  drawn = shownRun ? ofRun : draft;
  element.dataset.shows = shownRun ? "run" : "draft";
  draw();
  if (view.chosen) explain(view.chosen); else explainWhole();
}
element.querySelectorAll('[name="gtt-whose"]').forEach((one) => { one.onchange = () => showRun(one.value === "run"); });

function soon(wait) { clearTimeout(timer); timer = setTimeout(redraw, wait); }

function heard(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:draft", heard); return; }
  if (!(event.detail || {}).refused) soon(LATER);
}

function attach(value) {
  const { workspace = "", run = null } = value || {};
  if (!workspace) return;
  const fresh = workspace !== key;
  $("whose").classList.toggle("kept", Boolean(run));
  key = workspace;
  if (fresh) { soon(0); server.explained({}).then((all) => { concepts = all; if (view.chosen) explain(view.chosen); }); }
  if ((run || null) !== runId || fresh) { runId = run || null; forgetHealth(); fetchRun(); look(null); }
}

// Once its text is prepared, a run knows its vocabulary, and so does a draft on the same text.
let prepared = "";
function moved(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:run", moved); return; }
  const { id = "", state = "" } = event.detail || {};
  if (`${id} ${state}` === prepared || !["running", "completed"].includes(state)) return;
  prepared = `${id} ${state}`;
  if (draft && draft.vocabulary_is_assumed) soon(0);
  if (id === runId && (!ofRun || ofRun.vocabulary_is_assumed)) fetchRun();
}
document.addEventListener("gtt:run", moved);

// While a run goes on its newest snapshot is followed; one that has ended is asked less and less.
function follow() {
  if (!element.isConnected) return;
  const seen = !document.hidden && element.offsetParent !== null;
  if (seen && health.at === null && $("quantity").value && runId) look(null);
  setTimeout(follow, health.quiet > 5 ? 10000 : 2000);
}

// The panel sticks to the window, which it cannot where a box around it hides what overflows.
for (let box = element; box && box !== document.body; box = box.parentElement) {
  if (getComputedStyle(box).overflowY === "hidden") box.style.overflow = "visible";
}
document.addEventListener("gtt:draft", heard);
reserve();
watch("value", () => attach(props.value));
attach(props.value);
follow();
