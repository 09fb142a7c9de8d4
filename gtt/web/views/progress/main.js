/** How the run that is looked at stands, in one line above the tabs. It is always on the page. */
import { partsOf } from "../../lib/dom.js";
import { duration, size, stateInWords, whole } from "../../lib/format.js";
import { followAll, isActive, look, run } from "../../lib/store.js";

/** @typedef {import("../../lib/store.js").Run} Run */

// Views of tabs that are opened later: what they need is there by then, so that nothing moves.
const TEXTS = ["text/preview", "text/tokens", "text/merges"];
const MODELS = ["architecture", "follow", "estimate", "generation", "attention"];
const REST = 1000; // milliseconds that the page has for itself first

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio its value may say which run is looked at
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  run.follow(element, (next) => show(part, next));
  followAll(element);
  if (props.value) look(props.value);
  setTimeout(async () => {
    for (const name of [...TEXTS, ...MODELS]) await import(`../${name}/main.js`).catch(() => {});
  }, REST);
}

/**
 * @param {ReturnType<typeof partsOf>} part
 * @param {Run | null} next
 */
function show(part, next) {
  const about = next ? `${next.text}, ${next.tokenizer}, ${size(next.parameters)}` : "";
  part("name").textContent = next ? next.name : "No run yet";
  // The name of a run that nobody named says it already.
  part("about").textContent = next && !next.name.startsWith(about) ? about : "";
  part("dot").className = `dot ${isActive(next) ? "active" : next ? next.state : ""}`;
  const share = next?.total_steps ? next.step / next.total_steps : 0;
  part("bar").style.transform = `scaleX(${share})`;
  part("track").setAttribute("aria-valuenow", Math.round(100 * share));
  part("far").textContent = next ? far(next) : "Pick a recipe and press Start training.";
}

/** How far it is. @param {Run} run */
function far(run) {
  const state = stateInWords(run.state);
  if (run.queue) return `place ${run.queue.place} in the queue`;
  if (!run.total_steps) return run.stage || state;
  const steps = `${whole(run.step)} of ${whole(run.total_steps)} steps`;
  if (run.state !== "running") return `${state} · ${steps}`;
  return run.eta_seconds ? `${steps} · about ${duration(run.eta_seconds)} left` : steps;
}
