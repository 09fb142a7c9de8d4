/** Rows of a bar chart that are buttons: the token, its bars, its numbers. */
import { add } from "../../lib/dom.js";
import { probability, visible } from "../../lib/format.js";

/** @param {HTMLElement} list */
export function addBar(list) {
  const row = add(list, "button", { class: "bar", type: "button" });
  add(row, "span", { class: "token mono" });
  row.append(" ");
  const track = add(row, "span", { class: "track" });
  add(track, "i", { class: "was" });
  add(track, "i", { class: "is" });
  add(row, "span", { class: "value" });
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {{ text: string, before: number, after?: number | null, came?: boolean, cut?: boolean }}
 *   about `after` are the odds after the settings, where they are shown as well
 */
export function setBar(row, { text, before, after = null, came = false, cut = false }) {
  const [token, track, value] = /** @type {HTMLElement[]} */ (Array.from(row.children));
  const [was, is] = /** @type {HTMLElement[]} */ (Array.from(track.children));
  token.textContent = visible(text);
  was.style.width = `${100 * before}%`;
  is.style.width = `${100 * (after ?? before)}%`;
  const kept = cut ? "cut" : probability(after ?? before);
  value.textContent = after === null ? kept : `${probability(before)} → ${kept}`;
  row.classList.toggle("cut", cut);
  row.classList.toggle("came", came);
  const what = after === null ? "odds" : "the model’s odds and those after the settings";
  const spoken = `${visible(text)} ${value.textContent}: ${what}`;
  row.ariaLabel = `${spoken}${came ? ", the token that came" : ""}`;
}
