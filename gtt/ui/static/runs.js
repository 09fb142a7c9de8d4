// My runs: a table of radio buttons, asked for anew while one of them is at work; and those that
// were deleted a moment ago, which the browser remembers, so that a reload does not lose the way back.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const ACTIVE = ["queued", "preparing", "running", "stopping"];
let key = "", chosen = null, runs = [], busy = false;

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  chosen = next.run || null;
  poll();
}

async function poll() {
  if (busy || !key) return;
  busy = true;
  try {
    const answer = await server.list({ workspace: key, limit: 200 });
    if (!answer.error) {
      runs = answer.runs;
      document.dispatchEvent(new CustomEvent("gtt:runs", { detail: runs }));
      draw();
    }
  } catch (error) { /* asked again in a while */ }
  busy = false;
}

const size = (n) => (n < 1e5 ? `${Math.round(n / 1e3)} k` : `${(n / 1e6).toFixed(1)} M`);

function cells(run) {
  const state = run.state.replace(/_/g, " ") + (run.queue ? `, place ${run.queue.place}` : "") + (run.job ? " on the Hub" : "");
  const [step, total] = [run.step, run.total_steps || 0].map((n) => n.toLocaleString("en"));
  const best = run.best_validation_loss === null ? "–" : run.best_validation_loss.toFixed(3);
  const begun = new Date(run.created);
  const day = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return [
    run.text, run.tokenizer, size(run.parameters), state,
    run.total_steps ? `${step} of ${total}` : "–", best, begun.toLocaleString([], day),
  ];
}

// What a narrow screen shows below the name, where that does not say it already.
function what(run) {
  const words = `${run.text}, ${run.tokenizer}, ${size(run.parameters)}`;
  return run.name.startsWith(words) ? "" : words;
}

// From which recipe it is, what was changed in it, and which run it began again.
function origin(run) {
  if (!run) return "";
  const changed = run.changed.join(", ");
  const after = run.restarted_from ? ` Restarted from “${run.restarted_from.name}”.` : "";
  return `The recipe ${run.recipe}${changed ? `, changed: ${changed}` : " as it is"}.${after}`;
}

// Rows stay where they are, so that a focused one keeps its focus while the figures move.
function draw() {
  const current = chosen || (runs[0] && runs[0].id), body = $("rows");
  drawDeleted();
  $("hint").hidden = runs.length > 0;
  $("frame").hidden = runs.length === 0;
  while (body.rows.length > runs.length) body.deleteRow(-1);
  const words = origin(runs.find((run) => run.id === current));
  $("origin").textContent = $("origin").title = words;
  runs.forEach((run, i) => {
    const row = body.rows[i] || make(body);
    row.className = run.id === current ? "chosen" : "";
    const radio = row.querySelector("input");
    radio.value = run.id;
    radio.checked = run.id === current;
    row.querySelector(".name").textContent = run.name;
    row.querySelector(".what").textContent = what(run);
    cells(run).forEach((text, n) => { row.cells[n + 1].textContent = text; });
  });
}

// ---------------------------------------------------------------- deleted ones

const kept = () => `gtt-deleted-${key.slice(0, 12)}`;

function deleted() {
  let known = [];
  try { known = JSON.parse(localStorage.getItem(kept()) || "[]"); } catch (error) { /* begun anew */ }
  return known.filter((one) => one.until > Date.now() && !runs.some((run) => run.id === one.id));
}

function keep(known) {
  try { localStorage.setItem(kept(), JSON.stringify(known)); } catch (error) { /* a browser that keeps nothing */ }
}

function drawDeleted() {
  const list = $("deleted"), known = deleted(), mark = JSON.stringify(known) + Math.floor(Date.now() / 60000);
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.textContent = "";
  for (const one of known) {
    const row = document.createElement("p"), button = document.createElement("button");
    const minutes = Math.max(1, Math.round((one.until - Date.now()) / 60000));
    row.textContent = `“${one.name}” is deleted. `;
    button.type = "button";
    button.textContent = `Undo (${minutes} min left)`;
    button.onclick = () => { keep(known.filter((other) => other.id !== one.id)); trigger("restored", { run: one.id }); };
    row.append(button);
    list.append(row);
  }
}

function heard(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:deleted", heard); return; }
  const { id, name, seconds } = event.detail;
  runs = runs.filter((run) => run.id !== id);
  keep([...deleted(), { id, name, until: Date.now() + 1000 * seconds }]);
  draw();
}
document.addEventListener("gtt:deleted", heard);

const COLUMNS = ["is", "is", "is", "state", "", "", "is"]; // after the name

function make(body) {
  const row = body.insertRow(), label = document.createElement("label");
  const radio = document.createElement("input"), both = document.createElement("span");
  const name = document.createElement("span"), more = document.createElement("span");
  radio.type = "radio"; radio.name = "gtt-run"; name.className = "name"; more.className = "what";
  radio.onclick = () => { chosen = radio.value; draw(); trigger("picked", { run: radio.value }); };
  both.append(name, more);
  label.append(radio, both);
  row.insertCell().append(label);
  for (const kind of COLUMNS) row.insertCell().className = kind;
  return row;
}

function again() {
  if (!element.isConnected) return;
  const active = runs.some((run) => ACTIVE.includes(run.state));
  const wait = document.hidden ? 15000 : active ? 2500 : 6000;
  setTimeout(() => poll().finally(again), wait);
}
watch("value", () => attach(props.value));
attach(props.value);
again();
