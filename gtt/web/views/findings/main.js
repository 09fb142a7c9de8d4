/**
 * .
 */
import { ask, pause } from "../../lib/api.js";
import { restart } from "../../lib/changes.js";
import { add, partsOf, repeat, tell } from "../../lib/dom.js";
import { isActive, run, turn, wanted } from "../../lib/store.js";

/** @typedef {import("../../lib/store.js").Schema} Schema */

/** @type {Record<string, string>} */
const WORDS = { good: "Good", note: "Note", warning: "Mind" };
// What a remedy does, beside it: it is not "Train longer".
const ANEW =
  "Begins a new run from random weights with this change alone; this run stays as it is.";
const STOPS = "Saves this run, then begins a new one from random weights with this change alone.";
const EMPTY = "Start a run, and what its curves mean is told here.";
const AGAIN = 4000; // milliseconds until it is asked again
const ONCE = 3000; // in which a remedy is taken once

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  let shown = "";
  let busy = false;

  async function poll() {
    if (busy || document.hidden) return;
    busy = true;
    const id = wanted.value;
    const answer = await ask("diagnosis", { run_id: id });
    busy = false;
    if (id !== wanted.value) await poll();
    else if (!answer.error) show(answer.run_id ?? null, answer.findings);
    else if (answer.error.code === "not_found") show(null, []);
  }

  /**
   * What is read aloud changes only when the findings do.
   *
   * @param {string | null} id
   * @param {Schema["FindingInfo"][]} findings
   */
  function show(id, findings) {
    const stops = id !== null && isActive(run.value) && run.value?.id === id;
    const mark = JSON.stringify([id, findings, stops]);
    if (mark === shown) return;
    shown = mark;
    const list = part("list");
    list.textContent = "";
    // On a phone the second one is below the edge of the list.
    tell(part("number"), findings.length > 1 ? `· ${findings.length} findings` : "");
    if (!findings.length)
      add(list, "p", { class: "quiet", text: id ? "Too early to say." : EMPTY });
    for (const finding of findings) {
      const card = add(list, "article", { class: finding.weight });
      add(card, "h3", { text: `${WORDS[finding.weight] || "Note"}: ${finding.title}` });
      add(card, "p", { text: finding.sentence });
      add(card, "p", { class: "evidence", text: finding.evidence });
      const more = add(card, "details");
      add(more, "summary", { text: "More on this" });
      for (const paragraph of finding.about.split("\n\n")) add(more, "p", { text: paragraph });
      if (finding.fix && id) offer(card, id, finding.fix, stops);
    }
  }

  /**
   * @param {HTMLElement} card
   * @param {string} id
   * @param {NonNullable<Schema["FindingInfo"]["fix"]>} fix
   * @param {boolean} stops
   */
  function offer(card, id, fix, stops) {
    const text = stops
      ? `Stop it; ${fix.label.charAt(0).toLowerCase()}${fix.label.slice(1)}`
      : fix.label;
    const button = add(card, "button", { text, type: "button" });
    add(card, "p", { class: "how", text: stops ? STOPS : ANEW });
    button.onclick = () => {
      if (button.disabled) return;
      button.disabled = true; // once is enough; the new run is looked at then
      setTimeout(() => {
        button.disabled = false;
      }, ONCE);
      restart(id, fix.changes, stops);
    };
  }

  const now = repeat(element, poll, () => pause(AGAIN));
  turn.follow(element, now);
  wanted.follow(element, now);
}
