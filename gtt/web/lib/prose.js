/**
 * Text with a little Markdown as elements: paragraphs, lists, emphasis, `code`. Nothing in it can
 * become markup of its own.
 */
import { add } from "./dom.js";

const MARKS = /(\*\*[^*]+\*\*|\*[^*\s][^*]*\*|`[^`]+`)/;

/** @param {string} text */
export function blocksOf(text) {
  return text
    .split(/\n\s*\n/)
    .map((block) => block.trim())
    .filter(Boolean)
    .map((block) => {
      const lines = block.split("\n").map((line) => line.trim());
      if (lines.every((line, i) => line.startsWith("- ") || i > 0) && lines[0].startsWith("- ")) {
        const items = block.split(/(?:^|\n)\s*- /).filter((item) => item.trim());
        return { kind: "list", items: items.map((item) => item.split(/\s+/).join(" ").trim()) };
      }
      return { kind: "paragraph", items: [lines.join(" ")] };
    });
}

/** The parts of a line, each with the element that shows it. @param {string} line */
export function piecesOf(line) {
  return line
    .split(MARKS)
    .filter(Boolean)
    .map((piece) => {
      if (/^\*\*.+\*\*$/.test(piece)) return { tag: "strong", text: piece.slice(2, -2) };
      if (/^\*.+\*$/.test(piece)) return { tag: "em", text: piece.slice(1, -1) };
      if (/^`.+`$/.test(piece)) return { tag: "code", text: piece.slice(1, -1) };
      return { tag: "", text: piece };
    });
}

/** Writes one line into an element. @param {Element} parent @param {string} line */
export function writeLine(parent, line) {
  for (const { tag, text } of piecesOf(line)) {
    if (tag) add(parent, /** @type {"em"} */ (tag), { text });
    else parent.append(text);
  }
}

/** Writes a text into an element, in place of what is there. @param {Element} parent @param {string} text */
export function writeProse(parent, text) {
  parent.replaceChildren();
  for (const { kind, items } of blocksOf(text)) {
    if (kind === "list") {
      const list = add(parent, "ul");
      for (const item of items) writeLine(add(list, "li"), item);
    } else writeLine(add(parent, "p"), items[0]);
  }
}
