// What the page tells and what a person does.
const picker = new Picker($("runs"), $("checkpoints"), modelChanged);
let overtaken = null; // the run whose own settings were taken over

// Another model, or a newer one of the same run: what is open is asked of it.
function modelChanged(why) {
  packs.clear();
  refused.clear();
  lensOf = "";
  const lack = picker.run ? picker.lack : NO_RUN;
  if (lack || LACKS.has($("said").textContent)) say(lack);
  LACKS.add(lack);
  if (isWriting() || (why === "news" && focus.kind === "token")) lensChanged();
  else if (why === "news" && focus.kind === "end") lookAtEnd();
  else lookAtPrompt(0);
  ownForRun();
  ownChanged();
  textChanged();
}
const NO_RUN = "There is no run yet: start one on the Training tab, then write with it here.";
const LACKS = new Set([""]); // what this has said

// The settings of a run's recipe, once for each run.
async function ownForRun() {
  const run = picker.run;
  if (!run || run === overtaken || isOwnSetting) return;
  overtaken = run;
  const answer = await inquire("details", { run_id: run });
  if (answer.error || run !== picker.run || isOwnSetting) return;
  takeOver(answer.config);
}

function lookAtPrompt(wait = 400) {
  const text = $("prompt").value;
  lookAt("prompt", picker.run && !picker.lack && text ? { text } : null, { wait });
  lensChanged();
}

function lookAtEnd() {
  const sample = chosenText();
  closeReadout();
  for (const one of panes) one.tokens.leave();
  if (sample && sample.ids.length) lookAt("end", { ids: sample.ids, of: sample.of });
  lensChanged();
}

function drawWhere() {
  const sample = chosenText(), token = focus.token;
  const places = [["prompt", "After the prompt", () => lookAtPrompt(0), true], ["end", "After the text", lookAtEnd, Boolean(sample && sample.ids.length)]];
  if (token) places.push(["token", `In place of ${quoted(token.text)}`, () => {}, true]);
  $("where").replaceChildren(...places.map(([kind, name, go, possible]) => {
    const button = made("button", "", name);
    button.type = "button"; button.disabled = !possible;
    button.setAttribute("aria-pressed", String(focus.kind === kind));
    button.onclick = go;
    return button;
  }));
}

// Whether a text is of another run than the one that would go on with it.
const isStrange = (sample) => sample.of.run_id !== picker.run;

// What hangs on the text that is chosen.
function textChanged() {
  const sample = chosenText();
  $("continue").disabled = isWriting() || !(sample && sample.ids.length) || isStrange(sample);
  $("legend").hidden = !sample;
  if (!isWriting()) { drawWhere(); copyChanged(); lensChanged(); }
}

function drawLegend() {
  $("scale").hidden = !look.coloured; $("units").hidden = !look.coloured;
  $("most").textContent = `${inUnit(look.most, 1)}: no better than a blind guess`;
  for (const one of [...panes.map((pane) => pane.tokens), ownTokens]) one.colour();
}

function uncoloured() {
  look.coloured = $("coloured").checked;
  drawLegend();
}

settingsChanged = (name) => {
  const still = mode === "sampling" && fields.temperature && valueOf("temperature") === 0;
  $("mode-said").textContent = still ? "At temperature 0 the likeliest token is always taken, as with greedy: top-k, top-p and the seed play no part." : MODES[mode].said;
  if (["max_new_tokens", "seed", "samples"].includes(name)) return;
  drawOdds();
};
$("bars").append(...bars);
$("generate").onclick = generate;
$("stop").onclick = letGo;
$("continue").onclick = goOn;
$("back").onclick = () => goTo(now - 1);
$("forth").onclick = () => goTo(now + 1);
$("coloured").onchange = uncoloured;
$("unit").onchange = () => { look.unit = $("unit").value; drawLegend(); drawOdds(); const at = panes.map((pane) => pane.tokens.at).find((place) => place !== null); if (at !== undefined && !$("readout").hidden) inspect(at); };
$("prompt").addEventListener("input", () => lookAtPrompt());
$("prompt").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); generate(); } });
$("lens-part").addEventListener("toggle", lensChanged);
$("copy-part").addEventListener("toggle", () => { if ($("copy-part").open) findCopies(); });
$("copy").onclick = findCopies;
$("own-read").onclick = readOwn;
$("own").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); readOwn(); } });

function attach(value) {
  if (!value || !value.workspace) return;
  key = value.workspace;
  picker.follow(value.run);
}
for (const button of element.querySelectorAll("button.why")) nameWhy(button);
buildSettings();
drawWhere();
drawLegend();
watch("value", () => attach(props.value));
attach(props.value);
