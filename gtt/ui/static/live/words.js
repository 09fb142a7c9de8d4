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
    if (run.eta_seconds) words.push(`${duration(run.eta_seconds)} left`);
    if (run.message) words.push(run.message);
  } else words.push("Choose a recipe above and press Start.");
  say(words.join(" · "));
  const share = run && run.total_steps ? run.step / run.total_steps : 0;
  $("bar").style.width = `${100 * share}%`;
  $("progress").setAttribute("aria-valuenow", Math.round(100 * share));
  const figures = run ? { loss: number(run.loss), validation: number(run.validation_loss), best: number(run.best_validation_loss), speed: whole(run.tokens_per_second), gradient: number(run.gradient_norm, 2), rate: run.learning_rate === null ? "–" : run.learning_rate.toExponential(1) } : {};
  for (const name of ["loss", "validation", "best", "speed", "gradient", "rate"]) $(name).textContent = figures[name] || "–";
  if (moved || !run) draw();
  if (moved) summarise(active);
}

// A sentence now and then for those who do not see the curve.
function summarise(active) {
  polls += 1;
  if (!run || run.loss === null || (active && polls % 20)) return;
  const first = (curves.loss || [])[0];
  $("summary").textContent = `Step ${whole(run.step)}: training loss ${number(run.loss)}${first ? `, from ${number(first[1])} at the start` : ""}; validation loss ${number(run.validation_loss)}.`;
}
