// My runs: a table of radio buttons, asked for anew while one of them is at work.
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
    if (!answer.error) { runs = answer.runs; draw(); }
  } catch (error) { /* asked again in a while */ }
  busy = false;
}

function cells(run) {
  const state = run.state.replace(/_/g, " ") + (run.queue ? `, place ${run.queue.place}` : "");
  const steps = run.total_steps ? `${run.step.toLocaleString("en")} of ${run.total_steps.toLocaleString("en")}` : "–";
  const best = run.best_validation_loss === null ? "–" : run.best_validation_loss.toFixed(3);
  const begun = new Date(run.created);
  return [state, steps, best, begun.toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" })];
}

// Rows stay where they are, so that a focused one keeps its focus while the figures move.
function draw() {
  const current = chosen || (runs[0] && runs[0].id), body = $("rows");
  $("hint").hidden = runs.length > 0;
  $("table").hidden = runs.length === 0;
  while (body.rows.length > runs.length) body.deleteRow(-1);
  runs.forEach((run, i) => {
    const row = body.rows[i] || make(body);
    row.className = run.id === current ? "chosen" : "";
    const radio = row.querySelector("input");
    radio.value = run.id;
    radio.checked = run.id === current;
    row.querySelector(".name").textContent = run.name;
    cells(run).forEach((text, n) => { row.cells[n + 1].textContent = text; });
  });
}

function make(body) {
  const row = body.insertRow(), label = document.createElement("label");
  const radio = document.createElement("input"), name = document.createElement("span");
  radio.type = "radio"; radio.name = "gtt-run"; name.className = "name";
  radio.onclick = () => { chosen = radio.value; draw(); trigger("picked", { run: radio.value }); };
  label.append(radio, name);
  row.insertCell().append(label);
  for (let n = 0; n < 4; n += 1) row.insertCell();
  row.cells[1].className = "state";
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
