function pin(step) {
  if (!run) return;
  view.at = Math.max(0, Math.min(step, run.step));
  view.pinned = view.at < run.step;
  drawMain();
  drawSmalls();
  drawMoment();
}

function drawMoment() {
  const slider = $("timeline"), last = run ? run.step : 0;
  slider.max = Math.max(1, last);
  const at = view.at === null ? last : view.at;
  if (document.activeElement !== slider || !view.pinned) slider.value = at;
  slider.setAttribute("aria-valuetext", `step ${at}`);
  tellMoment(at);
  $("now").hidden = !view.pinned;
  const sample = samples.filter((s) => s.step <= at).pop() || samples[0];
  const loss = nearest(curves.loss || [], at), measured = (curves.validation_loss || []).filter((p) => p[0] <= at).pop();
  $("moment").textContent = run && run.step !== null ? `Step ${whole(at)} · training loss ${loss ? number(loss[1]) : "–"} · validation loss ${measured ? number(measured[1]) : "–"}` : "";
  drawAttention();
  $("sample-step").textContent = sample ? `What it wrote at step ${whole(sample.step)}` : "What it writes";
  // A prompt of line breaks alone would only push the text down.
  const prompt = sample && sample.prompt.trim() ? sample.prompt : "";
  $("sample-prompt").textContent = prompt;
  $("sample-text").textContent = sample ? (prompt ? sample.text : sample.text.replace(/^\n+/, "")) : "";
}

// Whoever shows the run elsewhere on the page hears which step is looked at.
let toldMoment = "";
function tellMoment(at) {
  const moment = run ? `${run.id} ${at} ${view.pinned}` : "";
  if (moment && moment !== toldMoment) document.dispatchEvent(new CustomEvent("gtt:moment", { detail: { run: run.id, step: at, newest: !view.pinned } }));
  toldMoment = moment;
}
