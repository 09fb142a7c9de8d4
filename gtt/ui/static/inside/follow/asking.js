// Which run, checkpoint, text, token and layer; asked anew when one of them changes.
const WAIT = 250; // milliseconds after the last keystroke
let wantedPlace = -1, timer = null, layers = 0, pathOf = "";
let spot = null; // { step, row, column } of the number that is to be worked out
const picker = new Picker($("run"), $("checkpoint"), (why) => {
  if (why !== "news") spot = null;
  follow();
});

async function follow() {
  if (!key || !element.isConnected) return;
  clearTimeout(timer);
  // The numbers of one model are never shown under the name of another.
  if (pathOf !== picker.run || picker.lack) { path = null; showPath(); }
  if (!picker.run || picker.lack) { say(picker.lack); return; }
  const text = $("text").value, { run } = picker;
  if (!text) { say("The text is empty: write at least one character."); return; }
  await fillLayers();
  const layer = Number($("layer").value) || 0;
  const answer = await ask("follow", { ...picker.chosen, text, place: wantedPlace, layer, ...spot });
  if (run !== picker.run) return;
  // A number of a path that is no longer shown.
  if (!answer && spot && $("said").textContent) { spot = null; return follow(); }
  if (answer) { path = answer; pathOf = run; }
  showPath();
}

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

function attach(value) {
  const { workspace = "", run = null } = value || {};
  if (!workspace) return;
  key = workspace;
  picker.follow(run);
}
watch("value", () => attach(props.value));
attach(props.value);
