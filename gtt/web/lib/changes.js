/**
 * What a person does to a run: each is one request, after which the page looks at the run that came
 * of it. A refusal is said, and nothing else happens.
 */

import { showTab } from "./address.js";
import { ask } from "./api.js";
import { change, refuse, screen, settled } from "./draft.js";
import { deleted, say } from "./page.js";
import { isActive, lookAt, readRuns, run, runs } from "./store.js";

const NOTHING_TO_STOP = "No run is at work: there is nothing to stop.";

/** Says what is wrong with an answer. @param {{ error?: { message: string } }} answer */
function isRefused({ error }) {
  say(error ? error.message : "");
  return Boolean(error);
}

/** Trains what the page shows. A setting that cannot be is told beside its control. */
export async function start() {
  await settled();
  const answer = await ask("create_run", { screen: screen.isKnown ? screen.value : null });
  if (!answer.error) {
    say("");
    lookAt(answer.run.id);
    showTab("training");
    return;
  }
  const told = refuse(answer.error);
  say(told ? `Nothing was started. ${told}` : answer.error.message);
}

/** Makes the draft what a run was trained with. @param {string} id */
export async function useSettings(id) {
  const answer = await ask("read_run", { run_id: id });
  if (isRefused(answer) || answer.error) return;
  const { data, model, training, generation } = answer.config;
  await change({ recipe: answer.run.recipe, config: { data, model, training, generation } });
}

/** @param {string} id */
export async function stop(id) {
  if (!isRefused(await ask("stop_run", { run_id: id }))) readRuns();
}

/** Stops the run that is looked at, or else the one that is at work. */
export async function stopAny() {
  const active = runs.value.filter(isActive);
  const one =
    active.find(({ id }) => id === run.value?.id) ||
    active.findLast(({ state }) => state !== "queued") ||
    active.at(-1);
  if (one) await stop(one.id);
  else say(NOTHING_TO_STOP);
}

/** Goes on with a run, with so many steps in all where they are given. */
export async function resume(/** @type {string} */ id, /** @type {number} */ steps = 0) {
  const config = steps ? { training: { max_steps: steps } } : null;
  const answer = await ask("resume_run", { run_id: id, config });
  if (!isRefused(answer)) lookAt(id);
}

/** @param {string} id @param {string} name */
export async function rename(id, name) {
  if (!isRefused(await ask("rename_run", { run_id: id, name }))) lookAt(id);
}

/** Begins a run again with changes; `stops` where it is at work and the new one takes its place. */
export async function restart(
  /** @type {string} */ id,
  /** @type {import("../types/ask").Values<"restart_run">["config"]} */ config,
  /** @type {boolean} */ stops,
) {
  const answer = await ask("restart_run", { run_id: id, config });
  if (isRefused(answer) || answer.error) return;
  if (stops) await stop(id); // at last, so that a refused restart costs nothing
  lookAt(answer.run.id);
}

/** Deletes a run; the desk's current one is looked at then. @param {string} id */
export async function remove(id) {
  const name = run.value?.name || id;
  const answer = await ask("delete_run", { run_id: id });
  if (isRefused(answer) || answer.error) return;
  deleted.set({ id, name, seconds: answer.undo_seconds ?? 0 });
  lookAt(null);
}

/** Brings a deleted run back. @param {string} id */
export async function restore(id) {
  if (!isRefused(await ask("restore_run", { run_id: id }))) lookAt(id);
}
