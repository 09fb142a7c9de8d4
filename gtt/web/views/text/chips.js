/**
 * Tokens as they are shown: whatever their text says, it stays text.
 *
 * @typedef {import("../../types/ask").Schema["ShownToken"]} Token
 */
import { add } from "../../lib/dom.js";
import { visible } from "../../lib/format.js";

const COLOURS = 6; // of chips, in style.css

/**
 * A token as it can be seen: blanks have a picture, bytes of an unfinished character are numbers.
 *
 * @param {{ text: string, whole: boolean }} token
 */
export function seen({ text, whole }) {
  const pictured = visible(text);
  return whole ? pictured : pictured.replace(/\\x([0-9a-f]{2})/g, " $1").trim();
}

/** @param {HTMLElement} list @param {Token[]} tokens */
export function showChips(list, tokens) {
  list.replaceChildren();
  return tokens.map((token) => {
    const colour = token.id === null ? "unknown" : `c${token.id % COLOURS}`;
    const chip = add(list, "li", { class: `chip ${colour}${token.whole ? "" : " bytes"}` });
    add(chip, "span", { class: "text", text: seen(token) });
    add(chip, "small", { text: token.id === null ? "–" : String(token.id) });
    return chip;
  });
}
