/**
 * What the address asks for becomes the draft with the first thing that a person does on this page.
 * In a frame of another site that is a click: that site can move the focus, and keys would follow.
 */
import { listen } from "../../lib/dom.js";
import { keeping, opened } from "../../lib/page.js";

const ASKED = ["recipe", "set"];
const page = document.documentElement.dataset;

function isFramed() {
  if (window.top === window) return false;
  try {
    return window.top?.location.origin !== location.origin;
  } catch {
    return true;
  }
}

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio
 */
export function mount(element, { trigger }) {
  let hasActed = false;

  function keep() {
    const address = new URL(location.href);
    if (opened.value === null || !hasActed) return;
    if (!ASKED.some((name) => address.searchParams.has(name))) return;
    // A reload must not undo what is changed from now on. The tab and the run stay in the address.
    for (const name of ASKED) address.searchParams.delete(name);
    history.replaceState(null, "", address);
    delete page.gttAsked;
    keeping.set(true);
    trigger("done");
  }

  for (const name of ["pointerdown", "keydown"]) {
    const acted = (/** @type {Event} */ event) => {
      if (!event.isTrusted || (name === "keydown" && isFramed())) return;
      hasActed = true;
      keep();
    };
    listen(element, name, acted, { capture: true });
  }
  opened.follow(element, keep);
}
