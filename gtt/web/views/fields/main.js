/**
 * What is said beside the controls of the draft, and what fills them: its event `filled` lets
 * Gradio
 * call `filling` of `gtt/web/lib/draft.js`.
 */
import { desk } from "../../lib/api.js";
import { listen, whenChanged } from "../../lib/dom.js";
import { controlOf, fill, readDraft, screen, useControls } from "../../lib/draft.js";
import { sources } from "../../lib/sources.js";
import { keepWithTheFirstAct } from "./address.js";
import { takeFiles } from "./files.js";
import { showRefusals } from "./refusals.js";

const ONCE = 1000; // milliseconds in which somebody comes back once
const UNUSED = "Not in use: the steps decide. Empty them to train by epochs.";

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio `labels` of the controls by setting, in their
 *   order; `most` bytes of a file are taken
 */
export function mount(element, { props, trigger }) {
  let asked = -ONCE;

  /** Another tab or a program may have changed the draft meanwhile. */
  function comeBack() {
    const refusal = document.querySelector('[aria-invalid="true"]');
    if (document.hidden || refusal || !desk() || performance.now() - asked < ONCE) return;
    asked = performance.now();
    readDraft();
  }

  listen(element, "visibilitychange", comeBack);
  listen(element, "focus", comeBack, { target: window });
  keepWithTheFirstAct(element);
  showRefusals(element);
  takeFiles(element, props.most);
  sources.follow(element, () => fill("text"));
  screen.follow(element, showUnused);
  whenChanged(element, document.body, () => {
    rename();
    showUnused(); // what is folded has no fields before it is opened
  });
  useControls(props.labels, () => trigger("filled"));
}

/** Where the steps are set, they decide, and the epochs do not count. */
function showUnused() {
  const field = controlOf("training.num_epochs");
  if (!field) return;
  const steps = screen.value["training.max_steps"];
  const isUnused = steps !== null && steps !== undefined && steps !== "";
  field.classList.toggle("gtt-unused", isUnused);
  const note = field.querySelector(".gtt-note") || field.appendChild(document.createElement("p"));
  note.className = "gtt-note";
  const words = isUnused ? UNUSED : "";
  if (note.textContent !== words) note.textContent = words;
}

/**
 * What Gradio names otherwise than it can be read: the pictures of the footer carry the words
 * beside them once more, and the box for files is called by other words than stand in it.
 */
function rename() {
  for (const picture of document.querySelectorAll("footer img[alt]")) {
    if (picture.getAttribute("alt")) picture.setAttribute("alt", "");
  }
  const box = document.querySelector("#upload button[aria-label]");
  if (!(box instanceof HTMLElement)) return;
  // biome-ignore lint/performance/useDomNodeTextContent: what is not seen is not part of its name
  const words = box.innerText.replace(/\s+/g, " ").trim();
  if (words && box.getAttribute("aria-label") !== words) box.setAttribute("aria-label", words);
}
