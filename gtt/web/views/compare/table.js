/**
 * What differs between the runs, and what came of it.
 *
 * @typedef {import("../../lib/store.js").Schema["ComparedRuns"]} Comparison
 * @typedef {Comparison["runs"][number]} Compared
 */
import { add } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";

/** @param {number} digits */
const to = (digits) => (/** @type {number} */ value) => value.toFixed(digits);
const seconds = (/** @type {number} */ value) => (value < 10 ? value.toFixed(2) : whole(value));
const score = (/** @type {number} */ value) => `${(100 * value).toFixed(1)} %`;

/** @type {[keyof Compared["figures"], string, (value: number) => string][]} */
const RESULTS = [
  ["best_validation_loss", "Best validation loss", to(4)],
  ["best_step", "Reached at step", whole],
  ["bits_per_byte", "Bits per byte, at its best", to(4)],
  ["validation_loss", "Last validation loss", to(4)],
  ["loss", "Last training loss", to(4)],
  ["task_score", "Exam", score],
  ["parameters", "Parameters", whole],
  ["steps", "Steps", whole],
  ["tokens", "Tokens read", whole],
  ["seconds", "Seconds of training", seconds],
  ["tokens_per_second", "Tokens per second", whole],
];

/** @param {unknown} value */
function inWords(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** An upload is called as its file was. */
function setting(/** @type {Comparison["settings"][number]} */ one, /** @type {Compared} */ run) {
  const value = one.values[run.id];
  const isUpload = one.key === "data.source" && String(value).startsWith("upload:");
  return inWords(isUpload ? run.text : value);
}

/**
 * @param {(name: string) => HTMLElement} part
 * @param {Comparison} answer
 * @param {Record<string, string>} names of the runs by id
 */
export function drawTable(part, answer, names) {
  const { runs } = answer;
  /** @param {HTMLElement} body @param {string} title */
  const group = (body, title) => {
    body.replaceChildren();
    const cell = add(add(body, "tr"), "th", { text: title });
    cell.scope = "rowgroup";
    cell.colSpan = runs.length + 1;
  };
  /** @param {HTMLElement} body @param {string} title */
  const row = (body, title) => {
    const made = add(body, "tr");
    add(made, "th", { text: title }).scope = "row";
    return made;
  };

  part("names").replaceChildren();
  add(part("names"), "td");
  for (const run of runs) add(part("names"), "th", { text: names[run.id] }).scope = "col";

  const { settings } = answer;
  group(part("settings"), settings.length ? "Settings that differ" : "All settings are the same");
  for (const one of settings) {
    const made = row(part("settings"), one.unit ? `${one.label} (${one.unit})` : one.label);
    for (const run of runs) add(made, "td", { text: setting(one, run) });
  }

  group(part("results"), "What came of it");
  for (const [name, title, format] of RESULTS) {
    if (runs.every((run) => run.figures[name] === null)) continue;
    const made = row(part("results"), title);
    for (const run of runs) {
      const value = run.figures[name];
      const isBest = (answer.best[name] || []).includes(run.id);
      const text = value === null ? "–" : format(value);
      add(made, "td", isBest ? { text: `${text} best`, class: "best" } : { text });
    }
  }
}
