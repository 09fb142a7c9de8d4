/** The run that is looked at, for what is done with it at a press. */
import { ask, desk } from "./api.js";
import { run, wanted } from "./store.js";

const NONE = "There is no run yet: start one first.";
const TRIES = 50; // while the page is loading, with a tenth of a second between them

/**
 * Its id, or why there is none. The desk's current run is meant where none was chosen.
 *
 * @returns {Promise<{ id: string, refusal: "" } | { id: null, refusal: string }>}
 */
export async function findRun() {
  for (let i = 0; i < TRIES && !desk(); i += 1) await new Promise((go) => setTimeout(go, 100));
  const known = wanted.value || run.value?.id;
  if (known) return { id: known, refusal: "" };
  const answer = await ask("status", {});
  if (answer.error) return { id: null, refusal: answer.error.message };
  return answer.run ? { id: answer.run.id, refusal: "" } : { id: null, refusal: NONE };
}
