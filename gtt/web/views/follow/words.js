/**
 * What is said of a step of a token's way, and where its numbers stand.
 *
 * @typedef {import("../../lib/store.js").Schema} Schema
 * @typedef {Schema["TokenPath"]} TokenPath
 * @typedef {Schema["PathStep"]} PathStep
 * @typedef {[number, number]} Spot a row and a column
 */
import { visible } from "../../lib/format.js";

export const LINE = 128; // numbers of one vector in a line

/** @type {Record<string, string>} */
const KINDS = { width: "number", head: "number", hidden: "unit", tokens: "place" };

/**
 * What a number of a step is called.
 *
 * @param {PathStep} step
 * @param {string[]} tokens of the path
 * @param {Spot} spot
 */
export function placeOf(step, tokens, [row, column]) {
  if (step.columns === "candidates") return `“${visible(step.texts[column] || "")}”`;
  const token = step.columns === "tokens" ? ` “${visible(tokens[column])}”` : "";
  const head = step.rows.length > 1 ? `Head ${row}, ` : "";
  return `${head}${KINDS[step.columns]} ${column}${token}`;
}

/**
 * The rows in which the numbers of a step are drawn: one for each head, or a long vector in lines.
 *
 * @param {Pick<PathStep, "rows">} step
 */
export function linesOf({ rows }) {
  const isLong = rows.length === 1 && rows[0].length > LINE;
  if (!isLong) return { lines: rows, isWrapped: false };
  const count = Math.ceil(rows[0].length / LINE);
  const lines = Array.from({ length: count }, (_, i) => rows[0].slice(i * LINE, (i + 1) * LINE));
  return { lines, isWrapped: true };
}

/**
 * From a row and a column of the step to those of the lines.
 *
 * @param {Spot} spot
 * @param {boolean} isWrapped
 * @returns {Spot}
 */
export const cellOf = ([row, column], isWrapped) =>
  isWrapped ? [Math.floor(column / LINE), column % LINE] : [row, column];

/** And back. @param {Spot} cell @param {boolean} isWrapped @returns {Spot} */
export const spotOf = ([row, column], isWrapped) =>
  isWrapped ? [0, row * LINE + column] : [row, column];

/**
 * The point of the stream that a step reads from or has written.
 *
 * @param {string} name of the step
 * @param {string[]} points
 */
export function pointOf(name, points) {
  const exact = points.indexOf(name);
  if (exact >= 0) return exact;
  if (["logits", "final", "ln_f"].includes(name)) return points.length - 1;
  const found = /^h\.(\d+)\.(.+)$/.exec(name);
  if (!found) return 0;
  const [, block, part] = found;
  if (/^(mlp|ln_2)/.test(part)) return Math.max(0, points.indexOf(`h.${block}.resid_mid`));
  return Math.max(0, points.indexOf(`h.${Number(block) - 1}.resid_post`));
}

/** What a point of the stream comes after. @param {string} point */
export function partBefore(point) {
  const found = /^h\.(\d+)\.resid_(mid|post)$/.exec(point);
  if (!found) return "embedding";
  return `${found[2] === "mid" ? "attention" : "MLP"} ${found[1]}`;
}

/** What does not fit into a block. @param {number} cut @param {number} kept tokens */
export function cutSaid(cut, kept) {
  if (!cut) return "";
  const first = cut > 1 ? `first ${cut} tokens of the text are` : "first 1 token of the text is";
  return `The ${first} left out: the last ${kept} fit.`;
}

/** With the minus sign of a book. @param {string} figure */
export const minus = (figure) => figure.replace("-", "−");
