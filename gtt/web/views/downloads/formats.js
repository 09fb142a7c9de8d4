/** What a model is exported as, beside the folder for transformers. */
import { add } from "../../lib/dom.js";

/** @typedef {{ name: string, title: string, sort: string, about: string }} Format */

const WEIGHTS = { auto: "16 bits, 8 if large", fp16: "16 bits", int8: "8 bits" };

/**
 * A row for each, before another row.
 *
 * @param {HTMLElement} before
 * @param {Format[]} formats
 */
export function addFormats(before, formats) {
  for (const { name, title, sort, about } of formats) {
    const row = document.createElement("div");
    row.className = "group";
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", title);
    add(row, "span", { class: "title", text: title });
    const button = add(row, "button", { text: sort, type: "button" });
    button.dataset.file = name;
    button.setAttribute("aria-label", title === sort ? title : `${title} (${sort})`);
    if (name === "pocket") addWeights(row);
    add(row, "span", { class: "about", text: about });
    before.before(row);
  }
}

/** @param {HTMLElement} row */
function addWeights(row) {
  const select = add(add(row, "label", { text: "weights of " }), "select");
  select.dataset.part = "weights";
  for (const [value, text] of Object.entries(WEIGHTS))
    add(select, "option", { text }).value = value;
}
