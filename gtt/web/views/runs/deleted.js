/**
 * Runs that were deleted a moment ago: the browser remembers them, so that a reload does not lose
 * the way back.
 *
 * @typedef {{ id: string, name: string, until: number }} Deleted `until` in milliseconds
 */
import { desk } from "../../lib/api.js";
import { add } from "../../lib/dom.js";
import { runs } from "../../lib/store.js";

const MINUTE = 60000; // milliseconds

const place = () => `gtt-deleted-${desk().slice(0, 12)}`;

/** Those that can still be brought back. @returns {Deleted[]} */
function read() {
  let known = /** @type {Deleted[]} */ ([]);
  try {
    known = JSON.parse(localStorage.getItem(place()) || "[]");
  } catch {
    // begun anew
  }
  return known.filter(
    (one) => one.until > Date.now() && !runs.value.some((run) => run.id === one.id),
  );
}

/** @param {Deleted[]} known */
function keep(known) {
  try {
    localStorage.setItem(place(), JSON.stringify(known));
  } catch {
    // a browser that keeps nothing
  }
}

/** @param {{ id: string, name: string, seconds: number }} gone */
export function remember({ id, name, seconds }) {
  keep([...read(), { id, name, until: Date.now() + 1000 * seconds }]);
}

/**
 * Lists them with a button each; `restore` gets the id.
 *
 * @param {HTMLElement} list
 * @param {(id: string) => void} restore
 */
export function drawDeleted(list, restore) {
  const known = read();
  const mark = JSON.stringify(known) + Math.floor(Date.now() / MINUTE);
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.textContent = "";
  for (const one of known) {
    const minutes = Math.max(1, Math.round((one.until - Date.now()) / MINUTE));
    const row = add(list, "p", { text: `“${one.name}” is deleted. ` });
    const button = add(row, "button", { text: `Undo (${minutes} min left)`, type: "button" });
    button.onclick = () => {
      keep(known.filter((other) => other.id !== one.id));
      restore(one.id);
    };
  }
}
