/** Terms of the glossary: how one is shown, and which of them a search finds. */
import { add } from "../../lib/dom.js";

/**
 * @typedef {import("../../lib/concepts.js").Concept} Concept
 * @typedef {{ id: string, box: HTMLDetailsElement, head: HTMLElement, title: string,
 *   words: string }}
 *   Entry with what is searched, in small letters
 */

/**
 * Paragraphs parted by empty lines, with code between backticks.
 *
 * @param {HTMLElement} box
 * @param {string} body
 */
export function addParagraphs(box, body) {
  for (const paragraph of body.split("\n\n")) {
    const shown = add(box, "p");
    paragraph.split("`").forEach((piece, i) => {
      if (i % 2) add(shown, "code", { text: piece });
      else shown.append(piece);
    });
  }
}

/**
 * @param {HTMLElement} list
 * @param {string} id
 * @param {Concept} term
 * @returns {Entry}
 */
export function addTerm(list, id, { title, tip, body, kind, key }) {
  const box = add(list, "details");
  const head = add(box, "summary");
  add(head, "b", { text: title });
  add(head, "small", { text: kind });
  add(head, "span", { text: tip });
  addParagraphs(box, body);
  if (key) addParagraphs(box, `In a script or an address: \`${key}\`.`);
  const words = [title, tip, key, body].join(" ").toLowerCase();
  return { id, box, head, title: title.toLowerCase(), words };
}

/**
 * Those that a search finds: what is called so comes before what only speaks of it.
 *
 * @template {{ title: string, words: string }} E
 * @param {E[]} entries
 * @param {string} text
 */
export function inOrder(entries, text) {
  const sought = text.trim().toLowerCase();
  const isNamed = (/** @type {E} */ entry) => Number(entry.title.includes(sought));
  return entries
    .filter((entry) => isNamed(entry) || entry.words.includes(sought))
    .sort((a, b) => isNamed(b) - isNamed(a) || (a.title < b.title ? -1 : 1));
}
