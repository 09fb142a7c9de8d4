/** What the buttons around a run do. The buttons and fields themselves are Gradio's. */
import { ask } from "../../lib/api.js";
import { remove, rename, resume, start, stop, stopAny, useSettings } from "../../lib/changes.js";
import { listen } from "../../lib/dom.js";
import { settled } from "../../lib/draft.js";
import { copyLink, say } from "../../lib/page.js";
import { isActive, news, run } from "../../lib/store.js";
import { refuseTheIdle } from "./refusals.js";

const NONE = "There is no run yet: start one first.";
const HOW_MANY = "Write how many steps it shall have done in all.";
const WHICH_NAME = "Write the new name first.";

/** The field of a control that Gradio drew. @param {string} id */
const field = (id) =>
  /** @type {HTMLInputElement | null} */ (document.querySelector(`#${id} :is(input, textarea)`));

/**
 * Writes into a control as a person would, once for each `mark`: what somebody wrote since stays.
 *
 * @param {string} id
 * @param {string} text
 * @param {string} mark
 */
function fill(id, text, mark) {
  const box = field(id);
  if (!box || box.dataset.of === mark) return;
  box.dataset.of = mark;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Twice the steps of the run that is looked at, and its name; nothing of an older one. Epochs are
 * known in steps once the text has been read.
 */
function fillAll() {
  const looked = run.value;
  const id = looked ? looked.id : "";
  const steps = looked?.total_steps ? String(2 * looked.total_steps) : "";
  fill("more-steps", steps, `${id} ${steps} ${isActive(looked)}`);
  fill("run-name", looked ? looked.name : "", id);
}

/** @param {string} id */
function lengthen(id) {
  const steps = Number(field("more-steps")?.value);
  return steps ? resume(id, steps) : say(HOW_MANY);
}

/** @param {string} id */
function renamed(id) {
  const name = field("run-name")?.value.trim();
  return name ? rename(id, name) : say(WHICH_NAME);
}

/** A link to the draft. */
async function copy() {
  await settled();
  const answer = await ask("get_config", {});
  if (answer.error) say(answer.error.message);
  else await copyLink(answer.link);
}

/** By the id of a button: what it does. */
const ANYTIME = /** @type {Record<string, () => unknown>} */ ({ start, copy, stop: stopAny });

/** What it does with the run that is looked at. */
const ACTS = /** @type {Record<string, (id: string) => unknown>} */ ({
  "stop-this": stop,
  resume: (id) => resume(id),
  longer: lengthen,
  rename: renamed,
  use: useSettings,
  delete: remove,
});

/** @param {HTMLElement} element */
export function mount(element) {
  refuseTheIdle(element);
  listen(element, "click", (event) => {
    const id = event.target.closest?.("button")?.id || "";
    if (Object.hasOwn(ANYTIME, id)) ANYTIME[id]();
    else if (!Object.hasOwn(ACTS, id)) return;
    else if (run.value) ACTS[id](run.value.id);
    else say(NONE);
  });
  listen(element, "keydown", (event) => {
    const isName = event.key === "Enter" && event.target.closest?.("#run-name");
    if (isName && run.value) renamed(run.value.id);
  });
  news.follow(element, fillAll);
}
