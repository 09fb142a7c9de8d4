// Which run, checkpoint, text, token and layer; asked anew when one of them changes.
const WAIT = 250, RETRY = 5000; // milliseconds: after the last keystroke; while there is no checkpoint
let wantedPlace = -1, timer = null, layers = 0;
let spot = null; // { step, row, column } of the number that is to be worked out
const picker = new Picker($("run"), $("checkpoint"), () => { spot = null; follow(); });

async function follow() {
  if (!key || !element.isConnected) return;
  clearTimeout(timer);
  if (!picker.run) { path = null; say(""); showPath(); return; }
  const text = $("text").value;
  if (!text) { say("The text is empty: write at least one character."); return; }
  await fillLayers();
  const answer = await ask("follow", { ...picker.chosen, text, place: wantedPlace, layer: Number($("layer").value) || 0, ...spot });
  if (!answer && spot && $("said").textContent) { spot = null; return follow(); } // a number of a path that is no longer shown
  if (answer) path = answer;
  else if ($("said").textContent && !path) timer = setTimeout(() => { if (seen()) follow(); else later(); }, RETRY);
  showPath();
}
const seen = () => !document.hidden && element.offsetParent !== null;
function later() { timer = setTimeout(() => { if (seen()) follow(); else if (element.isConnected) later(); }, RETRY); }

// A list of as many layers as the chosen run has.
let layersOf = null;
async function fillLayers() {
  if (layersOf === picker.run) return;
  const asked = picker.run, answer = await ask("drawing_of_run", { run_id: asked }, true);
  if (!answer || asked !== picker.run) return;
  layersOf = asked; layers = answer.config.n_layers;
  Picker.options($("layer"), d3.range(layers).map((i) => [String(i), `layer ${i}`]), $("layer").value);
}

$("text").oninput = () => { clearTimeout(timer); wantedPlace = -1; spot = null; timer = setTimeout(follow, WAIT); };
$("layer").onchange = () => { spot = null; follow(); };
$("checkpoint").addEventListener("focus", () => picker.fill());

function attach(value) {
  const { workspace = "", run = null } = value || {};
  if (!workspace) return;
  key = workspace;
  picker.follow(run).then(() => { if (!path) follow(); });
}
watch("value", () => attach(props.value));
attach(props.value);
