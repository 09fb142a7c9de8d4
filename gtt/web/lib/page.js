/** What the parts of the page tell each other beside the run and the draft: sentences, terms. */
import { tabShown } from "./address.js";
import { Signal } from "./signal.js";

/** A sentence for whoever looks at the page. */
export const said = new Signal("");

/** The concept that the glossary is opened at. */
export const explained = new Signal("");

/** A run that was deleted just now. */
export const deleted = new Signal(
  /** @type {{ id: string, name: string, seconds: number } | null} */ (null),
);

/** Says what a person should know. @param {string} sentence */
export function say(sentence) {
  said.set(sentence);
}

/** Opens the glossary at a term. @param {string} concept */
export function explain(concept) {
  explained.set(concept);
}

/** Puts a link to the draft into the clipboard. @param {string} query */
export async function copyLink(query) {
  const tab = tabShown();
  const link = `${location.origin}${location.pathname}?${query}${tab ? `&tab=${tab}` : ""}`;
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    window.prompt("The link to these settings:", link);
    return;
  }
  const button = /** @type {HTMLElement} */ (document.querySelector("#copy"));
  const words = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = words;
  }, 2000);
}
