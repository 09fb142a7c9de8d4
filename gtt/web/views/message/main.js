/** One sentence on what went wrong; it stays until the next action or until it is closed. */
import { partsOf } from "../../lib/dom.js";
import { said } from "../../lib/page.js";

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio its value is the sentence, empty where all is well
 */
export function mount(element, { props, watch }) {
  const part = partsOf(element);

  /** @param {string | null} sentence */
  function show(sentence) {
    part("words").textContent = sentence || "";
    part("box").hidden = !sentence;
  }

  part("close").onclick = () => {
    props.value = "";
    show("");
  };
  said.follow(element, show);
  watch("value", () => show(props.value));
  show(props.value);
}
