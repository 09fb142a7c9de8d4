/** One step of the run: what was measured by then, and what the model wrote. */
import { upTo } from "../../lib/curves.js";
import { number, percent, visible, whole } from "../../lib/format.js";
import { measured, moment, run } from "../../lib/store.js";

const THUMB = 16; // pixels, as in style.css

/**
 * @param {import("./view.js").Part} part
 * @param {import("./view.js").View} view
 * @param {import("./chart.js").LossChart} chart
 */
export function drawMoment(part, view, chart) {
  const at = view.step;
  layTimeline(part("timeline"), view, chart);
  part("timeline").value = at;
  part("timeline").setAttribute("aria-valuetext", `step ${at}`);
  tellMoment(view);
  part("now").classList.toggle("away", !view.pinned);
  const { curves, samples } = measured;
  const told = [
    `Step ${whole(at)}`,
    measuredBy("training", curves.loss, view),
    measuredBy("validation", curves.validation_loss, view),
    examBy(at),
  ];
  part("moment").textContent = run.value?.total_steps ? told.filter(Boolean).join(" · ") : "";
  showSample(part, samples.findLast((sample) => sample.step <= at) || samples[0]);
}

/** The slider lies under the chart and has its range; its thumb stays where the run has been. */
function layTimeline(
  /** @type {HTMLInputElement} */ slider,
  /** @type {import("./view.js").View} */ view,
  /** @type {import("./chart.js").LossChart} */ chart,
) {
  const [low, high] = (chart.last && view.zoom) || [0, chart.last || run.value?.step || 1];
  const begin = Math.floor(low);
  slider.min = String(begin);
  slider.max = String(Math.max(Math.ceil(high), begin + 1));
  const { left, right } = chart.frame.margin;
  slider.style.marginLeft = `${left - THUMB / 2}px`;
  slider.style.width = `calc(100% - ${left + right - THUMB}px)`;
}

/**
 * What was measured last up to the step, and where.
 *
 * @param {string} name
 * @param {import("../../lib/curves.js").Points | undefined} points
 * @param {import("./view.js").View} view
 */
function measuredBy(name, points, view) {
  const last = upTo(points, view.step);
  if (!last) return `${name} ${view.name} not measured yet`;
  return `${name} ${view.name} ${number(view.inUnit(last[1]))}${since(last[0], view.step)}`;
}

/** The exam up to a step, where the text has one. @param {number} at */
function examBy(at) {
  const last = upTo(measured.curves.task_score, at);
  return last && `exam ${percent(last[1])}${since(last[0], at)}`;
}

/** @param {number} step @param {number} at */
const since = (step, at) => (step === at ? "" : ` (of step ${whole(step)})`);

/**
 * @param {import("./view.js").Part} part
 * @param {import("../../lib/store.js").Schema["Sample"] | undefined} sample
 */
function showSample(part, sample) {
  const title = sample ? `What it wrote at step ${whole(sample.step)}` : "What it writes";
  // A prompt of line breaks alone would only push the text down.
  const prompt = sample?.prompt.trim() ? sample.prompt : "";
  const text = sample ? sample.text : "";
  part("sample-step").textContent = title;
  part("sample-asked").textContent = sample ? `Prompt: ${quoted(sample.prompt)}` : "";
  part("sample-prompt").textContent = prompt;
  part("sample-text").textContent = prompt ? text : text.replace(/^\n+/, "");
}

/** A prompt that nobody would see is made visible. @param {string} prompt */
function quoted(prompt) {
  if (prompt.trim()) return `“${prompt.replace(/\n/g, "↵")}”`;
  return `“${visible(prompt)}”${prompt === "\n" ? ", a line break" : ""}`;
}

/** Whoever shows the run elsewhere on the page hears which step is looked at. */
function tellMoment(/** @type {import("./view.js").View} */ view) {
  if (!run.value) return;
  const next = { run: run.value.id, step: view.step, newest: !view.pinned };
  if (JSON.stringify(next) !== JSON.stringify(moment.value)) moment.set(next);
}
