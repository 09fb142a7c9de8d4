/** A question mark beside every setting, which explains it in its place. */
import { concepts } from "../../lib/concepts.js";
import { add, whenChanged } from "../../lib/dom.js";

const GAP = 6; // pixels between a label and its question mark
const SIZE = 24; // of the question mark
const EDGE = 30; // between it and the right edge of the field at least, with its own width

/**
 * Puts them there, also where a field comes later. What is answered opens or closes the explanation
 * of a question mark.
 *
 * @param {HTMLElement} element while it is on the page
 * @param {(box: HTMLElement, id: string, body: string) => void} tell fills an explanation
 */
export function explainSettings(element, tell) {
  const sizes = new ResizeObserver((all) => {
    for (const { target } of all) {
      const button = target.querySelector(":scope > .gtt-why");
      if (button instanceof HTMLElement) place(target, button);
    }
  });

  async function addMarks() {
    for (const [concept, { key, title }] of Object.entries(await concepts())) {
      const field = key && document.getElementById(key.replace(".", "-"));
      if (!field || field.querySelector(":scope > .gtt-why")) continue;
      const button = add(field, "button", { class: "gtt-why beside", text: "?", type: "button" });
      button.dataset.setting = field.id;
      button.dataset.concept = concept;
      button.setAttribute("aria-label", `What is “${title}”?`);
      button.setAttribute("aria-expanded", "false");
      button.hidden = true; // until its place is known
      place(field, button);
      sizes.observe(field);
    }
  }

  /** @param {HTMLElement} button */
  async function explain(button) {
    const field = /** @type {HTMLElement} */ (button.parentNode);
    const shown = field.querySelector(":scope > .gtt-about");
    button.setAttribute("aria-expanded", String(!shown));
    if (shown) return shown.remove();
    const id = button.dataset.concept || "";
    const concept = (await concepts())[id];
    if (!concept || field.querySelector(":scope > .gtt-about")) return;
    tell(add(field, "div", { class: "gtt-about" }), id, concept.body);
  }

  whenChanged(element, document.querySelector("#tabs") || document.body, addMarks);
  return explain;
}

/**
 * Outside of the label, whose name it would lengthen, and yet behind its last word.
 *
 * @param {Element} field
 * @param {HTMLElement} button
 */
function place(field, button) {
  const words = field.querySelector('[data-testid="block-info"], label > span');
  if (!words) return;
  const text = document.createRange(); // its lines: the box around them is as wide as it may be
  text.selectNodeContents(words);
  const last = [...text.getClientRects()].at(-1);
  if (!last) return;
  const box = field.getBoundingClientRect();
  button.hidden = false;
  button.style.left = `${Math.min(last.right - box.left + GAP, box.width - EDGE)}px`;
  button.style.top = `${last.top - box.top + (last.height - SIZE) / 2}px`;
}
