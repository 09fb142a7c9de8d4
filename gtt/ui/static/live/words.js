function say(text) { $("state").textContent = text; }

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.round(seconds), m = Math.floor(s / 60), h = Math.floor(m / 60);
  return h ? `${h} h ${String(m % 60).padStart(2, "0")} min` : m ? `${m} min ${String(s % 60).padStart(2, "0")} s` : `${s} s`;
}

const number = (v, digits = 3) => (v === null || v === undefined ? "–" : Number(v).toFixed(digits));
const whole = (v) => (v === null || v === undefined ? "–" : Math.round(v).toLocaleString("en"));

function show(moved) {
  const active = run && ACTIVE.includes(run.state);
  element.dataset.state = run ? run.state : "none";
  element.dataset.run = run ? run.id : "";
  $("pill").textContent = run ? run.state.replace(/_/g, " ") : "no run yet";
  const words = [];
  if (run) {
    if (run.queue) words.push(`place ${run.queue.place} in the queue, about ${duration(run.queue.wait_seconds)} to wait`);
    if (run.state === "preparing") words.push(run.stage ? `${run.stage}${run.fraction !== null ? ` ${Math.round(100 * run.fraction)} %` : ""}` : "starting");
    if (run.total_steps) words.push(`step ${whole(run.step)} of ${whole(run.total_steps)}`);
    if (run.tokens) words.push(`${whole(run.tokens)} tokens`);
    if (run.seconds) words.push(`${duration(run.seconds)} of training`);
    if (run.eta_seconds) words.push(`about ${duration(run.eta_seconds)} left`);
    else if (run.state === "running" && run.step < run.total_steps) words.push("estimating the time left");
    if (run.message) words.push(run.message);
  } else words.push("Choose a recipe above and press Start training.");
  say(words.join(" · "));
  const share = run && run.total_steps ? run.step / run.total_steps : 0;
  $("bar").style.transform = `scaleX(${share})`;
  $("progress").setAttribute("aria-valuenow", Math.round(100 * share));
  showFigures();
  tellRun();
  if (moved || !run) drawNews();
  if (moved) summarise(active);
}

const NAMES = { loss: "loss", perplexity: "perplexity", bits: "bits per byte" };
const rate = (v) => (v === null || v === undefined ? "–" : v ? v.toExponential(1) : "0");

// The tiles: losses in the unit that is shown, each with the step it was measured at.
function showFigures() {
  const told = run || {}, unit = NAMES[view.unit];
  const logged = (curves.loss || []).slice(-1)[0], measured = (curves.validation_loss || []).slice(-1)[0];
  const figures = { loss: number(inUnit(told.loss)), validation: number(inUnit(told.validation_loss)), best: number(inUnit(told.best_validation_loss)), speed: whole(told.tokens_per_second), gradient: number(told.gradient_norm, 2), rate: rate(told.learning_rate) };
  for (const [name, text] of Object.entries(figures)) $(name).textContent = text;
  $("loss-name").textContent = `Training ${unit}`;
  $("validation-name").textContent = `Validation ${unit}`;
  $("best-name").textContent = view.unit === "loss" ? "Best validation loss" : `Best ${unit}`;
  const steps = { loss: run && logged ? logged[0] : null, validation: run && measured ? measured[0] : null, best: told.best_validation_loss === null ? null : told.best_step };
  for (const [name, step] of Object.entries(steps)) $(`${name}-step`).textContent = step === null || step === undefined ? "" : `at step ${whole(step)}`;
}

// Buttons, the address and the findings hear how the run stands.
let toldRun = "";
function tellRun() {
  const told = run && { id: run.id, state: run.state, resumable: run.resumable, step: run.step, total_steps: run.total_steps };
  const mark = run ? `${run.id} ${run.state} ${run.resumable}` : "none";
  if (mark !== toldRun) document.dispatchEvent(new CustomEvent("gtt:run", { detail: told }));
  toldRun = mark;
}

// A sentence now and then for those who do not see the curve.
function summarise(active) {
  if (!run || run.loss === null || document.activeElement === $("chart").firstElementChild) return;
  polls += 1;
  if (active && $("summary").textContent && polls % 20) return;
  const first = (curves.loss || [])[0];
  $("summary").textContent = `Step ${whole(run.step)}: training loss ${number(run.loss)}${first ? `, from ${number(first[1])} at the start` : ""}; validation loss ${number(run.validation_loss)}.`;
}
