// What a run's figures mean, in words; a finding with a remedy has a button that restarts with it.
const list = element.querySelector('[data-part="list"]');
const WORDS = { good: "Good", note: "Note", warning: "Mind" };
// What a remedy does, beside it: it is not "Train longer".
const ANEW = "Begins a new run from random weights with this change alone; this run stays as it is.";
const STOPS = "Saves this run, then begins a new one from random weights with this change alone.";
const ACTIVE = ["queued", "preparing", "running", "stopping"];
let key = "", wanted = null, last = "", busy = false, atWork = null; // the id of a run that is at work

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  if ((next.run || null) !== wanted) last = "";
  wanted = next.run || null;
  poll();
}

async function poll() {
  if (busy || !key || document.hidden) return;
  busy = true;
  const asked = wanted;
  try {
    const answer = await server.diagnose({ workspace: key, run_id: asked });
    if (asked === wanted) show(answer);
  } catch (error) { /* asked again in a while */ }
  busy = false;
}

function show(answer) {
  if (!answer || (answer.error && answer.error.code !== "not_found")) return; // asked again in a while
  const stops = answer.run_id && answer.run_id === atWork;
  const findings = answer.findings || [], mark = JSON.stringify([findings, stops]);
  if (mark === last) return; // what is read aloud changes only when the findings do
  last = mark;
  list.textContent = "";
  // On a phone the second one is below the edge of the list.
  element.querySelector('[data-part="number"]').textContent = findings.length > 1 ? `· ${findings.length} findings` : "";
  if (!findings.length) add(list, "p", "quiet", answer.run_id ? "Too early to say." : "Start a run, and what its curves mean is told here.");
  for (const finding of findings) {
    const card = add(list, "article", finding.weight, "");
    add(card, "h3", "", `${WORDS[finding.weight] || "Note"}: ${finding.title}`);
    add(card, "p", "", finding.sentence);
    add(card, "p", "evidence", finding.evidence);
    const more = add(card, "details", "", "");
    add(more, "summary", "", "More on this");
    for (const paragraph of finding.about.split("\n\n")) add(more, "p", "", paragraph);
    if (!finding.fix) continue;
    const label = finding.fix.label;
    const button = add(card, "button", "", stops ? `Stop it; ${label.charAt(0).toLowerCase()}${label.slice(1)}` : label);
    button.type = "button";
    add(card, "p", "how", stops ? STOPS : ANEW);
    button.onclick = () => {
      if (button.disabled) return;
      button.disabled = true; // once is enough; the new run is looked at then
      setTimeout(() => { button.disabled = false; }, 3000);
      trigger("remedy", { run: answer.run_id, changes: finding.fix.changes, stop: Boolean(stops) });
    };
  }
}

function add(parent, kind, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function heard(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:run", heard); return; }
  const run = event.detail;
  atWork = run && ACTIVE.includes(run.state) ? run.id : null;
  poll();
}
document.addEventListener("gtt:run", heard);

function again() {
  if (!element.isConnected) return;
  setTimeout(() => poll().finally(again), 4000);
}
watch("value", () => attach(props.value));
attach(props.value);
again();
