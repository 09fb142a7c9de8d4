/** The figures over the chart, each with the step it was measured at and with what it says. */
import { d3 } from "../../lib/d3.js";
import {
  brief,
  duration,
  isMissing,
  number,
  percent,
  rate,
  stateInWords,
  whole,
} from "../../lib/format.js";
import { measured, run } from "../../lib/store.js";

/** @typedef {import("../../lib/store.js").Run} Run */
/** @typedef {import("./view.js").Part} Part */
/** @typedef {import("./view.js").View} View */

const NO_RUN = "Choose a recipe above and press Start training.";
const CENT = 0.01; // dollars

/** How the run stands, in one sentence. @param {Run | null} run */
export function standing(run) {
  if (!run) return NO_RUN;
  const { queue, job } = run;
  const done = run.fraction === null ? "" : ` ${Math.round(100 * (run.fraction ?? 0))} %`;
  return [
    queue && `place ${queue.place} in the queue, about ${duration(queue.wait_seconds)} to wait`,
    run.state === "preparing" && (run.stage ? `${run.stage}${done}` : "starting"),
    run.total_steps && `step ${whole(run.step)} of ${whole(run.total_steps)}`,
    run.tokens && `${whole(run.tokens)} tokens`,
    run.seconds && `${duration(run.seconds)} of training`,
    timeLeft(run),
    job && job.stage !== "over" && `on the Hub: ${job.flavor}, ${costs(job)}`,
    run.message,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Run} run */
function timeLeft(run) {
  if (run.eta_seconds) return `about ${duration(run.eta_seconds)} left`;
  const isGoingOn = run.state === "running" && run.step < (run.total_steps ?? 0);
  return isGoingOn && "estimating the time left";
}

/** @param {NonNullable<Run["job"]>} job */
function costs(job) {
  const so = job.dollars >= CENT ? `about $${job.dollars.toFixed(2)}` : "less than $0.01";
  return `$${job.dollars_per_hour.toFixed(2)} an hour, ${so} so far`;
}

/** The tiles: losses in the unit that is shown. @param {Part} part @param {View} view */
export function showFigures(part, view) {
  const looked = run.value;
  const { curves } = measured;
  const sat = curves.task_score?.at(-1);
  const loss = (/** @type {number | null | undefined} */ value) => number(view.inUnit(value));
  /** @type {Record<string, string>} */
  const texts = {
    loss: loss(looked?.loss),
    validation: loss(looked?.validation_loss),
    best: loss(looked?.best_validation_loss),
    exam: sat ? percent(sat[1]) : looked?.exam === null ? "none" : "–",
    speed: whole(looked?.tokens_per_second),
    gradient: number(looked?.gradient_norm, 2),
    rate: rate(looked?.learning_rate),
    "loss-name": `Training ${view.name}`,
    "validation-name": `Validation ${view.name}`,
    "best-name": view.unit === "loss" ? "Best validation loss" : `Best ${view.name}`,
    "loss-step": atStep(looked && curves.loss?.at(-1)?.[0]),
    "validation-step": atStep(looked && curves.validation_loss?.at(-1)?.[0]),
    "best-step": atStep(isMissing(looked?.best_validation_loss) ? null : looked?.best_step),
    "exam-step": atStep(sat?.[0]),
    ...meanings(view, sat?.[1]),
  };
  for (const [name, text] of Object.entries(texts)) part(name).textContent = text;
}

/** @param {number | null | undefined} step */
const atStep = (step) => (isMissing(step) ? "" : `at step ${whole(step)}`);

/**
 * What each number says, where it stands.
 *
 * @param {View} view
 * @param {number | undefined} score of the last exam
 */
function meanings(view, score) {
  const looked = run.value;
  const peak = d3.max(measured.schedule, (point) => point[1]);
  const speed = looked?.tokens_per_second;
  const learning = looked?.learning_rate;
  return {
    "loss-means": meaning(view, looked?.loss),
    "validation-means": meaning(view, looked?.validation_loss),
    "best-means": besideBaselines(view, looked?.best_validation_loss),
    "exam-means": examMeans(score),
    "speed-means":
      speed && looked?.tokens_per_step ? `a step in ${brief(looked.tokens_per_step / speed)}` : "",
    "gradient-means": isMissing(looked?.gradient_norm)
      ? ""
      : "how steeply the loss falls from here",
    "rate-means": peak && !isMissing(learning) ? `${percent(learning / peak)} of its peak` : "",
  };
}

/** exp(loss) to two figures and more: one right guess in so many. @param {number} value */
const guesses = (value) => (value >= 100 ? whole(value) : value.toFixed(value < 10 ? 1 : 0));

/** @param {View} view @param {number | null | undefined} loss */
function meaning(view, loss) {
  if (isMissing(loss)) return "";
  if (view.unit === "bits") {
    const bits = view.inUnit(loss) ?? 0;
    return bits > 0 ? `text at ${percent(bits / 8)} of its size` : "";
  }
  const among = guesses(Math.exp(Math.min(loss, 700)));
  return view.unit === "loss"
    ? `one right guess in ${among}`
    : `as unsure as among ${among} tokens`;
}

/** @param {View} view @param {number | null | undefined} loss */
function besideBaselines(view, loss) {
  const lines = run.value?.baselines;
  if (isMissing(loss) || !lines) return "";
  /** @param {number} line @param {string} name */
  const side = (line, name) => {
    const apart = Math.abs((view.inUnit(loss) ?? 0) - (view.inUnit(line) ?? 0));
    return `${number(apart, 2)} ${loss < line ? "below" : "above"} the ${name}`;
  };
  if (!isMissing(lines.floor)) return side(lines.floor, "floor");
  return isMissing(lines.bigram) ? "" : side(lines.bigram, "bigram line");
}

/** @param {number | undefined} score */
function examMeans(score) {
  const exam = run.value?.exam;
  if (exam === null) return "this text has no exam";
  if (score === undefined) return "";
  const [kind, things] = (exam || "right answers").split(" "); // as in "valid sentences"
  return `${Math.round(100 * score)} of 100 ${things} are ${kind}`;
}

/** A sentence for those who do not see the curve. @param {View} view */
export function summary(view) {
  const looked = run.value;
  if (!looked) return "";
  const told = (/** @type {number | null | undefined} */ loss) => number(view.inUnit(loss));
  const first = measured.curves.loss?.[0];
  const since = first ? `, from ${told(first[1])} at the start` : "";
  const training = `training ${view.name} ${told(looked.loss)}${since}`;
  return `Step ${whole(looked.step)}: ${training}; validation ${told(looked.validation_loss)}.`;
}

/** The pill beside the sentence. @param {Run | null} run */
export const pill = (run) => (run ? stateInWords(run.state) : "no run yet");
