/** The page opens: its desk, and what its address says. */
import { showTab } from "./address.js";
import { ask, useAddress, useDesk } from "./api.js";
import { readDraft } from "./draft.js";
import { Signal } from "./signal.js";
import { readSources } from "./sources.js";
import { look } from "./store.js";

const ASKED = ["recipe", "set"];
const KEY_BYTES = 32;

/** Whether it has. */
export const opened = new Signal(false);

/**
 * For Gradio, which keeps the key in the browser.
 *
 * @param {string} key of the desk, empty for a new one
 */
export function open(key) {
  const query = new URLSearchParams(location.search);
  const workspace = key || newKey();
  useAddress(new URLSearchParams([...query].filter(([name]) => ASKED.includes(name))).toString());
  useDesk(workspace);
  showTab(query.get("tab") || "");
  readDraft();
  readSources();
  lookAtFirst(workspace, query.get("run"));
  opened.set(true);
  return workspace;
}

/**
 * At the run in the address, or else at the desk's current one.
 *
 * @param {string} workspace
 * @param {string | null} id which may be of another desk, or deleted
 */
async function lookAtFirst(workspace, id) {
  const found = id ? await ask("read_run", { run_id: id }) : null;
  if (found && !found.error) return look({ workspace, run: id });
  const current = await ask("status", {});
  look({ workspace, run: current.error ? null : (current.run?.id ?? null) });
}

/** That nobody can guess. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}
