/** The Generation tab: write with a checkpoint, and see what it held likely at each token. */
import { Bench } from "./bench.js";
import { explainWithin } from "./explaining.js";

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio `props.settings` describes those of the tab
 */
export function mount(element, { props }) {
  const bench = new Bench(element, props.settings);
  const { part, look, settings, writing, own } = bench;
  explainWithin(element);
  settings.choose("sampling");
  bench.drawPlaces();
  bench.drawLegend();

  part("coloured").onchange = () => {
    look.isColoured = part("coloured").checked;
    bench.drawLegend();
  };
  part("unit").onchange = () => bench.useUnit(part("unit").value);
  part("prompt").oninput = () => bench.lookAtPrompt();
  onEnter(part("prompt"), () => writing.generate());
  onEnter(part("own"), () => own.read());
}

/** Control and Enter in a field. @param {HTMLElement} field @param {() => void} act */
function onEnter(field, act) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    act();
  });
}
