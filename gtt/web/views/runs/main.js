/** My runs: a table of radio buttons, and those that were deleted a moment ago. */

import { restore } from "../../lib/changes.js";
import { add, partsOf } from "../../lib/dom.js";
import { number, size, stateInWords, whole } from "../../lib/format.js";
import { deleted, say } from "../../lib/page.js";
import { lookAt, runs, wanted } from "../../lib/store.js";
import { drawDeleted, remember } from "./deleted.js";

/** @typedef {import("../../lib/store.js").RunInfo} RunInfo */

const COLUMNS = ["is", "is", "is", "state", "", "", "is"]; // after the name
const DAY = /** @type {const} */ ({
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** @param {RunInfo} run */
function cells(run) {
  const place = run.queue ? `, place ${run.queue.place}` : "";
  return [
    run.text,
    run.tokenizer,
    size(run.parameters),
    stateInWords(run.state) + place + (run.job ? " on the Hub" : ""),
    run.total_steps ? `${whole(run.step)} of ${whole(run.total_steps)}` : "–",
    number(run.best_validation_loss),
    new Date(run.created).toLocaleString([], DAY),
  ];
}

/**
 * What a narrow screen shows below the name, where that does not say it already.
 *
 * @param {RunInfo} run
 */
function what(run) {
  const words = `${run.text}, ${run.tokenizer}, ${size(run.parameters)}`;
  return run.name.startsWith(words) ? "" : words;
}

/**
 * From which recipe it is, what was changed in it, and which run it began again.
 *
 * @param {RunInfo | undefined} run
 */
function origin(run) {
  if (!run) return "";
  const changed = run.changed.join(", ");
  const after = run.restarted_from ? ` Restarted from “${run.restarted_from.name}”.` : "";
  return `The recipe ${run.recipe}${changed ? `, changed: ${changed}` : " as it is"}.${after}`;
}

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  let chosen = wanted.value;

  /** Rows stay where they are, so that a focused one keeps its focus while the figures move. */
  function draw() {
    const list = runs.value;
    const current = chosen || list[0]?.id;
    const body = /** @type {HTMLTableSectionElement} */ (part("rows"));
    drawDeleted(part("deleted"), restore);
    part("hint").hidden = list.length > 0;
    part("frame").hidden = list.length === 0;
    while (body.rows.length > list.length) body.deleteRow(-1);
    const words = origin(list.find((run) => run.id === current));
    part("origin").textContent = words;
    part("origin").title = words;
    list.forEach((run, i) => {
      const row = body.rows[i] || make(body);
      row.className = run.id === current ? "chosen" : "";
      const radio = /** @type {HTMLInputElement} */ (row.querySelector("input"));
      radio.value = run.id;
      radio.checked = run.id === current;
      /** @type {HTMLElement} */ (row.querySelector(".name")).textContent = run.name;
      /** @type {HTMLElement} */ (row.querySelector(".what")).textContent = what(run);
      cells(run).forEach((text, n) => {
        row.cells[n + 1].textContent = text;
      });
    });
  }

  /** @param {HTMLTableSectionElement} body */
  function make(body) {
    const row = body.insertRow();
    const label = add(row.insertCell(), "label");
    const radio = add(label, "input", { type: "radio" });
    radio.name = "gtt-run";
    const both = add(label, "span");
    add(both, "span", { class: "name" });
    add(both, "span", { class: "what" });
    radio.onclick = () => {
      chosen = radio.value;
      draw();
      say("");
      lookAt(radio.value);
    };
    for (const kind of COLUMNS) row.insertCell().className = kind;
    return row;
  }

  runs.follow(element, draw);
  wanted.follow(element, (id) => {
    chosen = id;
    draw();
  });
  deleted.follow(element, (gone) => {
    if (!gone) return;
    remember(gone);
    runs.set(runs.value.filter((run) => run.id !== gone.id));
  });
  draw();
}
