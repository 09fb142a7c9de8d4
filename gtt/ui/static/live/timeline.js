function pin(step) {
  if (!run) return;
  view.at = Math.max(0, Math.min(step, run.step));
  view.pinned = view.at < run.step;
  drawMain();
  drawSmalls();
  drawMoment();
}

// The slider lies under the chart and has its range; its thumb stays where the run has been.
function layTimeline(slider, last) {
  const [low, high] = scene && view.zoom ? view.zoom : [0, (run && run.total_steps) || last || 1];
  const begin = Math.floor(low);
  slider.min = begin;
  slider.max = Math.max(Math.ceil(high), begin + 1);
  const { left, right } = scene ? scene.margin : { left: 52, right: 12 };
  slider.style.marginLeft = `${left - THUMB / 2}px`;
  slider.style.width = `calc(100% - ${left + right - THUMB}px)`;
}

// What was measured last up to a step, and where.
function measuredBy(name, points, at) {
  const last = (points || []).filter((p) => p[0] <= at).pop(), unit = NAMES[view.unit];
  if (!last) return `${name} ${unit} not measured yet`;
  return `${name} ${unit} ${number(inUnit(last[1]))}${last[0] === at ? "" : ` (of step ${whole(last[0])})`}`;
}

// A prompt that nobody would see is made visible.
const asked = (prompt) => {
  if (prompt.trim()) return `“${prompt.replace(/\n/g, "↵")}”`;
  return `“${visible(prompt)}”${prompt === "\n" ? ", a line break" : ""}`;
};

// The exam up to a step, where the text has one.
function examBy(at) {
  const last = (curves.task_score || []).filter((p) => p[0] <= at).pop();
  if (!last) return [];
  return [`exam ${percent(last[1])}${last[0] === at ? "" : ` (of step ${whole(last[0])})`}`];
}

function drawMoment() {
  const slider = $("timeline"), last = run ? run.step : 0;
  layTimeline(slider, last);
  const at = view.at === null ? last : view.at;
  slider.value = at;
  slider.setAttribute("aria-valuetext", `step ${at}`);
  tellMoment(at);
  $("now").classList.toggle("away", !view.pinned);
  const sample = samples.filter((s) => s.step <= at).pop() || samples[0];
  const told = [
    `Step ${whole(at)}`,
    measuredBy("training", curves.loss, at),
    measuredBy("validation", curves.validation_loss, at),
    ...examBy(at),
  ];
  $("moment").textContent = run && run.total_steps ? told.join(" · ") : "";
  drawAttention();
  $("sample-step").textContent = sample ? `What it wrote at step ${whole(sample.step)}` : "What it writes";
  $("sample-asked").textContent = sample ? `Prompt: ${asked(sample.prompt)}` : "";
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
