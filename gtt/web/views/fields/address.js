/**
 * What the address asks for becomes the draft with the first thing that a person does on this page.
 * In a frame of another site that is a click: that site can move the focus, and keys would follow.
 */
import { addressAsks } from "../../lib/api.js";
import { listen } from "../../lib/dom.js";
import { keepAddress } from "../../lib/draft.js";
import { opened } from "../../lib/opening.js";

function isFramed() {
  if (window.top === window) return false;
  try {
    return window.top?.location.origin !== location.origin;
  } catch {
    return true;
  }
}

/** @param {HTMLElement} element while it is on the page */
export function keepWithTheFirstAct(element) {
  let hasActed = false;
  const keep = () => {
    if (opened.value && hasActed && addressAsks()) keepAddress();
  };

  for (const name of ["pointerdown", "keydown"]) {
    const acted = (/** @type {Event} */ event) => {
      if (hasActed || !event.isTrusted || (name === "keydown" && isFramed())) return;
      hasActed = true;
      keep();
    };
    listen(element, name, acted, { capture: true });
  }
  opened.follow(element, keep);
}
