/** One sentence on what went wrong; it stays until the next action or until it is closed. */
import { partsOf } from "../../lib/dom.js";
import { said } from "../../lib/page.js";

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);

  /** @param {string} sentence empty where all is well */
  function show(sentence) {
    part("words").textContent = sentence;
    part("box").hidden = !sentence;
  }

  part("close").onclick = () => show("");
  said.follow(element, show);
  show(said.value);
}
