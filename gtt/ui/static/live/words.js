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
    if (run.job && run.job.stage !== "over") words.push(`on the Hub: ${run.job.flavor}, $${run.job.dollars_per_hour.toFixed(2)} an hour, ${run.job.dollars >= 0.01 ? `about $${run.job.dollars.toFixed(2)}` : "less than $0.01"} so far`);
    if (run.message) words.push(run.message);
  } else words.push("Choose a recipe above and press Start training.");
  say(words.join(" · "));
  showFigures();
  tellRun();
  if (moved || !run) drawNews();
  if (moved) summarise(active);
}

const NAMES = { loss: "loss", perplexity: "perplexity", bits: "bits per byte" };
// As the settings write it, 0.008, as long as that can be read.
const rate = (v) => (v === null || v === undefined ? "–" : v && Math.abs(v) < 1e-4 ? v.toExponential(1) : String(Number(v.toPrecision(2))));

const percent = (v) => `${+(100 * v).toFixed(v > 0 && v < 0.1 ? 1 : 0)} %`;

// The tiles: losses in the unit that is shown, each with the step it was measured at.
function showFigures() {
  const told = run || {}, unit = NAMES[view.unit];
  const logged = (curves.loss || []).slice(-1)[0];
  const measured = (curves.validation_loss || []).slice(-1)[0];
  const sat = (curves.task_score || []).slice(-1)[0];
  const figures = {
    loss: number(inUnit(told.loss)),
    validation: number(inUnit(told.validation_loss)),
    best: number(inUnit(told.best_validation_loss)),
    exam: sat ? percent(sat[1]) : run && run.exam === null ? "none" : "–",
    speed: whole(told.tokens_per_second),
    gradient: number(told.gradient_norm, 2),
    rate: rate(told.learning_rate),
  };
  for (const [name, text] of Object.entries(figures)) $(name).textContent = text;
  $("loss-name").textContent = `Training ${unit}`;
  $("validation-name").textContent = `Validation ${unit}`;
  $("best-name").textContent = view.unit === "loss" ? "Best validation loss" : `Best ${unit}`;
  const steps = {
    loss: run && logged ? logged[0] : null,
    validation: run && measured ? measured[0] : null,
    best: told.best_validation_loss === null ? null : told.best_step,
    exam: sat ? sat[0] : null,
  };
  for (const [name, step] of Object.entries(steps)) {
    $(`${name}-step`).textContent = isMissing(step) ? "" : `at step ${whole(step)}`;
  }
  showMeanings(told, sat);
}

const isMissing = (v) => v === null || v === undefined;

// What each number says, where it stands.
function showMeanings(told, sat) {
  const peak = d3.max(schedule, (p) => p[1]), speed = told.tokens_per_second;
  const meanings = {
    loss: meaningOf(told.loss),
    validation: meaningOf(told.validation_loss),
    best: besideBaselines(told.best_validation_loss),
    exam: examMeans(sat),
    speed: speed && told.tokens_per_step ? `a step in ${brief(told.tokens_per_step / speed)}` : "",
    gradient: isMissing(told.gradient_norm) ? "" : "how steeply the loss falls from here",
    rate: peak && !isMissing(told.learning_rate)
      ? `${percent(told.learning_rate / peak)} of its peak` : "",
  };
  for (const [name, text] of Object.entries(meanings)) $(`${name}-means`).textContent = text;
}

const brief = (s) => (s < 1 ? `${Math.round(1000 * s)} ms` : `${s.toFixed(1)} s`);
// exp(loss) to two figures and more: one right guess in so many.
const guesses = (v) => (v >= 100 ? whole(v) : v.toFixed(v < 10 ? 1 : 0));

function meaningOf(loss) {
  if (isMissing(loss)) return "";
  if (view.unit === "bits") {
    const bits = inUnit(loss);
    return bits > 0 ? `text at ${percent(bits / 8)} of its size` : "";
  }
  const among = guesses(Math.exp(Math.min(loss, 700)));
  return view.unit === "loss" ? `one right guess in ${among}` : `as unsure as among ${among} tokens`;
}

function besideBaselines(loss) {
  const lines = (run && run.baselines) || {};
  if (isMissing(loss)) return "";
  const by = (value) => number(Math.abs(inUnit(loss) - inUnit(value)), 2);
  const side = (value, name) => `${by(value)} ${loss < value ? "below" : "above"} the ${name}`;
  if (!isMissing(lines.floor)) return side(lines.floor, "floor");
  return isMissing(lines.bigram) ? "" : side(lines.bigram, "bigram line");
}

function examMeans(sat) {
  if (run && run.exam === null) return "this text has no exam";
  if (!sat) return "";
  const of100 = Math.round(100 * sat[1]);
  const [kind, things] = (run.exam || "right answers").split(" "); // as in "valid sentences"
  return `${of100} of 100 ${things} are ${kind}`;
}

// Buttons, the address and the findings hear how the run stands.
let toldRun = "";
function tellRun() {
  const told = run && { id: run.id, state: run.state, resumable: run.resumable, step: run.step, total_steps: run.total_steps };
  const mark = run ? `${run.id} ${run.state} ${run.resumable}` : "none";
  document.dispatchEvent(new CustomEvent("gtt:progress", { detail: run }));
  if (mark !== toldRun) document.dispatchEvent(new CustomEvent("gtt:run", { detail: told }));
  toldRun = mark;
}

// A sentence now and then for those who do not see the curve.
function summarise(active) {
  if (!run || run.loss === null || document.activeElement === $("chart").firstElementChild) return;
  polls += 1;
  if (active && $("summary").textContent && polls % 20) return;
  const first = (curves.loss || [])[0];
  const unit = NAMES[view.unit], told = (v) => number(inUnit(v));
  const since = first ? `, from ${told(first[1])} at the start` : "";
  const both = `training ${unit} ${told(run.loss)}${since}; validation ${told(run.validation_loss)}`;
  $("summary").textContent = `Step ${whole(run.step)}: ${both}.`;
}
